"""Kills a rig's daemon with SIGKILL at a random time after a moment of a visit."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gate.demo.rig import Rig


class Moment(StrEnum):
    """What the nemesis can wait for."""

    START = "start"  # the process is started anew
    CARD = "card"  # somebody presents a card
    READ = "read"  # the reader has sent the card's last byte: look-up, camera and decision take some milliseconds
    INK = "ink"  # the ledger's file grows: the decision is being written
    PULSE = "pulse"  # the contact closes
    TURN = "turn"  # somebody goes through


# How often each is drawn, and how long after it the blow may fall. A visit takes 0.2 s up to the pulse.
_AIMS = {
    Moment.START: (15, 0.9),
    Moment.CARD: (30, 0.6),
    Moment.READ: (25, 0.007),
    Moment.INK: (15, 0.0015),
    Moment.PULSE: (10, 0.35),
    Moment.TURN: (5, 0.01),
}


@dataclass(frozen=True, slots=True)
class Aim:
    """When to kill: `delay_s` after the moment."""

    moment: Moment
    delay_s: float


def draw_aim(chance: random.Random) -> Aim:
    """A random moment, and a uniformly random time after it."""
    moment = chance.choices(list(_AIMS), [weight for weight, _ in _AIMS.values()])[0]
    return Aim(moment, chance.uniform(0.0, _AIMS[moment][1]))


class Nemesis:
    """Kills the daemon of a rig, once for each `arm`. `killed` is set from the kill until `arm` or `rest`."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._wal = rig, rig.ledger.with_name("ledger.db-wal")
        self._moments = {moment: threading.Event() for moment in Moment}
        self._thread = threading.Thread()
        self._answered = 0.0
        self.pids = [0]
        self.killed = threading.Event()
        self.killed_at = 0.0

    def arm(self, aim: Aim) -> None:
        """From here on wait for the aim's moment."""
        self._answered = self._rig.reader.last_answer_at
        for event in self._moments.values():
            event.clear()
        self._thread = threading.Thread(target=self._strike, args=(aim,), name="nemesis", daemon=True)
        self._thread.start()

    def tell(self, moment: Moment) -> None:
        """It is that moment."""
        self._moments[moment].set()

    def rest(self) -> None:
        """The killed process is buried."""
        self._thread.join()
        self.killed.clear()

    def _strike(self, aim: Aim) -> None:
        self._moments[Moment.CARD if aim.moment in (Moment.READ, Moment.INK) else aim.moment].wait()
        match aim.moment:
            case Moment.START:
                _wait_for_change(lambda: self._rig.process.pid, self.pids[-1])
            case Moment.READ:
                _wait_for_change(lambda: self._rig.reader.last_answer_at, self._answered)
            case Moment.INK:
                _wait_for_change(self._size, self._size())
        threading.Event().wait(aim.delay_s)
        self.pids.append(self._rig.process.pid)
        self.killed_at = time.monotonic()
        os.kill(self.pids[-1], signal.SIGKILL)
        self.killed.set()

    def _size(self) -> int:
        return self._wal.stat().st_size if self._wal.exists() else 0


def _wait_for_change(look: Callable[[], float], before: float) -> None:
    """Look all the time, since it is about milliseconds; for two seconds at most."""
    ends = time.monotonic() + 2.0
    while look() == before and time.monotonic() < ends:
        threading.Event().wait(0.0002)


def vision_children(parents: Sequence[int]) -> list[int]:
    """The living vision children of these gates. The second word behind the module's name is the gate's process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if "gate.vision_child" in words and int(words[words.index("gate.vision_child") + 2]) in parents:
                found.append(int(path.parent.name))
    return found
