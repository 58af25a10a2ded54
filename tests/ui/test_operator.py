"""The steward's window: all of it fits at every size, a tap is one word, what failed is said where the finger was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEventLoop, QPoint, Qt
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QWidget

from models import wire
from models.command import Answer, Line, Order, Snapshot
from models.decision import Reason, StewardAction
from models.ticket import Note, NoteKind
from models.view import Phase, Who
from tests.ui.operator_cases import NOTES, SITUATIONS, asked, calm, misfits
from tests.ui.stand_in import PATIENCE_S, Gate, said
from ui import theme
from ui.dispute import DisputeSheet
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.operator import OperatorWindow
from ui.operator_buttons import TapButton
from ui.supervisor import SupervisorSheet
from ui.supervisor_tasks import Override
from ui.theme import Look
from ui.view import Tap, Tone

pytestmark = pytest.mark.usefixtures("qapp")

SIZES = ((800, 480), (1024, 600), (1280, 800))
HERE = {
    "zh": Who("欧阳**", "看台 B 区 312 排 18 座", "B 门，4 号楼梯上三层", "zh"),
    "en": Who("A*** S****", "Block B 312, row 18, seat 7", "Gate B, stairs 4, up three floors", "en"),
}


def turn_until(wanted: Callable[[], object]) -> None:
    """Let Qt work until something is so."""
    ends = monotonic() + PATIENCE_S
    while not wanted():
        assert monotonic() < ends, "it did not come to that"
        QCoreApplication.processEvents(QEventLoop.WaitForMoreEvents | QEventLoop.AllEvents, 20)


@contextmanager
def opened(
    gate: Path, language: str, mirror: MirrorFeed | None = None, look: Look | None = None
) -> Iterator[OperatorWindow]:
    """A window that is gone afterwards: one that lingers is swept up by chance, perhaps while another paints."""
    window = OperatorWindow(GateLink(gate), mirror, language, look=look)
    window.show()
    yield window
    window.link.stop()
    sip.delete(window)


@pytest.fixture(scope="module", params=["zh", "en"])
def window(
    request: pytest.FixtureRequest, qapp: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorWindow]:
    """One window for all that is only looked at; its gate is not there."""
    with opened(tmp_path_factory.mktemp("no-gate") / "gate.sock", request.param) as window:
        yield window


def shows(window: OperatorWindow, snapshot: Snapshot | None) -> OperatorWindow:
    window.show_snapshot(snapshot)
    return window


def overlaps(window: OperatorWindow) -> list[str]:
    """Pairs of parts that lie over each other."""
    parts = [part for part in window.children() if isinstance(part, QWidget) and part.isVisible()]
    boxes = [(type(part).__name__, part.geometry()) for part in parts]
    found = [f"{name} leaves the window" for name, box in boxes if not window.rect().contains(box)]
    return found + [
        f"{name} over {other}"
        for at, (name, box) in enumerate(boxes)
        for other, its in boxes[:at]
        if box.intersects(its)
    ]


# --- everything fits


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_text_is_cut_short_or_covered_whatever_the_reason(window: OperatorWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    who = HERE[window.words.language]
    wrong = {}
    for reason in Reason:
        for more in ({}, {"notes": NOTES, "alerts": ("fire", "jam"), "overridable": True}):
            shows(window, asked(reason, who=who, **more))
            if found := misfits(window) + overlaps(window):
                wrong[reason.value, len(more)] = found
    assert wrong == {}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_of_an_evening_fits(window: OperatorWindow, name: str, size: tuple[int, int]) -> None:
    window.resize(*size)
    shows(window, SITUATIONS[name])
    assert misfits(window) + overlaps(window) == []
    window.bubble.say(window.words("operator.over"), QPoint(size[0] - 5, size[1] - 40))
    assert window.bubble.misfits() == []
    assert window.rect().contains(window.bubble.geometry())
    window.bubble.hide()


@pytest.mark.parametrize(
    "look", [Look(large=True), Look(low=True, high_contrast=True, large=True)], ids=["large", "low"]
)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_larger_and_lower_fits_too(tmp_path: Path, size: tuple[int, int], look: Look) -> None:
    with opened(tmp_path / "none", "en", look=look) as window:
        window.resize(*size)
        for reason in (Reason.POOR_FACE, Reason.ALREADY_ADMITTED, Reason.CONFIRM_FIRST):
            shows(window, asked(reason, who=HERE["en"], overridable=True))
            assert misfits(window) + overlaps(window) == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_whatever_is_touched_is_as_large_as_a_finger(window: OperatorWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    for reason in Reason:
        shows(window, asked(reason, overridable=True))
        for button in (*window.taps.buttons(), *window.bar[3:]):
            assert min(button.width(), button.height()) >= theme.TOUCH_PX


def test_the_measure_finds_what_does_not_fit(window: OperatorWindow) -> None:
    window.resize(800, 480)
    endless = Note(NoteKind.CHECK, "an endless note, which goes on and on " * 6)
    assert misfits(shows(window, asked(Reason.CONFIRM_FIRST, notes=(endless,)))) != []


@pytest.mark.parametrize("reason", [Reason.OK, Reason.FACE_UNCERTAIN, Reason.NO_TICKET])
def test_the_verdict_is_the_whole_background(window: OperatorWindow, reason: Reason) -> None:
    shows(window, asked(reason))
    tone = {Reason.OK: Tone.GO, Reason.FACE_UNCERTAIN: Tone.DESK, Reason.NO_TICKET: Tone.STOP}[reason]
    picture = window.grab().toImage()
    corners = [(1, 1), (picture.width() - 2, 1), (1, picture.height() - 2), (picture.width() - 2, picture.height() - 2)]
    assert {QColor(picture.pixel(*corner)).name() for corner in corners} == {theme.tone(tone).background}


def test_a_silent_gate_leaves_nothing_that_may_be_old(window: OperatorWindow) -> None:
    shows(window, asked(Reason.FACE_UNCERTAIN, alerts=("fire",), notes=NOTES))
    shows(window, None)
    assert [type(part).__name__ for part in window.children() if isinstance(part, QWidget) and part.isVisible()] == [
        "ReasonView"
    ]
    assert window.reason.title.text() == window.words("out_of_service.short")


def test_alerts_stand_in_the_banner_until_they_are_over(window: OperatorWindow) -> None:
    shows(window, asked(Reason.OK, alerts=("jam",)))
    assert window.banner.isVisible()
    assert window.words("alert.jam") in window.banner.text()
    shows(window, asked(Reason.OK))
    assert not window.banner.isVisible()


def test_there_is_no_list_of_people_beyond_the_last_ten(window: OperatorWindow) -> None:
    snapshot = calm()
    shows(window, replace(snapshot, recent=snapshot.recent * 3))
    assert len([row for row in window.list.rows if row.cell().line]) == 10


# --- faces


def grey(level: int) -> QImage:
    image = QImage(64, 48, QImage.Format_RGB32)
    image.fill(QColor(level, level, level))
    return image


def test_a_portrait_is_seen_for_its_own_attempt_and_where_it_is_allowed(window: OperatorWindow) -> None:
    faces = window.faces
    faces.stop()
    shows(window, asked(Reason.NO_TICKET, attempt=5))
    faces.take_portrait(6, grey(90))  # early: the snapshot that allows it is under way
    assert not faces.portrait.has_image
    shows(window, asked(Reason.FACE_UNCERTAIN, attempt=6))
    assert faces.portrait.has_image
    shows(window, asked(Reason.FACE_UNCERTAIN, attempt=7))
    assert faces.portrait.isVisible()
    assert not faces.portrait.has_image
    shows(window, asked(Reason.FACE_UNCERTAIN, attempt=7, portrait=False))
    faces.take_portrait(7, grey(90))
    assert not faces.portrait.isVisible()
    assert not faces.portrait.has_image


def test_a_picture_that_is_gone_is_taken_away(window: OperatorWindow) -> None:
    shows(window, asked(Reason.FACE_UNCERTAIN))
    window.faces.take_frame(grey(200))
    assert window.faces.live.has_image
    middle = window.faces.live.rect().center()
    assert QColor(window.faces.live.grab().toImage().pixel(middle)).red() == 200
    window.faces.stop()
    assert not window.faces.live.has_image


# --- taps


class Lane:
    """A window at the gate's socket, and the gate."""

    def __init__(self, gate: Gate, window: OperatorWindow) -> None:
        self.gate, self.window = gate, window

    def shows(self, snapshot: Snapshot) -> Lane:
        self.gate.says(said(snapshot))
        turn_until(lambda: self.window.snapshot == snapshot)
        return self

    def answers(self, error: str = "", number: int = 1) -> None:
        self.gate.says(wire.to_json(Line(answer=Answer(number, ok=not error, error=error))) + b"\n")

    def button(self, tap: Tap) -> TapButton:
        return next(button for button in self.window.taps.buttons() if button.tap is tap)

    def touches(self, tap: Tap) -> None:
        QTest.mouseClick(self.button(tap), Qt.LeftButton)

    def hears_nothing(self) -> bool:
        assert self.gate.screen is not None
        self.gate.screen.setblocking(False)
        try:
            return not self.gate.screen.recv(1)
        except BlockingIOError:
            return True
        finally:
            self.gate.screen.settimeout(PATIENCE_S)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    gate = Gate(tmp_path / "gate.sock")
    with opened(gate.path, "en") as window:
        window.taps.glance_s = 0.0
        window.resize(800, 480)
        window.link.start()
        gate.takes()
        yield Lane(gate, window)
    gate.dies()


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        (Reason.FACE_UNCERTAIN, StewardAction.ADMIT),
        (Reason.POOR_FACE, StewardAction.RETRY_FACE),
        (Reason.DOCUMENT_NEEDED, StewardAction.ADMIT),
        (Reason.CONFIRM_FIRST, StewardAction.CONFIRM),
        (Reason.GUARDIAN_NEEDED, StewardAction.ADMIT),
    ],
)
def test_a_common_case_is_settled_by_one_tap_on_the_large_button(lane: Lane, reason, action) -> None:
    lane.shows(asked(reason))
    large = max(lane.window.taps.buttons(), key=lambda button: button.width())
    QTest.mouseClick(large, Qt.LeftButton)
    told = lane.gate.hears()
    assert (told.order, told.action, told.actor, told.attempt) == (Order.STEWARD, action, "s-7", 121)


