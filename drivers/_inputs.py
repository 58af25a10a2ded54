"""From the levels of contacts to what a turnstile did: one place for all drivers that see bare inputs.

Pure logic: time is handed in, in seconds of any clock that only goes forward. There are two ways in. `sample` is for
inputs that are polled: what lay between two looks isn't known. `edge` is for inputs that tell each change and when it
was: a level that was held for long enough counts, however late it is read. Between changes, `tick` tells what time
alone brings about; `due` says when.

A turn is told once it has lasted for its debounce, not when it ends. The next turn is one only after a debounced rest.
A state that stands at the first look is told, a turn that stands then is none. Each state that was told is `CLEARED`
when it is over, by its detail where it has one. Kinds of contacts and their sense: see `OPTIONS` and `_contacts`.

PERCo tripods keep their PASS contacts closed at rest and change them during a passage (`turn_in=1:nc`); debounce of 20
to 50 ms and the gap of 0.25 s between two people are what the trade uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from drivers._beams import GAP_S, Beams
from models.passage import Direction, SensorSignal, SignalKind

DEBOUNCE_S = 0.03
STUCK_S = 10.0
JAM_S = 8.0
BEAM_STUCK_S = 60.0

TURNS = {"turn_in": Direction.ENTRY, "turn_out": Direction.EXIT}
EVENTS = {"second": SignalKind.SECOND_PERSON}
STATES = {
    "fire": SensorSignal(SignalKind.FIRE),
    "tamper": SensorSignal(SignalKind.TAMPER),
    "cabinet": SensorSignal(SignalKind.CABINET),
    "held": SensorSignal(SignalKind.HELD_OPEN),
    "jam": SensorSignal(SignalKind.JAM, detail="turnstile"),
}
BEAMS = ("beam_a", "beam_b")
NAMES = (*TURNS, *EVENTS, *STATES, *BEAMS)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things last, in seconds.

    `turn_min_s`: a shorter pulse is no turn. `stuck_s`: a longer one is a stuck contact. `jam_s` and `beam_stuck_s`: a
    beam blocked for longer is a jam, then a beam that is dirty or out of line. `gap_s`: see `Beams`.
    """

    debounce_s: float = DEBOUNCE_S
    beam_debounce_s: float = DEBOUNCE_S
    turn_min_s: float = 0.0
    stuck_s: float = STUCK_S
    jam_s: float = JAM_S
    beam_stuck_s: float = BEAM_STUCK_S
    gap_s: float = GAP_S


@dataclass(slots=True)
class Contact:
    """One input: which level means something, and what has been seen of it.

    `settled` is whether it is active, debounced, and `since` when it became so; `None` before the first look.
    `debounce_s` is how long a level must last, `active_s` how long an active one must where that is longer.
    """

    input: str
    active_level: bool = True
    debounce_s: float = DEBOUNCE_S
    active_s: float = 0.0
    settled: bool | None = None
    since: float = 0.0
    differs_since: float | None = None

    def look(self, level: bool, now: float) -> bool:
        """Take in a level. Gives whether the contact has just settled on another state than before."""
        active = level == self.active_level
        if self.settled is None:
            self.settled, self.since = active, now
        elif active == self.settled:
            self.differs_since = None
        elif self.differs_since is None:
            self.differs_since = now
        return self.settle(now)

    def settle(self, now: float) -> bool:
        """Whether the contact has settled by now, if its level has stayed until now."""
        if self.differs_since is None or now < self.settles_at():
            return False
        self.settled, self.since, self.differs_since = not self.settled, self.differs_since, None
        return True

    def settles_at(self) -> float:
        """When a level that differs will count. Only while one does."""
        assert self.differs_since is not None
        return self.differs_since + (self.debounce_s if self.settled else max(self.debounce_s, self.active_s))


@dataclass(slots=True)
class _Standing:
    """A state that is told once and cleared once, for contacts that stand for too long."""

    signal: SensorSignal
    after_s: float
    told: bool = False


