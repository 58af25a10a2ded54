"""What the core must not see of the person in the lane: document number and templates.

They live here for one attempt. What goes on to the core are keyed hashes, dates and distances.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import replace

from gate.core.compare import compare
from gate.core.events import CardRead, FaceCompared
from gate.core.watch import search
from gate.messages import FaceProbed
from gate.stores import Rules
from models.credential import Credential
from models.decision import CardFacts, FaceFacts
from models.face import FaceReference
from models.passage import Direction


class Visitor:
    """The credentials that wait for their look-up, and the references of the one in the lane."""

    def __init__(self) -> None:
        self._scans: dict[int, Credential] = {}
        self._scan = self._come = 0
        self._references: dict[str, FaceReference] = {}
        self._looked_for = ""
        self._same_key = secrets.token_bytes(16)

    def presents(self, credential: Credential, direction: Direction | None) -> CardRead:
        """Somebody presents a document: keep it, and tell the core what it may know."""
        self._scan += 1
        self._scans[self._scan] = credential
        document = f"{credential.document}|{credential.number}".encode()
        same = hashlib.blake2b(document, key=self._same_key, digest_size=16).hexdigest()
        return CardRead(self._scan, card_facts(credential), same, direction)

    def credential(self, scan: int) -> Credential | None:
        """The credential of this scan, once."""
        return self._scans.pop(scan, None)

    def has_come(self, scan: int) -> None:
        """The core was told of all scans up to this one."""
        self._come = max(self._come, scan)

    def keep_only(self, waiting: int) -> None:
        """Forget every credential but that of the scan that waits its turn, and those the core does not know yet."""
        self._scans = {scan: kept for scan, kept in self._scans.items() if scan == waiting or scan > self._come}

    def expect(self, references: dict[str, FaceReference]) -> None:
        """The stores found the visitor's references, by ticket."""
        self._references = references

    def forget(self) -> None:
        """No face will be compared with these references any more."""
        self._references = {}

    def look_for(self, ticket: str) -> None:
        """The next probe is compared with this ticket's reference."""
        self._looked_for = ticket

    def compare(self, message: FaceProbed, rules: Rules) -> FaceCompared:
        """The camera's probe as the core may know it."""
        probe = message.probe
        face = FaceFacts(
            problem=probe.problem, quality=probe.quality, pad_score=probe.pad_score, model_version=probe.model_version
        )
        reference = self._references.get(self._looked_for)
        if probe.problem is not None or reference is None:
            return FaceCompared(message.attempt, face)
        try:
            comparison = compare(probe, reference)
            hits = search(rules.listed, probe, rules.policy.watch_distance)
        except ValueError as error:
            return FaceCompared(message.attempt, replace(face, fault=str(error)))
        if not math.isfinite(comparison.distance):
            return FaceCompared(message.attempt, replace(face, fault="the face engine gave a template without sense"))
        return FaceCompared(message.attempt, replace(face, comparison=comparison), hits)


def card_facts(credential: Credential) -> CardFacts:
    """The card without what it says of the person."""
    return CardFacts(
        credential.medium,
        credential.document,
        credential.assurance,
        credential.valid_from.isoformat() if credential.valid_from else "",
        credential.valid_to.isoformat() if credential.valid_to else "",
        event=credential.event,
        code_step=credential.code_step,
        valid_since=credential.valid_since,
        valid_until=credential.valid_until,
    )
