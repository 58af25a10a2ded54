"""A list's review at the lane: its clock, its owner, its end, and what the ledger is told of it."""

from __future__ import annotations

import pytest

from gate.core.effects import Capture, Record, Release, Show
from gate.core.events import FaceCompared, TicketFound, TimedOut, Timer
from gate.core.lists import UNANSWERED
from models.decision import Profile, Reason, StewardAction, Verdict
from models.face import FaceProblem
from models.passage import Direction
from models.record import DecisionBody
from models.view import Phase
from models.watch import HitMeans, WatchAction, WatchDone, WatchFallback, WatchHit, WatchTaken
from tests.gate.core.paper_lane import PaperLane
from tests.gate.core.strategies import DOORS, face, hit, lookup, policy
from tests.gate.core.told import AN, a_lane, found, says, words

HOSPITAL, CONCERT = policy(Profile.HOSPITAL), policy()
TAKE, CLEAR, REFUSE = StewardAction.TAKE_WATCH, StewardAction.CLEAR_WATCH, StewardAction.REFUSE
REFERRED = (Verdict.REFER, Reason.WATCHLISTED)


def done(lane: PaperLane) -> list[tuple[WatchDone, str]]:
    """What the ledger was told of hits, word by word."""
    bodies = [record.body for record in lane.effects(Record)]
    return [(each.done, each.by) for body in bodies if isinstance(body, DecisionBody) for each in body.watch]


def seen(frames: int = 1, distance: float = 0.25, entry: str = "W1") -> WatchHit:
    """A face that so many frames take for listed."""
    return hit(means=HitMeans.FACE, distance=distance, frames=frames, entry=entry)


# --- the clock ------------------------------------------------------------------------------------------------------


def test_a_patient_goes_in_with_a_note_when_nobody_looked_for_a_minute() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(),)))
    lane.wait(59.9)
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [REFERRED])
    lane.wait(0.2)
    assert lane.phase is Phase.RELEASED
    assert words(lane)[1] == (Verdict.ADMIT, Reason.OK_WITHOUT_FACE)
    assert [note.text for note in lane.effects(Show)[-1].view.notes] == ["search · security"]
    assert done(lane) == [(WatchDone.REVIEW, ""), (WatchDone.LAPSED, "")]


def test_elsewhere_the_word_stays_and_the_lane_is_given_back_without_a_no() -> None:
    lane = a_lane(policy(Profile.CARD))
    lane.tell(AN, found(hits=(hit(),)))
    lane.wait(61.0)
    assert lane.phase is Phase.REFERRED
    lane.wait(120.0)
    assert lane.phase is Phase.IDLE
    assert words(lane) == [REFERRED, REFERRED]
    body = lane.effects(Record)[-1].body
    assert isinstance(body, DecisionBody)
    assert UNANSWERED in body.decision.flags
    assert lane.effects(Release) == []


@pytest.mark.parametrize("fallback", WatchFallback)
def test_whom_a_document_holds_no_clock_lets_in(fallback: WatchFallback) -> None:
    lane = a_lane(policy(Profile.HOSPITAL, watch_fallback=fallback))
    lane.tell(AN, found(hits=(hit(WatchAction.REFUSE_UNLESS_CLEARED),)))
    lane.wait(300.0)
    assert (lane.phase, lane.effects(Release)) == (Phase.IDLE, [])
    assert {verdict for verdict, _ in words(lane)} == {Verdict.REFER}


def test_a_review_longer_than_a_lane_waits_for_staff_has_all_of_its_time() -> None:
    lane = a_lane(policy(Profile.HOSPITAL, watch_review_s=300.0, refer_s=30.0))
    lane.tell(AN, found(hits=(hit(),)))
    lane.wait(299.0)
    assert lane.phase is Phase.REFERRED
    lane.wait(2.0)
    assert lane.phase is Phase.RELEASED


def test_the_clock_of_the_one_before_is_nothing_to_the_next() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(),)), says(CLEAR))
    lane.tell(TimedOut(1, Timer.REVIEW))
    assert lane.phase is Phase.RELEASED
    assert len(words(lane)) == 2


def test_a_clock_that_runs_down_while_something_else_is_asked_changes_nothing() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(0.9)))
    before = lane.lane
    lane.tell(TimedOut(1, Timer.REVIEW))
    assert lane.lane == before


# --- its owner ------------------------------------------------------------------------------------------------------


