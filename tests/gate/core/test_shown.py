"""What staff are told of a list's hint."""

from __future__ import annotations

from dataclasses import replace

from gate.core.shown import shown_hits
from gate.core.state import Lane
from models.decision import Decision, Facts, LookupFacts, Now, Policy, Profile, Reason, Verdict
from models.view import ShownHit
from models.watch import HitMeans, WatchAction, WatchHit

NOW = Now(1_000.0, 0.0)
POLICY = Policy(Profile.CARD, "e")
HIT = WatchHit("w1", "police", "missing person", WatchAction.REVIEW, HitMeans.FACE, 0.0, 2_000.0, distance=0.2)


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
    assert shown_hits(lane(replace(HIT, action=WatchAction.NOTIFY), replace(HIT, valid_to=999.0)), POLICY, NOW) == ()


def test_nothing_is_told_while_the_lane_asks_for_something_else() -> None:
    for word in (Decision(Verdict.ADMIT, Reason.OK), Decision(Verdict.REFER, Reason.NO_FACE)):
        assert shown_hits(lane(HIT, word=word), POLICY, NOW) == ()
    assert shown_hits(replace(lane(HIT), decision=None), POLICY, NOW) == ()
