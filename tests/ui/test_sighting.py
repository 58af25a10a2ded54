"""A steward reports a suspected scalper: two touches, or three about the one at the lane, and nothing is typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5.QtWidgets import QLineEdit

from gate.sightings import TOO_MANY
from models.command import Order, Snapshot
from models.decision import Profile, Reason
from models.sighting import Sight
from models.view import Mode, Phase
from tests.ui.sheet_lane import SNAPSHOT, Lane, view
from ui.operator_taps import Sheet, answer_to
from ui.sighting import SightingSheet, open_sighting
from ui.view import Tap, steward_screen
from ui.words import load

pytestmark = pytest.mark.usefixtures("qapp")

AT_REST = view(SNAPSHOT, phase=Phase.IDLE, verdict=None, reason=None, overridable=False)
EN = load("en")


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    yield made
    made.leaves()


def opened(lane: Lane, snapshot: Snapshot = SNAPSHOT) -> SightingSheet:
    sheet = lane.opens(open_sighting, snapshot)
    assert isinstance(sheet, SightingSheet)
    return sheet


@pytest.mark.parametrize("sight", Sight)
def test_two_touches_report_what_was_seen_and_nobody(lane: Lane, sight: Sight) -> None:
    sheet = opened(lane)
    lane.touches_on(sheet.sights[sight])
    said = lane.hears()
    assert (said.order, said.sight, said.attempt, said.actor) == (Order.SIGHTING, sight, 0, "lead.2")
    assert lane.touches == 2
    assert not sheet.findChildren(QLineEdit)


def test_one_more_touch_says_that_it_is_the_one_at_the_lane_by_a_number(lane: Lane) -> None:
    sheet = opened(lane)
    lane.touches_on(sheet.here)
    lane.touches_on(sheet.sights[Sight.OTHERS_CARD])
    said = lane.hears()
    assert (said.sight, said.attempt) == (Sight.OTHERS_CARD, 7)


def test_who_was_meant_stays_who_was_meant_when_the_next_one_comes(lane: Lane) -> None:
    sheet = opened(lane)
    lane.touches_on(sheet.here)
    lane.tells(view(SNAPSHOT, attempt=8))
    assert sheet.here.text() == EN("sighting.before")
    lane.touches_on(sheet.sights[Sight.MANY_TICKETS])
    assert lane.hears().attempt == 7


def test_where_nobody_stands_nobody_can_be_meant(lane: Lane) -> None:
    sheet = opened(lane, AT_REST)
    assert not sheet.here.isVisible()
    lane.touches_on(sheet.sights[Sight.OFFERS_TICKETS])
    assert lane.hears().attempt == 0


def test_what_was_taken_closes_the_sheet_and_what_was_not_says_why(lane: Lane) -> None:
    sheet = opened(lane)
    lane.touches_on(sheet.sights[Sight.OTHER])
    lane.answers(lane.hears(), TOO_MANY, 12.0)
    assert EN("answer.reported_too_many") in sheet.status.text()
    lane.touches_on(sheet.sights[Sight.OTHER])
    closed: list[bool] = []
    sheet.closed.connect(lambda: closed.append(True))
    lane.answers(lane.hears())
    assert closed == [True]


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({}, True),
        ({"phase": Phase.REFERRED, "reason": Reason.ALREADY_ADMITTED}, True),
        ({"phase": Phase.FREE, "mode": Mode.FREE}, True),
        ({"phase": Phase.PAUSED, "mode": Mode.PAUSED}, True),
        ({"phase": Phase.CAPTURE}, False),
        ({"phase": Phase.RELEASED, "reason": Reason.OK}, False),
        ({"alerts": ("fire",)}, False),
    ],
)
def test_the_button_is_there_while_there_is_time_for_it(changes: dict[str, object], there: bool) -> None:
    told = view(AT_REST, **changes)
    assert (Tap.SIGHTING in steward_screen(told, EN).taps) is there
    assert Tap.SIGHTING not in steward_screen(replace(told, profile=Profile.SCREENING), EN).taps


def test_without_a_shift_a_shift_comes_first() -> None:
    assert answer_to(Tap.SIGHTING, replace(SNAPSHOT, staff=()), 7) is Sheet.SHIFT
    assert answer_to(Tap.SIGHTING, SNAPSHOT, 7) is Sheet.SIGHTING
