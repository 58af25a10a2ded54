"""The visitor's window: what it shows, what it asks of the gate, and that no word is cut off anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QObject, QRect, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QWidget

from models import wire
from models.command import Answer, Line, Order, Settings, Snapshot
from models.credential import Medium
from models.decision import Profile, Reason, StewardAction, Verdict
from models.face import FaceProblem
from models.staff import VISITOR
from models.view import LaneView, Mode, Phase, Who
from models.words import CODE_WORDS, TYPED_WORDS
from tests.ui.stand_in import Gate, said
from tests.ui.test_link import turn_until
from ui import theme, words
from ui.fitting import FittedLabel
from ui.link import GateLink
from ui.theme import Look
from ui.visitor import VisitorWindow
from ui.visitor_button import VisitorButton
from ui.visitor_wishes import WISH_S

pytestmark = pytest.mark.usefixtures("qapp")

SIZES = [(800, 480), (1024, 600), (1280, 800)]
EASY = Look(high_contrast=True, large=True, still=True, low=True)
SEATS = {
    "zh": ("内场 A 区 12 排 103 座", "东侧楼梯上二层，右转第三个门"),
    "en": ("Floor, block A, row 12, seat 103", "East stairs to the second floor, third door on the right"),
}
CONTROLLERS = {"zh": "海风演艺文化有限公司 021-5555 0100", "en": "Sea Wind Performing Arts Ltd, +86 21 5555 0100"}


class Camera(QObject):
    """A feed of pictures."""

    frame = pyqtSignal(QImage)
    portrait = pyqtSignal(QImage)
    gone = pyqtSignal()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Lane:
    """A window, and a gate of which it is told."""

    def __init__(self, gate: Gate, path: Path, language: str = "zh", look: Look | None = None) -> None:
        self.gate, self.link, self.camera, self.clock = gate, GateLink(path), Camera(), Clock()
        self.window = VisitorWindow(self.link, self.camera, language, look=look, clock=self.clock)
        self.window.resize(800, 480)
        self.window.show()
        self.link.start()
        turn_until(lambda: self.link.connected)
        gate.takes()

    def tell(self, snapshot: Snapshot) -> None:
        self.gate.says(said(snapshot))
        turn_until(lambda: self.link.last == snapshot)

    def shows(self, phase: Phase, **more: object) -> None:
        self.tell(lane(phase, **more))

    def touch(self, button: QWidget) -> None:
        assert button.isVisible()
        QTest.mouseClick(button, Qt.LeftButton)

    @property
    def page(self) -> QWidget:
        return self.window._stack.currentWidget()


def lane(phase: Phase, verdict: Verdict | None = None, reason: Reason | None = None, **more: object) -> Snapshot:
    """A snapshot of a lane that stands so. `attempt`, `language` (the ticket's), `usual` (the lane's)."""
    language, usual = more.pop("language", None), more.pop("usual", "zh")
    seat, way = SEATS[language or usual]
    who = Who("张*", seat, way, language or "zh")
    view = LaneView("G1", phase, more.pop("attempt", 1), verdict, reason, "T" if language else "", who, **more)
    return Snapshot(view, 0.0, Profile.CONCERT, settings=Settings(language=usual), controller=CONTROLLERS[usual])


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate.sock")
    yield gate
    gate.dies()


@pytest.fixture
def the(gate: Gate, tmp_path: Path) -> Iterator[Lane]:
    made = Lane(gate, tmp_path / "gate.sock")
    yield made
    made.link.stop()
    sip.delete(made.window)


# --- the way of a visitor -----------------------------------------------------------------------------------------


def test_before_the_first_word_it_is_out_of_service(the):
    assert the.window.screen_now.key == "out_of_service"
    assert the.page is the.window.word


def test_a_visitor_presents_looks_and_is_welcome(the):
    the.shows(Phase.IDLE)
    assert the.page is the.window.idle
    the.shows(Phase.CAPTURE, language="en", hint="covered")
    assert the.page is the.window.looking
    assert the.window.looking.hint.text() == "Please take off mask or sunglasses"
    the.shows(Phase.RELEASED, verdict=Verdict.ADMIT, reason=Reason.OK, language="en")
    assert the.page is the.window.word
    assert the.window.word.body.text() == "Seat Floor, block A, row 12, seat 103"
    assert the.window.word.step.text() == SEATS["en"][1]
    the.shows(Phase.IDLE, usual="zh")
    assert the.window.language == "zh"


def test_the_notice_of_the_law_stands_on_the_first_page_and_in_full_behind_a_touch(the):
    the.shows(Phase.IDLE)
    notice = [label.text() for label in the.window.idle.notice.findChildren(FittedLabel)]
    assert CONTROLLERS["zh"] in notice  # who
    assert all(the.window._words(f"visitor.notice_{item}_text", controller="x") for item in ("why", "kept", "instead"))
    assert all(any(needle in text for text in notice) for needle in ("核对票与本人", "不保存", "可不用人脸"))
    the.touch(the.window.idle.details)
    assert the.page is the.window.whole
    assert CONTROLLERS["zh"] in the.window.whole.text.text()
    assert all(needle in the.window.whole.text.text() for needle in ("十四周岁", "撤回同意", "删除"))
    the.touch(the.window.whole.back)
    assert the.page is the.window.idle


@pytest.mark.parametrize(("ready_s", "said"), [(0.0, "出示证件后才采集"), (2.5, "最多保留2.5秒")])
def test_the_notice_tells_when_the_camera_looks(the, ready_s, said):
    the.window._link.snapshot.emit(replace(lane(Phase.IDLE), face_ready_s=ready_s))
    short = [label.text() for label in the.window.idle.notice.findChildren(FittedLabel)]
    assert any("2.5秒" in text for text in short) is (ready_s > 0)
    the.touch(the.window.idle.details)
    assert said in the.window.whole.text.text()


def test_a_card_closes_the_whole_notice(the):
    the.shows(Phase.IDLE)
    the.touch(the.window.idle.details)
    the.shows(Phase.LOOKUP)
    the.shows(Phase.IDLE)
    assert the.page is the.window.idle


def test_a_lane_that_looks_at_no_face_has_no_notice_and_no_such_choice(the):
    told = lane(Phase.IDLE)
    the.tell(Snapshot(told.view, 0.0, Profile.CARD))
    assert not the.window.idle.notice.isVisible()
    assert not the.window.idle.without_face.isVisible()
    assert the.window.idle.language.isVisible()


# --- the way without a face ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.LOOKUP, Phase.CAPTURE])
def test_without_a_face_said_before_the_card_is_sent_with_the_attempt(the, phase):
    the.shows(Phase.IDLE)
    the.touch(the.window.idle.without_face)
    assert the.window.idle.title.text() == words.load("zh")("visitor.without_face_chosen")
    the.shows(phase, attempt=2)
    sent = the.gate.hears()
    assert (sent.order, sent.action) == (Order.STEWARD, StewardAction.SKIP_FACE)
    assert (sent.actor, sent.attempt, sent.pin) == (VISITOR, 2, "")


def test_without_a_face_said_before_the_camera_is_sent_at_once_and_told(the):
    the.shows(Phase.CAPTURE, attempt=5)
    the.touch(the.window.looking.without_face)
    assert the.gate.hears().attempt == 5
    assert the.window.looking.told.isVisible()
    assert not the.window.looking.without_face.isVisible()


def test_a_gate_that_says_no_to_it_sends_the_visitor_to_a_person(the):
    the.shows(Phase.CAPTURE, attempt=5)
    the.touch(the.window.looking.without_face)
    refusal = Answer(the.gate.hears().id, ok=False, error="nobody works here")
    the.gate.says(wire.to_json(Line(answer=refusal)) + b"\n")
    turn_until(lambda: the.window.looking.told.text() == words.load("zh")("visitor.tell_a_colleague"))


def test_the_choice_can_be_taken_back_and_ends_by_itself(the):
    the.shows(Phase.IDLE)
    the.touch(the.window.idle.without_face)
    the.touch(the.window.idle.without_face)
    assert the.window.idle.title.text() == words.load("zh")("phase.idle.visitor")
    the.touch(the.window.idle.without_face)
    the.clock.now += WISH_S + 1
    the.shows(Phase.IDLE, attempt=2)
    assert the.window.idle.title.text() == words.load("zh")("phase.idle.visitor")


# --- language and look --------------------------------------------------------------------------------------------


def test_a_touch_changes_the_language_until_the_visitor_has_left(the):
    heard = []
    the.window.spoken.connect(heard.append)
    the.shows(Phase.IDLE)
    the.touch(the.window.idle.language)
    assert the.window.language == "en"
    the.shows(Phase.RELEASED, verdict=Verdict.ADMIT, reason=Reason.OK, language="zh")
    assert the.window.word.title.text() == "Welcome"
    the.shows(Phase.IDLE, attempt=2)
    assert heard == ["en", "zh"]


def test_larger_and_more_contrast_by_a_touch(the):
    the.shows(Phase.IDLE)
    the.touch(the.window.idle.easier)
    assert the.window.grab().toImage().pixelColor(3, 3) == QColor(
        theme.tone(the.window.screen_now.tone, contrast=True).background
    )
    the.touch(the.window.idle.easier)
    assert the.window.grab().toImage().pixelColor(3, 3) == QColor(theme.tone(the.window.screen_now.tone).background)


# --- the mirror ---------------------------------------------------------------------------------------------------


def picture(left: str, right: str) -> QImage:
    """A camera's picture with another colour on each side."""
    image = QImage(640, 480, QImage.Format_RGB32)
    image.fill(QColor(right))
    for y, x in itertools.product(range(480), range(320)):
        image.setPixelColor(x, y, QColor(left))
    return image


