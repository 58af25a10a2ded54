"""The staff book: who works at this gate, what each may do, and the proof by which each is known.

One JSON file, named by `[staff] book`. `gatectl staff` writes it; the gate reads it and never writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.kept import write_whole
from gate.pins import hash_pin, refuse_weak
from models import wire
from models.staff import NOBODY_ON_STAFF, Role
from models.store.errors import StoreFailed, WrongStore

BOOK_MODE = 0o640
MOST_BYTES = 262_144

_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Member:
    """One person. `actor` stands in the ledger, `name` on the lane's own screen; `pin` is what is kept of the PIN."""

    actor: str
    name: str
    role: Role
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Page:
    staff: tuple[Member, ...] = ()
    version: int = 1


Staff = dict[str, Member]
"""Everybody, by actor."""


class StaffBook:
    """The book in one file. `members` looks again whenever the file has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[tuple[int, int, int], Staff] | None = None

    def members(self) -> Staff:
        """Everybody. Raises `StoreFailed` for a file that is missing, `WrongStore` for one that is no book."""
        try:
            told = self.path.stat()
            mark = told.st_mtime_ns, told.st_size, told.st_ino
            if self._known is None or self._known[0] != mark:
                self._known = mark, self._read()
        except OSError as error:
            raise StoreFailed(f"the staff book {self.path} can't be read: {error.strerror}") from error
        return self._known[1]

    def _read(self) -> Staff:
        with self.path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        try:
            page = wire.from_json(_Page, content)
        except wire.WireError as error:
            raise WrongStore(f"{self.path} is no staff book: {error}") from None
        return {member.actor: member for member in page.staff}

    def add(self, actor: str, name: str, role: Role, pin: str) -> None:
        """Write somebody in. Raises `ValueError` for whoever stands there already, and for a weak PIN."""
        staff = self._or_none()
        if actor in staff:
            raise ValueError(f"{actor} stands in the book already: remove, or set another PIN")
        if not _ACTOR.fullmatch(actor):
            raise ValueError("an actor has 1 to 32 letters, digits, dots, dashes or underscores")
        if actor.lower() in NOBODY_ON_STAFF:
            raise ValueError(f"nobody on staff is called {actor}: in the ledger that is somebody else")
        if not 0 < len(name.strip()) <= LONGEST_NAME:
            raise ValueError(f"a name has 1 to {LONGEST_NAME} characters")
        refuse_weak(pin)
        self._write((*staff.values(), Member(actor, name.strip(), role, hash_pin(pin))))

    def remove(self, actor: str) -> None:
        """Strike somebody out; a shift ends with it. Raises `KeyError` for whoever does not stand there."""
        staff = self.members()
        gone = staff[actor]
        self._write(member for member in staff.values() if member is not gone)

    def set_pin(self, actor: str, pin: str) -> None:
        """Give somebody another PIN. Raises `KeyError` for whoever isn't there, `ValueError` for a weak PIN."""
        staff = self.members()
        member = staff[actor]
        refuse_weak(pin)
        changed = replace(member, pin=hash_pin(pin))
        self._write(changed if other is member else other for other in staff.values())

    def _or_none(self) -> Staff:
        return self.members() if self.path.exists() else {}

    def _write(self, staff: Iterable[Member]) -> None:
        page = wire.to_builtins(_Page(tuple(sorted(staff, key=lambda member: member.actor))))
        text = json.dumps(page, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        try:
            write_whole(self.path, text.encode(), BOOK_MODE)
        except OSError as error:
            raise StoreFailed(f"the staff book {self.path} can't be written: {error.strerror}") from error
