"""A document that no reader can read, typed by a steward: first its kind, then its number, watched while it grows.

The keys on the screen, a keyboard and a hardware scanner all write into the same fields. What was typed is wiped as
soon as it is sent, and when the sheet goes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from models.command import Answer, Command, Order, Snapshot
from models.ids import normalise_number
from ui.keys import DIGITS_X, LETTERS, Field, Keys, Mark
from ui.link import GateLink
from ui.manual_kinds import (
    DAYS,
    ID_LENGTH,
    ZONE,
    Kind,
    Stand,
    Typed,
    chip_secret,
    judge_day,
    judge_number,
    looks_like_zone,
    needs_day,
    presented,
)
from ui.sheets import Sheet
from ui.supervisor_tasks import grid
from ui.view import Tone
from ui.words import Words


class ManualSheet(Sheet):
    """Kinds as tiles, and a page for the one that was touched.

    `red`: what is typed names somebody who came by the red path, and is no new attempt.
    """

    red = 0

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> None:
        super().__init__(window, link, snapshot, words)
        self.kinds = {
            kind: self.tile(
                words(f"manual.{kind}"), partial(self.choose, kind), words(f"manual.{kind}_note"), largest=22
            )
            for kind in Kind
        }
        page = grid(list(self.kinds.values())[:-1], 3)
        rows = page.layout()
        assert isinstance(rows, QGridLayout)
        rows.addWidget(self.kinds[Kind.CHIP], rows.rowCount(), 0, 1, 3)
        self.turn_to(page, words("manual.title"))

    def choose(self, kind: Kind) -> None:
        """Turn to the page of this kind."""
        self.turn_to(EntryPage(self, kind), self.words(f"manual.{kind}"))

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """Another person in the lane: whoever types should look again."""
        if now.view.attempt != before.view.attempt and self.entry is not None:
            self.tell(self.words("manual.moved_on"), Tone.STOP)

    @property
    def entry(self) -> EntryPage | None:
        """The page that is written on."""
        page = self.pages.currentWidget()
        return page if isinstance(page, EntryPage) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A keyboard, or a scanner that types."""
        page = self.entry
        if event.key() == Qt.Key_Escape:
            self.back()
        elif page is None:
            return
        elif event.key() == Qt.Key_Backspace:
            page.rub()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter):
            page.enter()
        elif event.key() == Qt.Key_Tab:
            page.next_field()
        else:
            page.type(event.text())

    def forget(self) -> None:
        """Wipe what was typed."""
        if self.entry is not None:
            self.entry.forget()


