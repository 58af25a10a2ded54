"""One person's attempt, from the card to the verdict."""

from __future__ import annotations

from dataclasses import replace

from gate.core.case import Case
from gate.core.decide import chosen_ticket, decide
from gate.core.effects import Capture, Claim, Effect, Lookup, Release, StopCapture
from gate.core.events import (
    CardFailed,
    CardRead,
    ClaimAnswered,
    FaceCompared,
    FaceHinted,
    LookupFailed,
    TicketFound,
    TimedOut,
    Timer,
)
from gate.core.life import asks_turn, is_attack, is_live
from gate.core.lists import any_hits, in_force, what_was_done
from gate.core.review import SECOND_LOOK_S, begin_review, glimpse, refer_s
from gate.core.state import (
    KEEP_WAITING_S,
    Lane,
    Outcome,
    clear,
    mark,
    out_of_order,
    record,
    rest_phase,
    show,
    step_times,
    timer,
)
from models.decision import (
    ClaimAnswer,
    Decision,
    FaceFacts,
    Facts,
    Need,
    Now,
    Policy,
    Reason,
    Verdict,
)
from models.face import FaceProblem
from models.ledger import EntryKind
from models.record import DecisionBody
from models.view import Mode, Phase
from models.watch import WatchTaken

TRY_AGAIN = frozenset({Reason.NO_FACE, Reason.POOR_FACE, Reason.NOT_LIVE, Reason.FACE_UNCERTAIN, Reason.FACE_MISMATCH})
"""With one of these a further picture may help, while there is time."""

GATHERING = (Phase.LOOKUP, Phase.CAPTURE)

SHORTEST_CAPTURE_S = 0.3

WOBBLE_S = 2.0
"""The same card read again so soon lies badly on the reader; nobody takes it away and comes back in that time."""


def begin(lane: Lane, event: CardRead, policy: Policy, now: Now) -> Outcome:
    """Somebody presents a card to a lane that is ready for it. Who came first is served first."""
    if lane.waiting and lane.waiting[0].same != event.same and now.mono - lane.waiting[1] <= KEEP_WAITING_S:
        event, lane = lane.waiting[0], replace(lane, waiting=(event, now.mono))
    lane = _next_person(lane, event, now)
    lane = replace(lane, same=event.same, scan=event.scan, facts=replace(lane.facts, card=event.card))
    if lane.waiting and event.same and lane.waiting[0].same == event.same:
        lane = replace(lane, waiting=None)  # the one who waited has come himself
    if lane.mode is Mode.FREE:
        return lane, (Lookup(lane.attempt, lane.scan), show(lane))
    return consider(lane, policy, now)


def begin_anew(lane: Lane, event: CardRead, policy: Policy, now: Now) -> Outcome:
    """A card while a person decides: the next one's, or the same one's who tries again. A wobbling card is neither."""
    if event.same and event.same == lane.same and now.mono - lane.marks[0][1] < WOBBLE_S:
        return lane, ()
    return begin(lane, event, policy, now)


def begin_unread(lane: Lane, event: CardFailed, policy: Policy, now: Now) -> Outcome:
    """Somebody presents a card that can't be used."""
    lane = _next_person(lane, event, now)
    facts = replace(lane.facts, card_problem=event.problem, problem_medium=event.medium)
    return consider(replace(lane, facts=facts), policy, now)


def write_down_unread(lane: Lane, event: CardFailed, policy: Policy, now: Now) -> Outcome:
    """A card that can't be used, while the lane is another's: he is not disturbed, and the scan is kept."""
    way = event.direction or lane.direction
    facts = Facts(gate=lane.gate, direction=way, card_problem=event.problem, problem_medium=event.medium)
    return lane, (record(lane, EntryKind.DECISION, DecisionBody(0, facts, decide(facts, policy, now), now.wall)),)


def keep_waiting(lane: Lane, event: CardRead, policy: Policy, now: Now) -> Outcome:
    """The next person is early. The same person's second tap is nothing new."""
    if event.same and event.same == lane.same:
        return lane, ()
    return replace(lane, waiting=(event, now.mono)), ()


def take_up_waiting(lane: Lane, policy: Policy, now: Now) -> Outcome:
    """Go on with the card that was presented while the lane was busy."""
    waiting, lane = lane.waiting, replace(lane, waiting=None)
    if waiting is None or lane.phase is not Phase.IDLE or now.mono - waiting[1] > KEEP_WAITING_S:
        return lane, ()
    return begin(lane, waiting[0], policy, now)