def test_the_picture_is_a_mirror_and_is_cut_without_stretching(the):
    the.shows(Phase.CAPTURE)
    the.camera.frame.emit(picture("#ff0000", "#0000ff"))
    mirror = the.window.looking.mirror
    shown = mirror.grab().toImage()
    middle = mirror.height() // 2
    left, right = shown.pixelColor(30, middle), shown.pixelColor(mirror.width() - 30, middle)
    assert left.blue() > left.red()
    assert right.red() > right.blue()
    box = mirror.source_box()
    assert box.width() / box.height() == pytest.approx(mirror.width() / mirror.height(), rel=0.01)
    assert QRect(0, 0, 640, 480).contains(box.toAlignedRect())


@pytest.mark.parametrize("end", ["gone", "next phase", "silence"])
def test_no_face_stays_behind(the, end):
    the.shows(Phase.CAPTURE)
    the.camera.frame.emit(picture("#ff0000", "#0000ff"))
    assert the.window.looking.mirror._frame is not None
    match end:
        case "gone":
            the.camera.gone.emit()
        case "next phase":
            the.shows(Phase.RELEASED, verdict=Verdict.ADMIT, reason=Reason.OK)
        case _:
            the.link.silent.emit()
    assert the.window.looking.mirror._frame is None
    the.shows(Phase.IDLE)
    the.camera.frame.emit(picture("#ff0000", "#0000ff"))
    assert the.window.looking.mirror._frame is None  # what comes late is dropped


