"""A visitor's wishes: kept for the card that comes, and gone with the visitor."""

from __future__ import annotations

import pytest

from models.command import Settings, Snapshot
from models.decision import Profile, Reason, Verdict
from models.view import LaneView, Phase, Who
from ui.visitor_wishes import WISH_S, Wishes

IDLE = LaneView("G1", Phase.IDLE, 3)
UNREADABLE = LaneView("G1", Phase.IDLE, 4, Verdict.DENY, Reason.UNREADABLE_CARD)


def lane(phase: Phase, attempt: int = 4, language: str = "en") -> LaneView:
    return LaneView("G1", phase, attempt, ticket="T", who=Who(language=language))


def spoken(wishes: Wishes, view: LaneView, settings: str = "zh") -> str:
    told = Snapshot(view, 0.0, Profile.CONCERT, settings=Settings(language=settings))
    return wishes.language(told, "zh")


@pytest.mark.parametrize("phase", [Phase.LOOKUP, Phase.CAPTURE])
def test_a_wish_before_the_card_is_told_with_the_attempt_and_once(phase):
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    assert not wishes.hear(IDLE, 1.0)
    assert wishes.hear(lane(phase), 5.0)
    assert wishes.sent_for == 4
    assert not wishes.hear(lane(Phase.CAPTURE), 6.0)


def test_a_wish_while_the_camera_looks_is_told_at_once():
    wishes = Wishes()
    assert not wishes.hear(lane(Phase.CAPTURE), 0.0)
    wishes.ask_without_face(True, 1.0)
    assert wishes.hear(lane(Phase.CAPTURE), 1.0)


def test_a_wish_waits_for_a_card_for_a_while_and_no_longer():
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    wishes.speak("en", 0.0)
    wishes.make_easier(True, 0.0)
    wishes.hear(IDLE, WISH_S - 0.1)
    assert (wishes.without_face, wishes.easier, spoken(wishes, IDLE)) == (True, True, "en")
    wishes.hear(IDLE, WISH_S)
    assert (wishes.without_face, wishes.easier, spoken(wishes, IDLE)) == (False, False, "zh")


def test_a_wish_can_be_taken_back_before_the_card():
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    wishes.ask_without_face(False, 1.0)
    assert not wishes.hear(lane(Phase.CAPTURE), 2.0)


def test_with_the_visitor_who_went_in_her_wishes_go():
    wishes = Wishes()
    wishes.speak("en", 0.0)
    wishes.make_easier(True, 0.0)
    for phase in (Phase.LOOKUP, Phase.CAPTURE, Phase.RELEASED):
        wishes.hear(lane(phase, language="zh"), 1.0)
        assert spoken(wishes, lane(phase, language="zh")) == "en"
    wishes.hear(IDLE, 2.0)
    assert (spoken(wishes, IDLE), wishes.easier) == ("zh", False)


def test_they_go_also_where_the_next_card_was_waiting():
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    assert wishes.hear(lane(Phase.CAPTURE, 4), 1.0)
    wishes.hear(lane(Phase.RELEASED, 4), 2.0)
    assert not wishes.hear(lane(Phase.CAPTURE, 5), 3.0)
    assert not wishes.without_face


def test_whoever_lays_her_card_down_again_need_not_ask_again():
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    wishes.hear(UNREADABLE, 1.0)
    wishes.hear(IDLE, 40.0)
    assert wishes.without_face
    assert wishes.hear(lane(Phase.LOOKUP, 5), 42.0)


def test_a_way_without_a_face_that_was_told_is_not_told_for_the_next():
    wishes = Wishes()
    wishes.ask_without_face(True, 0.0)
    assert wishes.hear(lane(Phase.CAPTURE, 4), 1.0)
    wishes.hear(lane(Phase.REFERRED, 4), 2.0)
    assert not wishes.hear(lane(Phase.CAPTURE, 5), 3.0)  # the next one, while a person still decided


def test_after_an_attempt_that_came_to_nothing_the_ticket_knows_the_language_better():
    wishes = Wishes()
    wishes.speak("en", 0.0)
    wishes.hear(UNREADABLE, 1.0)
    wishes.hear(IDLE, 2.0)
    assert spoken(wishes, IDLE) == "en"  # she lays her card down again
    assert spoken(wishes, lane(Phase.CAPTURE, 5, language="zh")) == "zh"  # or it is somebody else


def test_the_language_is_the_touched_one_then_the_tickets_then_the_lanes():
    wishes = Wishes()
    assert wishes.language(None, "zh") == "zh"
    assert spoken(wishes, IDLE, settings="en") == "en"
    assert spoken(wishes, lane(Phase.RELEASED, language="en")) == "en"
    assert spoken(wishes, LaneView("G1", Phase.IDLE, 4, Verdict.DENY, Reason.NO_TICKET), settings="en") == "en"
    wishes.speak("zh", 0.0)
    assert spoken(wishes, lane(Phase.RELEASED, language="en")) == "zh"
