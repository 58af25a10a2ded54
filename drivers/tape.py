"""Tapes of what went over a wire: `Spy` writes one, `Replay` plays the device's half of it.

A tape is plain text. A header, then one line a chunk: seconds since the start, direction (`>` host to device, `<`
device to host), the bytes in hex.

    # menshen tape 1
    # sam+serial, 2026-05-01T09:00:00Z
    0.000000 > AA AA AA 96 69 00 03 20 01 22
    0.041210 < AA AA AA 96 69 00 04 00 00 80 84

A tape of a card reader holds the personal data of every card read: it is made readable by its owner alone. Make it for
a fault, with a test card, and delete it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import BadAnswer, DeviceLost, UnknownDevice

if TYPE_CHECKING:
    from drivers.transport import Transport

HEADER = "# menshen tape 1"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One line of a tape. `line` counts from 1, 0 where it was not read from a file."""

    at_s: float
    from_host: bool
    data: bytes
    line: int = 0

    def __str__(self) -> str:
        return f"{self.at_s:.6f} {'>' if self.from_host else '<'} {self.data.hex(' ').upper()}"


def read_tape(path: Path) -> list[Chunk]:
    """All chunks of a tape. Raises `DeviceLost` where there is no file, `BadAnswer` naming the line that is no tape."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise DeviceLost(f"the tape {path} can't be read: {error.strerror}") from error
    return read_chunks(text, str(path))


def read_chunks(text: str, path: str = "this") -> list[Chunk]:
    """All chunks of a tape's text. Raises `BadAnswer`, which calls it `path`."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise BadAnswer(f"{path} is not a tape: its first line should be {HEADER!r}")
    return [_parse(path, n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def _parse(path: str, number: int, line: str) -> Chunk:
    try:
        at, arrow, *pairs = line.split()
        return Chunk(float(at), {">": True, "<": False}[arrow], bytes.fromhex("".join(pairs)), number)
    except (ValueError, KeyError) as error:
        raise BadAnswer(f"{path} line {number}: expected 'seconds > AA BB' or 'seconds < AA BB'") from error


class Spy:
    """A transport around a transport that writes a tape of all that passes.

    A tape is one connection. One that is there already is kept beside it as `NAME.old`, so that the line that was just
    lost can be looked at after the device came back.
    """

    def __init__(self, stream: Transport, path: Path, about: str) -> None:
        self._stream = stream
        try:
            if path.is_file():
                path.replace(path.with_name(f"{path.name}.old"))
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise UnknownDevice(f"the tape {path} can't be written: {error.strerror}") from error
        self._tape = os.fdopen(fd, "w", encoding="utf-8", buffering=1)
        self._start = time.monotonic()
        self._tape.write(f"{HEADER}\n# {about}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._note(True, data)
        self._stream.write(data)

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        data = self._stream.read(timeout)
        self._note(False, data)
        return data

    def discard(self) -> None:
        """See `Transport.discard`. What is thrown away isn't on the tape."""
        self._stream.discard()

    def close(self) -> None:
        """See `Transport.close`."""
        self._stream.close()
        with contextlib.suppress(OSError):
            self._tape.close()

    def _note(self, from_host: bool, data: bytes) -> None:
        if data:
            with contextlib.suppress(OSError, ValueError):  # a full disk must not stop the gate
                self._tape.write(f"{Chunk(time.monotonic() - self._start, from_host, data)}\n")


class Replay:
    """Plays the device: gives the bytes the tape has from it, as the host writes the bytes the tape has from the host.

    The tape's times are not kept: answers come at once. `BadAnswer` where the host writes something else than it did,
    `DeviceLost` at the end of the tape.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chunks = deque(read_tape(path))
        self._arrived = bytearray()
        self._expected = bytearray()  # the rest of a host's chunk that was written in part

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._let_arrive()
        while len(self._expected) < len(data) and self._chunks and self._chunks[0].from_host:
            self._expected += self._chunks.popleft().data
        if not self._expected:
            raise DeviceLost(f"the tape {self._path} is over")
        if not self._expected.startswith(data):
            where = f" before line {self._chunks[0].line}" if self._chunks else " at its end"
            raise BadAnswer(
                f"{self._path}{where}: the host wrote {_short(data)}, the tape has {_short(bytes(self._expected))}"
            )
        del self._expected[: len(data)]

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        if not self._expected:
            self._let_arrive()
        data, self._arrived = bytes(self._arrived), bytearray()
        if not data and not self._chunks and not self._expected:
            raise DeviceLost(f"the tape {self._path} is over")
        if not data:
            time.sleep(max(timeout, 0))  # a silent wire
        return data

    def discard(self) -> None:
        """See `Transport.discard`. What the host threw away isn't on the tape, so there is nothing to throw away."""

    def close(self) -> None:
        """See `Transport.close`."""

    def _let_arrive(self) -> None:
        while self._chunks and not self._chunks[0].from_host:
            self._arrived += self._chunks.popleft().data


def _short(data: bytes) -> str:
    text = data[:12].hex(" ").upper()
    return text + (" …" if len(data) > 12 else "")
