"""Who comes to the evening: people who do not exist, their tickets, their pictures and their cards.

The numbers carry a right check digit and a region that does not exist.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import cv2
import numpy as np

from drivers.camera import _visitors as visitors
from drivers.face.sim import marked
from drivers.interfaces import FaceEngine, Frame
from drivers.reader.sam import Card, resident_card
from models.face import FaceProblem
from models.ids import DocumentType, check_digit

HOUR_S, DAY_S = 3600.0, 86_400.0
EVENT = "demo-evening"

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
_GIVEN = ("晓明", "子涵", "雨桐", "浩然", "欣怡", "建国", "秀英", "志强", "丽华", "俊杰", "婷婷", "海燕")


@dataclass(frozen=True, slots=True)
class Looks:
    """What somebody looks like: a rendered visitor's seed, or a folder's pictures of one real person.

    Or a mark that the engine `sim:` reads, for evenings that are not about faces: it costs next to nothing.
    """

    seed: int = 0
    pictures: tuple[Path, ...] = ()
    mark: int | None = None

    def portrait(self) -> Frame:
        """The picture handed in with the ticket."""
        if self.mark is not None:
            return marked(self.mark)
        return _read(self.pictures[0]) if self.pictures else visitors.portrait(visitors.identity(self.seed))

    def frames(self, visit: int = 0, *, covered: bool = False) -> list[Frame]:
        """What the lane's camera sees of one visit."""
        if self.mark is not None:
            return [marked(self.mark, problem=FaceProblem.NO_FACE if covered else None)]
        if self.pictures:
            frames = [_read(path) for path in self.pictures[1:] or self.pictures]
            return [_cover(frame) for frame in frames] if covered else frames
        who = visitors.identity(self.seed)
        if covered:
            return [visitors.render(who, occlusion="scarf", seed=visit + number) for number in range(3)]
        return visitors.visit(who, visit)


@dataclass(frozen=True, slots=True)
class Person:
    """One visitor: ticket, card and looks. Times are seconds from now."""

    ticket: str
    looks: Looks
    number: str
    name: str
    birth: date = date(1990, 1, 1)
    has_ticket: bool = True
    has_photo: bool = True
    opens_s: float = -HOUR_S
    bound_s: float = -30 * DAY_S
    gates: str = ""
    seat: str = ""
    status: str = "valid"
    category: str = "standard"
    guardian: str = ""
    notes: str = ""
    declined: bool = False
    listed: str = ""  # a watch entry's action
    card_ends: date | None = date(2041, 1, 1)
    document: str = ""  # what is odd about the document, in a word that its wire knows

    def card(self) -> Card:
        """The chip of this person's ID card."""
        return resident_card(
            self.name, self.number, birth=self.birth, valid_from=date(2021, 1, 1), valid_to=self.card_ends
        )


def person(index: int, looks: Looks) -> Person:
    """The `index`-th visitor, from 0 to 99,999."""
    birth = date(1960 + index % 45, 1 + index % 12, 1 + index % 28)
    digits = f"0000{index // 1000:02d}{birth:%Y%m%d}{index % 1000:03d}"
    name = _SURNAMES[index % len(_SURNAMES)] + _GIVEN[index % len(_GIVEN)]
    seat = f"{'ABCD'[index % 4]}{index // 4 % 40 + 1}-{index % 30 + 1}"
    return Person(f"T{index:05d}", looks, digits + check_digit(digits), name, birth, seat=seat)


def by_resident_id(one: Person) -> tuple[DocumentType, str]:
    """The document that opens a ticket, where it is the resident ID card."""
    return DocumentType.RESIDENT_ID, one.number


def write_tables(
    people: list[Person],
    folder: Path,
    now: float,
    document: Callable[[Person], tuple[DocumentType, str]] = by_resident_id,
) -> None:
    """`people.csv`, `watch.csv` and `photos/` as an organiser hands them in. `document` is what opens a ticket."""
    photos = folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    with_ticket = [one for one in people if one.has_ticket]
    _write_csv(folder / "people.csv", [_row(one, now, *document(one)) for one in with_ticket])
    listed = [one for one in people if one.listed]
    _write_csv(folder / "watch.csv", [_watch_row(one, now, *document(one)) for one in listed])
    for one in with_ticket:
        if one.has_photo and not one.declined:
            cv2.imwrite(str(photos / f"{one.ticket}.png"), one.looks.portrait())


def looks_from_folder(folder: Path, engine: FaceEngine, say: Callable[[str], None]) -> list[Looks]:
    """One `Looks` a subfolder: a picture that can be enrolled, and others in which the lane would see a face.

    `say` is told who is left out. Raises `ValueError` when fewer than two people are left.
    """
    found = []
    for sub in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = [path for path in sorted(sub.iterdir()) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
        portrait = next((path for path in pictures if not engine.enrol(_read(path)).problem), None)
        seen = [path for path in pictures if path != portrait and not engine.probe(_read(path)).problem]
        if portrait is None or not seen:
            say(f"{sub.name} is left out: of {len(pictures)} pictures too few show one clear face")
            continue
        found.append(Looks(pictures=(portrait, *seen)))
    if len(found) < 2:
        raise ValueError(f"{folder}: expected folders of one person each, at least two of them with two clear pictures")
    return found


def _row(one: Person, now: float, document: DocumentType, number: str) -> dict[str, str]:
    return {
        "ticket": one.ticket,
        "name": one.name,
        "document": document,
        "number": number,
        "not_before": _time(now + one.opens_s),
        "not_after": _time(now + one.opens_s + DAY_S),
        "gates": one.gates,
        "seat": one.seat,
        "way": "left stairs",
        "bound_at": _time(now + one.bound_s),
        "category": one.category,
        "guardian": one.guardian,
        "consent_id": f"consent-{one.ticket}" if one.has_photo and not one.declined else "",
        "notes": one.notes,
        "status": one.status,
        "face_declined": "yes" if one.declined else "",
    }


def _watch_row(one: Person, now: float, document: DocumentType, number: str) -> dict[str, str]:
    return {
        "entry": f"W-{one.ticket}",
        "owner": "Demo Hospital",
        "purpose": "scalping",
        "action": one.listed,
        "document": document,
        "number": number,
        "valid_from": _time(now - DAY_S),
        "valid_to": _time(now + 300 * DAY_S),
        "approvers": "security-lead|ombudsman",
        "legal_basis": "",
    }


_WATCH_COLUMNS = (
    "entry",
    "owner",
    "purpose",
    "action",
    "document",
    "number",
    "valid_from",
    "valid_to",
    "approvers",
    "legal_basis",
)


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    columns = list(rows[0]) if rows else list(_WATCH_COLUMNS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _read(path: Path) -> Frame:
    frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if frame is None:
        raise ValueError(f"{path}: not a picture that OpenCV can read")
    height, width = frame.shape[:2]
    scale = min(1.0, 800 / max(height, width))
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale), np.uint8)


def _cover(frame: Frame) -> Frame:
    covered = frame.copy()
    covered[:] = cv2.blur(covered, (61, 61))
    return covered
