"""The lane as a value, and the few changes of it that every part of the lane makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gate.core.case import first_use
from gate.core.effects import Effect, Record, Show, StartTimer
from gate.core.events import CardRead, Timer
from gate.core.hospital import shown_patients
from models.credential import Medium
from models.decision import Decision, Facts, Need, Now, Reason
from models.keeping import Window
from models.ledger import EntryKind
from models.passage import Direction, SignalKind
from models.record import Body, ModeBody
from models.view import LaneView, Mode, Phase, Who
from models.watch import WatchHit

ESSENTIAL = ("reader", "relay", "ledger")
"""Without one of these a lane admits nobody. Without the camera a person compares; without the sensor nobody counts.

Lamps and voices (`signal`) and further inputs (`input`) are missed by staff, and by nothing in here.
"""

BY_ORDER = "by_order"
"""In the place of a device's name: a person took the lane out of service."""

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
    glimpsed: tuple[WatchHit, ...] = ()  # by single frames of this person: nobody is told
    review_mono: float | None = None  # since when somebody is to look because of a list, monotonic seconds
    told: bool = False  # the visitor had her word for long enough, and a supervisor may still override it
    mode: Mode = Mode.CONTROLLED
    mode_by: str = ""
    mode_until: float | None = None
    lost: tuple[str, ...] = ()
    clock_trusted: bool = True
    window: Window | None = None
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
    ordered: ModeBody | None = None,
) -> Lane:
    """A lane at rest.

    `lost` names the devices that have not reported yet, `attempt` is the last number given out, and `ordered` how it
    was being run when the process before this one ended.
    """
    lane = Lane(gate=gate, direction=direction, has_sensor=has_sensor, lost=lost, attempt=attempt)
    if ordered is not None:
        lane = replace(lane, mode=ordered.mode, mode_by=ordered.actor, mode_until=ordered.until)
    return replace(lane, phase=rest_phase(lane))


def rest_phase(lane: Lane) -> Phase:
    """Where the lane stands when nobody is in it."""
    if out_of_order(lane):
        return Phase.FAULT
    return {Mode.PAUSED: Phase.PAUSED, Mode.FREE: Phase.FREE}.get(lane.mode, Phase.IDLE)


def out_of_order(lane: Lane) -> str:
    """The essential device that is missing, or `BY_ORDER`, or an empty string."""
    ordered = BY_ORDER if lane.mode is Mode.OUT_OF_ORDER else ""
    return next((device for device in ESSENTIAL if device in lane.lost), ordered)


def may_go_on(lane: Lane) -> bool:
    """Whether the person in the lane may still be looked up and compared: what is known of her is kept as long."""
    refused = lane.decision is not None and lane.decision.overridable
    return lane.phase in (Phase.LOOKUP, Phase.CAPTURE, Phase.REFERRED) or (lane.phase is Phase.IDLE and refused)


def scans_to_keep(lane: Lane) -> frozenset[int]:
    """The credentials that a look-up may still need: of the one who waits, and of one who was not looked up yet."""
    waiting = {lane.waiting[0].scan} if lane.waiting else set()
    return frozenset(waiting | ({lane.scan} if may_go_on(lane) and lane.facts.lookup is None else set()))


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
        glimpsed=(),
        review_mono=None,
        told=False,
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
    """The lane as the screens are told of it. A word that awaits more is not said yet, one told is not said again."""
    decision = None if lane.told else lane.decision
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
            first_use=first_use(lane.facts, said.ticket, said.reason) if said else None,
            medium=_medium(lane) if not lane.told else None,
            alerts=tuple(dict.fromkeys(alert.kind.value for alert in lane.alerts)),
            overridable=bool(lane.decision and lane.decision.overridable),
            refused=lane.decision.reason if lane.told and lane.decision else None,
            patients=shown_patients(lane.facts, lane.holders) if said and said.reason is Reason.WHOSE_COMPANION else (),
        )
    )


def _medium(lane: Lane) -> Medium | None:
    return lane.facts.card.medium if lane.facts.card else lane.facts.problem_medium


def record(lane: Lane, kind: EntryKind, body: Body, *, opens: bool = False, settles: bool = False) -> Record:
    """An entry about the present attempt."""
    return Record(lane.attempt, kind, body, opens, settles)


def timer(lane: Lane, which: Timer, seconds: float) -> StartTimer:
    """A timer of the present attempt."""
    return StartTimer(which, lane.attempt, seconds)
