"""Who may do what: four roles, one table, and the organisation beyond which nobody looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, select, true

from sync.server import tables
from sync.server.problems import Refused


class Role(StrEnum):
    """What a person is here for."""

    OWNER = "owner"
    ORGANISER = "organiser"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route asks for."""

    EVENTS_SEE = "events.see"
    EVENTS_MANAGE = "events.manage"
    EVENTS_PUBLISH = "events.publish"
    TICKETS_MANAGE = "tickets.manage"
    TEMPORARY_ISSUE = "temporary.issue"  # a number for a day, for a person without a document
    REPORTS_SEE = "reports.see"
    DEVICES_SEE = "devices.see"
    DEVICES_MANAGE = "devices.manage"
    CONFLICTS_SEE = "conflicts.see"
    CONFLICTS_SETTLE = "conflicts.settle"
    LEDGER_SEE = "ledger.see"
    AUDIT_SEE = "audit.see"
    PLACES_MANAGE = "places.manage"
    ACCOUNTS_MANAGE = "accounts.manage"
    WATCH_SEE = "watch.see"
    WATCH_PROPOSE = "watch.propose"
    WATCH_APPROVE = "watch.approve"
    WATCH_SHARE = "watch.share"  # partners, their keys, what they get
    CASES_ANSWER = "cases.answer"  # of those who are listed
    REPORTS_TRIAGE = "reports.triage"  # of the report box
    EVIDENCE_EXPORT = "evidence.export"


_SEE = {Permission.EVENTS_SEE, Permission.DEVICES_SEE, Permission.CONFLICTS_SEE, Permission.REPORTS_SEE}
_LISTS = {Permission.WATCH_SEE, Permission.WATCH_PROPOSE, Permission.WATCH_APPROVE, Permission.REPORTS_TRIAGE}

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ORGANISER: frozenset(
        _SEE
        | _LISTS
        | {Permission.EVENTS_MANAGE, Permission.EVENTS_PUBLISH, Permission.TICKETS_MANAGE, Permission.CASES_ANSWER}
        | {Permission.TEMPORARY_ISSUE},
    ),
    Role.SUPERVISOR: frozenset(
        _SEE | _LISTS | {Permission.DEVICES_MANAGE, Permission.CONFLICTS_SETTLE, Permission.TEMPORARY_ISSUE}
    ),
    Role.AUDITOR: frozenset(
        _SEE | {Permission.LEDGER_SEE, Permission.AUDIT_SEE, Permission.WATCH_SEE, Permission.EVIDENCE_EXPORT}
    ),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has logged in. `organisation` is `None` for those of the whole site.

    `csrf` goes into every form of a session; it is empty for a program with an API token.
    """

    account: str
    name: str
    role: Role
    organisation: str | None
    language: str
    csrf: str = field(default="", repr=False)

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it."""
        return permission in ALLOWED[self.role]

    def sees(self, organisation: str | None) -> bool:
        """Whether what belongs to `organisation` concerns this person; `None` is the whole site's."""
        return self.organisation is None or self.organisation == organisation

    def scope(self, organisation: Column[Any]) -> ColumnElement[bool]:
        """The condition that leaves only what this person sees."""
        return true() if self.organisation is None else organisation == self.organisation


def check_event(connection: Connection, person: Person, event: str) -> None:
    """Raises `Refused`: 404 for an event that isn't there, or that is another organisation's: both alike."""
    row = tables.event
    _check(connection, person, select(row.c.organisation).where(row.c.event == event), "event")


def check_venue(connection: Connection, person: Person, venue: str) -> None:
    """As `check_event`, for a venue."""
    row = tables.venue
    _check(connection, person, select(row.c.organisation).where(row.c.venue == venue), "venue")


def check_device(connection: Connection, person: Person, device: str) -> None:
    """As `check_event`, for a device."""
    row = tables.device
    owner = select(tables.venue.c.organisation).join_from(row, tables.venue).where(row.c.device == device)
    _check(connection, person, owner, "device")


def _check(connection: Connection, person: Person, owner: Any, noun: str) -> None:
    found = connection.execute(owner).first()
    if found is None or not person.sees(found[0]):
        raise Refused(404, f"no_such_{noun}", f"there is no such {noun}, or it is not yours to see")
