"""A hospital's sheets and its red button: what a touch sends to the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5.QtCore import QCoreApplication

from models.command import Order, Presented
from models.decision import Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.red_path import OpenRed, Urgency
from models.view import Mode, Phase, ShownPatient
from tests.ui.sheet_lane import NOON, SNAPSHOT, Lane, view
from ui.hospital import CompanionSheet, NamingSheet, RedSheet, open_companion, open_red
from ui.manual_kinds import Kind
from ui.operator_taps import Sheet, answer_to
from ui.view import Tap, steward_screen
from ui.words import load

pytestmark = pytest.mark.usefixtures("qapp")

ID = "11010519491231002X"
PATIENTS = (ShownPatient("A-2", "李*", "Cardiology"), ShownPatient("A-1", "", "Dentistry"))
IDLE = replace(view(SNAPSHOT, phase=Phase.IDLE, reason=None, verdict=None, first_use=None), red_path=True)
ASKED = view(IDLE, phase=Phase.REFERRED, verdict=Verdict.REFER, reason=Reason.WHOSE_COMPANION, patients=PATIENTS)
RED = replace(IDLE, reds=(OpenRed(5, NOON - 300, Urgency.COLLAPSED),))
EN = load("en")


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    yield made
    made.leaves()


def test_a_touch_names_the_patient_with_whom_somebody_came(lane: Lane):
    sheet = lane.opens(open_companion, ASKED)
    assert isinstance(sheet, CompanionSheet)
    assert [tile.text() for tile in sheet.patients] == ["With 李*", "With a patient"]
    lane.touches_on(sheet.patients[1])
    said = lane.hears()
    assert (said.order, said.action, said.of, said.attempt) == (Order.STEWARD, StewardAction.COMPANION, "A-1", 7)


def test_the_red_button_is_one_tap_and_says_what_was_chosen_beforehand():
    said = answer_to(Tap.RED, IDLE, 7, Urgency.BIRTH)
    assert not isinstance(said, Sheet)
    assert (said.order, said.urgency, said.actor) == (Order.RED, Urgency.BIRTH, "lead.2")


@pytest.mark.parametrize(
    ("phase", "mode", "there"),
    [
        (Phase.IDLE, Mode.CONTROLLED, True),
        (Phase.CAPTURE, Mode.CONTROLLED, True),
        (Phase.REFERRED, Mode.CONTROLLED, True),
        (Phase.PAUSED, Mode.PAUSED, True),
        (Phase.FREE, Mode.FREE, False),
        (Phase.FAULT, Mode.OUT_OF_ORDER, False),
        (Phase.RELEASED, Mode.CONTROLLED, False),
    ],
)
def test_the_red_button_is_there_whoever_is_in_the_lane(phase: Phase, mode: Mode, there: bool):
    taps = steward_screen(view(IDLE, phase=phase, mode=mode), EN).taps
    assert (Tap.RED in taps) is there
    assert Tap.RED not in steward_screen(replace(view(IDLE, phase=phase, mode=mode), red_path=False), EN).taps


def test_the_reason_is_chosen_beforehand_and_kept_by_the_window(lane: Lane):
    sheet = lane.opens(open_red, IDLE)
    assert isinstance(sheet, RedSheet)
    lane.touches_on(sheet.urgencies[Urgency.BIRTH])
    assert lane.window.urgency is Urgency.BIRTH  # type: ignore[attr-defined]
    assert [one for one, tile in sheet.urgencies.items() if tile.isChecked()] == [Urgency.BIRTH]


def test_nobody_could_say_who_it_was(lane: Lane):
    sheet = lane.opens(open_red, RED)
    assert isinstance(sheet, RedSheet)
    lane.touches_on(sheet.asked[5])
    lane.touches_on(sheet.unknown)
    said = lane.hears()
    assert (said.order, said.red, said.presented) == (Order.RED_NAMED, 5, None)


def test_who_it_was_is_typed_like_any_document_and_goes_to_the_emergency(lane: Lane):
    sheet = lane.opens(open_red, RED)
    assert isinstance(sheet, RedSheet)
    lane.touches_on(sheet.asked[5])
    lane.touches_on(sheet.typed)
    QCoreApplication.processEvents()
    naming = lane.window.findChild(NamingSheet)
    assert naming is not None
    assert not naming.kinds[Kind.CHIP].isVisible()
    lane.touches_on(naming.kinds[Kind.RESIDENT_ID])
    assert naming.entry is not None
    naming.entry.type(ID)
    lane.touches_on(naming.entry.send)
    said = lane.hears()
    assert (said.order, said.red, said.presented) == (
        Order.RED_NAMED,
        5,
        Presented(DocumentType.RESIDENT_ID, ID),
    )