def test_what_failed_is_said_in_words_where_the_finger_was(lane: Lane) -> None:
    lane.shows(asked(Reason.FACE_UNCERTAIN)).touches(Tap.REFUSE)
    lane.answers("the ledger is full", lane.gate.hears().id)
    turn_until(lane.window.bubble.isVisible)
    assert "the ledger is full" in lane.window.bubble.text()
    touched = lane.button(Tap.REFUSE).mapTo(lane.window, lane.button(Tap.REFUSE).rect().center())
    box = lane.window.bubble.geometry()
    assert box.left() <= touched.x() <= box.right()
    assert 0 < touched.y() - box.bottom() < 80


def test_what_was_done_needs_no_words(lane: Lane) -> None:
    lane.shows(asked(Reason.FACE_UNCERTAIN)).touches(Tap.ADMIT)
    lane.answers("", lane.gate.hears().id)
    lane.shows(asked(Reason.OK_BY_STEWARD))
    assert not lane.window.bubble.isVisible()


def test_a_finger_that_came_down_on_somebody_else_is_told_so(lane: Lane) -> None:
    lane.shows(asked(Reason.FACE_UNCERTAIN, attempt=121))
    button = lane.button(Tap.ADMIT)
    QTest.mousePress(button, Qt.LeftButton)
    lane.shows(asked(Reason.FACE_UNCERTAIN, attempt=122))
    QTest.mouseRelease(button, Qt.LeftButton)
    assert lane.window.bubble.text() == lane.window.words("operator.over")
    assert lane.hears_nothing()


