"""What the core must not see of the person in the lane: document number and templates.

They live here for one attempt. What goes on to the core are keyed hashes, dates and distances.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace

from gate.core.agreement import farthest
from gate.core.events import CardRead, FaceCompared
from gate.core.watch import Index, search, within
from gate.messages import FaceProbed
from gate.stores import Rules
from models.credential import Credential
from models.decision import CardFacts, FaceFacts, LookupFacts, Policy
from models.face import FaceProbe, FaceReference
from models.passage import Direction
from models.watch import WatchHit


class Visitor:
    """The credentials that wait for their look-up, and the references of the one in the lane.

    `opens` gives the face model that can make a template of a document's portrait, empty when none can; `faces` the
    sheets of the shared list, as they are now.
    """

    def __init__(
        self, opens: Callable[[bytes], str] = lambda portrait: "", faces: Callable[[], Index] = lambda: {}
    ) -> None:
        self._opens, self._faces = opens, faces
        self._scans: dict[int, Credential] = {}
        self._scan = self._come = 0
        self._references: dict[str, FaceReference] = {}
        self._looked_for, self._attempt = "", 0
        self._portrait = b""
        self._from_portrait: FaceReference | None = None
        self._same_key = secrets.token_bytes(16)

    def presents(self, credential: Credential, direction: Direction | None) -> CardRead:
        """Somebody presents a document: keep it, and tell the core what it may know."""
        self._scan += 1
        self._scans[self._scan] = credential
        document = f"{credential.document}|{credential.number}".encode()
        same = hashlib.blake2b(document, key=self._same_key, digest_size=16).hexdigest()
        return CardRead(self._scan, card_facts(credential, self._opens(credential.portrait)), same, direction)

    def credential(self, scan: int) -> Credential | None:
        """The credential of this scan, once."""
        return self._scans.pop(scan, None)

    def has_come(self, scan: int) -> None:
        """The core was told of all scans up to this one."""
        self._come = max(self._come, scan)

    def keep_only(self, wanted: Collection[int]) -> None:
        """Forget every credential but those of the scans still wanted, and those the core does not know yet."""
        self._scans = {scan: kept for scan, kept in self._scans.items() if scan in wanted or scan > self._come}

    def expect(self, references: dict[str, FaceReference], portrait: bytes = b"") -> None:
        """The stores found the visitor's references, by ticket. `portrait` may serve for a ticket that has none."""
        self._references, self._portrait = references, portrait

    def forget(self) -> None:
        """No face will be compared with these references any more."""
        self._references, self._portrait, self._from_portrait = {}, b"", None

    def look_for(self, ticket: str, attempt: int) -> bytes:
        """The next probe is compared with this ticket's reference.

        Returns the portrait that has yet to become it, or nothing.
        """
        self._looked_for, self._attempt = ticket, attempt
        return b"" if ticket in self._references or self._from_portrait else self._portrait

    def compare(self, message: FaceProbed, rules: Rules) -> FaceCompared:
        """The camera's probe as the core may know it."""
        probe = message.probe
        face = FaceFacts(
            problem=probe.problem,
            quality=probe.quality,
            pad_score=probe.pad_score,
            turned=probe.turned,
            model_version=probe.model_version,
            frames=0 if probe.problem else 1 + len(probe.further),
            held_s=message.held_s,
        )
        self._keep(message)
        enrolled = self._references.get(self._looked_for)
        reference = enrolled or self._from_portrait
        if probe.problem is not None or reference is None:
            return FaceCompared(message.attempt, face)
        try:
            # A document's portrait is none of the pictures that the cohort was made of.
            comparison = farthest(probe, reference, rules.cohort if enrolled else None)
            hits = self._listed(probe, rules)
        except ValueError as error:
            return FaceCompared(message.attempt, replace(face, fault=str(error)))
        if not math.isfinite(comparison.distance):
            return FaceCompared(message.attempt, replace(face, fault="the face engine gave a template without sense"))
        return FaceCompared(message.attempt, replace(face, comparison=comparison), hits)

    def _listed(self, probe: FaceProbe, rules: Rules) -> tuple[WatchHit, ...]:
        """Whom lists know by this face, each frame by itself: the event's own list, and the shared one."""
        threshold = within(rules.policy, probe.model_version)
        if threshold is None:
            return ()
        return search(rules.listed, probe, threshold) + search(self._faces(), probe, threshold)

    def _keep(self, message: FaceProbed) -> None:
        """The portrait has become a reference: for this attempt, and where it was asked for."""
        if message.reference is not None and self._portrait and message.attempt == self._attempt:
            self._portrait, self._from_portrait = b"", message.reference


def card_facts(credential: Credential, portrait_model: str = "") -> CardFacts:
    """The card without what it says of the person."""
    return CardFacts(
        credential.medium,
        credential.document,
        credential.assurance,
        credential.valid_from.isoformat() if credential.valid_from else "",
        credential.valid_to.isoformat() if credential.valid_to else "",
        portrait_model=portrait_model,
        event=credential.event,
        code_step=credential.code_step,
        valid_since=credential.valid_since,
        valid_until=credential.valid_until,
    )


def portrait_to_use(credential: Credential, card: CardFacts | None, lookup: LookupFacts, policy: Policy) -> bytes:
    """The document's portrait, where a ticket may need it. It is opened only when a face is looked for."""
    may = policy.document_reference and card is not None and card.reference_model
    needed = any(not (ticket.reference_model or ticket.face_declined) for ticket in lookup.tickets)
    return credential.portrait if may and needed else b""
