"""A supervisor at the lane: what is touched, what goes to the gate, and what is said when the gate says no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from models.command import Order, Settings
from models.decision import StewardAction
from models.keeping import Window
from models.staff import Cause
from models.ticket import ManifestState
from models.view import Mode
from tests.ui.sheet_lane import LEAD, NOON, OTHER, SNAPSHOT, STEWARD, Lane, turn_until, view
from ui.supervisor import SupervisorSheet, open_override, open_shift, open_supervisor
from ui.supervisor_settings import Present
from ui.supervisor_sign import SignPage
from ui.supervisor_tasks import Override, RunLane, Shift
from ui.supervisor_tonight import Tonight, day_time
from ui.supervisor_who import NumberPage

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    yield made
    made.leaves()


def page_of(sheet: object) -> SignPage:
    assert isinstance(sheet, SupervisorSheet)
    page = sheet.pages.currentWidget()
    assert isinstance(page, SignPage)
    return page


def types(lane: Lane, page: SignPage, pin: str) -> None:
    for digit in pin:
        lane.touches_on(page.pad.digits[digit])
    if len(pin) < 6:
        lane.touches_on(page.pad.ok_key)


@pytest.mark.parametrize("pin", ["4071", "40713", "407136"])
def test_an_override_takes_at_most_eight_touches(lane, pin):
    page = page_of(lane.opens(open_override))
    assert isinstance(page.task, Override)
    lane.touches_on(page.task.tiles[Cause.HELPDESK])
    types(lane, page, pin)
    said = lane.hears()
    assert (said.order, said.action, said.cause) == (Order.STEWARD, StewardAction.OVERRIDE, Cause.HELPDESK)
    assert (said.actor, said.pin, said.attempt) == (LEAD.actor, pin, 7)
    assert lane.touches <= 8


def test_no_pin_is_taken_before_a_cause(lane):
    page = page_of(lane.opens(open_override))
    assert not page.pad.digits["1"].isEnabled()
    page.type("4")
    assert page.pad.dots.count == 0
    assert page.pad.line.text() == lane.words("supervisor.pick_cause")


def test_a_wrong_pin_is_said_in_words_and_the_pause_counts_down(lane):
    sheet = lane.opens(open_override)
    page = page_of(sheet)
    lane.touches_on(page.task.tiles[Cause.EMERGENCY])
    types(lane, page, "407136")
    lane.answers(lane.hears(), "that PIN is wrong", wait_s=0.4)
    assert "that PIN is wrong" in sheet.status.text()
    assert not page.pad.digits["1"].isEnabled()
    assert page.pad.line.text() == lane.words("pin.wait", seconds=1)
    turn_until(lambda: page.pad.digits["1"].isEnabled())
    assert page.pad.line.text() == ""
    types(lane, page, "407137")
    assert lane.hears().pin == "407137"


def test_a_pin_is_forgotten_as_soon_as_it_is_sent(lane):
    page = page_of(lane.opens(open_override))
    lane.touches_on(page.task.tiles[Cause.EMERGENCY])
    types(lane, page, "407136")
    kept = [repr(vars(one)) for one in (page, page.pad, page.task, page.sheet, lane.link)]
    assert "407136" not in "".join(kept)
    assert page.pad.dots.count == 0


def test_success_puts_the_sheet_away(lane):
    sheet = lane.opens(open_override)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    page = page_of(sheet)
    lane.touches_on(page.task.tiles[Cause.ORDERED])
    types(lane, page, "4071")
    lane.answers(lane.hears())
    assert gone == [True]


def test_two_supervisors_sign_one_after_the_other(lane):
    both = replace(SNAPSHOT, override_by_two=True, staff=(STEWARD, OTHER, LEAD))
    page = page_of(lane.opens(open_override, both))
    lane.touches_on(page.task.tiles[Cause.SYSTEM_WRONG])
    types(lane, page, "407136")
    assert page.signer == OTHER.actor
    types(lane, page, "918273")
    said = lane.hears()
    assert (said.actor, said.pin) == (LEAD.actor, "407136")
    assert (said.second, said.second_pin) == (OTHER.actor, "918273")


def test_a_second_supervisor_who_is_not_on_shift_gives_the_staff_number(lane):
    page = page_of(lane.opens(open_override, replace(SNAPSHOT, override_by_two=True)))
    sheet = page.sheet
    lane.touches_on(page.task.tiles[Cause.SYSTEM_WRONG])
    types(lane, page, "407136")
    assert page.signer == ""
    assert not page.pad.digits["1"].isEnabled()
    page.type_number()
    QTest.keyClicks(sheet, "lead.9")
    QTest.keyClick(sheet, Qt.Key_Return)
    assert sheet.pages.currentWidget() is page
    types(lane, page, "918273")
    assert lane.hears().second == "lead.9"


def test_an_override_goes_with_the_visitor_it_was_for(lane):
    sheet = lane.opens(open_override)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    lane.tells(view(SNAPSHOT, attempt=8))
    assert gone == [True]


def test_a_lane_is_opened_for_ten_minutes_with_who_and_why(lane):
    sheet = lane.opens(open_supervisor)
    lane.touches_on(sheet.modes[Mode.FREE])
    page = page_of(sheet)
    assert isinstance(page.task, RunLane)
    lane.touches_on(page.task.whys["rush"])
    types(lane, page, "407136")
    said = lane.hears()
    assert (said.order, said.mode, said.why, said.for_s) == (Order.MODE, Mode.FREE, "rush", 600.0)
    assert (said.actor, said.pin) == (LEAD.actor, "407136")


@pytest.mark.parametrize(("span", "mode"), [(1800.0, Mode.PAUSED), (0.0, Mode.OUT_OF_ORDER)])
def test_a_mode_can_last_half_an_hour_or_until_told(lane, span, mode):
    sheet = lane.opens(open_supervisor)
    lane.touches_on(sheet.modes[mode])
    page = page_of(sheet)
    lane.touches_on(page.task.spans[span])
    lane.touches_on(page.task.whys["technical"])
    types(lane, page, "4071")
    said = lane.hears()
    assert (said.mode, said.for_s) == (mode, span)


def test_back_to_control_needs_no_reason_and_no_time(lane):
    sheet = lane.opens(open_supervisor, view(SNAPSHOT, mode=Mode.FREE))
    assert not sheet.modes[Mode.FREE].isEnabled()
    lane.touches_on(sheet.modes[Mode.CONTROLLED])
    types(lane, page_of(sheet), "4071")
    said = lane.hears()
    assert (said.mode, said.why, said.for_s) == (Mode.CONTROLLED, "", 0.0)


def test_without_a_staff_book_one_button_stands_where_the_pad_would(lane):
    sheet = lane.opens(open_supervisor, replace(SNAPSHOT, staff=(), pins=False))
    lane.touches_on(sheet.modes[Mode.PAUSED])
    page = page_of(sheet)
    assert not page.go.isEnabled()
    lane.touches_on(page.task.whys["break"])
    lane.touches_on(page.go)
    said = lane.hears()
    assert (said.mode, said.pin) == (Mode.PAUSED, "")
    assert said.actor, "the gate wants to know who"


def test_the_home_page_says_until_when_a_mode_lasts(lane):
    sheet = lane.opens(open_supervisor)
    lane.tells(replace(view(SNAPSHOT, mode=Mode.FREE), mode_until=NOON + 600))
    assert lane.words("mode.free") in sheet.now.text()
    assert not sheet.modes[Mode.FREE].isEnabled()


def test_a_shift_begins_by_the_staff_number_and_a_pin(lane):
    sheet = lane.opens(open_shift)
    page = page_of(sheet)
    assert isinstance(page.task, Shift)
    lane.touches_on(page.task.begin)
    number = sheet.pages.currentWidget()
    assert isinstance(number, NumberPage)
    for key in ("s", "2", "1"):
        lane.touches_on(next(tile for tile in number.keys.tiles if tile.text() == key))
    lane.touches_on(number.ok)
    types(lane, page, "4071")
    said = lane.hears()
    assert (said.order, said.on, said.actor, said.pin) == (Order.SHIFT, True, "s21", "4071")


def test_a_shift_ends_by_touching_the_name(lane):
    page = page_of(lane.opens(open_shift))
    lane.touches_on(page.task.people[STEWARD.actor])
    types(lane, page, "4071")
    said = lane.hears()
    assert (said.order, said.on, said.actor) == (Order.SHIFT, False, STEWARD.actor)


def test_levels_and_language_are_signed_for_together(lane):
    sheet = lane.opens(open_supervisor, replace(SNAPSHOT, settings=Settings(volume=0.5, brightness=0.1)))
    lane.touches_on(sheet.settings)
    page = page_of(sheet)
    task = page.task
    assert isinstance(task, Present)
    assert not task.brightness.less.isEnabled(), "a dark screen can't be touched bright again"
    assert not page.pad.digits["1"].isEnabled(), "nothing was changed yet"
    lane.touches_on(task.volume.more)
    lane.touches_on(task.volume.more)
    lane.touches_on(task.brightness.more)
    lane.touches_on(task.languages["en"])
    types(lane, page, "407136")
    said = lane.hears()
    assert (said.order, said.actor, said.pin) == (Order.SETTINGS, LEAD.actor, "407136")
    assert said.settings == Settings(volume=0.7, brightness=0.2, language="en")


MANIFEST = ManifestState("starlight", 3, NOON - 86_400, NOON + 43_200)
LOST = replace(SNAPSHOT, clock_trusted=False, manifest=MANIFEST)
STATED = replace(LOST, window=Window("starlight", MANIFEST.issued_at, MANIFEST.expires_at, "anna"))


def test_while_the_clock_is_lost_a_supervisor_says_which_event_it_is(lane):
    sheet = lane.opens(open_supervisor)
    assert sheet.tonight.isHidden(), "the clock is right"
    lane.tells(LOST)
    lane.touches_on(sheet.tonight)
    page = page_of(sheet)
    assert isinstance(page.task, Tonight)
    assert page.task.event.text() == "starlight"
    assert day_time(MANIFEST.issued_at) in page.task.times.text()
    assert day_time(MANIFEST.expires_at) in page.task.times.text()
    types(lane, page, "407136")
    said = lane.hears()
    assert (said.order, said.on, said.actor, said.pin) == (Order.WINDOW, True, LEAD.actor, "407136")
    assert (said.window_since, said.window_until) == (MANIFEST.issued_at, MANIFEST.expires_at)


def test_what_was_said_of_the_event_is_taken_back(lane):
    sheet = lane.opens(open_supervisor, STATED)
    assert sheet.tonight.text() == lane.words("supervisor.not_tonight")
    lane.touches_on(sheet.tonight)
    types(lane, page_of(sheet), "407136")
    said = lane.hears()
    assert (said.order, said.on, said.window_since, said.window_until) == (Order.WINDOW, False, 0.0, 0.0)


def test_a_lane_without_tickets_has_no_event_to_state(lane):
    sheet = lane.opens(open_supervisor, replace(LOST, manifest=None))
    lane.touches_on(sheet.tonight)
    page = page_of(sheet)
    assert page.task.event.text() == lane.words("supervisor.no_event")
    assert not page.pad.digits["1"].isEnabled()


@pytest.mark.parametrize(
    "now", [replace(LOST, clock_trusted=True), replace(LOST, manifest=replace(MANIFEST, version=4)), STATED]
)
def test_nobody_signs_for_another_event_than_he_read(lane, now):
    sheet = lane.opens(open_supervisor, LOST)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    lane.touches_on(sheet.tonight)
    lane.tells(replace(LOST, inside=5))
    assert gone == []
    lane.tells(now)
    assert gone == [True]


def test_a_fire_puts_every_sheet_away(lane):
    sheet = lane.opens(open_supervisor)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    lane.tells(view(SNAPSHOT, alerts=("held_open",)))
    assert gone == []
    lane.tells(view(SNAPSHOT, alerts=("held_open", "fire")))
    assert gone == [True]


def test_a_gate_that_falls_silent_puts_every_sheet_away(lane, monkeypatch):
    monkeypatch.setattr("ui.link.SILENCE_S", 0.05)
    sheet = lane.opens(open_supervisor)
    gone: list[bool] = []
    sheet.closed.connect(lambda: gone.append(True))
    lane.tells(SNAPSHOT)
    turn_until(lambda: gone)


def test_a_touch_beside_the_tiles_does_not_reach_the_window(lane):
    heard: list[object] = []
    lane.window.mousePressEvent = heard.append
    lane.opens(open_supervisor)
    QTest.mouseClick(lane.window.windowHandle(), Qt.LeftButton, Qt.NoModifier)
    QTest.mouseClick(lane.window.windowHandle(), Qt.LeftButton, Qt.NoModifier, lane.window.rect().topLeft())
    assert heard == []


def test_a_forgotten_sheet_goes_away(lane, monkeypatch):
    monkeypatch.setattr("ui.sheets.FORGOTTEN_S", 0.05)
    gone: list[bool] = []
    lane.opens(open_supervisor).closed.connect(lambda: gone.append(True))
    turn_until(lambda: gone)


def test_a_gate_that_is_not_there_is_said_in_words(lane):
    sheet = lane.opens(open_override)
    page = page_of(sheet)
    lane.touches_on(page.task.tiles[Cause.ORDERED])
    lane.link.stop()
    types(lane, page, "4071")
    turn_until(lambda: sheet.status.text() == lane.words("answer.not_there"))