def test_who_takes_a_review_is_on_record_and_has_all_of_its_time_once() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(),)))
    lane.wait(50.0)
    lane.tell(says(TAKE))
    lane.wait(50.0)
    assert lane.phase is Phase.REFERRED
    lane.tell(says(TAKE))
    assert done(lane) == [(WatchDone.REVIEW, ""), (WatchDone.TAKEN, "steward-4"), (WatchDone.TAKEN, "steward-4")]
    lane.wait(11.0)
    assert lane.phase is Phase.RELEASED


@pytest.mark.parametrize(
    ("says_what", "became"), [(CLEAR, WatchDone.CLEARED), (StewardAction.ADMIT, WatchDone.CLEARED)]
)
def test_who_clears_it_is_on_record(says_what: StewardAction, became: WatchDone) -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(),)), says(TAKE), says(says_what))
    assert words(lane)[-1][0] is Verdict.ADMIT
    assert done(lane)[-1] == (became, "steward-4")


def test_only_a_person_says_no_and_he_is_on_record() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(version=3, domain="city"),)), says(REFUSE))
    assert words(lane)[-1] == (Verdict.DENY, Reason.REFUSED_BY_STEWARD)
    body = lane.effects(Record)[-1].body
    assert isinstance(body, DecisionBody)
    assert body.watch == (WatchTaken("W1", 3, HitMeans.DOCUMENT, 0.0, WatchDone.REFUSED, "steward-4", "city"),)


def test_nobody_takes_what_is_no_review() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found())
    before = lane.lane
    lane.tell(says(TAKE))
    assert lane.lane == before


def test_a_silent_note_is_on_record_as_one() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(hit(WatchAction.NOTIFY),)))
    assert lane.phase is Phase.RELEASED
    assert done(lane) == [(WatchDone.NOTED, "")]


# --- two frames -----------------------------------------------------------------------------------------------------


def test_one_frame_asks_for_one_more_and_tells_nobody_anything() -> None:
    lane = a_lane()
    lane.tell(AN, found())
    (asked,) = (each for each in lane.tell(FaceCompared(1, face(), (seen(),))) if isinstance(each, Capture))
    assert asked.seconds <= 1.0
    lane.tell(FaceCompared(1, face()))
    assert words(lane) == [(Verdict.ADMIT, Reason.OK)]
    assert lane.lane.facts.face_hits == ()
    assert done(lane) == []


def test_two_frames_that_agree_are_a_hit_with_the_farther_s_distance() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(), (seen(distance=0.21), seen(entry="W2"))))
    lane.tell(FaceCompared(1, face(), (seen(distance=0.3),)))
    assert words(lane) == [REFERRED]
    (known,) = lane.lane.facts.face_hits
    assert (known.entry, known.frames, known.distance) == ("W1", 2, 0.3)


def test_two_frames_of_one_try_are_enough() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(), (seen(frames=2),)))
    assert words(lane) == [REFERRED]


def test_a_second_look_that_sees_nobody_costs_nothing() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(), (seen(),)))
    lane.tell(FaceCompared(1, face(comparison=None, problem=FaceProblem.NO_FACE)))
    assert words(lane) == [(Verdict.ADMIT, Reason.OK)]


def test_one_second_look_and_no_third() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(), (seen(),)))
    lane.tell(FaceCompared(1, face(), (seen(entry="W2"),)))
    assert words(lane) == [(Verdict.ADMIT, Reason.OK)]


def test_what_one_saw_of_another_s_face_is_nothing_to_the_next() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, face(), (seen(),)), FaceCompared(1, face()))
    lane.wait(60.0)
    lane.tell(AN, TicketFound(2, lookup()), FaceCompared(2, face(), (seen(),)), FaceCompared(2, face()))
    assert lane.lane.facts.face_hits == ()


# --- what is kept of it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "idle", [hit(valid_to=DOORS), hit(entrances=("south",)), hit(valid_from=DOORS + 9e6, valid_to=DOORS + 9.1e6)]
)
def test_what_does_not_count_leaves_no_trace(idle: WatchHit) -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(AN, found(hits=(idle,)))
    body = lane.effects(Record)[0].body
    assert isinstance(body, DecisionBody)
    assert (body.facts.lookup.hits if body.facts.lookup else None, body.watch) == ((), ())


def test_of_who_leaves_no_hit_is_kept() -> None:
    lane = a_lane(HOSPITAL, direction=Direction.EXIT)
    lane.tell(AN, found(hits=(hit(),)))
    assert lane.lane.facts.lookup is not None
    assert lane.lane.facts.lookup.hits == ()
