"""The page on which somebody signs with a PIN: what is to be done on the left, the pad on the right.

Both stand on one page, so that a cause and a PIN are all that an override needs. Where the policy asks for two, the pad
asks twice: the first PIN waits in this page for the second one, and both are forgotten with the command.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from PyQt5.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from models.command import Answer, Command, OnShift, Snapshot
from models.staff import Role
from ui.pin_pad import PinPad
from ui.sheets import Sheet
from ui.supervisor_who import number_page, people_page
from ui.tiles import Tile
from ui.view import Tone


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signs, and by what. The second is empty where one is enough."""

    actor: str
    pin: str = field(default="", repr=False)
    second: str = ""
    second_pin: str = field(default="", repr=False)


class Task:
    """What is to be signed. A task shows its choices, says what is still missing, and makes the command."""

    title = ""  # the key of its words
    by_two = False
    names_signer = False  # it has its own way of saying who signs

    def build(self, page: SignPage) -> QWidget:
        """Its choices; each tells `page.refresh` that it was touched."""
        raise NotImplementedError

    def show(self, page: SignPage) -> None:
        """Show who signs, where the task does that itself."""

    def missing(self) -> str:
        """The key of what is to be chosen first; empty when nothing is."""
        return ""

    def is_stale(self, now: Snapshot) -> bool:
        """Whether what was to be signed is gone."""
        return False

    def command(self, by: Signed) -> Command:
        """What goes to the gate."""
        raise NotImplementedError


class SignPage(QWidget):
    """`task` on the left, who signs above it, the pad on the right; a plain button where the lane has no PINs."""

    def __init__(self, sheet: Sheet, task: Task) -> None:
        super().__init__()
        self.sheet, self.task = sheet, task
        self.signer, self._first = _likeliest(sheet.snapshot.staff), Signed("")
        if not sheet.snapshot.pins:
            self.signer = sheet.actor
        self.pad = PinPad(sheet.words, sheet.look)
        self.pad.entered.connect(self._sign)
        self.go = sheet.tile(sheet.words("supervisor.do_it"), lambda: self._sign(""), tone=Tone.GO)
        self.who = sheet.tile("", self._choose, sheet.words("supervisor.change"))
        self.who.setVisible(not task.names_signer and sheet.snapshot.pins)
        self._lay_out()
        self.refresh()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self.who, 2)
        left.addWidget(self.task.build(self), 5)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addLayout(left, 13)
        pins = self.sheet.snapshot.pins
        row.addWidget(self.pad if pins else self.go, 7)
        (self.go if pins else self.pad).setParent(self)
        (self.go if pins else self.pad).hide()

    def refresh(self) -> None:
        """Say who signs, and let the pad ask as soon as nothing is missing."""
        words = self.sheet.words
        who = _name(self.signer, self.sheet.snapshot.staff)
        key = "supervisor.second" if self._first.actor else "supervisor.signs"
        self.who.setText(words(key, name=who) if who else words("supervisor.who"))
        self.task.show(self)
        missing = self.task.missing() or ("" if self.signer or not self.sheet.snapshot.pins else "supervisor.who")
        self.pad.ask(not missing, words(missing) if missing else "")
        self.go.setEnabled(not missing)

    def sign_as(self, actor: str) -> None:
        """It is this person who signs."""
        self.signer = actor
        self.pad.forget()
        self.refresh()

    def _choose(self) -> None:
        """Who signs: one of those on shift, or somebody by the staff number."""
        others = [one for one in self.sheet.snapshot.staff if one.actor != self._first.actor]
        supervisors = [one for one in others if one.role is Role.SUPERVISOR]
        self.sheet.turn_to(
            people_page(self.sheet, supervisors, self._chosen, self.type_number), self.sheet.words("supervisor.who")
        )

    def _chosen(self, actor: str) -> None:
        while self.sheet.pages.currentWidget() is not self:
            self.sheet.back()
        self.sign_as(actor)

    def type_number(self) -> None:
        """Ask for a staff number."""
        self.sheet.turn_to(number_page(self.sheet, self._chosen), self.sheet.words("supervisor.number"))

    def _sign(self, pin: str) -> None:
        if self.task.by_two and not self._first.actor:
            self._first = Signed(self.signer, pin)
            supervisors = [one for one in self.sheet.snapshot.staff if one.role is Role.SUPERVISOR]
            self.sign_as(_likeliest([one for one in supervisors if one.actor != self._first.actor]))
            self.sheet.tell(self.sheet.words("supervisor.second_now"))
            return
        first, second = self._first, Signed(self.signer, pin)
        self._first = Signed("")
        signed = Signed(first.actor, first.pin, second.actor, second.pin) if first.actor else second
        if self.sheet.send(self.task.command(signed), self._answered):
            self.signer = signed.actor
            self.pad.ask(False)

    def _answered(self, answer: Answer) -> None:
        if answer.ok:
            self.sheet.close_sheet()
            return
        self.refresh()
        if answer.wait_s > 0:
            self.pad.wait(answer.wait_s)

    def forget(self) -> None:
        """Wipe every PIN."""
        self._first = Signed("")
        self.pad.forget()

    def type(self, character: str) -> None:
        """A key of a keyboard."""
        if self.sheet.snapshot.pins:
            self.pad.type(character)

    def rub(self) -> None:
        """The key that takes back."""
        self.pad.rub()

    def enter(self) -> None:
        """The key that sends."""
        self.pad.hand_over()


def choice(tiles: list[Tile], at: int = -1) -> None:
    """Make `tiles` a choice of one, with the one at `at` chosen."""
    for number, tile in enumerate(tiles):
        tile.setCheckable(True)
        tile.setAutoExclusive(True)
        tile.setChecked(number == at)


def _likeliest(staff: tuple[OnShift, ...] | list[OnShift]) -> str:
    """The supervisor who began last; empty where none is on shift."""
    supervisors = [one for one in staff if one.role is Role.SUPERVISOR]
    return max(supervisors, key=lambda one: one.since).actor if supervisors else ""


def _name(actor: str, staff: tuple[OnShift, ...]) -> str:
    return next((one.name for one in staff if one.actor == actor), actor)
