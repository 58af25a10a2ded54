"""What the server's tests share: an organiser with a hall and two shows, and gates with real ledgers."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from models.decision import Decision, Facts, LookupFacts, Policy, Profile, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.profiles import policy_of
from models.record import DecisionBody, PassageBody
from models.store.ledger_db import Ledger, Release, Settlement
from models.ticket import ManifestState
from models.wire import to_json
from sync.contract import LedgerBatch
from sync.push import next_batch
from sync.server import tables
from sync.server.hub import Hub

SHOW, WARD = "show", "ward"
NIGHT = 1_780_000_000.0


def hall(hub: Hub) -> None:
    """A concert, where a ticket is good for one entry at a time, and a hospital, where people come and go."""
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        for policy in (policy_of(Profile.CARD, SHOW), policy_of(Profile.HOSPITAL, WARD)):
            connection.execute(insert(tables.event).values(**_event(policy)))


def _event(policy: Policy) -> dict[str, object]:
    return {
        "event": policy.event,
        "organisation": "o",
        "venue": "v",
        "name": policy.event,
        "begins_at": NIGHT,
        "ends_at": NIGHT + 10_000,
        "policy": to_json(policy).decode(),
        "sealed_secret": b"",
        "made_at": 0.0,
    }


class GateBox:
    """A gate that is enrolled: its keys, its ledger, and what it has still to send."""

    def __init__(self, hub: Hub, folder: Path, name: str, event: str = SHOW, behind: str | None = None) -> None:
        self.name, self.device = name, f"gate-{name}"
        self.key = Ed25519PrivateKey.generate()
        self.folder = folder
        self.ledger = Ledger.open(folder / f"{name}.db", self.key, gate=name, clock=lambda: NIGHT)
        self.event = event
        self.attempt = 0
        with hub.begin() as connection:
            connection.execute(
                insert(tables.device).values(
                    device=self.device,
                    kind="gate",
                    name=name,
                    venue="v",
                    hub=behind,
                    signing_key=self.key.public_key().public_bytes_raw(),
                    device_key=bytes(32),
                    certificate="",
                    state="enrolled",
                    event=event,
                    made_at=0.0,
                )
            )

    def admit(
        self, ticket: str, way: Direction = Direction.ENTRY, at: float = NIGHT, code_step: int | None = None
    ) -> int:
        """Somebody is admitted; the number of the line."""
        return self.decide(Verdict.ADMIT, ticket, way, at, code_step)

    def decide(
        self,
        verdict: Verdict,
        ticket: str,
        way: Direction = Direction.ENTRY,
        at: float = NIGHT,
        code_step: int | None = None,
        flags: tuple[str, ...] = (),
    ) -> int:
        """One word on one person."""
        self.attempt += 1
        state = ManifestState(self.event, 1, NIGHT - 60, NIGHT + 60_000)
        facts = Facts(self.name, way, lookup=LookupFacts(state))
        reason = Reason.OK if verdict is Verdict.ADMIT else Reason.FACE_MISMATCH
        body = DecisionBody(self.attempt, facts, Decision(verdict, reason, ticket=ticket, flags=flags), at)
        opens = Release(way, ticket, f"person of {ticket}", code_step=code_step) if verdict is Verdict.ADMIT else None
        return self.ledger.append(EntryKind.DECISION, body, at, opens=opens).seq

    def end(self, seq: int, passage: Passage = Passage.PASSED) -> None:
        """What became of the release of line `seq`."""
        body = PassageBody(self.attempt, passage)
        self.ledger.append(EntryKind.PASSAGE, body, NIGHT + 1, settles=Settlement(seq, passage))

    def passes(self, ticket: str, way: Direction = Direction.ENTRY, at: float = NIGHT) -> None:
        """Somebody is admitted and goes through."""
        self.end(self.admit(ticket, way, at))

    @property
    def claim(self) -> str:
        """The claim of the latest attempt."""
        return f"{self.ledger.epoch}:{self.attempt}"

    def batch(self, after: int = 0, limit: int = 500) -> LedgerBatch:
        """What it would send beyond line `after`."""
        made = next_batch(self.ledger, after, limit)
        assert made is not None
        return made
