"""A stand-in for the gate: its end of the Unix socket, saying what it is told to."""

from __future__ import annotations

import socket
from pathlib import Path

from models import wire
from models.command import Command, Line, Snapshot
from models.decision import Profile
from models.view import LaneView, Phase

PATIENCE_S = 5.0


def snapshot(attempt: int = 1) -> Snapshot:
    return Snapshot(LaneView("G1", Phase.IDLE, attempt), 1.0, Profile.CONCERT)


def said(what: int | Snapshot = 1) -> bytes:
    """A snapshot as a line; a number is the attempt of an idle lane."""
    told = what if isinstance(what, Snapshot) else snapshot(what)
    return wire.to_json(Line(snapshot=told)) + b"\n"


class Gate:
    """The other end: listens, takes one screen after the other, says what it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(PATIENCE_S)
        self.screen: socket.socket | None = None

    def takes(self) -> Gate:
        self.screen, _ = self._listener.accept()
        self.screen.settimeout(PATIENCE_S)
        return self

    def says(self, data: bytes) -> None:
        assert self.screen is not None
        self.screen.sendall(data)

    def hears(self) -> Command:
        assert self.screen is not None
        data = b""
        while not data.endswith(b"\n"):
            data += self.screen.recv(1)
        return wire.from_json(Command, data)

    def dies(self) -> None:
        self._listener.close()
        self.path.unlink(missing_ok=True)
        if self.screen is not None:
            self.screen.close()
