"""What people at the lane say: a steward settles what the rules leave to a person."""

from __future__ import annotations

from dataclasses import replace

from gate.core.attempt import GATHERING, body, consider
from gate.core.barrier import at_rest
from gate.core.case import FACE_REASONS, USED, Case, needs_face
from gate.core.decide import decide
from gate.core.effects import StopCapture
from gate.core.events import StewardSaid, TimedOut, Timer
from gate.core.hospital import may_be_companion
from gate.core.lists import UNANSWERED, is_review, owner_of
from gate.core.state import Lane, Outcome, mark, record, show
from models.decision import Decision, Need, Now, Policy, Reason, StewardAction, StewardWord, Verdict
from models.ledger import EntryKind
from models.staff import VISITOR
from models.view import Phase

ANSWERS = {
    StewardAction.CONFIRM: Reason.CONFIRM_FIRST,
    StewardAction.TAKE_WATCH: Reason.WATCHLISTED,
    StewardAction.CLEAR_WATCH: Reason.WATCHLISTED,
}
"""Words that answer one question and no other."""


def on_steward(lane: Lane, event: StewardSaid, policy: Policy, now: Now) -> Outcome:
    """A person speaks about the one in the lane. A word that can't settle what is asked changes nothing."""
    if event.action is StewardAction.OVERRIDE:
        fits = _overrides(lane, event, policy, now)
    else:
        in_time = event.actor != VISITOR or lane.phase in GATHERING  # later she would hide what a comparison found
        fits = lane.phase is not Phase.IDLE and in_time and _fits(lane, event, policy)
    if not fits:
        return lane, ()
    again = event.action is StewardAction.RETRY_FACE
    capturing = lane.phase is Phase.CAPTURE
    lane = mark(replace(_with_word(_in_hand(lane, event), event), told=False), "steward", now)
    lane, effects = consider(_without_face(lane) if again else lane, policy, now)
    return lane, ((StopCapture(lane.attempt), *effects) if capturing else effects)


def _fits(lane: Lane, event: StewardSaid, policy: Policy) -> bool:
    """Whether this can be said now: to refuse and to do without the face at any time, all else as an answer."""
    if event.action in (StewardAction.REFUSE, StewardAction.SKIP_FACE):
        return True
    word, action = lane.decision, event.action
    if lane.phase is not Phase.REFERRED or word is None:
        return False
    if action is StewardAction.COMPANION:
        return word.reason is Reason.WHOSE_COMPANION and may_be_companion(lane.facts, policy, event.of)
    if action in ANSWERS:
        return word.reason is ANSWERS[action]
    if action is StewardAction.HOLDER_HERE:
        return word.settleable and word.reason in USED
    if action is StewardAction.RETRY_FACE:
        return needs_face(lane.facts, policy) and word.settleable and word.reason in FACE_REASONS
    return word.settleable


def _in_hand(lane: Lane, event: StewardSaid) -> Lane:
    """Who takes a review has all of its time: the clock begins once more, and once only."""
    first = event.action is StewardAction.TAKE_WATCH and not owner_of(lane.facts)
    return replace(lane, review_mono=None) if first else lane


def _overrides(lane: Lane, event: StewardSaid, policy: Policy, now: Now) -> bool:
    """Whether this override settles what the lane said last: while a person decides, or until somebody else comes."""
    said = lane.decision
    if lane.phase not in (Phase.REFERRED, Phase.IDLE) or said is None or not said.overridable:
        return False
    return Case(lane.facts, policy, now).overrides(_word(lane, event), said.reason)


def _word(lane: Lane, event: StewardSaid) -> StewardWord:
    on = lane.decision.reason if lane.decision else None
    return StewardWord(event.action, event.actor, event.why, on, event.cause, event.second, event.of)


def _with_word(lane: Lane, event: StewardSaid) -> Lane:
    return replace(lane, facts=replace(lane.facts, steward=(*lane.facts.steward, _word(lane, event))))


def _without_face(lane: Lane) -> Lane:
    """Forget the tries so far, and with them what was said of a face that was declined and of whom a list named."""
    outdated = (StewardAction.SKIP_FACE, StewardAction.CLEAR_WATCH)
    words = tuple(
        word for word in lane.facts.steward if word.action not in outdated and word.on is not Reason.WATCHLISTED
    )
    return replace(lane, facts=replace(lane.facts, face=None, steward=words), asked=lane.asked - {Need.FACE})


def on_refer_timeout(lane: Lane, event: TimedOut, policy: Policy, now: Now) -> Outcome:
    """Nobody came to settle it: the lane is needed by others. Because of a list nobody is refused."""
    if event.timer is Timer.REVIEW:
        return _on_review_over(lane, policy, now)
    if event.timer is not Timer.REFER or lane.decision is None:
        return lane, ()
    if lane.decision.verdict is Verdict.DENY:
        return at_rest(lane, policy, now)
    word = Decision(Verdict.DENY, Reason.STEWARD_TIMEOUT, (), lane.decision.ticket)
    if is_review(lane.decision):
        word = replace(lane.decision, flags=(*lane.decision.flags, UNANSWERED))
    entry = record(lane, EntryKind.DECISION, body(lane, word, policy, now))
    lane, effects = at_rest(lane, policy, now)
    return lane, (entry, *effects)


def _on_review_over(lane: Lane, policy: Policy, now: Now) -> Outcome:
    """The time for a person's look has run down: the policy says whether she goes on with a note."""
    if not is_review(lane.decision):
        return lane, ()
    lane = replace(lane, facts=replace(lane.facts, review_over=True))
    stays = is_review(decide(lane.facts, policy, now))
    return (lane, (show(lane),)) if stays else consider(lane, policy, now)
