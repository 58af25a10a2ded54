"""Attention notes: each kind has its own place, colour and icon, so that one glance tells which there are."""

from __future__ import annotations

from types import MappingProxyType

from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

from models.ticket import Note, NoteKind
from ui import icons
from ui.operator_ink import Inked, has_room, panel, write
from ui.operator_says import purpose_in_words
from ui.words import Words

PLACES: tuple[tuple[NoteKind, ...], ...] = (
    (NoteKind.ACCESS_NEEDS, NoteKind.MEDICAL),
    (NoteKind.CHILD, NoteKind.VIP),
    (NoteKind.CHECK, NoteKind.MESSAGE),
    (NoteKind.WATCH,),
)
"""Rows from the top, left and right in them. A row without notes takes no room; a single one takes its whole row."""

COLOURS = MappingProxyType(
    {
        NoteKind.ACCESS_NEEDS: ("#0b4f8a", "#ffffff"),
        NoteKind.MEDICAL: ("#ffffff", "#9b0d2f"),
        NoteKind.CHILD: ("#5f3a96", "#ffffff"),
        NoteKind.VIP: ("#f0cd6c", "#2a1d00"),
        NoteKind.CHECK: ("#a84300", "#ffffff"),
        NoteKind.MESSAGE: ("#e9eef2", "#17242e"),
        NoteKind.WATCH: ("#101010", "#ffd54a"),
    }
)
"""Ground and ink of each kind, the same on every tone."""

_LETTERS_PX = 20

ICONS = MappingProxyType(
    {
        NoteKind.ACCESS_NEEDS: "wheelchair",
        NoteKind.MEDICAL: "medical",
        NoteKind.CHILD: "child",
        NoteKind.VIP: "star",
        NoteKind.CHECK: "search",
        NoteKind.MESSAGE: "message",
        NoteKind.WATCH: "eye",
    }
)


def rows(notes: tuple[Note, ...], most: int = 4) -> tuple[tuple[NoteKind, ...], ...]:
    """The rows that have something to say. With room for fewer, `most`, the kinds stand closer, in their order."""
    there = {note.kind for note in notes}
    kept = (tuple(kind for kind in row if kind in there) for row in PLACES)
    found = tuple(row for row in kept if row)
    if len(found) <= most:
        return found
    kinds = [kind for row in found for kind in row]
    each = -(-len(kinds) // most)
    return tuple(tuple(kinds[at : at + each]) for at in range(0, len(kinds), each))


def texts(kind: NoteKind, notes: tuple[Note, ...], words: Words) -> tuple[str, str]:
    """All notes of a kind in one line, with the kind's name and without; a note without a text says its kind."""
    said = " · ".join(_text(note, words) for note in notes if note.kind is kind and note.text)
    name = words(f"note.{kind}")
    return (f"{name}: {said}", said) if said else (name, name)


def _text(note: Note, words: Words) -> str:
    """A list's note begins with a purpose, which is said in the reader's words; all others are as they were written."""
    if note.kind is not NoteKind.WATCH:
        return note.text
    purpose, between, owner = note.text.partition(" · ")
    return purpose_in_words(purpose, words) + between + owner


class NotesView(Inked):
    """The notes of the person in the lane. What must be confirmed first has a thick edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said: tuple[tuple[tuple[NoteKind, tuple[str, str], bool], ...], ...] = ()

    def say(self, notes: tuple[Note, ...], words: Words, most: int = 4) -> None:
        """Show these from now on, in `most` rows at most."""
        held = {note.kind for note in notes if note.hold}
        said = tuple(
            tuple((kind, texts(kind, notes, words), kind in held) for kind in row) for row in rows(notes, most)
        )
        if said != self._said:
            self._said = said
            self.setAccessibleName(" ".join(line for row in said for _, (line, _), _ in row))
            self.update()

    def misfits(self) -> list[str]:
        """Notes that are cut short."""
        return [
            line for _, line, _, box in self._places() if not has_room(line, _words_box(box), _LETTERS_PX, bold=True)
        ]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Each in its place."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        for kind, line, held, box in self._places():
            ground, ink = (QColor(name) for name in COLOURS[kind])
            panel(painter, box, ground, ink if not held else self.ink, thick=4.0 if held else 1.5)
            icons.paint(painter, ICONS[kind], _icon_box(box), ink)
            painter.setPen(ink)
            write(painter, line, _words_box(box), _LETTERS_PX, bold=True)
        painter.end()

    def _places(self) -> list[tuple[NoteKind, str, bool, QRectF]]:
        found = []
        high = self.height() / max(1, len(self._said))
        for number, row in enumerate(self._said):
            wide = self.width() / len(row)
            for column, (kind, (whole, short), held) in enumerate(row):
                box = QRectF(column * wide, number * high, wide, high).adjusted(3 if column else 0, 0, 0, -4)
                # Colour and icon say the kind too.
                line = whole if has_room(whole, _words_box(box), _LETTERS_PX, bold=True) else short
                found.append((kind, line, held, box))
        return found


def _icon_box(box: QRectF) -> QRectF:
    side = min(box.height() - 8, 28.0)
    return QRectF(box.left() + 8, box.center().y() - side / 2, side, side)


def _words_box(box: QRectF) -> QRectF:
    return box.adjusted(_icon_box(box).width() + 14, 2, -6, -2)
