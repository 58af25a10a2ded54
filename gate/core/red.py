"""The red path: one tap, and the barrier opens. Nothing is read, looked up or compared on the way.

It is written down before the relay moves, like every release, and asks for the person afterwards. Whoever was in the
lane gives way: his release ends as unknown, his attempt is over, and he presents his card again.
"""

from __future__ import annotations

from dataclasses import replace

from gate.core.barrier import end_release
from gate.core.effects import Effect, Release, StopCapture
from gate.core.events import RedTapped, Timer
from gate.core.state import Lane, Outcome, clear, mark, record, show, timer
from models.decision import Decision, Facts, Now, Policy, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.record import RedBody
from models.view import Mode, Phase

RED_PASSAGE_S = 20.0
"""A stretcher with those around it takes longer than one person."""


def on_red(lane: Lane, event: RedTapped, policy: Policy, now: Now) -> Outcome:
    """An emergency goes in. A lane that stands open, or can't move, or is being worked at has nothing to open."""
    if not policy.red_path or lane.mode in (Mode.FREE, Mode.OUT_OF_ORDER) or {"relay", "ledger"} & set(lane.lost):
        return lane, ()
    effects: list[Effect] = []
    if lane.phase is Phase.RELEASED:
        effects.append(end_release(lane, Passage.UNKNOWN, "red_path", now))
    if lane.phase is Phase.CAPTURE:
        effects.append(StopCapture(lane.attempt))
    lane = replace(clear(lane), attempt=lane.attempt + 1, phase=Phase.RELEASED)
    facts = Facts(gate=lane.gate, direction=Direction.ENTRY, clock_trusted=lane.clock_trusted)
    lane = mark(replace(lane, facts=facts, decision=Decision(Verdict.ADMIT, Reason.OK_EMERGENCY)), "red", now)
    entry = record(lane, EntryKind.RED, RedBody(lane.attempt, event.actor, event.urgency), opens=True)
    passage = timer(lane, Timer.PASSAGE, max(policy.passage_s, RED_PASSAGE_S))
    return lane, (*effects, entry, Release(lane.attempt, policy.pulse_s), show(lane), passage)