def test_a_touch_just_after_the_row_changed_meant_what_stood_there(lane: Lane) -> None:
    lane.window.taps.glance_s = 3600.0
    lane.shows(asked(Reason.FACE_UNCERTAIN))
    lane.shows(asked(Reason.CONFIRM_FIRST))  # the same visitor, and another question at the same place
    lane.touches(Tap.CONFIRM)
    assert lane.window.bubble.isVisible()
    assert lane.hears_nothing()


def test_a_second_touch_before_the_answer_is_no_second_word(lane: Lane) -> None:
    lane.shows(asked(Reason.FACE_UNCERTAIN)).touches(Tap.ADMIT)
    lane.touches(Tap.ADMIT)
    assert lane.gate.hears().action is StewardAction.ADMIT
    assert lane.hears_nothing()


def test_enter_from_a_scanner_that_types_is_nobodys_word(lane: Lane) -> None:
    lane.shows(asked(Reason.FACE_UNCERTAIN))
    for key in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
        QTest.keyClick(lane.window, key)
        QTest.keyClick(lane.button(Tap.ADMIT), key)  # even if it had the focus
    assert lane.hears_nothing()


def test_a_touch_on_the_devices_lists_them_and_another_lists_the_visitors(lane: Lane) -> None:
    lane.shows(calm())
    QTest.mouseClick(lane.window.bar[3], Qt.LeftButton)
    assert "Barrier" in {row.cell().line for row in lane.window.list.rows if row.isVisible()}
    assert misfits(lane.window) == []
    QTest.mouseClick(lane.window.bar[3], Qt.LeftButton)
    assert any("张*" in row.cell().line for row in lane.window.list.rows)


