"""Card readers of a maker that doesn't exist: the example of "Add a reader" in the README.

9600 8N1. The reader only talks, one line a card: `C number check CR LF`, check being the CRC-32 of what stands before
it, in hexadecimal.

Device: the card reader of a maker that doesn't exist
Does: numbers of cards; assurance `uid_only`
Tried: simulator over good and bad wires
Untried: everything else, since there is nothing to try
"""

from __future__ import annotations

import threading
import time
import zlib

from drivers.errors import BadAnswer
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.credential import Assurance, Credential, Medium
from models.ids import DocumentType

TRANSPORTS = ("serial", "tcp")
OPTIONS = {"prefix": "what to put before each number (nothing)"}

_LONGEST_LINE = 64


def open(url: DeviceUrl) -> AcmeReader:
    """Open the line."""
    return AcmeReader(open_transport(url, 9600), url.option("prefix", str, ""))


def simulator(port) -> AcmeSimulator:
    """The reader at the far end of `port`."""
    return AcmeSimulator(port)


class AcmeReader:
    """The host's half."""

    def __init__(self, stream: Transport, prefix: str) -> None:
        self._stream, self._prefix = stream, prefix
        self._came = b""

    def read(self, timeout: float) -> Credential | None:
        """See `CardReader.read`."""
        ends = time.monotonic() + timeout
        while b"\n" not in self._came:
            data = self._stream.read(max(ends - time.monotonic(), 0))
            if not data:
                return None
            self._came = (self._came + data)[-_LONGEST_LINE:]
        line, _, self._came = self._came.partition(b"\n")
        number = self._prefix + decode(line.strip())
        return Credential(Medium.CONTACTLESS_CARD, DocumentType.CARD_UID, number, Assurance.UID_ONLY)

    def close(self) -> None:
        """See `Device.close`."""
        self._stream.close()


def encode(number: str) -> bytes:
    """One line."""
    body = b"C " + number.encode()
    return b"%s %08X\r\n" % (body, zlib.crc32(body))


def decode(line: bytes) -> str:
    """The number in a line without its end. Raises `BadAnswer`."""
    body, _, check = line.rpartition(b" ")
    if not body.startswith(b"C ") or check != b"%08X" % zlib.crc32(body):
        raise BadAnswer(f"a line of {len(line)} bytes that fails its check")
    return body[2:].decode("ascii", errors="replace")


class AcmeSimulator:
    """The device's half."""

    def __init__(self, port) -> None:
        self._port = port

    def tap(self, number: str) -> None:
        """A card is held up."""
        self._port.write(encode(number))

    def run(self, stop: threading.Event) -> None:
        """Nothing is ever asked."""
        stop.wait()

    def command(self, text: str) -> str:
        """`tap 04A1B2C3`."""
        word, _, number = text.strip().partition(" ")
        if word != "tap" or not number:
            return "error: there is: tap NUMBER"
        self.tap(number)
        return "ok"
