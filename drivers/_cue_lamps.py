"""Which lamps and how much buzzer go with each cue. For `signal/gpio` and `signal/modbus`.

Colour never speaks alone: each cue has a rhythm of its own, so that those who see no red and green still tell them
apart, and what must be heard is heard. Refusing is silent and slow, since the hall need not turn round; a free barrier
and a fault stand for long, and a buzzer for long wears people out.

A rhythm is a row of beats of a quarter of a second, `#` on and `.` off. Lamps begin again at the end, the buzzer sounds
once. No lamp flashes more than three times a second (WCAG 2.2, 2.3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from time import monotonic
from typing import Protocol

from drivers.errors import DeviceLost, DriverError
from models.cue import Cue

BEAT_S = 0.25
LOOK_S = 1.0  # so often a device that has nothing to change is asked whether it is there


class Lamp(StrEnum):
    """What can be switched."""

    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"
    BUZZER = "buzzer"


RHYTHMS: Mapping[Cue, Mapping[Lamp, str]] = {
    Cue.READY: {Lamp.YELLOW: "#..........."},
    Cue.WAIT: {Lamp.YELLOW: "##.."},
    Cue.LOOK: {Lamp.YELLOW: "#."},
    Cue.WELCOME: {Lamp.GREEN: "#", Lamp.BUZZER: "#"},
    Cue.HELP: {Lamp.YELLOW: "#.#...", Lamp.BUZZER: "#.#"},
    Cue.REFUSED: {Lamp.RED: "####...."},
    Cue.FREE: {Lamp.GREEN: "######.."},
    Cue.FAULT: {Lamp.RED: "#.#.#..."},
}


def lit_at(cue: Cue, seconds: float) -> frozenset[Lamp]:
    """What is on, so many seconds after `cue` began."""
    beat = int(seconds / BEAT_S)
    return frozenset(lamp for lamp, rhythm in RHYTHMS[cue].items() if _is_on(lamp, rhythm, beat))


def _is_on(lamp: Lamp, rhythm: str, beat: int) -> bool:
    if lamp is Lamp.BUZZER:
        return rhythm[beat : beat + 1] == "#"
    return rhythm[beat % len(rhythm)] == "#"


class Lamps(Protocol):
    """The lamps that a device has. Raises the declared errors of a driver."""

    def switch(self, lamps: Mapping[Lamp, bool]) -> None:
        """Switch these, leave the others."""

    def are_as_told(self) -> bool:
        """Ask the device; whether its lamps are as they were last switched. Fails when the device is gone."""

    def close(self) -> None:
        """Give the device back. Never raises, may be called twice."""


class LampSignal:
    """Cues on lamps. Blinking goes on with each `poll`."""

    def __init__(self, lamps: Lamps, present: Iterable[Lamp], *, clock: Callable[[], float] = monotonic) -> None:
        """Takes over `lamps`, of which those in `present` exist, and turns them off."""
        self._lamps = lamps
        self._clock = clock
        self._cue: Cue | None = None
        self._began = 0.0
        self._present = tuple(present)
        self._known: dict[Lamp, bool] = {}  # how the lamps are, as far as we know
        self._looked_at = clock()
        self._closed = False
        self._make(frozenset())

    def show(self, cue: Cue) -> None:
        """Begin the rhythm of `cue`, from its first beat even where it is shown already."""
        self._check_open()
        self._cue, self._began = cue, self._clock()
        self.poll()

    def poll(self) -> None:
        """Go on with the rhythm; once a second, ask the device how its lamps are and put them right."""
        self._check_open()
        now = self._clock()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            if not self._lamps.are_as_told():
                self._known = {}
        self._make(lit_at(self._cue, now - self._began) if self._cue else frozenset())

    def close(self) -> None:
        """Turn all off and give the device back."""
        if self._closed:
            return
        self._closed = True
        try:
            self._lamps.switch(dict.fromkeys(self._present, False))
        except DriverError:
            pass  # it is gone, and so is its light
        finally:
            self._lamps.close()

    def _make(self, lit: frozenset[Lamp]) -> None:
        """Switch what isn't as it should be. Where that fails nothing is known any more, and all is switched next."""
        wanted = {lamp: lamp in lit for lamp in self._present}
        changes = {lamp: on for lamp, on in wanted.items() if self._known.get(lamp) is not on}
        if changes:
            self._known = {}
            self._lamps.switch(changes)
            self._known = wanted

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceLost("signal: given back")