def test_without_a_shift_a_word_opens_the_shift_sheet(lane: Lane) -> None:
    lane.shows(replace(asked(Reason.FACE_UNCERTAIN), staff=())).touches(Tap.ADMIT)
    assert lane.window.sheet is not None
    assert lane.hears_nothing()


def test_a_dispute_takes_two_taps(lane: Lane) -> None:
    lane.shows(asked(Reason.ALREADY_ADMITTED)).touches(Tap.HOLDER_HERE)
    assert isinstance(lane.window.sheet, DisputeSheet)
    assert lane.hears_nothing()
    QTest.mouseClick(lane.window.sheet.yes, Qt.LeftButton)
    assert lane.gate.hears().action is StewardAction.HOLDER_HERE


def test_who_was_refused_a_moment_ago_can_be_overridden_from_the_lane_at_rest(lane: Lane) -> None:
    lane.shows(calm(attempt=121, refused=Reason.NOT_YET_VALID, overridable=True))
    assert lane.window.reason.step.text() == "Last visitor: Too early. A supervisor may override it."
    lane.touches(Tap.OVERRIDE)
    sheet = lane.window.sheet
    assert isinstance(sheet, SupervisorSheet)
    task = sheet.pages.currentWidget().task
    assert isinstance(task, Override)
    assert task.attempt == 121
    lane.shows(calm(phase=Phase.LOOKUP, attempt=122))
    turn_until(lambda: lane.window.sheet is None)


def test_an_alert_stands_above_an_open_sheet(lane: Lane) -> None:
    lane.shows(calm())
    lane.touches(Tap.SUPERVISOR)
    assert lane.window.sheet is not None
    lane.shows(calm(alerts=("jam",)))
    middle = lane.window.banner.geometry().center()
    assert lane.window.childAt(middle) is lane.window.banner
    assert lane.window.banner.misfits() == []


def test_a_sheet_that_went_gives_the_window_back(lane: Lane) -> None:
    lane.shows(calm())
    lane.touches(Tap.SUPERVISOR)
    lane.window.sheet.close_sheet()
    lane.shows(asked(Reason.FACE_UNCERTAIN)).touches(Tap.ADMIT)
    assert lane.gate.hears().action is StewardAction.ADMIT


def test_the_mirror_fills_the_faces_and_empties_them(tmp_path: Path) -> None:
    mirror = MirrorFeed()
    with opened(tmp_path / "none", "en", mirror) as window:
        shows(window, asked(Reason.FACE_UNCERTAIN, attempt=4))
        mirror.attempt = 4
        mirror.frame.emit(grey(10))
        mirror.portrait.emit(grey(20))
        assert window.faces.live.has_image
        assert window.faces.portrait.has_image
        mirror.gone.emit()
        assert not window.faces.live.has_image
        assert not window.faces.portrait.has_image