def on_ticket(lane: Lane, event: TicketFound, policy: Policy, now: Now) -> Outcome:
    """The stores answered."""
    lookup = replace(event.lookup, hits=in_force(event.lookup.hits, lane.facts, now))
    lane = mark(replace(lane, facts=replace(lane.facts, lookup=lookup), holders=event.holders), "lookup", now)
    return consider(lane, policy, now)


def on_ticket_in_free_passage(lane: Lane, event: TicketFound, policy: Policy, now: Now) -> Outcome:
    """The barrier stands open; who came is written down all the same, with the word that would have been said."""
    lookup = replace(event.lookup, hits=in_force(event.lookup.hits, lane.facts, now))
    facts = replace(lane.facts, lookup=lookup)
    word = decide(facts, policy, now)
    word = replace(word, awaiting=(), flags=(*word.flags, "free_passage"))
    came = replace(body(replace(lane, facts=facts), word, policy, now), ms={})
    return lane, (record(lane, EntryKind.DECISION, came),)


def on_lookup_failed(lane: Lane, event: LookupFailed, policy: Policy, now: Now) -> Outcome:
    """The stores could not answer: a person has to."""
    return consider(replace(lane, facts=replace(lane.facts, lookup_fault=event.why or "store")), policy, now)


def on_claim(lane: Lane, event: ClaimAnswered, policy: Policy, now: Now) -> Outcome:
    """The authority answered."""
    capturing = lane.phase is Phase.CAPTURE
    facts = replace(lane.facts, claim=event.answer, claim_first=event.first)
    lane = mark(replace(lane, facts=facts), "claim", now)
    lane, effects = consider(lane, policy, now)
    stops = (StopCapture(lane.attempt),) if capturing and lane.phase is not Phase.CAPTURE else ()
    return lane, (*stops, *effects)


def on_face(lane: Lane, event: FaceCompared, policy: Policy, now: Now) -> Outcome:
    """The camera's try is over; the better of the tries counts."""
    face = better_try(lane.facts.face, event.face, policy)
    lane = mark(replace(lane, facts=replace(lane.facts, face=face), hint=""), "face", now)
    lane, unsure = glimpse(lane, event.hits, now)
    seconds = policy.capture_s - _since(lane, ("lookup", "steward"), now)
    again = not is_attack(event.face, policy) and _may_try_again(lane, policy, now)
    if unsure and not again:
        again, seconds = True, min(seconds, SECOND_LOOK_S)
    if again and seconds >= SHORTEST_CAPTURE_S:
        ticket = lane.decision.ticket if lane.decision else ""
        return lane, (Capture(lane.attempt, ticket, round(seconds, 3), asks_turn(face, policy)),)
    return consider(lane, policy, now)


def on_hint(lane: Lane, event: FaceHinted, policy: Policy, now: Now) -> Outcome:
    """Tell the visitor what is in the way, once."""
    if lane.hint == event.problem:
        return lane, ()
    lane = replace(lane, hint=event.problem)
    return lane, (show(lane),)


def on_timeout(lane: Lane, event: TimedOut, policy: Policy, now: Now) -> Outcome:
    """An answer is overdue: go on without it."""
    facts = lane.facts
    if event.timer is Timer.LOOKUP and facts.lookup is None:
        return consider(replace(lane, facts=replace(facts, lookup_fault="timeout")), policy, now)
    if event.timer is Timer.CLAIM and Need.CLAIM in lane.asked and facts.claim is None:
        return on_claim(lane, ClaimAnswered(event.attempt, ClaimAnswer.NO_ANSWER), policy, now)
    if event.timer is Timer.CAPTURE and Need.FACE in lane.asked:
        face = facts.face or FaceFacts(problem=FaceProblem.NO_FACE)
        lane = mark(replace(lane, facts=replace(facts, face=face), hint=""), "face", now)
        lane, effects = consider(lane, policy, now)
        return lane, (StopCapture(lane.attempt), *effects)
    return lane, ()


