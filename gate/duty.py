"""The people at the lane: who may order what, how they prove it, and who is on shift.

Without a staff book the socket's group is trusted, as it stands on the door. With one, a word about a visitor needs a
shift, and an override, a mode or a setting needs a supervisor's PIN with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from gate import lane_settings
from gate.core.events import Event, ModeEnded, StaffNoted
from gate.core.state import Lane
from gate.lockout import Lockout
from gate.pins import is_pin
from gate.shifts import Shifts
from gate.staff_book import Member, Staff, StaffBook
from models.command import Answer, Command, Order, Snapshot
from models.decision import Policy, StewardAction
from models.ledger import EntryKind
from models.record import SettingsBody, ShiftBody, WrongPinBody
from models.staff import UNKNOWN, VISITOR, Role
from models.store.errors import StoreError

_log = logging.getLogger("gate.duty")

Ask = Callable[[Event], Awaitable[bool]]
"""Has the lane take an event in its own order; whether it came to something, and is on record."""

WRONG = "the name or the PIN is wrong"
NOT_RECORDED = "the ledger takes no entries just now, so nothing was changed"


class NotAllowed(Exception):
    """An order by somebody who may not give it, or has not proved who it is."""

    def __init__(self, words: str, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


class Duty:
    """Judges orders before the lane hears of them. Belongs to the event loop; `wall` gives Unix seconds."""

    def __init__(
        self,
        book: Path | None,
        folder: Path,
        shifts: Shifts,
        *,
        wall: Callable[[], float],
        ask: Ask,
        policy: Callable[[], Policy],
    ) -> None:
        """`folder` keeps what a process must not forget: wrong PINs, and the lane's settings."""
        self._book = StaffBook(book) if book is not None else None
        self._lockout = Lockout(folder / "pins.json")
        self._settings_path = folder / "settings.json"
        self._settings = lane_settings.read(self._settings_path)
        self._shifts, self._wall, self._ask, self._policy = shifts, wall, ask, policy
        self._staff: Staff = {}
        self._fault = ""
        self._proving = asyncio.Lock()

    async def refuse(self, command: Command) -> Answer | None:
        """The answer to an order that may not be given; `None` when it may."""
        try:
            await self._judge(command)
        except NotAllowed as no:
            return Answer(command.id, ok=False, error=str(no), wait_s=round(no.wait_s, 1))
        return None

    async def carry_out(self, command: Command) -> Answer:
        """Do what is no business of the lane's: a shift, the settings. It was not refused before."""
        try:
            error = await (self._shift(command) if command.order is Order.SHIFT else self._set(command))
        except ValueError as wrong:
            error = str(wrong)
        return Answer(command.id, ok=not error, error=error)

    async def tick(self, lane: Lane) -> None:
        """Once a second: end the mode and the shifts whose time is over, and look into the book."""
        now = self._wall()
        if lane.mode_until is not None and now >= lane.mode_until:
            await self._ask(ModeEnded(lane.mode_until))
        if self._book is None or not await asyncio.to_thread(self._look):
            return
        for body in self._shifts.over(self._staff, now):
            await self._note_shift(body, now)

    def forget_pins(self, ended_before: float) -> int:
        """Forget the wrong PINs of people who are no longer in the book; how many they are."""
        if self._book is None or not self._look():
            return 0
        return self._lockout.forget({*self._staff, UNKNOWN}, ended_before)

    def complete(self, snapshot: Snapshot, lane: Lane) -> Snapshot:
        """The snapshot with what belongs to the people at the lane."""
        return replace(
            snapshot,
            staff=self._shifts.shown(self._staff),
            pins=self._book is not None,
            override_by_two=self._policy().override_by_two,
            settings=self._settings,
            mode_until=lane.mode_until,
        )

    async def _judge(self, command: Command) -> None:
        if not command.actor:
            raise NotAllowed("a command needs an actor")
        if command.actor == VISITOR:
            self._judge_visitor(command)
            return
        overriding = command.order is Order.STEWARD and command.action is StewardAction.OVERRIDE
        if overriding and self._policy().override_by_two and command.second in ("", command.actor):
            raise NotAllowed("an override needs two supervisors here: the second one's name and PIN are missing")
        if self._book is None:
            if command.order is Order.SHIFT:
                raise NotAllowed("this lane keeps no staff book, so there are no shifts")
        elif overriding:
            await self._prove(command.actor, command.pin, Role.SUPERVISOR, command.order)
            if command.second:
                await self._prove(command.second, command.second_pin, Role.SUPERVISOR, command.order)
        elif command.order in (Order.STEWARD, Order.PRESENT, Order.RED, Order.RED_NAMED, Order.SIGHTING):
            if command.actor not in self._shifts:
                raise NotAllowed(f"{command.actor} is not on shift at this lane")
        elif command.order is not Order.MRZ:  # which proves nothing by itself: the chip has to open with it
            role = Role.STEWARD if command.order is Order.SHIFT else Role.SUPERVISOR
            await self._prove(command.actor, command.pin, role, command.order)

    @staticmethod
    def _judge_visitor(command: Command) -> None:
        """Everybody may decline the camera, and needs nobody for it. The rest is for people who answer for it."""
        if command.order is not Order.STEWARD or command.action is not StewardAction.SKIP_FACE:
            raise NotAllowed("a visitor may ask for the way without a face, and for nothing else")

    async def _prove(self, actor: str, pin: str, role: Role, order: Order) -> Member:
        """Whoever gives this PIN is this actor, and in this role. One after the other: nobody guesses twice at once."""
        async with self._proving:
            member, right = await self._check(actor, pin, order)
        if not right or member is None:
            raise NotAllowed(WRONG, self._lockout.wait_s(actor if member else UNKNOWN, self._wall()))
        if role is Role.SUPERVISOR and member.role is not Role.SUPERVISOR:
            raise NotAllowed("that takes a supervisor")
        return member

    async def _check(self, actor: str, pin: str, order: Order) -> tuple[Member | None, bool]:
        if not await asyncio.to_thread(self._look):
            raise NotAllowed("the staff book can't be read: call the technician")
        member = self._staff.get(actor)
        name = member.actor if member else UNKNOWN
        if wait_s := self._lockout.wait_s(name, self._wall()):
            raise NotAllowed("too many wrong PINs", wait_s)
        right = await asyncio.to_thread(is_pin, pin, member.pin if member else "")
        if right:
            await asyncio.to_thread(self._lockout.right, name)
        else:
            count, wait_s = await asyncio.to_thread(self._lockout.wrong, name, self._wall())
            await self._ask(StaffNoted(EntryKind.WRONG_PIN, WrongPinBody(name, order, count, wait_s)))
        return member, right

    async def _shift(self, command: Command) -> str:
        if command.on is (command.actor in self._shifts):
            return "" if command.on else f"{command.actor} is not on shift at this lane"
        return await self._note_shift(ShiftBody(command.actor, command.on), self._wall())

    async def _note_shift(self, body: ShiftBody, at: float) -> str:
        if not await self._ask(StaffNoted(EntryKind.SHIFT, body)):
            return NOT_RECORDED
        self._shifts.take(body, at)
        return ""

    async def _set(self, command: Command) -> str:
        if command.settings is None:
            raise ValueError("the order settings lacks what it is about")
        lane_settings.check(command.settings)
        body = SettingsBody(command.actor, command.settings)
        if not await self._ask(StaffNoted(EntryKind.SETTINGS, body)):
            return NOT_RECORDED
        self._settings = command.settings
        try:
            await asyncio.to_thread(lane_settings.write, self._settings_path, command.settings)
        except OSError as error:
            _log.error("the lane's settings hold until the process ends: %s", error)
        return ""

    def _look(self) -> bool:
        """Look into the book. Where it can't be read, who stood in it is known still, and proves nothing."""
        assert self._book is not None
        try:
            self._staff, fault = self._book.members(), ""
        except StoreError as error:
            fault = str(error)
        if fault and fault != self._fault:
            _log.error("%s", fault)
        self._fault = fault
        return not fault
