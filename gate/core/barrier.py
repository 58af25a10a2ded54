"""The turnstile: what it did with a release, and what it did without one."""

from __future__ import annotations

from dataclasses import replace

from gate.core.effects import Effect, Record, StopCapture
from gate.core.events import Passed, RecordFailed, ReleaseFailed, SensorDoubted, SensorSaw, TimedOut, Timer
from gate.core.state import SENSOR, Alert, Lane, Outcome, clear, record, sees_turns, show, timer
from models.decision import Decision, Now, Policy, Reason, Verdict
from models.ledger import EntryKind
from models.passage import STANDING, Passage, SensorSignal, SignalKind
from models.record import PassageBody, SignalBody
from models.view import Mode, Phase


def at_rest(lane: Lane, policy: Policy, now: Now) -> Outcome:
    """The person has left the lane."""
    lane = clear(lane)
    return lane, (show(lane),)


def on_passed(lane: Lane, event: Passed, policy: Policy, now: Now) -> Outcome:
    """The turnstile turned after a release: the ticket is used now. The other way round, it is an intrusion."""
    if event.direction is not lane.facts.direction:
        return on_intrusion(lane, event, policy, now)
    entry = end_release(lane, Passage.PASSED, "", now)
    lane, effects = at_rest(lane, policy, now)
    return lane, (entry, *effects)


def on_passage_timeout(lane: Lane, event: TimedOut, policy: Policy, now: Now) -> Outcome:
    """Nobody was seen to pass. Without a working sensor that means nothing, and is written down as such."""
    if event.timer is not Timer.PASSAGE:
        return lane, ()
    watched = sees_turns(lane) and not lane.doubtful
    entry = end_release(lane, Passage.NO_SHOW if watched else Passage.UNKNOWN, "", now)
    lane, effects = at_rest(lane, policy, now)
    return lane, (entry, *effects)


def on_sensor_doubted(lane: Lane, event: SensorDoubted, policy: Policy, now: Now) -> Outcome:
    """A turn may have been missed: the end of this release can't be called a no-show."""
    return replace(lane, doubtful=True), ()


def on_release_failed(lane: Lane, event: ReleaseFailed, policy: Policy, now: Now) -> Outcome:
    """The relay did not move: the ticket stays good, and a person helps."""
    entry = end_release(lane, Passage.NO_SHOW, "release_failed", now)
    ticket = lane.decision.ticket if lane.decision else ""
    word = Decision(Verdict.REFER, Reason.DEVICE_FAULT, (), ticket)
    lane = replace(lane, phase=Phase.REFERRED, decision=word)
    return lane, (entry, show(lane), timer(lane, Timer.REFER, policy.refer_s))


def on_record_failed(lane: Lane, event: RecordFailed, policy: Policy, now: Now) -> Outcome:
    """No ink, no motion: the lane is out of order until the ledger is back."""
    word = Decision(Verdict.REFER, Reason.DEVICE_FAULT)
    lost = tuple(dict.fromkeys((*lane.lost, "ledger")))
    lane = replace(clear(replace(lane, lost=lost)), decision=word)
    return lane, (StopCapture(lane.attempt), show(lane, policy.show_s), timer(lane, Timer.SHOW, policy.show_s))


def on_intrusion(lane: Lane, event: Passed, policy: Policy, now: Now) -> Outcome:
    """It turned and nobody had been released that way. Where the barrier stands open, that is only one more person."""
    if lane.mode is Mode.FREE:
        return on_passed_in_free_passage(lane, event, policy, now)
    body = SignalBody(SignalKind.TURNED, event.direction, lane.attempt)
    return lane, (record(lane, EntryKind.INTRUSION, body),)


def on_passed_in_free_passage(lane: Lane, event: Passed, policy: Policy, now: Now) -> Outcome:
    """In free passage everybody is counted and nobody is asked."""
    body = PassageBody(0, Passage.PASSED, event.direction)
    return lane, (record(lane, EntryKind.PASSAGE, body, opens=True),)


def on_signal(lane: Lane, event: SensorSaw, policy: Policy, now: Now) -> Outcome:
    """A second person, a wing held open, fire, tamper: seen, written down and shown, never acted through."""
    signal, device = event.signal, "" if event.device == SENSOR else event.device
    kind = EntryKind.TAILGATE if signal.kind is SignalKind.SECOND_PERSON else EntryKind.SAFETY
    body = SignalBody(signal.kind, signal.direction, lane.attempt, signal.detail, device)
    effects: tuple[Effect, ...] = (record(lane, kind, body),)
    alerts = _standing(lane.alerts, event.device, signal)
    if alerts == lane.alerts:
        return lane, effects
    lane = replace(lane, alerts=alerts)
    lane = replace(lane, doubtful=lane.doubtful or (lane.has_sensor and not sees_turns(lane)))
    return lane, (*effects, show(lane))


def _standing(alerts: tuple[Alert, ...], device: str, signal: SensorSignal) -> tuple[Alert, ...]:
    """What stands after `signal`. `CLEARED` names a kind, or the detail of one state; another device's stays."""
    if signal.kind in STANDING:
        alert = Alert(device, signal.kind, signal.detail)
        return alerts if alert in alerts else (*alerts, alert)
    if signal.kind is not SignalKind.CLEARED:
        return alerts
    return tuple(
        a for a in alerts if a.device != device or not signal.detail or signal.detail not in (a.kind, a.detail)
    )


def end_release(lane: Lane, passage: Passage, detail: str, now: Now) -> Record:
    """The entry that tells how the release under way has ended."""
    ticket = lane.decision.ticket if lane.decision else ""
    released_at = lane.marks[-1][1] if lane.marks else now.mono
    ms = {"passage": round((now.mono - released_at) * 1000, 3)}
    body = PassageBody(lane.attempt, passage, lane.facts.direction, ticket, detail, ms)
    return record(lane, EntryKind.PASSAGE, body, settles=True)
