"""The gate's two databases, as the lane asks them. Every method belongs to the one store thread."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gate.core.effects import Record
from gate.core.watch import Index, document_hit, index
from gate.listed import SharedList
from gate.often import often
from gate.patients import LatelyCalled, patients_here
from models import wire
from models.cohort import Cohort, with_cohort
from models.credential import Credential
from models.decision import LookupFacts, Policy, Profile, TicketFacts
from models.face import FaceReference
from models.ids import DocumentType
from models.ledger import Entry, EntryKind
from models.passage import Passage, Use
from models.profiles import policy_of
from models.record import DecisionBody, PassageBody, RedBody
from models.store.errors import StoreError
from models.store.ledger_db import Ledger
from models.store.lines import Release, Settlement
from models.store.manifest_db import ManifestReader
from models.store.manifest_rows import Found as Holdings
from models.ticket import ManifestState, Ticket
from models.view import Who
from models.watch import WatchEntry

_log = logging.getLogger("gate.stores")


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a look-up. `references` go to the comparison and nowhere else."""

    facts: LookupFacts
    holders: dict[str, Who] = field(default_factory=dict)
    references: dict[str, FaceReference] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy in force, where it comes from, and the list to search."""

    policy: Policy
    digest: str
    manifest: ManifestState | None
    listed: Index
    cohort: Cohort | None = field(default=None, repr=False)


class Stores:
    """Ledger and manifest behind the few questions that a lane has. `make_room` comes before a new try to write."""

    make_room: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self,
        ledger: Ledger,
        manifest: ManifestReader,
        tighten: Callable[[Policy], Policy],
        shared: SharedList | None = None,
    ) -> None:
        self.ledger, self._manifest, self._tighten, self.shared = ledger, manifest, tighten, shared
        self._open_release = 0
        self._lately = LatelyCalled()

    def close(self) -> None:
        """Give the files back."""
        if self.shared is not None:
            self.shared.close()
        self._manifest.close()
        self.ledger.close()

    def reopen(self) -> int:
        """Open the ledger anew after it failed, and call unknown what was let in and not seen to pass meanwhile.

        Returns how many entries were in the file although their writing had failed. Raises `StoreError`.
        """
        self.make_room()
        kept = self.ledger.reopen()
        self.ledger.settle_left_open(detail="ledger failed")
        self._open_release = 0
        return len(kept)

    def acknowledge(self, epoch: str, seq: int) -> None:
        """The authority holds the ledger up to `seq`. What can't be kept is passed over: it will be said again."""
        try:
            if epoch == self.ledger.epoch and seq <= self.ledger.last_seq() and seq != self.ledger.acknowledged():
                self.ledger.acknowledge(seq)
        except StoreError as error:
            _log.warning("what the authority holds can't be written down: %s", error)

    def last_attempt(self) -> int:
        """The highest number among the latest attempts in the ledger, so that numbers go on after a restart."""
        return max((int(entry.body.get("attempt", 0)) for entry in self.ledger.tail(100)), default=0)

    def rules_at_start(self) -> Rules:
        """The rules in force. A manifest that can't be opened lets the lane start, and everybody see a person."""
        try:
            return self.rules(None)
        except StoreError as error:
            _log.critical("the manifest can't be used: %s", error)
            policy = self._tighten(policy_of(Profile.CARD, ""))
            return Rules(policy, digest_of(policy), None, {})

    def rules(self, known: Rules | None) -> Rules:
        """The rules in force; `known` itself while the manifest has not changed."""
        if self.shared is not None:
            self.shared.refresh()
        state = self._manifest.state()
        if known is not None and known.manifest == state:
            return known
        signed = self._manifest.policy() or policy_of(Profile.CARD, state.event if state else "")
        cohort = self._manifest.cohort() if signed.face_cohort else None
        policy = self._tighten(replace(signed, bands=with_cohort(signed.bands, cohort)))
        return Rules(policy, digest_of(policy), state, index(self._manifest.watchlist()), cohort)

    def write_rules(self, rules: Rules, at: float) -> None:
        """Put the rules into the ledger, so that every decision can be run again."""
        self.ledger.append(EntryKind.POLICY, {"digest": rules.digest, "policy": rules.policy}, at)
        if rules.manifest is not None:
            self.ledger.append(EntryKind.MANIFEST, rules.manifest, at)

    def look_up_by_rules(self, credential: Credential, known: Rules) -> tuple[Found, Rules]:
        """The answer, and the rules that came with the manifest it is from; `known` where that is the same still.

        A manifest may come at any moment, and its tickets are not to be judged by the rules of the one before.
        """
        for _ in range(3):
            rules, found = self.rules(known), self.look_up(credential)
            if found.facts.manifest == rules.manifest:
                break
        return self._with_patients(self._with_often(found, rules.policy), rules.policy), rules

    def _with_often(self, found: Found, policy: Policy) -> Found:
        """Whether she comes more often than the rules allow, as far as this gate knows by itself."""
        hits = often(self.ledger, found.facts.person_key, policy)
        return replace(found, facts=replace(found.facts, hits=(*found.facts.hits, *hits))) if hits else found

    def _with_patients(self, found: Found, policy: Policy) -> Found:
        """Whose companion somebody without an appointment may be, where the house has companions."""
        if not policy.companions:
            return found
        self._lately.keep(found.holders)
        if found.facts.tickets or not found.facts.person_key:
            return found
        patients = patients_here(self.ledger, found.facts.person_key)
        return replace(found, facts=replace(found.facts, patients=patients), holders=self._lately.among(patients))

    def look_up(self, credential: Credential) -> Found:
        """Everything the two databases know of the presented document."""
        state = self._manifest.state() if credential.event else None
        if state is not None and credential.event != state.event:
            # Another event's code with the same number is not this event's ticket, not even on the way out.
            return Found(LookupFacts(manifest=state, inside=self.ledger.inside()))
        return self._look_up(credential.document, credential.number)

    def _look_up(self, document: DocumentType, number: str) -> Found:
        found = self._find(document, number)
        uses = self.ledger.uses([ticket.ticket for ticket in found.tickets], found.person_key)
        facts = LookupFacts(
            manifest=self._manifest.state(),
            person_key=found.person_key,
            tickets=tuple(ticket_facts(ticket) for ticket in found.tickets),
            uses=uses,
            guardian_uses=self._guardian_uses(found.tickets),
            hits=tuple(document_hit(entry) for entry in (*found.hits, *self._shared_hits(document, number))),
            inside=self.ledger.inside(),
        )
        references = {ticket.ticket: ticket.reference for ticket in found.tickets if ticket.reference}
        return Found(facts, {ticket.ticket: _who(ticket) for ticket in found.tickets}, references)

    def _find(self, document: DocumentType, number: str) -> Holdings:
        """A temporary ID stands for the card that was lost, under the same number: its tickets and lists count."""
        if document is DocumentType.TEMPORARY_ID:
            as_card = self._manifest.find(DocumentType.RESIDENT_ID, number)
            if as_card.tickets or as_card.hits:
                return as_card
        return self._manifest.find(document, number)

    def _shared_hits(self, document: DocumentType, number: str) -> tuple[WatchEntry, ...]:
        if self.shared is None:
            return ()
        found = self.shared.find(document, number)
        if document is DocumentType.TEMPORARY_ID:
            found += self.shared.find(DocumentType.RESIDENT_ID, number)
        return found

    def faces(self) -> Index:
        """The sheets of the shared list, to be searched after the holder was compared; from any thread."""
        return self.shared.faces() if self.shared is not None else {}

    def _guardian_uses(self, tickets: tuple[Ticket, ...]) -> tuple[Use, ...]:
        guardians = {ticket.guardian for ticket in tickets if ticket.guardian}
        return self.ledger.uses(sorted(guardians)) if guardians else ()

    def write(self, record: Record, at: float, policy_digest: str) -> Entry:
        """Commit one entry. Raises `StoreError` or `WireError`; then nothing was written."""
        body = record.body
        opens = settles = None
        if isinstance(body, DecisionBody):
            body = replace(body, policy=policy_digest)
            opens = _release(body) if record.opens else None
        elif isinstance(body, RedBody):
            opens = Release() if record.opens else None
        elif isinstance(body, PassageBody):
            opens = Release(body.direction, passage=Passage.PASSED) if record.opens else None
            settles = self._settlement(body.passage) if record.settles else None
        entry = self.ledger.append(record.kind, body, at, opens=opens, settles=settles)
        if record.opens and isinstance(body, DecisionBody | RedBody):
            self._open_release = entry.seq
        if settles is not None:
            self._open_release = 0
        return entry

    def _settlement(self, passage: Passage) -> Settlement | None:
        return Settlement(self._open_release, passage) if self._open_release else None


def _release(body: DecisionBody) -> Release:
    facts = body.facts
    person_key = facts.lookup.person_key if facts.lookup else ""
    code_step = facts.card.code_step if facts.card else None
    return Release(facts.direction, body.decision.ticket, person_key, code_step=code_step)


def ticket_facts(ticket: Ticket) -> TicketFacts:
    """A ticket without name and template."""
    return TicketFacts(
        ticket=ticket.ticket,
        entitlement=ticket.entitlement,
        validity=ticket.validity,
        status=ticket.status,
        category=ticket.category,
        bound_at=ticket.bound_at,
        guardian=ticket.guardian,
        face_declined=ticket.face_declined,
        twin=ticket.twin,
        notes=ticket.notes,
        reference_model=ticket.reference.model_version if ticket.reference else "",
    )


def digest_of(policy: object) -> str:
    """SHA-256 of the canonical form of a policy, or of what one was written as; hexadecimal."""
    return hashlib.sha256(wire.to_json(policy)).hexdigest()


def _who(ticket: Ticket) -> Who:
    holds = ticket.entitlement
    place = holds.seat or " · ".join(filter(None, (holds.department, holds.doctor)))
    return Who(ticket.masked_name, place, holds.way, ticket.language)