def consider(lane: Lane, policy: Policy, now: Now) -> Outcome:
    """Decide with what is known: gather more, or act."""
    decision = decide(lane.facts, policy, now)
    lane = replace(lane, decision=decision)
    if decision.awaiting:
        return _gather(lane, decision, policy)
    lane = mark(lane, "decide", now)
    entry = record(lane, EntryKind.DECISION, body(lane, decision, policy, now), opens=decision.verdict is Verdict.ADMIT)
    if decision.verdict is Verdict.ADMIT:
        lane = replace(lane, phase=Phase.RELEASED)
        release = Release(lane.attempt, policy.pulse_s)
        return lane, (entry, release, show(lane), timer(lane, Timer.PASSAGE, policy.passage_s))
    if (decision.verdict is Verdict.REFER and not _lane_is_closed(lane)) or decision.settleable:
        lane, clock = begin_review(replace(lane, phase=Phase.REFERRED), policy, now)
        return lane, (entry, show(lane), timer(lane, Timer.REFER, refer_s(lane, policy)), *clock)
    lane = replace(lane, phase=rest_phase(lane))
    later = (timer(lane, Timer.REFER, max(policy.refer_s, policy.show_s)),) if decision.overridable else ()
    return lane, (entry, show(lane, policy.show_s), timer(lane, Timer.SHOW, policy.show_s), *later)


def better_try(before: FaceFacts | None, latest: FaceFacts, policy: Policy) -> FaceFacts:
    """Of two tries the one that says more: a comparison before a problem, a live face before one that isn't."""
    if before is None:
        return replace(latest, tries=1)
    best = latest if _rank(latest, policy) <= _rank(before, policy) else before
    return replace(best, tries=before.tries + 1)


def _rank(face: FaceFacts, policy: Policy) -> tuple[bool, bool, float]:
    """Smaller is better. Among live faces the smaller distance."""
    if face.comparison is None or face.problem is not None or face.fault:
        return True, True, 0.0
    return False, not is_live(face, policy), face.comparison.distance


def _next_person(lane: Lane, event: CardRead | CardFailed, now: Now) -> Lane:
    lane = clear(lane)
    facts = Facts(
        gate=lane.gate,
        direction=event.direction or lane.direction,
        paused=lane.mode is Mode.PAUSED,
        out_of_order=out_of_order(lane),
        clock_trusted=lane.clock_trusted,
        window=None if lane.clock_trusted else lane.window,
    )
    return mark(replace(lane, attempt=lane.attempt + 1, facts=facts), "card", now)


def _lane_is_closed(lane: Lane) -> bool:
    return lane.facts.paused or bool(lane.facts.out_of_order)


def _gather(lane: Lane, decision: Decision, policy: Policy) -> Outcome:
    """Ask for what is missing and was not asked for yet. While a person decided, answers and timers came to nothing."""
    effects: list[Effect] = []
    fresh = [need for need in decision.awaiting if need not in lane.asked or lane.phase not in GATHERING]
    if Need.LOOKUP in fresh:
        effects += [Lookup(lane.attempt, lane.scan), timer(lane, Timer.LOOKUP, policy.lookup_s)]
    if Need.CLAIM in fresh:
        effects += [Claim(lane.attempt, decision.ticket), timer(lane, Timer.CLAIM, policy.claim_s)]
    if Need.FACE in fresh:
        effects += [
            Capture(lane.attempt, decision.ticket, policy.capture_s, asks_turn(lane.facts.face, policy)),
            timer(lane, Timer.CAPTURE, policy.capture_s),
        ]
    phase = Phase.CAPTURE if Need.FACE in decision.awaiting else Phase.LOOKUP
    changed = fresh or phase is not lane.phase
    lane = replace(lane, phase=phase, asked=lane.asked | set(fresh))
    return lane, (*effects, show(lane)) if changed else ()


def _may_try_again(lane: Lane, policy: Policy, now: Now) -> bool:
    face = lane.facts.face
    if face is None or face.fault or face.tries >= policy.face_tries:
        return False
    # A claim that is still out must not cost the visitor a try.
    hopeful = replace(lane.facts, claim=lane.facts.claim or ClaimAnswer.GRANTED)
    return decide(hopeful, policy, now).reason in TRY_AGAIN


def _since(lane: Lane, names: tuple[str, ...], now: Now) -> float:
    return now.mono - max((at for name, at in lane.marks if name in names), default=now.mono)


def body(lane: Lane, decision: Decision, policy: Policy, now: Now) -> DecisionBody:
    """What the ledger is told of a word on this attempt."""
    watch: tuple[WatchTaken, ...] = ()
    if any_hits(lane.facts):
        watch = what_was_done(Case(lane.facts, policy, now, chosen_ticket(lane.facts, policy, now)), decision)
    return DecisionBody(lane.attempt, lane.facts, decision, now.wall, ms=step_times(lane), watch=watch)
