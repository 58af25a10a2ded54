"""A screen that looks at the live picture: a plain socket, and the packets as `gate.mirror` writes them down."""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

LONG_S = 10.0


@dataclass(frozen=True)
class Picture:
    """One packet."""

    kind: str
    attempt: int
    width: int
    height: int
    jpeg: bytes

    def pixels(self) -> np.ndarray[Any, Any]:
        """The picture, (height, width, 3)."""
        decoded = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        return decoded


class Screen:
    """A client of the mirror's socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def next(self, timeout_s: float = LONG_S) -> Picture:
        """The next packet. Raises `TimeoutError` when none comes, `EOFError` when the other end has hung up."""
        self.socket.settimeout(timeout_s)
        (length,) = struct.unpack(">I", self._read(4))
        head, _, jpeg = self._read(length).partition(b"\n")
        told = json.loads(head)
        return Picture(told["kind"], told["attempt"], told["w"], told["h"], jpeg)

    def until(self, kind: str, timeout_s: float = LONG_S) -> Picture:
        """The next packet of this kind; others are passed over."""
        ends = time.monotonic() + timeout_s
        while (told := self.next(max(0.001, ends - time.monotonic()))).kind != kind:
            pass
        return told

    def hears_nothing(self, for_s: float) -> bool:
        """Whether nothing comes for so long."""
        self.socket.settimeout(for_s)
        try:
            if not self.socket.recv(1, socket.MSG_PEEK):
                raise EOFError
        except TimeoutError:
            return True
        return False

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data
