"""Plain stories of visitors at one lane, told event by event."""

from __future__ import annotations

from dataclasses import replace

from gate.core.effects import Capture, Lookup, Record, Show, StopCapture
from gate.core.events import (
    CardFailed,
    ClaimAnswered,
    ClockJudged,
    FaceCompared,
    LookupFailed,
    Passed,
    TicketFound,
)
from models.credential import CardProblem
from models.decision import ClaimAnswer, FaceFacts, Profile, Reason, StewardAction, Verdict
from models.face import FaceProblem
from models.passage import Direction, Passage
from models.record import DecisionBody, PassageBody
from models.staff import VISITOR
from models.ticket import ManifestState
from models.view import Phase
from tests.gate.core.strategies import DAY, DOORS, EVENT, hit, lookup, policy, use
from tests.gate.core.told import AN, a_lane, compared, found, kinds, passages, says, words

ADMIT, RETRY = StewardAction.ADMIT, StewardAction.RETRY_FACE


# --- those who pass ------------------------------------------------------------------------------------------------


def test_a_good_visitor_is_looked_up_photographed_written_down_and_let_in() -> None:
    lane = a_lane()
    assert kinds(lane.tell(AN)) == ["Lookup", "StartTimer", "Show"]
    lane.wait(0.02)
    assert kinds(lane.tell(found())) == ["Capture", "StartTimer", "Show"]
    lane.wait(0.4)
    assert kinds(lane.tell(compared())) == ["Record", "Release", "Show", "StartTimer"]
    assert lane.phase is Phase.RELEASED
    lane.wait(1.0)
    assert kinds(lane.tell(Passed())) == ["Record", "Show"]
    assert (words(lane), passages(lane)) == ([(Verdict.ADMIT, Reason.OK)], [(1, Passage.PASSED, "")])
    assert not lane.lane.decision


def test_the_times_of_each_step_are_written_down() -> None:
    lane = a_lane()
    lane.tell(AN)
    lane.wait(0.02)
    lane.tell(found())
    lane.wait(0.4)
    lane.tell(compared())
    lane.wait(1.0)
    lane.tell(Passed())
    decided, passed = (record.body for record in lane.effects(Record))
    assert isinstance(decided, DecisionBody)
    assert isinstance(passed, PassageBody)
    assert decided.ms == {"lookup": 20.0, "face": 400.0, "decide": 0.0}
    assert passed.ms == {"passage": 1000.0}


def test_claim_and_camera_work_side_by_side() -> None:
    lane = a_lane(policy(claims=True))
    lane.tell(AN)
    assert kinds(lane.tell(found())) == ["Claim", "StartTimer", "Capture", "StartTimer", "Show"]
    assert lane.tell(ClaimAnswered(1, ClaimAnswer.GRANTED)) == ()
    lane.tell(compared())
    assert lane.phase is Phase.RELEASED


def test_when_the_face_is_first_the_lane_waits_for_the_claim_and_says_so() -> None:
    lane = a_lane(policy(claims=True))
    assert kinds(lane.tell(AN, found(), compared())) == ["Show"]
    assert lane.effects(Show)[-1].view.phase is Phase.LOOKUP
    lane.wait(0.3)
    assert lane.phase is Phase.RELEASED
    assert lane.lane.decision is not None
    assert lane.lane.decision.flags == ("claim_unanswered",)


def test_a_refused_claim_stops_the_camera() -> None:
    lane = a_lane(policy(claims=True))
    effects = lane.tell(AN, found(), ClaimAnswered(1, ClaimAnswer.REFUSED))
    assert effects[0] == StopCapture(1)
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.DENY, Reason.ALREADY_ADMITTED)])


def test_without_faces_the_stores_answer_opens_the_lane() -> None:
    lane = a_lane(policy(Profile.CARD))
    assert kinds(lane.tell(AN, found())) == ["Record", "Release", "Show", "StartTimer"]
    assert words(lane) == [(Verdict.ADMIT, Reason.OK_WITHOUT_FACE)]


def test_nobody_passes_and_the_ticket_stays_good() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared())
    lane.wait(5.0)
    assert (lane.phase, passages(lane)) == (Phase.IDLE, [(1, Passage.NO_SHOW, "")])