class EntryPage(QWidget):
    """The fields of one kind, and the keys that fill them."""

    def __init__(self, sheet: ManualSheet, kind: Kind) -> None:
        super().__init__()
        self.sheet, self.kind, self.typed, self.at = sheet, kind, Typed(), "number"
        words = sheet.words
        number = words("manual.chip_number" if kind is Kind.CHIP else "manual.number")
        low = not kind.by_digits
        self.fields = {"number": Field(number, sheet.look, groups=() if low else (6, 8, 4), low=low)}
        for name in kind.asks:
            groups = (4, 2, 2) if DAYS[name] == 8 else (2, 2, 2)
            self.fields[name] = Field(words(f"manual.{name}"), sheet.look, groups=groups, low=low)
        for name, one in self.fields.items():
            one.clicked.connect(partial(self._write_into, name))
        self.fields["number"].setChecked(True)
        self.keys = Keys(DIGITS_X if kind.by_digits else LETTERS, sheet.look)
        self.keys.typed.connect(self.type)
        self.keys.rubbed.connect(self.rub)
        self.send = sheet.tile(words("manual.send"), self._send, tone=Tone.GO)
        (self._beside if kind.by_digits else self._above)()
        self._show()

    def _beside(self) -> None:
        """Few keys: to the right, where a thumb is."""
        left = QVBoxLayout()
        for one in self.fields.values():
            left.addWidget(one, 2)
        left.addStretch(1 if len(self.fields) == 1 else 0)
        left.addWidget(self.send, 2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addLayout(left, 13)
        row.addWidget(self.keys, 9)

    def _above(self) -> None:
        """All letters: over the whole width, the fields above them."""
        row = QHBoxLayout()
        for name, one in self.fields.items():
            row.addWidget(one, 5 if name == "number" else 3)
        row.addWidget(self.send, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row, 5)
        column.addWidget(self.keys, 16)

    # --- what is typed

    def type(self, text: str) -> None:
        """One character or more; what can't belong to the field is passed over."""
        for character in normalise_number(text):
            if character.isascii() and (character.isalnum() or character == "<") and self._room():
                self._put(getattr(self.typed, self.at) + character)
        if self.at == "number" and self.kind.by_digits and self._stand("number").done and len(self.fields) > 1:
            self.next_field()
        self._show()

    def _room(self) -> bool:
        longest = DAYS.get(self.at, ID_LENGTH if self.kind.by_digits else ZONE + 2)
        return len(getattr(self.typed, self.at)) < longest

    def _put(self, text: str) -> None:
        if self.at == "number" or text.isdigit() or not text:
            self.typed = replace(self.typed, **{self.at: text})

    def rub(self) -> None:
        """Take the last character back."""
        self._put(getattr(self.typed, self.at)[:-1])
        self._show()

    def next_field(self) -> None:
        """Write into the field that comes next."""
        names = [name for name, one in self.fields.items() if not one.isHidden()]
        self._write_into(names[(names.index(self.at) + 1) % len(names)])

    def _write_into(self, name: str) -> None:
        self.at = name
        self.fields[name].setChecked(True)

    def enter(self) -> None:
        """A scanner ends with this, and so does a zone's first line: send what is whole, leave what is not."""
        if self.send.isEnabled():
            self._send()

    def forget(self) -> None:
        """Wipe it."""
        self.typed = Typed()
        self._write_into("number")
        self._show()

    # --- how it stands

    def _today(self) -> date:
        return date.fromtimestamp(self.sheet.snapshot.at)

    def _stand(self, name: str) -> Stand:
        if name == "number":
            return judge_number(self.kind, self.typed.number)
        needed = needs_day(self.kind, name, self.typed.number)
        return judge_day(name, getattr(self.typed, name), self._today(), needed=needed)

    def _show(self) -> None:
        whole = looks_like_zone(self.typed.number) and not self.kind.by_digits
        if whole and self.at != "number":
            self._write_into("number")
        for name, one in self.fields.items():
            one.setHidden(name != "number" and whole)  # a zone says its dates itself, and needs the width
            stand = self._stand(name)
            hint = self.sheet.words(stand.hint, count=stand.count) if stand.hint else ""
            one.show_typed(getattr(self.typed, name), stand.mark, hint)
            if name == self.at and not self.kind.by_digits:
                self.sheet.tell(hint, Tone.STOP if stand.mark is Mark.WRONG else Tone.CALM)
        shown = [name for name, one in self.fields.items() if not one.isHidden()]
        self.send.setEnabled(all(self._stand(name).done for name in shown) and not self.sheet.busy)

    # --- where it goes

    def _send(self) -> None:
        view = self.sheet.snapshot.view
        command = Command(id=0, order=Order.PRESENT, actor=self.sheet.actor, attempt=view.attempt)
        if self.sheet.red:
            command = replace(command, order=Order.RED_NAMED, red=self.sheet.red)
        if self.kind is Kind.CHIP:
            command = replace(command, order=Order.MRZ, mrz=chip_secret(self.typed))
        else:
            command = replace(command, presented=presented(self.kind, self.typed, self._today()))
        if self.sheet.send(command, self._answered):
            self.send.setEnabled(False)

    def _answered(self, answer: Answer) -> None:
        """Done: wiped with the sheet. Refused: it may be a slip of one digit, so it stays to be mended."""
        if answer.ok:
            self.sheet.close_sheet()
        else:
            said = self.sheet.status.text()
            self._show()
            self.sheet.tell(said, Tone.STOP)


def open_manual(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Type a document that no reader can read."""
    sheet = ManualSheet(window, link, snapshot, words)
    sheet.open()
    return sheet
