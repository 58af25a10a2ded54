"""What staff are told of a list's hint."""

from __future__ import annotations

from dataclasses import replace

from gate.core.shown import shown_hits, shown_review
from gate.core.state import Lane
from models.decision import (
    Decision,
    Facts,
    LookupFacts,
    Now,
    Policy,
    Profile,
    Reason,
    StewardAction,
    StewardWord,
    Verdict,
)
from models.view import ShownHit, ShownReview
from models.watch import HitMeans, WatchAction, WatchFallback, WatchHit
from tests.gate.core.strategies import lookup

NOW = Now(1_000.0, 0.0)
POLICY = Policy(Profile.CARD, "e")
HIT = WatchHit(
    "w1", "police", "missing person", WatchAction.REVIEW, HitMeans.FACE, 0.0, 2_000.0, distance=0.2, frames=2
)


def lane(*hits: WatchHit, word: Decision | None = None) -> Lane:
    """A lane that asks a person about these."""
    said = word or Decision(Verdict.REFER, Reason.WATCHLISTED)
    return Lane("G1", decision=said, facts=Facts("G1", lookup=LookupFacts(None), face_hits=hits))


def test_a_hint_says_why_and_whose_and_by_what_but_not_who() -> None:
    again = replace(HIT, entry="w2", distance=0.3)
    assert shown_hits(lane(HIT, again), POLICY, NOW) == (
        ShownHit("missing person", "police", WatchAction.REVIEW, HitMeans.FACE),
    )


def test_silent_notes_and_what_has_run_out_are_not_to_be_settled() -> None:
    guest = lane(replace(HIT, action=WatchAction.NOTIFY), replace(HIT, valid_to=999.0))
    guest = replace(guest, facts=replace(guest.facts, lookup=lookup()))
    assert shown_hits(guest, POLICY, NOW) == ()


def test_of_a_stranger_a_silent_note_is_a_look() -> None:
    (shown,) = shown_hits(lane(replace(HIT, action=WatchAction.NOTIFY, appeal="desk 4")), POLICY, NOW)
    assert (shown.action, shown.appeal) == (WatchAction.REVIEW, "desk 4")


def test_a_face_never_shows_more_than_a_look() -> None:
    (shown,) = shown_hits(lane(replace(HIT, action=WatchAction.REFUSE_UNLESS_CLEARED, legal_basis="x")), POLICY, NOW)
    assert shown.action is WatchAction.REVIEW


def test_a_review_shows_its_clock_and_who_has_it_in_hand() -> None:
    word = StewardWord(StewardAction.TAKE_WATCH, "steward-4", on=Reason.WATCHLISTED)
    asked = replace(lane(HIT, word=Decision(Verdict.REFER, Reason.WATCHLISTED, settleable=True)), review_mono=0.0)
    later = Now(1_030.0, 30.0)
    assert shown_review(asked, POLICY, later) == ShownReview("", 1_000.0, 60.0, WatchFallback.STAY)
    taken = replace(asked, facts=replace(asked.facts, steward=(word,)))
    shown = shown_review(taken, POLICY, later)
    assert shown is not None
    assert shown.taken_by == "steward-4"
    final = shown_review(replace(asked, decision=Decision(Verdict.REFER, Reason.WATCHLISTED)), POLICY, later)
    assert final is not None
    assert final.fallback is None
    assert shown_review(replace(asked, decision=None), POLICY, later) is None


def test_nothing_is_told_while_the_lane_asks_for_something_else() -> None:
    for word in (Decision(Verdict.ADMIT, Reason.OK), Decision(Verdict.REFER, Reason.NO_FACE)):
        assert shown_hits(lane(HIT, word=word), POLICY, NOW) == ()
    assert shown_hits(replace(lane(HIT), decision=None), POLICY, NOW) == ()
