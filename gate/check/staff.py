"""The staff book: is there one, can it be read, and may anybody in it override?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.staff_book import StaffBook
from models.staff import Role
from models.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Facts:
    """How many stand in it. `failed` is why it can't be read."""

    named: bool = True
    failed: str = ""
    people: int = 0
    supervisors: int = 0


def gather(around: Around) -> Facts | None:
    """Open the book that the configuration names."""
    if around.config is None:
        return None
    path = around.config.staff.book
    if path is None:
        return Facts(named=False)
    try:
        members = StaffBook(path).members().values()
    except StoreError as error:
        return Facts(failed=str(error))
    return Facts(True, "", len(members), sum(member.role is Role.SUPERVISOR for member in members))


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if not facts.named:
        yield Finding(Code.STAFF_NONE)
    elif facts.failed:
        yield Finding(Code.STAFF_UNREADABLE, "staff book", facts.failed)
    elif not facts.supervisors:
        yield Finding(Code.STAFF_NO_SUPERVISOR, "staff book", f"{facts.people} people")
