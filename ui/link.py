"""The screens' end of the gate's Unix socket: the last snapshot in, commands out, and the word that nothing comes.

No thread: Qt says when there is something to read. A line that can't be read is passed over, one without end is skipped
to its end: neither stops the screens.
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from models import wire
from models.command import Answer, Command, Line, Snapshot
from ui.unix_socket import UnixSocket, milliseconds, single_shot

SILENCE_S = 2.0
"""So long without a snapshot, and the lane is out of service. The gate sends one a second at least."""
HUNG_UP_S = 1.0
"""So long after the gate hung up: short enough to be true, long enough for a listener that was dropped to come back."""
MOST_LINE, MOST_COMMAND = 1 << 20, 16_384

NOT_SENT = "the gate does not listen, or the command is too long: it was not sent"
UNKNOWN = "the gate did not answer: whether it was done is not known"

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
        self._last: Snapshot | None = None
        self._lines = Lines()
        self._ids = itertools.count(1)
        self._waiting: set[int] = set()
        self._silence = single_shot(self, self._fall_silent)
        self._socket = UnixSocket(path, self)
        self._socket.opened.connect(self._begin)
        self._socket.came.connect(self._hear)
        self._socket.lost.connect(self._lose)

    @property
    def last(self) -> Snapshot | None:
        """What the lane looks like; `None` before the first word and while the gate is silent."""
        return self._last

    @property
    def connected(self) -> bool:
        """Whether a gate listens, even a silent one."""
        return self._socket.is_open

    def start(self) -> None:
        """Connect now, or as soon as the gate is there."""
        self._silence.start(milliseconds(SILENCE_S))
        self._socket.start()

    def stop(self) -> None:
        """Hang up, and stay away."""
        self._socket.stop()
        self._silence.stop()

    def send(self, command: Command) -> int:
        """Send `command` under an id of the link's own, which is returned. Its answer comes by `answered`, always."""
        number = next(self._ids)
        line = wire.to_json(replace(command, id=number)) + b"\n"
        if len(line) <= MOST_COMMAND and self._socket.send(line):
            self._waiting.add(number)
        else:  # after this function has returned, so that the caller knows the id
            QTimer.singleShot(0, lambda: self.answered.emit(Answer(number, ok=False, error=NOT_SENT)))
        return number

    def _begin(self) -> None:
        self._lines = Lines()

    def _hear(self, data: bytes) -> None:
        """Of several snapshots only the latest is told: a screen shows how things are."""
        latest = None
        for line in self._lines.feed(data):
            latest = line.snapshot or latest
            if line.answer is not None:
                self._waiting.discard(line.answer.id)
                self.answered.emit(line.answer)
        if latest is not None:
            self._last = latest
            self._socket.settle()
            self._silence.start(milliseconds(SILENCE_S))
            self.snapshot.emit(latest)

    def _lose(self) -> None:
        if self._silence.isActive():
            self._silence.start(min(self._silence.remainingTime(), milliseconds(HUNG_UP_S)))
        self._give_up_waiting()

    def _fall_silent(self) -> None:
        self._socket.read()  # after a long pause of this process the timer may be heard before the socket
        if not self._silence.isActive():
            self._last = None
            self._give_up_waiting()
            self.silent.emit()

    def _give_up_waiting(self) -> None:
        waiting, self._waiting = sorted(self._waiting), set()
        for number in waiting:
            self.answered.emit(Answer(number, ok=False, error=UNKNOWN))


class Lines:
    """Bytes in, whole lines out. Keeps half a line; drops what is no line of ours, and lines beyond `MOST_LINE`."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skipping = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are complete now."""
        self._rest += data
        *whole, self._rest = self._rest.split(b"\n")
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
