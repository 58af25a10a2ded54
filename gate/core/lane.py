"""`step(lane, event, policy, now) -> (lane, effects)`: the lane as one printed table.

`TABLE` maps (phase, event) to a small handler; a pair that isn't in it changes nothing. Answers to an older attempt are
dropped, so that nobody walks on somebody else's face. `python -m gate.core.lane` prints it as the README shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gate.core import attempt, barrier, red, staff, upkeep
from gate.core.events import (
    CardFailed,
    CardRead,
    ClaimAnswered,
    ClockJudged,
    DeviceBack,
    DeviceLost,
    Event,
    FaceCompared,
    FaceHinted,
    LookupFailed,
    ModeEnded,
    ModeSet,
    Passed,
    RecordFailed,
    RedTapped,
    ReleaseFailed,
    SensorDoubted,
    SensorSaw,
    StaffNoted,
    StewardSaid,
    TicketFound,
    TimedOut,
    Timer,
    WindowSet,
)
from gate.core.state import Lane, Outcome, clear, show
from models.decision import Now, Policy
from models.view import Phase

Handler = Callable[[Lane, Any, Policy, Now], Outcome]


def end_show(lane: Lane, event: TimedOut, policy: Policy, now: Now) -> Outcome:
    """The verdict was on the screen long enough. What a supervisor may still override is kept while nobody waits."""
    if event.timer not in (Timer.SHOW, Timer.REFER):
        return lane, ()
    refused = lane.decision is not None and lane.decision.overridable
    kept = refused and event.timer is Timer.SHOW and lane.phase is Phase.IDLE and lane.waiting is None
    lane = replace(lane, told=True) if kept else clear(lane)
    return lane, (show(lane),)


_BUSY = (Phase.LOOKUP, Phase.CAPTURE)
_REST = (Phase.IDLE, Phase.PAUSED, Phase.FAULT)

TABLE: dict[tuple[Phase, type[Event]], Handler] = {
    **{(phase, CardRead): attempt.begin for phase in (*_REST, Phase.FREE)},
    (Phase.REFERRED, CardRead): attempt.begin_anew,
    **{(phase, CardRead): attempt.keep_waiting for phase in (*_BUSY, Phase.RELEASED)},
    **{(phase, CardFailed): attempt.begin_unread for phase in _REST},
    **{
        (phase, CardFailed): attempt.write_down_unread for phase in (*_BUSY, Phase.RELEASED, Phase.REFERRED, Phase.FREE)
    },
    (Phase.LOOKUP, TicketFound): attempt.on_ticket,
    (Phase.FREE, TicketFound): attempt.on_ticket_in_free_passage,
    (Phase.LOOKUP, LookupFailed): attempt.on_lookup_failed,
    **{(phase, ClaimAnswered): attempt.on_claim for phase in _BUSY},
    (Phase.CAPTURE, FaceCompared): attempt.on_face,
    (Phase.CAPTURE, FaceHinted): attempt.on_hint,
    **{(phase, TimedOut): attempt.on_timeout for phase in _BUSY},
    **{(phase, StewardSaid): staff.on_steward for phase in (*_BUSY, Phase.REFERRED, Phase.IDLE)},
    (Phase.REFERRED, TimedOut): staff.on_refer_timeout,
    (Phase.RELEASED, Passed): barrier.on_passed,
    (Phase.RELEASED, TimedOut): barrier.on_passage_timeout,
    (Phase.RELEASED, SensorDoubted): barrier.on_sensor_doubted,
    (Phase.RELEASED, ReleaseFailed): barrier.on_release_failed,
    **{(phase, TimedOut): end_show for phase in (*_REST, Phase.FREE)},
    (Phase.FREE, Passed): barrier.on_passed_in_free_passage,
    **{(phase, Passed): barrier.on_intrusion for phase in (*_REST, *_BUSY, Phase.REFERRED)},
    **{(phase, SensorSaw): barrier.on_signal for phase in Phase},
    **{(phase, RedTapped): red.on_red for phase in Phase},
    **{(phase, RecordFailed): barrier.on_record_failed for phase in Phase},
    **{(phase, ModeSet): upkeep.on_mode for phase in Phase},
    **{(phase, ModeEnded): upkeep.on_mode_ended for phase in Phase},
    **{(phase, StaffNoted): upkeep.on_staff_noted for phase in Phase},
    **{(phase, DeviceLost): upkeep.on_device_lost for phase in Phase},
    **{(phase, DeviceBack): upkeep.on_device_back for phase in Phase},
    **{(phase, ClockJudged): upkeep.on_clock for phase in Phase},
    **{(phase, WindowSet): upkeep.on_window for phase in Phase},
}


def step(lane: Lane, event: Event, policy: Policy, now: Now) -> Outcome:
    """What the lane becomes, and what is to be done. Pure; never raises on any event."""
    handler = TABLE.get((lane.phase, type(event)))
    if handler is None or _is_late(lane, event):
        return lane, ()
    before = lane.phase
    lane, effects = handler(lane, event, policy, now)
    if lane.phase is Phase.IDLE and (before is not Phase.IDLE or isinstance(event, TimedOut)) and lane.decision is None:
        lane, more = attempt.take_up_waiting(lane, policy, now)
        effects = (*effects, *more)
    return lane, effects


def _is_late(lane: Lane, event: Event) -> bool:
    """Whether the event answers an attempt that is over. A ledger that fails is never yesterday's news."""
    if isinstance(event, RecordFailed):
        return False
    return getattr(event, "attempt", lane.attempt) != lane.attempt


def print_table() -> str:
    """The table as text: a row an event, a column a phase, `·` where nothing changes."""
    events = list(dict.fromkeys(event for _, event in TABLE))
    rows = [["", *(phase.value.upper() for phase in Phase)]]
    for event in events:
        cells = [TABLE[phase, event].__name__ if (phase, event) in TABLE else "·" for phase in Phase]
        rows.append([event.__name__, *(cell.removeprefix("on_") for cell in cells)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


if __name__ == "__main__":
    print(print_table())
