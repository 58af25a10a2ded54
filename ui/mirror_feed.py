"""The lane's live picture, from the socket that a snapshot names. It is shown and forgotten, and never written.

A packet is a length (4 bytes, big-endian), a line of JSON, `{"kind":"frame","w":640,"h":480,"attempt":7}`, and a JPEG.
`portrait` brings the picture in the document, which staff may compare by eye, `gone` (without a JPEG) takes both away.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PyQt5.QtCore import QBuffer, QByteArray, QIODevice, QObject, pyqtSignal
from PyQt5.QtGui import QImage, QImageReader

from models import wire
from ui.unix_socket import UnixSocket, milliseconds, single_shot

MOST_PACKET, MOST_HEADER = 1 << 20, 1024
MOST_SIDE_PX = 4096
STALE_S = 1.5
"""So long without a frame, and the picture is taken away: it would show somebody who has left."""

_LENGTH = struct.Struct(">I")


class Kind(StrEnum):
    """What a packet brings."""

    FRAME = "frame"
    PORTRAIT = "portrait"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Header:
    """A packet's first line. `w` and `h` are pixels, `attempt` is whose picture it is."""

    kind: Kind
    w: int = 0
    h: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """Header and picture, still as JPEG."""

    header: Header
    jpeg: bytes


class BadPacket(ValueError):
    """Bytes that are no packet; after them nothing can be found again, so the peer is dropped."""


class MirrorFeed(QObject):
    """Follows one camera. `frame` and `portrait` bring a `QImage` each; `gone` says that neither is to be shown."""

    frame = pyqtSignal(QImage)
    portrait = pyqtSignal(QImage)
    gone = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self._socket: UnixSocket | None = None
        self._packets = Packets()
        self._shows = False
        self._portrait: QImage | None = None
        self._stale = single_shot(self, self._lose_sight)
        self.attempt = 0

    def start(self, path: Path) -> None:
        """Follow the camera at `path`; where that is followed already, nothing changes."""
        if path == self._path:
            return
        self.stop()
        self._path, self._socket = path, UnixSocket(path, self)
        self._socket.opened.connect(self._begin)
        self._socket.came.connect(self._hear)
        self._socket.lost.connect(self._clear)
        self._socket.start()

    def stop(self) -> None:
        """Look away."""
        if self._socket is not None:
            self._socket.stop()
            self._socket.deleteLater()
        self._path = self._socket = None
        self._clear()

    def _begin(self) -> None:
        self._packets = Packets()

    def _hear(self, data: bytes) -> None:
        """Show what came. Of several frames only the latest is decoded: a mirror that lags is none."""
        try:
            packets = self._packets.feed(data)
        except BadPacket:
            if self._socket is not None:
                self._socket.drop()
            return
        latest = max((at for at, each in enumerate(packets) if each.header.kind is Kind.FRAME), default=-1)
        for at, packet in enumerate(packets):
            if packet.header.kind is not Kind.FRAME or at == latest:
                self._show(packet)

    def _show(self, packet: Packet) -> None:
        if packet.header.kind is Kind.GONE:
            self._clear()
            return
        image = picture(packet.jpeg)
        if image.isNull():
            return
        if self._socket is not None:
            self._socket.settle()
        self._shows, self.attempt = True, packet.header.attempt
        if packet.header.kind is Kind.FRAME:
            self._stale.start(milliseconds(STALE_S))
            self.frame.emit(image)
        else:
            self._portrait = image
            self.portrait.emit(image)

    def _lose_sight(self) -> None:
        """No frame comes any more; the picture in the document stays until the gate takes it away."""
        self.gone.emit()
        if self._portrait is not None:
            self.portrait.emit(self._portrait)

    def _clear(self) -> None:
        self._stale.stop()
        self._portrait = None
        if self._shows:
            self._shows = False
            self.gone.emit()


class Packets:
    """Bytes in, whole packets out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are complete now. Raises `BadPacket`."""
        self._rest += data
        found = []
        while (packet := self._next()) is not None:
            found.append(packet)
        return found

    def _next(self) -> Packet | None:
        if len(self._rest) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._rest)
        if not 0 < length <= MOST_PACKET:
            raise BadPacket(f"a packet of {length} bytes")
        end = _LENGTH.size + length
        if len(self._rest) < end:
            return None
        line, _, jpeg = bytes(self._rest[_LENGTH.size : end]).partition(b"\n")
        del self._rest[:end]
        try:
            return Packet(wire.from_json(Header, line[:MOST_HEADER]), jpeg)
        except wire.WireError as error:
            raise BadPacket(str(error)) from None


def picture(jpeg: bytes) -> QImage:
    """The picture in memory; none (`isNull`) where the bytes are no JPEG, or one of more pixels than any camera's."""
    buffer = QBuffer()
    buffer.setData(QByteArray(jpeg))
    buffer.open(QIODevice.ReadOnly)
    reader = QImageReader(buffer, b"jpeg")
    size = reader.size()
    if not size.isValid() or max(size.width(), size.height()) > MOST_SIDE_PX:
        return QImage()
    return reader.read()