def test_a_still_outline_does_not_breathe(the):
    the.shows(Phase.CAPTURE)
    mirror = the.window.looking.mirror
    for still, moves in ((False, True), (True, False)):
        mirror.dress("#ffffff", "#000000", hinted=False, still=still)
        boxes = set()
        for _ in range(8):
            mirror.take_frame(QImage(64, 48, QImage.Format_RGB32))
            boxes.add(round(mirror._breathing(mirror.face_box()).height(), 3))
        assert (len(boxes) > 1) is moves


# --- nothing is cut off -------------------------------------------------------------------------------------------


def states(language: str) -> Iterator[Snapshot]:
    """Everything that this window can be asked to say."""
    for phase, mode in itertools.product(Phase, Mode):
        yield lane(phase, mode=mode, usual=language)
    for reason in Reason:
        verdict = Verdict.ADMIT if reason.startswith("ok") else Verdict.REFER
        phase = Phase.RELEASED if verdict is Verdict.ADMIT else Phase.REFERRED
        yield lane(phase, verdict=verdict, reason=reason, usual=language, language=language)
    for reason in CODE_WORDS:
        yield lane(Phase.IDLE, verdict=Verdict.DENY, reason=reason, medium=Medium.CODE, usual=language)
    for reason in TYPED_WORDS:
        yield lane(Phase.IDLE, verdict=Verdict.DENY, reason=reason, medium=Medium.TYPED, usual=language)
    for hint in FaceProblem:
        yield lane(Phase.CAPTURE, hint=hint, usual=language)
    yield lane(Phase.IDLE, alerts=("fire",), usual=language)


