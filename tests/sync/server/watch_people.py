"""People who keep a list: two who propose or approve, and one of another house."""

from __future__ import annotations

from typing import Any

from models.ids import DocumentType
from sync.holding import Document
from sync.server import watch_evidence, watch_life
from sync.server.hub import Hub
from sync.server.permissions import Person, Role
from sync.server.watch_entries import propose
from sync.server.watch_rules import Proposal
from tests.sync.server.organiser import number


def person(name: str, role: Role, organisation: str | None = None) -> Person:
    return Person(name, name, role, organisation, "en")


OLGA, SAM, OTTO = person("olga", Role.OWNER), person("sam", Role.SUPERVISOR), person("otto", Role.ORGANISER)
STRANGER = person("stranger", Role.SUPERVISOR, "other")


def proposal(serial: int = 1, **more: Any) -> Proposal:
    """A scalper whom somebody is to look at."""
    document = Document(DocumentType.RESIDENT_ID, number(serial))
    values: dict[str, Any] = {"owner": "Hospital One", "purpose": "scalping", "action": "review", "appeal": "desk 3"}
    return Proposal(**values | {"document": document} | more)


def listed(hub: Hub, serial: int = 1, *, evidence: bool = True, by: Person = OTTO, **more: Any) -> str:
    """An entry that was proposed, with evidence."""
    with hub.begin() as connection:
        entry = propose(hub, connection, by.account, by.organisation, proposal(serial, **more))
        if evidence:
            watch_evidence.attach(
                hub, connection, by, entry, "report.pdf", "application/pdf", b"%PDF-1.7 what was seen"
            )
    return entry


def approve(hub: Hub, entry: str, *people: Person, version: int = 1) -> str:
    """All of them approve it; where it stands."""
    state = ""
    for each in people or (OLGA, SAM):
        with hub.begin() as connection:
            state = watch_life.approve(hub, connection, each, entry, version)
    return state
