"""The screens' end of the gate's Unix socket: the last snapshot in, commands out, and the word that nothing comes.

No thread: Qt says when there is something to read. A gate that isn't there is tried again, ever less often up to once
a second. A line that can't be read is passed over, one without end is skipped to its end: neither stops the screens.
"""

from __future__ import annotations

import itertools
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QObject, QSocketNotifier, QTimer, pyqtSignal

from models import wire
from models.command import Answer, Command, Line, Snapshot

SILENCE_S = 2.0
"""So long without a snapshot, and the lane is out of service. The gate sends one a second at least."""
HUNG_UP_S = 1.0
"""So long after the gate hung up: short enough to be true, long enough for a listener that was dropped to come back."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 1.0
MOST_LINE, MOST_COMMAND = 1 << 20, 16_384
CHUNK = 1 << 16

NOT_THERE = "the gate does not listen"
UNSENT = "the command could not be sent"
UNKNOWN = "the gate did not answer; whether it was done is not known"

_log = logging.getLogger("ui.link")


class GateLink(QObject):
    """Follows one gate.

    `snapshot` brings each new `Snapshot`; `silent` says once that none comes; `answered` brings the `Answer` to each
    command, of our own making where the gate gives none.
    """

    snapshot = pyqtSignal(object)
    silent = pyqtSignal()
    answered = pyqtSignal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._last: Snapshot | None = None
        self._socket: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None
        self._ids = itertools.count(1)
        self._waiting: set[int] = set()
        self._lines = Lines()
        self._retry_s = FIRST_RETRY_S
        self._retry = _single_shot(self, self._connect)
        self._silence = _single_shot(self, self._fall_silent)

    @property
    def last(self) -> Snapshot | None:
        """What the lane looks like; `None` before the first word and while the gate is silent."""
        return self._last

    def start(self) -> None:
        """Connect now, or as soon as the gate is there."""
        self._silence.start(_ms(SILENCE_S))
        self._connect()

    def stop(self) -> None:
        """Hang up, and stay away."""
        self._hang_up()
        self._retry.stop()
        self._silence.stop()

    def send(self, command: Command) -> int:
        """Send `command` under an id of the link's own, which is returned. Its answer comes by `answered`, always."""
        number = next(self._ids)
        line = wire.to_json(replace(command, id=number)) + b"\n"
        if self._socket is None or len(line) > MOST_COMMAND:
            self._answer_later(number, NOT_THERE if self._socket is None else UNSENT)
            return number
        self._waiting.add(number)
        try:
            whole = self._socket.send(line) == len(line)
        except OSError:
            whole = False
        if not whole:  # half a command would spoil the next one
            self._waiting.discard(number)
            self._answer_later(number, UNSENT)
            self._lose()
        return number

    def _connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            self._try_later()
            return
        self._socket, self._lines = connection, Lines()
        self._notifier = QSocketNotifier(connection.fileno(), QSocketNotifier.Read, self)  # type: ignore[arg-type]
        self._notifier.activated.connect(self._read)

    def _try_later(self) -> None:
        self._retry.start(_ms(self._retry_s))
        self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)

    def _read(self) -> None:
        """Take all that is there. Of several snapshots only the latest is told: a screen shows how things are."""
        latest, answers, open_ = None, [], True
        while open_ and (data := self._receive()) is not None:
            open_ = bool(data)
            for line in self._lines.feed(data):
                latest = line.snapshot or latest
                answers += [line.answer] if line.answer is not None else []
        for answer in answers:
            self._waiting.discard(answer.id)
            self.answered.emit(answer)
        if latest is not None:
            self._last, self._retry_s = latest, FIRST_RETRY_S
            self._silence.start(_ms(SILENCE_S))
            self.snapshot.emit(latest)
        if not open_:
            self._lose()

    def _receive(self) -> bytes | None:
        """What has come; empty when the gate hung up, `None` when there is no more yet."""
        try:
            return self._socket.recv(CHUNK) if self._socket is not None else None
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _lose(self) -> None:
        """The gate hung up."""
        if self._socket is None:
            return
        self._hang_up()
        if self._silence.isActive():
            self._silence.start(min(self._silence.remainingTime(), _ms(HUNG_UP_S)))
        self._try_later()
        self._give_up_waiting()

    def _hang_up(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._notifier = None

    def _fall_silent(self) -> None:
        self._read()  # after a long pause of this process the timer may be heard before the socket
        if not self._silence.isActive():
            self._last = None
            self._give_up_waiting()
            self.silent.emit()

    def _give_up_waiting(self) -> None:
        waiting, self._waiting = sorted(self._waiting), set()
        for number in waiting:
            self.answered.emit(Answer(number, ok=False, error=UNKNOWN))

    def _answer_later(self, number: int, error: str) -> None:
        """After `send` has returned, so that the caller knows the id."""
        QTimer.singleShot(0, lambda: self.answered.emit(Answer(number, ok=False, error=error)))


class Lines:
    """Bytes in, whole lines out. Keeps half a line; drops what is no line of ours, and lines beyond `MOST_LINE`."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skipping = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are complete now."""
        self._rest += data
        *whole, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        found = [line for raw in whole if (line := self._line(bytes(raw))) is not None]
        if len(self._rest) > MOST_LINE:
            self._rest.clear()
            self._skipping = True
        return found

    def _line(self, raw: bytes) -> Line | None:
        skipped, self._skipping = self._skipping, False
        if not skipped and len(raw) <= MOST_LINE:
            try:
                return wire.from_json(Line, raw)
            except wire.WireError:
                pass  # counted below; its text is nobody's business
        self.dropped += 1
        if self.dropped == 1:
            _log.warning("a line from the gate could not be read and was passed over")
        return None


def _single_shot(parent: QObject, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(slot)
    return timer


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