def flaws(page: QWidget, low: bool) -> list[str]:
    """Words that are cut off, parts that overlap or leave the page, and what is too small or too high to touch."""
    found = []
    parts = [part for part in page.findChildren(QWidget) if part.isVisibleTo(page) and part.width() and part.height()]
    texts = [part for part in parts if isinstance(part, FittedLabel | VisitorButton) and part.text()]
    found += [f"cut off: {part.text()}" for part in texts if not part.fits()]
    for part in texts:
        if not page.rect().contains(place(part, page)):
            found.append(f"outside: {part.text()}")
        if isinstance(part, VisitorButton):
            if min(part.width(), part.height()) < theme.touch_px(part):
                found.append(f"too small: {part.text()}")
            if low and place(part, page).top() < page.height() / 2:
                found.append(f"too high: {part.text()}")
    leaves = [part for part in parts if part in texts or not part.children()]
    for one, other in itertools.combinations(leaves, 2):
        if place(one, page).intersects(place(other, page)):
            found.append(f"overlap: {type(one).__name__} {type(other).__name__}")
    return found


def place(part: QWidget, page: QWidget) -> QRect:
    return QRect(part.mapTo(page, part.rect().topLeft()), part.size())


@pytest.mark.parametrize("look", [Look(), EASY], ids=["usual", "easy"])
def test_the_longest_controller_has_room_in_the_notice(look, tmp_path):
    window = VisitorWindow(GateLink(tmp_path / "none"), Camera(), "zh", look=look)
    window.resize(800, 480)
    window.show()
    window._link.snapshot.emit(replace(lane(Phase.IDLE), controller="海" * 30, face_ready_s=3.0))
    assert flaws(window.idle, look.low) == []
    window.idle.details.click()
    assert flaws(window.whole, look.low) == []
    sip.delete(window)


@pytest.mark.parametrize("language", words.languages())
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
@pytest.mark.parametrize("look", [Look(), EASY], ids=["usual", "easy"])
def test_no_word_is_cut_off_at_any_size_in_any_language(language, size, look, tmp_path):
    link = GateLink(tmp_path / "none")
    window = VisitorWindow(link, Camera(), language, look=look)
    window.resize(*size)
    window.show()
    seen = set()
    for told in states(language):
        link.snapshot.emit(told)
        page = window._stack.currentWidget()
        assert flaws(page, look.low) == [], (told.view.phase, told.view.reason)
        seen.add(type(page).__name__)
    for touch, page in ((window.idle.without_face, window.idle), (window.idle.details, window.whole)):
        link.snapshot.emit(lane(Phase.IDLE, usual=language))
        touch.click()
        assert window._stack.currentWidget() is page
        assert flaws(page, look.low) == []
    sip.delete(window)
    assert seen == {"IdlePage", "LookPage", "WordPage"}


def test_a_cut_off_word_and_an_overlap_are_found():
    page = QWidget()
    page.resize(300, 200)
    long, other = FittedLabel("a word too long for this", page), FittedLabel("b", page)
    long.setGeometry(0, 0, 30, 16)
    other.setGeometry(10, 5, 60, 40)
    assert sorted(each.split(":")[0] for each in flaws(page, False)) == ["cut off", "overlap"]