def test_without_a_sensor_nobody_claims_to_have_seen_the_passage() -> None:
    for changes in ({"has_sensor": False}, {"lost": ("sensor",)}):
        lane = a_lane(**changes)
        lane.tell(AN, found(), compared())
        lane.wait(5.0)
        assert passages(lane) == [(1, Passage.UNKNOWN, "")]


def test_a_visitor_who_comes_again_is_referred_and_a_steward_lets_her_in() -> None:
    lane = a_lane(policy(Profile.CARD))
    lane.tell(AN, found(uses=(use(),)))
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.DENY, Reason.ALREADY_ADMITTED)])
    lane.tell(says(ADMIT))
    assert words(lane)[-1] == (Verdict.ADMIT, Reason.OK_BY_STEWARD)
    assert lane.phase is Phase.RELEASED


def test_out_by_the_same_turnstile_and_in_again() -> None:
    lane = a_lane(policy(exits=True, profile=Profile.CARD, needs_face=False))
    lane.tell(replace(AN, direction=Direction.EXIT), found(uses=(use(),)))
    assert lane.phase is Phase.RELEASED
    lane.tell(Passed(Direction.EXIT))
    again = lookup(uses=(use(ago_s=300.0), use(ago_s=1.0, direction=Direction.EXIT)))
    lane.tell(AN, TicketFound(2, again), Passed())
    assert passages(lane) == [(1, Passage.PASSED, ""), (2, Passage.PASSED, "")]


# --- those whom a person looks at ----------------------------------------------------------------------------------


def test_three_tries_then_a_steward_compares_by_eye() -> None:
    lane = a_lane()
    lane.tell(AN, found())
    assert kinds(lane.tell(compared(0.7))) == ["Capture"]
    assert kinds(lane.tell(compared(0.5))) == ["Capture"]
    assert kinds(lane.tell(compared(0.8))) == ["Record", "Show", "StartTimer"]
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.FACE_UNCERTAIN)])
    assert kinds(lane.tell(says(ADMIT))) == ["Record", "Release", "Show", "StartTimer"]
    assert lane.lane.decision is not None
    assert (lane.lane.decision.reason, lane.lane.decision.flags) == (Reason.OK_BY_STEWARD, ("non_face_alternative",))


def test_a_second_try_that_matches_lets_pass() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, FaceFacts(problem=FaceProblem.NO_FACE)), compared())
    assert words(lane) == [(Verdict.ADMIT, Reason.OK)]


def test_the_camera_has_its_time_and_no_more() -> None:
    lane = a_lane()
    lane.tell(AN, found())
    lane.wait(5.8)
    assert lane.tell(compared(0.7))[0] != Capture(1, "T1", 0.2)
    assert lane.phase is Phase.REFERRED


def test_after_a_long_look_by_a_steward_the_camera_has_all_its_time() -> None:
    """The seconds that the steward took are not the camera's."""
    stale = ManifestState(EVENT, 7, DOORS - 9 * DAY, DOORS - DAY)
    lane = a_lane()
    lane.tell(AN, found(manifest=stale))
    lane.wait(60.0)
    lane.tell(says(ADMIT))
    lane.wait(1.0)
    assert lane.tell(compared(0.7)) == (Capture(1, "T1", 5.0),)


def test_no_face_in_time_is_referred_and_the_camera_stops() -> None:
    lane = a_lane()
    lane.tell(AN, found())
    lane.wait(6.0)
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.NO_FACE)])
    assert lane.effects(StopCapture) == [StopCapture(1)]


def test_a_camera_that_fails_refers_and_does_no_more() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, FaceFacts(fault="gone")))
    assert words(lane) == [(Verdict.REFER, Reason.DEVICE_FAULT)]


def test_a_steward_asks_the_camera_to_look_again() -> None:
    lane = a_lane(policy(face_tries=1))
    lane.tell(AN, found(), compared(0.7))
    assert kinds(lane.tell(says(RETRY))) == ["Capture", "StartTimer", "Show"]
    lane.tell(compared())
    assert words(lane) == [(Verdict.REFER, Reason.FACE_MISMATCH), (Verdict.ADMIT, Reason.OK)]


