"""A used ticket and a list's hint: two taps to either end, and nothing said that isn't known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5 import sip
from PyQt5.QtGui import QImage

from models.command import Order, Recent
from models.decision import Reason, StewardAction, Verdict
from models.passage import Passage
from models.view import Phase, ShownHit, ShownReview
from models.watch import HitMeans, WatchAction, WatchFallback, WatchPurpose
from tests.ui.sheet_lane import NOON, SNAPSHOT, USED, Lane, view
from ui.dispute import DisputeSheet, open_dispute
from ui.dispute_says import clock, of_first_use, of_hits
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.operator import OperatorWindow
from ui.operator_says import clock_time
from ui.words import load

pytestmark = pytest.mark.usefixtures("qapp")

HIT = ShownHit("resold appointments", "City clinic", WatchAction.REVIEW, HitMeans.FACE)
LISTED = view(SNAPSHOT, verdict=Verdict.REFER, reason=Reason.WATCHLISTED, first_use=None, hits=(HIT,))


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    yield made
    made.leaves()


def opened(lane: Lane, snapshot=SNAPSHOT) -> DisputeSheet:
    sheet = lane.opens(open_dispute, snapshot)
    assert isinstance(sheet, DisputeSheet)
    return sheet


@pytest.mark.parametrize(
    ("snapshot", "yes", "action"),
    [
        (SNAPSHOT, True, StewardAction.HOLDER_HERE),
        (SNAPSHOT, False, StewardAction.REFUSE),
        (LISTED, True, StewardAction.CLEAR_WATCH),
        (LISTED, False, StewardAction.REFUSE),
    ],
)
def test_two_taps_settle_it(lane, snapshot, yes, action):
    sheet = opened(lane, snapshot)
    lane.touches_on(sheet.yes if yes else sheet.no)
    said = lane.hears()
    assert (said.order, said.action, said.attempt) == (Order.STEWARD, action, 7)
    assert said.actor
    assert lane.touches == 2


def test_a_refused_word_is_said_and_can_be_given_again(lane):
    sheet = opened(lane)
    lane.touches_on(sheet.yes)
    lane.answers(lane.hears(), "too late")
    assert "too late" in sheet.status.text()
    lane.touches_on(sheet.yes)
    assert lane.hears().action is StewardAction.HOLDER_HERE


def test_a_second_touch_before_the_answer_sends_nothing(lane):
    sheet = opened(lane)
    lane.touches_on(sheet.yes)
    first = lane.hears()
    lane.touches_on(sheet.yes)
    lane.touches_on(sheet.no)
    lane.answers(first, "too late")
    lane.touches_on(sheet.no)
    assert lane.hears().action is StewardAction.REFUSE


@pytest.mark.parametrize(
    "change", [{"attempt": 8}, {"phase": Phase.RELEASED}, {"reason": Reason.CONFIRM_FIRST}, {"phase": Phase.IDLE}]
)
def test_the_sheet_goes_when_there_is_nothing_left_to_settle(lane, change):
    sheet = opened(lane)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    lane.tells(replace(SNAPSHOT, at=NOON + 1))
    assert gone == []
    lane.tells(view(SNAPSHOT, **change))
    assert gone == [True]


def test_the_first_use_is_told_with_time_and_gate():
    words = load("en")
    assert USED.first_use is not None
    said = " ".join(line.text for line in of_first_use(USED.first_use, words))
    assert clock_time(USED.first_use.at) in said
    assert "north-1" in said
    assert words("dispute.passed") in said
    unseen = of_first_use(replace(USED.first_use, passage=Passage.UNKNOWN), words)
    assert words("dispute.passed") not in " ".join(line.text for line in unseen)


def test_an_unknown_first_use_is_called_unknown():
    words = load("en")
    assert words("dispute.no_first") in [line.text for line in of_first_use(None, words)]


@pytest.mark.parametrize("action", WatchAction)
def test_a_hint_says_why_whose_and_what_it_allows(action):
    words = load("en")
    said = " ".join(line.text for line in of_hits((replace(HIT, action=action),), words))
    for part in (HIT.purpose, HIT.owner, words("means.face"), words(f"dispute.allows_{action}")):
        assert part in said


def test_more_hints_than_there_is_room_for_are_counted():
    words = load("en")
    assert words("dispute.more_hits", count=2) in [line.text for line in of_hits((HIT,) * 4, words)]


def test_the_clock_of_a_review_runs_from_when_it_came_before_a_person(lane):
    recent = (Recent(NOON - 20, 7, Verdict.REFER, Reason.WATCHLISTED),)
    sheet = opened(lane, replace(LISTED, recent=recent, refer_s=120.0))
    assert sheet.clock.text() == "0:20 of 2:00"
    lane.tells(replace(LISTED, recent=recent, at=NOON + 70, refer_s=120.0))
    assert sheet.clock.text() == "1:30 of 2:00"


def test_a_review_shows_its_own_clock_who_looks_and_what_follows(lane):
    words = load("en")
    review = ShownReview("", NOON - 20, 60.0, WatchFallback.ADMIT_WITH_NOTE)
    asked = view(LISTED, review=review)
    sheet = opened(lane, replace(asked, refer_s=120.0))
    assert sheet.clock.text() == "0:20 of 1:00"
    assert sheet.owner.text() == f"{words('dispute.nobody_yet')} {words('dispute.then_admit_with_note')}"
    lane.tells(view(asked, review=replace(review, taken_by="s9", fallback=None)))
    assert sheet.owner.text() == f"{words('dispute.in_hand', name='s9')} {words('dispute.then_held')}"


def test_who_takes_it_goes_on_looking(lane):
    asked = view(LISTED, review=ShownReview("", NOON, 60.0, WatchFallback.STAY))
    sheet = opened(lane, asked)
    lane.touches_on(sheet.take)
    said = lane.hears()
    assert said.action is StewardAction.TAKE_WATCH
    lane.answers(said, "")
    assert sheet.isVisibleTo(sheet.parentWidget())
    lane.tells(view(asked, review=ShownReview(said.actor, NOON, 60.0, WatchFallback.STAY)))
    assert not sheet.take.isEnabled()
    lane.touches_on(sheet.yes)
    assert lane.hears().action is StewardAction.CLEAR_WATCH


def test_a_used_ticket_is_nobody_s_review(lane):
    sheet = opened(lane)
    assert not sheet.take.isVisibleTo(sheet)
    assert sheet.owner.text() == ""


def test_a_hint_says_a_known_purpose_in_words_and_where_to_appeal():
    words = load("zh")
    said = " ".join(line.text for line in of_hits((replace(HIT, purpose="scalping", appeal="3 号窗口"),), words))
    assert words("purpose.scalping") in said
    assert "3 号窗口" in said
    assert all(words.has(f"purpose.{purpose}") for purpose in WatchPurpose)


def test_a_clock_without_an_end_counts_all_the_same():
    assert clock(65.9, 0.0, load("en")) == load("en")("dispute.clock", minutes=1, seconds="05")


def test_the_portrait_is_seen_only_where_the_gate_allows_it(lane):
    image = QImage(48, 64, QImage.Format_RGB32)
    sheet = opened(lane)
    sheet.faces.take_portrait(7, image)
    assert sheet.faces.portrait.image is None
    lane.tells(view(SNAPSHOT, portrait=True))
    assert sheet.faces.portrait.image is not None
    assert sheet.faces.portrait.isVisibleTo(sheet)


def test_over_the_stewards_window_the_faces_are_the_windows_own(tmp_path):
    live, portrait = (QImage(48, 64, QImage.Format_RGB32) for _ in range(2))
    mirror = MirrorFeed()
    window = OperatorWindow(GateLink(tmp_path / "s"), mirror, "en")
    allowed = view(SNAPSHOT, portrait=True)
    window.show_snapshot(allowed)
    window.faces.take_frame(live)
    window.faces.take_portrait(7, portrait)
    sheet = open_dispute(window, window.link, allowed, window.words)
    assert isinstance(sheet, DisputeSheet)
    assert (sheet.faces.live.image, sheet.faces.portrait.image) == (live, portrait)
    newer = QImage(32, 32, QImage.Format_RGB32)
    mirror.frame.emit(newer)
    assert sheet.faces.live.image == newer
    mirror.gone.emit()
    assert (sheet.faces.live.image, sheet.faces.portrait.image) == (None, None)
    sip.delete(window)
