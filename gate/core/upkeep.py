"""How the lane is run: its mode, its devices, its clock."""

from __future__ import annotations

from dataclasses import replace

from gate.core.effects import Effect, Hold
from gate.core.events import ClockJudged, DeviceBack, DeviceLost, ModeEnded, ModeSet, StaffNoted, WindowSet
from gate.core.state import SENSOR, Lane, Outcome, clear, record, show
from models.decision import Now, Policy
from models.keeping import ClockBody
from models.ledger import EntryKind
from models.record import DeviceBody, ModeBody
from models.view import Mode, Phase

CLOCK_IS_RIGHT = "the clock is right"
TIME_IS_UP = "time is up"
"""Why a mode ends that was set for a while."""

AT_REST = frozenset({Phase.IDLE, Phase.PAUSED, Phase.FREE, Phase.FAULT})


def on_mode(lane: Lane, event: ModeSet, policy: Policy, now: Now) -> Outcome:
    """A person changes how the lane is run; it holds for the next person, the barrier follows at once."""
    until = None if event.mode is Mode.CONTROLLED else event.until
    effects: list[Effect] = [record(lane, EntryKind.MODE, ModeBody(event.mode, event.actor, event.why, until))]
    if (event.mode is Mode.FREE) is not (lane.mode is Mode.FREE):
        effects.append(Hold(event.mode is Mode.FREE))
    lane = _settle(replace(lane, mode=event.mode, mode_by=event.actor, mode_until=until))
    return lane, (*effects, show(lane))


def on_mode_ended(lane: Lane, event: ModeEnded, policy: Policy, now: Now) -> Outcome:
    """The while is over: the lane is controlled again, by the word of whoever set the mode. A later word stands."""
    if lane.mode_until is None or lane.mode_until != event.until or now.wall < event.until:
        return lane, ()
    return on_mode(lane, ModeSet(Mode.CONTROLLED, lane.mode_by, TIME_IS_UP), policy, now)


def on_staff_noted(lane: Lane, event: StaffNoted, policy: Policy, now: Now) -> Outcome:
    """Who works here is no business of the visitor's: it is written down, and that is all."""
    return lane, (record(lane, event.kind, event.body),)


def on_device_lost(lane: Lane, event: DeviceLost, policy: Policy, now: Now) -> Outcome:
    """A device is gone. Who is in the lane is served as far as it goes; the next one is told.

    What a lost sensor saw standing goes on to stand: not to know is not to know that it is over.
    """
    if event.device in lane.lost:
        return lane, ()
    doubtful = lane.doubtful or event.device == SENSOR
    lane = _settle(replace(lane, lost=(*lane.lost, event.device), doubtful=doubtful))
    entry = record(lane, EntryKind.DEVICE, DeviceBody(event.device, up=False, why=event.why))
    return lane, (entry, show(lane))


def on_device_back(lane: Lane, event: DeviceBack, policy: Policy, now: Now) -> Outcome:
    """A device is there again. The relay is told anew how the barrier should stand, for it may not have heard.

    A sensor tells anew what stands, right behind this; what it does not tell was over meanwhile.
    """
    if event.device not in lane.lost:
        return lane, ()
    lost = tuple(name for name in lane.lost if name != event.device)
    alerts = tuple(alert for alert in lane.alerts if alert.device != event.device)
    lane = _settle(replace(lane, lost=lost, alerts=alerts))
    entry = record(lane, EntryKind.DEVICE, DeviceBody(event.device, up=True))
    holds = (Hold(True),) if event.device in ("relay", "ledger") and lane.mode is Mode.FREE else ()
    return lane, (entry, *holds, show(lane))


def on_clock(lane: Lane, event: ClockJudged, policy: Policy, now: Now) -> Outcome:
    """The clock is judged anew; it holds for the next person. A right one needs nobody's word."""
    lane = replace(lane, clock_trusted=event.trusted)
    if not event.trusted or lane.window is None:
        return lane, ()
    ended = record(lane, EntryKind.CLOCK, ClockBody("clock", None, CLOCK_IS_RIGHT))
    return replace(lane, window=None), (ended,)


def on_window(lane: Lane, event: WindowSet, policy: Policy, now: Now) -> Outcome:
    """A person says which event it is; it holds for the next person. By a right clock nobody needs to say so."""
    if event.window == lane.window or (event.window is not None and lane.clock_trusted):
        return lane, ()
    entry = record(lane, EntryKind.CLOCK, ClockBody(event.actor, event.window, event.why))
    return replace(lane, window=event.window), (entry,)


def _settle(lane: Lane) -> Lane:
    """At rest the phase follows mode and devices; with a person in the lane it waits for him."""
    cleared = clear(lane)
    return cleared if lane.phase in AT_REST and cleared.phase is not lane.phase else lane
