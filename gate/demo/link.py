"""A listener on the gate's Unix socket: follows the lane's snapshots and gives orders, as a screen would."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from models import wire
from models.command import Answer, Command, Line, Order, Presented, Snapshot
from models.decision import StewardAction
from models.view import LaneView, Mode


class GateSilent(TimeoutError):
    """The lane did not come to the state that was waited for."""


class GateLink:
    """Keeps the latest snapshot; `wait` for one of a kind. A thread reads."""

    def __init__(self, path: Path, actor: str = "steward-demo") -> None:
        self._path, self._actor = path, actor
        self._socket: socket.socket | None = None
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._news = threading.Condition()
        self._seen: list[Snapshot] = []
        self._over = False
        self._numbers = itertools.count(1)

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest."""
        return self._seen[-1] if self._seen else None

    @property
    def seen(self) -> int:
        """How many snapshots have come; a place to `wait` from."""
        return len(self._seen)

    def connect(self, timeout_s: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Connect as soon as the gate listens. Raises `GateSilent` when it doesn't in time, or is not `alive`."""
        ends = time.monotonic() + timeout_s
        while True:
            attempt = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                attempt.connect(str(self._path))
                break
            except OSError as error:
                attempt.close()
                if time.monotonic() > ends or not alive():
                    raise GateSilent(f"no gate listens on {self._path}") from error
                threading.Event().wait(0.01)
        self._socket = attempt
        threading.Thread(target=self._read, args=(attempt,), name="gate-link", daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def wait(self, wanted: Callable[[Snapshot], bool], timeout_s: float, since: int = -1) -> Snapshot:
        """The first snapshot from place `since` on (default: the latest) that is `wanted`. Raises `GateSilent`."""
        place = max(len(self._seen) - 1, 0) if since < 0 else since
        ends = time.monotonic() + timeout_s
        with self._news:
            while True:
                for snapshot in self._seen[place:]:
                    if wanted(snapshot):
                        return snapshot
                place = len(self._seen)
                if self._over:
                    raise GateSilent(f"the gate hung up while the lane was {self._state()}")
                if not self._news.wait(max(0.0, ends - time.monotonic())) and time.monotonic() >= ends:
                    raise GateSilent(f"the lane stayed {self._state()} for {timeout_s:g} s")

    def wait_view(self, wanted: Callable[[LaneView], bool], timeout_s: float, since: int = -1) -> LaneView:
        """As `wait`, for what the lane looks like."""
        return self.wait(lambda snapshot: wanted(snapshot.view), timeout_s, since).view

    def steward(self, attempt: int, action: StewardAction, why: str = "") -> Answer:
        """Say a word about the person in the lane."""
        return self.order(Command(0, Order.STEWARD, self._actor, attempt, action, None, why))

    def present(self, presented: Presented) -> Answer:
        """Type a document that no reader reads."""
        return self.order(Command(0, Order.PRESENT, self._actor, presented=presented))

    def set_mode(self, mode: Mode, why: str = "") -> Answer:
        """Change how the lane is run."""
        return self.order(Command(0, Order.MODE, self._actor, 0, None, mode, why))

    def order(self, command: Command) -> Answer:
        """Give an order; its number is chosen here."""
        assert self._socket is not None, "connect first"
        number = next(self._numbers)
        text = wire.to_builtins(command) | {"id": number}
        self._socket.sendall(wire.to_json(text) + b"\n")
        while True:
            try:
                answer = self._answers.get(timeout=5.0)
            except queue.Empty:
                raise GateSilent("the gate did not answer a command") from None
            if answer.id in (number, 0):
                return answer

    def _state(self) -> str:
        return f"{self._seen[-1].view.phase}" if self._seen else "silent"

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._follow(connection)
        with self._news:
            self._over = True
            self._news.notify_all()

    def _follow(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for raw in lines:
                line = wire.from_json(Line, raw)
                if line.answer is not None:
                    self._answers.put(line.answer)
                if line.snapshot is not None:
                    with self._news:
                        self._seen.append(line.snapshot)
                        self._news.notify_all()
