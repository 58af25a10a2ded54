"""A gate for the trial with pretix: a real manifest, pulled as gates do, and a real ledger that is really uploaded."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update

from models.decision import Decision, Facts, LookupFacts, Reason, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Direction
from models.record import DecisionBody
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import ManifestState, TicketStatus
from sync.bundle import Trust, apply, verify
from sync.contract import HeldManifest
from sync.push import next_batch
from sync.server import tables
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.offers import offers_for
from sync.server.publish import ISSUER
from tests.sync.server.world import GateBox


class Gate(GateBox):
    """Admits whom its manifest knows; what it did goes to the centre with `upload`."""

    def __init__(self, hub: Hub, folder: Path, name: str, event: str) -> None:
        super().__init__(hub, folder, name, event)
        self._hub, self._sent = hub, 0
        self._key = DeviceKey.make(folder / f"{name}.key")
        self._writer = ManifestWriter(folder / f"{name}.manifest", self._key)
        self._reader = ManifestReader(folder / f"{name}.manifest", self._key)
        row = tables.device
        with hub.begin() as connection:
            connection.execute(update(row).where(row.c.device == self.device).values(device_key=self._key.public))

    def pull(self) -> list[str]:
        """Apply all that is offered; the kinds of bundles."""
        state = self._writer.state()
        held = HeldManifest(state.event, state.version, state.digest, state.tickets) if state else None
        with self._hub.begin() as connection:
            offers = offers_for(connection, self.event, held)
            rows = connection.execute(select(tables.bundle.c.version, tables.bundle.c.file_name)).all()
        files = {row.version: self._hub.settings.state_dir / row.file_name for row in rows}
        issuers = {ISSUER: self._hub.issuer_key.public_key().public_bytes_raw()}
        trust = Trust(self.name, self._key, issuers, self.event, device=self.device)
        for offer in offers:
            now = self._hub.clock() + 1
            apply(verify(files[offer.version], trust, self._writer.state(), now), self._writer, now)
        return [offer.kind for offer in offers]

    @property
    def tickets(self) -> int:
        """How many the manifest has."""
        state = self._writer.state()
        return state.tickets if state else 0

    def knows(self, number: str, kind: DocumentType = DocumentType.RESIDENT_ID) -> dict[str, TicketStatus]:
        """The tickets that a document opens here."""
        return {one.ticket: one.status for one in self._reader.find(kind, number).tickets}

    def present(self, number: str, kind: DocumentType = DocumentType.RESIDENT_ID) -> str:
        """Somebody comes: `in`, `revoked` or `unknown`, written down as a gate does."""
        found, now = self.knows(number, kind), self._hub.clock()
        good = next((ticket for ticket, status in found.items() if status is TicketStatus.VALID), None)
        if good:
            self.passes(good, at=now)
        elif found:
            self.refuse(next(iter(found)), Reason.REVOKED, now)
        return "in" if good else "revoked" if found else "unknown"

    def leave(self, ticket: str) -> None:
        """Somebody goes out."""
        self.passes(ticket, Direction.EXIT, self._hub.clock())

    def refuse(self, ticket: str, reason: Reason, at: float) -> None:
        """Somebody is refused, for a reason of ours."""
        self.attempt += 1
        state = ManifestState(self.event, 1, at - 60, at + 60_000)
        facts = Facts(self.name, Direction.ENTRY, lookup=LookupFacts(state))
        body = DecisionBody(self.attempt, facts, Decision(Verdict.DENY, reason, ticket=ticket), at)
        self.ledger.append(EntryKind.DECISION, body, at)

    def upload(self) -> None:
        """Everything that the centre doesn't have yet."""
        while batch := next_batch(self.ledger, self._sent):
            with self._hub.begin() as connection:
                self._sent = take(self._hub, connection, self.device, self.name, batch).acknowledged

    def close(self) -> None:
        """Give the files back."""
        self._reader.close()
        self._writer.close()
