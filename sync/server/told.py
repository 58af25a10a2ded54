"""The part of a ledger line's body that the server looks at; the rest of it is the gate's."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.passage import Direction
from models.store.lines import Release, Settlement
from models.watch import WatchTaken
from models.wire import WireError, from_json
from sync.contract import LedgerLine


@dataclass(frozen=True, slots=True)
class Word:
    """Verdict, reason and flags inside a decision; empty in other lines."""

    verdict: str = ""
    reason: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Manifest:
    event: str = ""


@dataclass(frozen=True, slots=True)
class _Lookup:
    manifest: _Manifest | None = None
    person_key: str = ""


@dataclass(frozen=True, slots=True)
class _Facts:
    lookup: _Lookup | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a line says of releases and decisions."""

    attempt: int = 0
    opens: Release | None = None
    settles: Settlement | None = None
    decision: Word = field(default_factory=Word)
    facts: _Facts = field(default_factory=_Facts)
    urgency: str = ""  # of an emergency
    watch: tuple[WatchTaken, ...] = ()  # hits of a list, and what was made of them
    direction: Direction = Direction.ENTRY  # of a passage; a decision has its own in `opens`

    @property
    def person_key(self) -> str:
        """The keyed hash of the document that was looked up; empty where none was."""
        return self.facts.lookup.person_key if self.facts.lookup else ""

    @property
    def event(self) -> str:
        """The event whose manifest was looked into; empty where none was."""
        lookup = self.facts.lookup
        return lookup.manifest.event if lookup and lookup.manifest else ""


def read(line: LedgerLine) -> Told:
    """A body of a newer program may say what we can't read; then the line is kept and means nothing here."""
    return read_body(line.body)


def read_body(body: str) -> Told:
    """As `read`, of a body that is held already."""
    try:
        return from_json(Told, body)
    except WireError:
        return Told()