@dataclass(slots=True)
class Inputs:
    """What some contacts, at least one, tell together. `contacts` go by `NAMES`; each driver names the inputs its way.

    Contacts take their debounce from `timing`. With a turn contact, beams tell no turns of their own.
    """

    contacts: Mapping[str, Contact]
    timing: Timing = field(default_factory=Timing)
    _beams: Beams = field(init=False)
    _long: dict[str, list[_Standing]] = field(init=False)

    def __post_init__(self) -> None:
        timing = self.timing
        for name, contact in self.contacts.items():
            contact.debounce_s = timing.beam_debounce_s if name in BEAMS else timing.debounce_s
            contact.active_s = timing.turn_min_s if name in TURNS else 0.0
            if name in STATES:
                contact.settled = False  # so that a state which stands at the first look is told
        turns = not TURNS.keys() & self.contacts.keys()
        self._beams = Beams(set(BEAMS) & self.contacts.keys(), gap_s=timing.gap_s, tells_turns=turns)
        self._long = {name: list(_bounds(name, one, timing)) for name, one in self.contacts.items()}

    def sample(self, levels: Mapping[str, bool], now: float) -> list[SensorSignal]:
        """What the levels of all inputs tell, looked at together."""
        changed = [name for name, contact in self.contacts.items() if contact.look(levels[contact.input], now)]
        return [*self._tell(changed), *self._watch(now)]

    def edge(self, source: str, level: bool, at: float) -> list[SensorSignal]:
        """What the change of one input to `level` tells, and what came before it. Edges come in their order."""
        told = self.tick(at)
        changed = [name for name, one in self.contacts.items() if one.input == source and one.look(level, at)]
        return [*told, *self._tell(changed)]

    def tick(self, now: float) -> list[SensorSignal]:
        """What time alone has brought about."""
        changed = [name for name, contact in self.contacts.items() if contact.settle(now)]
        return [*self._tell(changed), *self._watch(now)]

    def due(self) -> float | None:
        """When `tick` will next have something to tell, if no input changes; `None` for never."""
        moments = [c.settles_at() for c in self.contacts.values() if c.differs_since is not None]
        for name, contact in self.contacts.items():
            if contact.settled:
                moments += [contact.since + one.after_s for one in self._long[name] if not one.told]
        return min(moments, default=None)

    def _tell(self, changed: Iterable[str]) -> Iterator[SensorSignal]:
        """In the order in which the contacts changed."""
        for name in sorted(changed, key=lambda one: self.contacts[one].since):
            contact = self.contacts[name]
            if name in BEAMS:
                yield from self._beams.change(name, bool(contact.settled), contact.since)
            elif name in STATES:
                yield STATES[name] if contact.settled else cleared(STATES[name])
            elif contact.settled and name in TURNS:
                yield SensorSignal(SignalKind.TURNED, TURNS[name])
            elif contact.settled:
                yield SensorSignal(EVENTS[name])
            if not contact.settled:
                yield from (cleared(one.signal) for one in self._long[name] if one.told)
                for one in self._long[name]:
                    one.told = False

    def _watch(self, now: float) -> Iterator[SensorSignal]:
        """Contacts that stand for longer than what they stand for."""
        for name, contact in self.contacts.items():
            for one in self._long[name]:
                if contact.settled and not one.told and now >= contact.since + one.after_s:
                    one.told = True
                    yield one.signal


def cleared(state: SensorSignal) -> SensorSignal:
    """`state` is over."""
    return SensorSignal(SignalKind.CLEARED, detail=state.detail or state.kind.value)


def _bounds(name: str, contact: Contact, timing: Timing) -> Iterator[_Standing]:
    stuck = SensorSignal(SignalKind.STUCK, TURNS.get(name, Direction.ENTRY), f"{name}, input {contact.input}")
    if name in BEAMS:
        yield _Standing(SensorSignal(SignalKind.JAM, detail=name), timing.jam_s)
        yield _Standing(stuck, timing.beam_stuck_s)
    elif name not in STATES:
        yield _Standing(stuck, timing.stuck_s)
