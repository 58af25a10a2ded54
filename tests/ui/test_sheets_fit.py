"""Nothing on a sheet is clipped, lies over another thing or is too small to touch, at any size, in any language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QPoint, QRect
from PyQt5.QtWidgets import QAbstractButton, QWidget

from models.command import OnShift
from models.decision import Reason, Verdict
from models.keeping import Window as Stated
from models.red_path import OpenRed, Urgency
from models.staff import Role
from models.ticket import ManifestState
from models.view import Mode, Phase, ShownHit, ShownPatient, ShownReview
from models.watch import HitMeans, WatchAction, WatchFallback
from tests.ui.sheet_lane import LEAD, NOON, OTHER, SNAPSHOT, STEWARD, view
from ui import theme
from ui.dispute import open_dispute
from ui.fitting import FittedLabel
from ui.hospital import open_companion, open_red
from ui.keys import Field
from ui.link import GateLink
from ui.manual import open_manual
from ui.manual_kinds import Kind
from ui.pin_pad import PinPad
from ui.sheets import Sheet
from ui.sighting import open_sighting
from ui.supervisor import open_override, open_shift, open_supervisor
from ui.supervisor_sign import SignPage
from ui.theme import Look
from ui.tiles import Tile
from ui.view import Tone
from ui.words import languages, load

pytestmark = pytest.mark.usefixtures("qapp")

SIZES = ((800, 480), (1024, 600), (1280, 800))
ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"
WRONG_ID = "110105194912310021"

STAFF = (*(OnShift(f"s{n}", f"欧阳建国 {n}", Role.STEWARD, NOON - n) for n in range(2, 5)), STEWARD, OTHER, LEAD)
BUSY = replace(SNAPSHOT, staff=STAFF, override_by_two=True, mode_until=NOON + 600)
HITS = (
    ShownHit(
        "号贩子核查 (resold appointments at this hospital)",
        "市卫健委 City health board",
        WatchAction.REVIEW,
        HitMeans.FACE,
        "市卫健委信访办 Health board, complaints office, 010-0000 0000",
    ),
    ShownHit("Order 118/2026", "District court", WatchAction.REFUSE_UNLESS_CLEARED, HitMeans.DOCUMENT),
    ShownHit("Order 119/2026", "District court", WatchAction.REVIEW, HitMeans.DOCUMENT),
)
LISTED = replace(view(BUSY, verdict=Verdict.REFER, reason=Reason.WATCHLISTED, first_use=None, hits=HITS), refer_s=120.0)
LISTED = view(LISTED, review=ShownReview("s3", NOON - 35, 60.0, WatchFallback.ADMIT_WITH_NOTE))
ONE = view(LISTED, hits=(replace(HITS[0], purpose="scalping"),), review=ShownReview("", NOON - 35, 60.0, None))

MANIFEST = ManifestState("starlight-arena-2026-09-22", 3, NOON - 86_400, NOON + 43_200)
LOST = replace(BUSY, clock_trusted=False, manifest=MANIFEST)
STATED = replace(LOST, window=Stated(MANIFEST.event, MANIFEST.issued_at, MANIFEST.expires_at, "n.montgomery-long.name"))

PATIENTS = tuple(ShownPatient(f"A-2026-{n}", "欧*", "心血管内科 Cardiology") for n in range(6))
REDS = tuple(OpenRed(n, NOON - 60 * n, urgency) for n, urgency in enumerate(Urgency))
WARD = replace(view(BUSY, reason=Reason.WHOSE_COMPANION, patients=PATIENTS), reds=REDS, red_path=True)


def typing(kind: Kind, *fields: str) -> Callable[[Sheet], None]:
    def do(sheet: Sheet) -> None:
        sheet.choose(kind)
        for text in fields:
            sheet.entry.type(text)
            sheet.entry.next_field()

    return do


def page(sheet: Sheet) -> SignPage:
    found = sheet.pages.currentWidget()
    assert isinstance(found, SignPage)
    return found


def by_two(sheet: Sheet) -> None:
    page(sheet)._sign("407136")


def wait(sheet: Sheet) -> None:
    page(sheet).pad.wait(900.0)
    sheet.tell(sheet.words("answer.wait", seconds=900), Tone.STOP)


def run(mode: Mode) -> Callable[[Sheet], None]:
    return lambda sheet: sheet._run_lane(mode)


SHEETS = {
    "home": (open_supervisor, BUSY, lambda sheet: None),
    "free": (open_supervisor, BUSY, run(Mode.FREE)),
    "controlled": (open_supervisor, view(BUSY, mode=Mode.FREE), run(Mode.CONTROLLED)),
    "no pins": (open_supervisor, replace(BUSY, pins=False, staff=()), run(Mode.PAUSED)),
    "settings": (open_supervisor, BUSY, lambda sheet: sheet.settings.click()),
    "clock lost": (open_supervisor, LOST, lambda sheet: None),
    "event stated": (open_supervisor, STATED, lambda sheet: None),
    "tonight": (open_supervisor, LOST, lambda sheet: sheet.tonight.click()),
    "not tonight": (open_supervisor, STATED, lambda sheet: sheet.tonight.click()),
    "no event": (open_supervisor, replace(LOST, manifest=None), lambda sheet: sheet.tonight.click()),
    "override": (open_override, BUSY, lambda sheet: None),
    "second": (open_override, BUSY, by_two),
    "nobody": (open_override, replace(BUSY, staff=()), lambda sheet: None),
    "locked out": (open_override, BUSY, wait),
    "who": (open_override, BUSY, lambda sheet: page(sheet)._choose()),
    "number": (open_override, BUSY, lambda sheet: page(sheet).type_number()),
    "shift": (open_shift, BUSY, lambda sheet: None),
    "coming": (open_shift, BUSY, lambda sheet: page(sheet).sign_as("n.montgomery-long.name")),
    "used": (open_dispute, view(BUSY, portrait=True), lambda sheet: None),
    "used, unknown": (open_dispute, view(BUSY, first_use=None), lambda sheet: None),
    "listed": (open_dispute, LISTED, lambda sheet: None),
    "listed once": (open_dispute, ONE, lambda sheet: None),
    "companion": (open_companion, WARD, lambda sheet: None),
    "nobody inside": (open_companion, view(WARD, patients=()), lambda sheet: None),
    "emergencies": (open_red, WARD, lambda sheet: None),
    "no emergencies": (open_red, replace(WARD, reds=()), lambda sheet: None),
    "who was it": (open_red, WARD, lambda sheet: sheet._ask(REDS[0])),
    "sighting": (open_sighting, BUSY, lambda sheet: None),
    "sighting, before": (open_sighting, BUSY, lambda sheet: sheet.follow(BUSY, view(BUSY, attempt=8))),
    "sighting, nobody": (open_sighting, view(BUSY, phase=Phase.IDLE, reason=None), lambda sheet: None),
    "kinds": (open_manual, BUSY, lambda sheet: None),
    "id": (open_manual, BUSY, typing(Kind.RESIDENT_ID, WRONG_ID)),
    "temporary": (open_manual, BUSY, typing(Kind.TEMPORARY_ID, "11010519491231002X", "20230229")),
    "passport": (open_manual, BUSY, typing(Kind.PASSPORT)),
    "passport, typed": (open_manual, BUSY, typing(Kind.PASSPORT, "E12345678", "20230229")),
    "zone": (open_manual, BUSY, typing(Kind.PASSPORT, ZONE)),
    "chip": (open_manual, BUSY, typing(Kind.CHIP)),
    "chip, typed": (open_manual, BUSY, typing(Kind.CHIP, "L898902C3", "740812", "120415")),
}


@dataclass
class Window:
    """A window of some size, with a sheet over it."""

    widget: QWidget
    sheet: Sheet

    def parts(self) -> list[QWidget]:
        """What is seen and stands for itself: words, tiles, fields."""
        found = [one for kind in (FittedLabel, Tile, Field) for one in self.sheet.findChildren(kind)]
        return [one for one in found if one.isVisibleTo(self.widget)]

    def place(self, part: QWidget) -> QRect:
        return QRect(part.mapTo(self.widget, QPoint(0, 0)), part.size())


def opened(name: str, language: str, size: tuple[int, int], look: Look) -> Iterator[Window]:
    opener, snapshot, do = SHEETS[name]
    widget = QWidget()
    widget.look = look
    widget.resize(*size)
    widget.show()
    sheet = opener(widget, GateLink(Path("/nowhere"), widget), snapshot, load(language))
    QCoreApplication.processEvents()
    do(sheet)
    QCoreApplication.processEvents()
    yield Window(widget, sheet)
    sip.delete(widget)


def flaws(window: Window, look: Look) -> list[str]:
    found, least = [], theme.touch_px(window.sheet)
    inner = window.widget.rect().adjusted(10, 10, -10, -10)
    places = {part: window.place(part) for part in window.parts()}
    for part, place in places.items():
        name = f"{type(part).__name__} {part.accessibleName()!r} {place.getRect()}"
        if not inner.contains(place):
            found.append(f"{name} reaches beyond the sheet")
        if not part.fits():
            found.append(f"{name} is clipped")
        if isinstance(part, QAbstractButton) and min(place.width(), place.height()) < least:
            found.append(f"{name} is too small to touch")
    for one, other in combinations(places, 2):
        if places[one].intersects(places[other]):
            found.append(f"{one.accessibleName()!r} and {other.accessibleName()!r} lie over each other")
    return found


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", SHEETS)
def test_everything_on_a_sheet_has_its_place(name, language, size):
    for window in opened(name, language, size, Look()):
        assert window.parts()
        assert flaws(window, Look()) == []


@pytest.mark.parametrize("size", SIZES[1:], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["override", "second", "settings", "tonight", "number", "listed", "temporary", "zone"])
def test_large_letters_have_their_place_too(name, size):
    look = Look(large=True, high_contrast=True)
    for window in opened(name, "en", size, look):
        assert flaws(window, look) == []


def test_the_measure_finds_what_is_clipped_covered_or_small():
    for window in opened("home", "en", (800, 480), Look()):
        tile = next(part for part in window.parts() if isinstance(part, Tile))
        tile.setText("far more words than any tile on a small screen could ever have room for " * 5)
        assert any("clipped" in flaw for flaw in flaws(window, Look()))
        tile.setMinimumSize(0, 0)
        tile.setGeometry(5, 5, 40, 40)
        assert any("too small" in flaw for flaw in flaws(window, Look()))
        window.sheet.status.setGeometry(window.sheet.title.geometry())
        assert any("over each other" in flaw for flaw in flaws(window, Look()))


@pytest.mark.parametrize("contrast", [False, True])
@pytest.mark.parametrize("tone", Tone)
def test_tiles_are_read_on_every_ground_they_have(tone, contrast):
    look = theme.tone(tone, contrast=contrast)
    ground = look.panel if tone is Tone.CALM else look.background
    assert theme.contrast_ratio(look.ink, ground) >= 4.5
    paper = theme.tone(Tone.CALM, contrast=False)
    for hint in (Tone.STOP, Tone.GO):  # how a sheet says what is wrong, and a field what is right
        assert theme.contrast_ratio(theme.tone(hint).background, paper.background) >= 4.5
        assert theme.contrast_ratio(theme.tone(hint).background, paper.panel) >= 4.5


def test_every_pad_has_its_digits_in_their_usual_places():
    for window in opened("override", "zh", (800, 480), Look()):
        pad = window.sheet.findChild(PinPad)
        rows = sorted(
            pad.digits, key=lambda digit: (window.place(pad.digits[digit]).y(), window.place(pad.digits[digit]).x())
        )
        assert "".join(rows) == "1234567890"
