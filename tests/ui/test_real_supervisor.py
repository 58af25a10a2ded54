"""The supervisor's sheets over the steward's window, before a real gate: what is touched comes true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractButton

from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.staff_book import StaffBook
from models.decision import Reason, Verdict
from models.ledger import EntryKind
from models.staff import Cause, Role
from models.view import Mode, Phase
from tests.gate.daemon_bench import WIRING, entries, marked_people, marked_policy
from tests.ui.sheet_lane import turn_until
from ui.dispute import open_dispute
from ui.link import GateLink
from ui.manual import ManualSheet, open_manual
from ui.manual_kinds import Kind
from ui.operator import OperatorWindow
from ui.sheets import Sheet
from ui.supervisor import SupervisorSheet, open_override, open_shift, open_supervisor
from ui.supervisor_sign import SignPage

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("qapp")]

PINS = {"s7": "4071", "v1": "904726"}
PATIENCE_S = 15.0


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, list[Person]]]:
    folder = tmp_path_factory.mktemp("lane")
    people = marked_people(folder / "pictures", 6)
    people[1] = replace(people[1], gates="G9")
    with Rig(folder, replace(WIRING, staff=True)) as rig:
        book = StaffBook(rig.staff_book)
        book.add("s7", "王建国", Role.STEWARD, PINS["s7"])
        book.add("v1", "李梅", Role.SUPERVISOR, PINS["v1"])
        sell(rig, people, marked_policy(refer_s=30.0, overridable=(Reason.WRONG_GATE,)))
        rig.start()
        yield rig, people


@pytest.fixture
def window(evening: tuple[Rig, list[Person]]) -> Iterator[OperatorWindow]:
    """The steward's window, with a steward and a supervisor on shift: each began it at the sheet."""
    link = GateLink(evening[0].folder / "gate.sock")
    window = OperatorWindow(link, None, "zh")
    window.resize(800, 480)
    window.show()
    link.start()
    turn_until(lambda: link.last is not None and link.last.pins, PATIENCE_S)
    for actor in PINS:
        if actor not in {one.actor for one in link.last.staff}:
            begins_shift(window, actor)
    yield window
    link.stop()
    sip.delete(window)


def begins_shift(window: OperatorWindow, actor: str) -> None:
    sheet = opened(window, open_shift)
    page(sheet).type_number()
    QTest.keyClicks(sheet, actor)
    QTest.keyClick(sheet, Qt.Key_Return)
    signs(sheet, PINS[actor])
    turn_until(lambda: actor in {one.actor for one in window.link.last.staff}, PATIENCE_S)


def opened(window: OperatorWindow, opener: object) -> Sheet:
    sheet = opener(window, window.link, window.link.last, window.words)
    sheet.away = []
    sheet.closed.connect(lambda: sheet.away.append(True))
    return sheet


def page(sheet: Sheet) -> SignPage:
    assert isinstance(sheet, SupervisorSheet)
    found = sheet.pages.currentWidget()
    assert isinstance(found, SignPage)
    return found


def signs(sheet: Sheet, pin: str) -> None:
    """Types a PIN, and waits until the sheet goes or says why not."""
    sheet.tell("")
    for digit in pin:
        page(sheet).type(digit)
    page(sheet).enter()
    sending = sheet.words("sheet.sending")
    turn_until(lambda: sheet.away or sheet.status.text() not in ("", sending), PATIENCE_S)


def touch(button: QAbstractButton) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.LeftButton)


def test_an_override_lets_in_who_came_to_the_wrong_gate(evening, window):
    rig, people = evening
    view = Night(rig).comes(people[1])
    assert view.reason is Reason.WRONG_GATE
    turn_until(lambda: window.link.last.view.overridable, PATIENCE_S)
    sheet = opened(window, open_override)
    touch(page(sheet).task.tiles[Cause.ORDERED])
    signs(sheet, PINS["v1"])
    assert sheet.away
    rig.link.wait_view(lambda view: view.phase is Phase.RELEASED, PATIENCE_S)
    rig.sensor.turn()
    Night(rig).leaves()


def test_the_holder_of_a_used_ticket_is_let_in_by_the_second_tap(evening, window):
    rig, people = evening
    night = Night(rig)
    night.enters(people[0])
    assert night.comes(people[0]).reason is Reason.ALREADY_ADMITTED
    turn_until(lambda: window.link.last.view.reason is Reason.ALREADY_ADMITTED, PATIENCE_S)
    sheet = opened(window, open_dispute)
    touch(sheet.yes)
    turn_until(lambda: sheet.away, PATIENCE_S)
    rig.link.wait_view(lambda view: view.phase is Phase.RELEASED and view.verdict is Verdict.ADMIT, PATIENCE_S)
    rig.sensor.turn()
    night.leaves()


def test_a_typed_number_finds_its_ticket_and_a_person_looks(evening, window):
    rig, people = evening
    turn_until(lambda: window.link.last.view.phase is Phase.IDLE, PATIENCE_S)
    sheet = opened(window, open_manual)
    assert isinstance(sheet, ManualSheet)
    touch(sheet.kinds[Kind.RESIDENT_ID])
    QTest.keyClicks(sheet, people[2].number)
    QTest.keyClick(sheet, Qt.Key_Return)
    turn_until(lambda: sheet.away, PATIENCE_S)
    view = rig.link.wait_view(lambda view: view.phase is Phase.REFERRED, PATIENCE_S)
    assert view.reason is Reason.DOCUMENT_NEEDED
    assert entries(rig, EntryKind.TYPED)[-1].body["actor"] in PINS


def test_a_lane_is_locked_with_a_reason_and_controlled_again(evening, window):
    for mode in (Mode.PAUSED, Mode.CONTROLLED):
        sheet = opened(window, open_supervisor)
        touch(sheet.modes[mode])
        if mode is Mode.PAUSED:
            touch(page(sheet).task.spans[600.0])
            touch(page(sheet).task.whys["test"])
        signs(sheet, PINS["v1"])
        assert sheet.away
        turn_until(lambda mode=mode: window.link.last.view.mode is mode, PATIENCE_S)
        assert (window.link.last.mode_until is not None) is (mode is Mode.PAUSED)
    assert entries(evening[0], EntryKind.MODE)[-2].body["why"] == "test"


def test_wrong_pins_are_told_in_the_stewards_language_and_lock_the_pad(evening, window):
    sheet = opened(window, open_supervisor)
    touch(sheet.modes[Mode.FREE])
    touch(page(sheet).task.whys["rush"])
    for _ in range(3):
        signs(sheet, "135790")
        assert window.words("answer.wrong_pin") in sheet.status.text()
    assert page(sheet).pad.waiting
    assert "秒" in page(sheet).pad.line.text()
    assert window.link.last.view.mode is Mode.CONTROLLED
    sheet.close_sheet()
