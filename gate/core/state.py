"""The lane as a value, and the few changes of it that every part of the lane makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gate.core.effects import Effect, Record, Show, StartTimer
from gate.core.events import CardRead, Timer
from models.decision import Decision, Facts, Need, Now, Reason
from models.ledger import EntryKind
from models.passage import Direction, SignalKind, Use
from models.record import Body
from models.view import LaneView, Mode, Phase, Who

ESSENTIAL = ("reader", "relay", "ledger")
"""Without one of these a lane admits nobody. Without the camera a person compares; without the sensor nobody counts.

Lamps and voices (`signal`) and further inputs (`input`) are missed by staff, and by nothing in here.
"""

SENSOR = "sensor"
"""The one device that sees turns, by its name."""

KEEP_WAITING_S = 10.0
"""A card presented to a busy lane is taken up when it is free again, unless that was longer ago than this."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A state that a sensor told of and that is not known to be over."""

    device: str
    kind: SignalKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane and the person in it. `marks` are the monotonic seconds at which things happened to this attempt."""

    gate: str
    direction: Direction = Direction.ENTRY
    has_sensor: bool = False
    phase: Phase = Phase.IDLE
    attempt: int = 0
    same: str = ""
    scan: int = 0
    facts: Facts = field(default_factory=lambda: Facts(gate=""))
    decision: Decision | None = None
    asked: frozenset[Need] = frozenset()
    holders: dict[str, Who] = field(default_factory=dict)
    hint: str = ""
    mode: Mode = Mode.CONTROLLED
    lost: tuple[str, ...] = ()
    clock_trusted: bool = True
    doubtful: bool = False  # the sensor missed something since this person was released
    waiting: tuple[CardRead, float] | None = None
    marks: tuple[tuple[str, float], ...] = ()
    alerts: tuple[Alert, ...] = ()


Outcome = tuple[Lane, tuple[Effect, ...]]


def new_lane(
    gate: str,
    *,
    direction: Direction = Direction.ENTRY,
    has_sensor: bool = False,
    lost: tuple[str, ...] = (),
    attempt: int = 0,
) -> Lane:
    """A lane at rest. `lost` names the devices that have not reported yet, `attempt` is the last number given out."""
    lane = Lane(gate=gate, direction=direction, has_sensor=has_sensor, lost=lost, attempt=attempt)
    return replace(lane, phase=rest_phase(lane))


def rest_phase(lane: Lane) -> Phase:
    """Where the lane stands when nobody is in it."""
    if out_of_order(lane):
        return Phase.FAULT
    return {Mode.CONTROLLED: Phase.IDLE, Mode.PAUSED: Phase.PAUSED, Mode.FREE: Phase.FREE}[lane.mode]


def out_of_order(lane: Lane) -> str:
    """The essential device that is missing, or an empty string."""
    return next((device for device in ESSENTIAL if device in lane.lost), "")


def sees_turns(lane: Lane) -> bool:
    """Whether a turn would be seen now: only then is none a no-show."""
    stuck = any(alert.device == SENSOR and alert.kind is SignalKind.STUCK for alert in lane.alerts)
    return lane.has_sensor and SENSOR not in lane.lost and not stuck


def clear(lane: Lane) -> Lane:
    """The lane without the person who was in it. The attempt's number stays, so that late answers are known as late."""
    return replace(
        lane,
        phase=rest_phase(lane),
        same="",
        scan=0,
        facts=Facts(gate=lane.gate),
        decision=None,
        asked=frozenset(),
        holders={},
        hint="",
        doubtful=False,
        marks=(),
    )


def mark(lane: Lane, name: str, now: Now) -> Lane:
    """Note when something happened to this attempt."""
    return replace(lane, marks=(*lane.marks, (name, now.mono)))


def step_times(lane: Lane) -> dict[str, float]:
    """Milliseconds that each step of the attempt took, by the name of what ended it."""
    times: dict[str, float] = {}
    for (_, before), (name, at) in zip(lane.marks, lane.marks[1:], strict=False):
        times[name] = round(times.get(name, 0.0) + (at - before) * 1000, 3)
    return times


def show(lane: Lane, seconds: float = 0.0) -> Show:
    """The lane as the screens are told of it. A word that awaits more is not said yet."""
    decision = lane.decision
    said = None if decision and decision.awaiting else decision
    return Show(
        LaneView(
            gate=lane.gate,
            phase=lane.phase,
            attempt=lane.attempt,
            verdict=said.verdict if said else None,
            reason=said.reason if said else None,
            ticket=decision.ticket if decision else "",
            who=lane.holders.get(decision.ticket, Who()) if decision else Who(),
            hint=lane.hint,
            notes=decision.notes if decision else (),
            faults=lane.lost,
            settleable=said.settleable if said else False,
            mode=lane.mode,
            seconds=seconds,
            first_use=_first_use(lane) if said else None,
            medium=lane.facts.card.medium if lane.facts.card else lane.facts.problem_medium,
            alerts=tuple(dict.fromkeys(alert.kind.value for alert in lane.alerts)),
        )
    )


def _first_use(lane: Lane) -> Use | None:
    """The use that a ticket is refused for: what the authority told, or what this gate knows itself."""
    decision, facts = lane.decision, lane.facts
    if decision is None or decision.reason is not Reason.ALREADY_ADMITTED:
        return None
    if facts.claim_first is not None:
        return facts.claim_first
    uses = [use for use in facts.lookup.uses if use.ticket == decision.ticket] if facts.lookup else []
    return max(uses, key=lambda use: use.at, default=None)


def record(lane: Lane, kind: EntryKind, body: Body, *, opens: bool = False, settles: bool = False) -> Record:
    """An entry about the present attempt."""
    return Record(lane.attempt, kind, body, opens, settles)


def timer(lane: Lane, which: Timer, seconds: float) -> StartTimer:
    """A timer of the present attempt."""
    return StartTimer(which, lane.attempt, seconds)