def test_a_visitor_asks_for_the_way_without_a_face() -> None:
    lane = a_lane(policy(claims=True))
    lane.tell(AN, found())
    assert kinds(lane.tell(says(StewardAction.SKIP_FACE)))[0] == "StopCapture"
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.FACE_DECLINED)])
    # The claim's answer came to nothing while the steward looked: it is asked for again.
    lane.wait(10.0)
    assert kinds(lane.tell(says(ADMIT))) == ["Claim", "StartTimer", "Show"]
    lane.tell(ClaimAnswered(1, ClaimAnswer.GRANTED))
    assert words(lane)[-1] == (Verdict.ADMIT, Reason.OK_BY_STEWARD)


def test_a_visitors_own_wish_comes_too_late_after_a_comparison_and_a_stewards_does_not() -> None:
    """It would take the place of what the comparison found, on the screen of whoever compares next."""
    lane = a_lane(policy(face_tries=1))
    lane.tell(AN, found(), compared(0.7))
    wish = replace(says(StewardAction.SKIP_FACE), actor=VISITOR)
    assert lane.tell(wish) == ()
    lane.tell(says(StewardAction.SKIP_FACE))
    assert words(lane)[-1] == (Verdict.REFER, Reason.FACE_DECLINED)
    other = a_lane()
    other.tell(AN, found(), wish)
    assert words(other) == [(Verdict.REFER, Reason.FACE_DECLINED)]


def test_two_objections_take_two_words() -> None:
    lane = a_lane()
    lane.tell(AN, found(hits=(hit(),)), FaceCompared(1, FaceFacts(fault="gone")), says(ADMIT))
    assert lane.phase is Phase.REFERRED
    lane.tell(says(StewardAction.CLEAR_WATCH))
    assert [reason for _, reason in words(lane)] == [Reason.DEVICE_FAULT, Reason.WATCHLISTED, Reason.OK_BY_STEWARD]


def test_a_steward_refuses() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, FaceFacts(fault="gone")), says(StewardAction.REFUSE))
    assert (lane.phase, words(lane)[-1]) == (Phase.IDLE, (Verdict.DENY, Reason.REFUSED_BY_STEWARD))


def test_nobody_comes_to_settle_it() -> None:
    lane = a_lane()
    lane.tell(AN, found(), FaceCompared(1, FaceFacts(fault="gone")))
    lane.wait(120.0)
    assert (lane.phase, words(lane)[-1]) == (Phase.IDLE, (Verdict.DENY, Reason.STEWARD_TIMEOUT))


def test_a_clock_that_a_steward_vouched_for_is_followed_by_the_look_up() -> None:
    lane = a_lane()
    lane.tell(ClockJudged(False), AN)
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.CLOCK_UNTRUSTED)])
    assert lane.tell(says(ADMIT))[0] == Lookup(1, AN.scan)
    lane.tell(found(), compared())
    assert words(lane)[-1] == (Verdict.ADMIT, Reason.OK_BY_STEWARD)


# --- those who don't pass ------------------------------------------------------------------------------------------


def test_who_has_no_ticket_is_told_so_and_the_lane_is_free_again() -> None:
    lane = a_lane()
    effects = lane.tell(AN, found(tickets=()))
    assert kinds(effects) == ["Record", "Show", "StartTimer"]
    assert (lane.phase, words(lane)) == (Phase.IDLE, [(Verdict.DENY, Reason.NO_TICKET)])
    lane.wait(3.0)
    assert lane.lane.decision is None
    assert lane.effects(Capture) == []


def test_a_card_that_can_not_be_read_is_told_so() -> None:
    lane = a_lane()
    lane.tell(CardFailed(CardProblem.UNREADABLE))
    assert (lane.phase, words(lane)) == (Phase.IDLE, [(Verdict.DENY, Reason.UNREADABLE_CARD)])


def test_stores_that_fail_or_are_silent_refer() -> None:
    for fails in (True, False):
        lane = a_lane()
        lane.tell(AN, *([LookupFailed(1, "disk")] if fails else []))
        lane.wait(2.0)
        assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.DEVICE_FAULT)])
