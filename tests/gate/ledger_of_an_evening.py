"""A lane's ledger with decisions in it, for the commands that read one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.core.decide import decide
from gate.core.effects import Record
from gate.stores import Rules, Stores, digest_of
from models.decision import Decision, Facts, Now, Policy, Verdict
from models.ledger import Entry, EntryKind
from models.passage import Passage
from models.record import DecisionBody, PassageBody
from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from tests.gate.core.strategies import DOORS, NOW, good_facts, policy


@dataclass
class Evening:
    """Writes as the lane writes, through `Stores`."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.path = self.folder / "ledger.db"
        ledger = Ledger.open(self.path, self.key, gate="north", clock=lambda: DOORS)
        reader = ManifestReader(self.folder / "manifest.db", DeviceKey(bytes(32)))
        self.stores = Stores(ledger, reader, lambda policy: policy)
        self.attempt = 0
        self.use(policy())

    def use(self, rules: Policy) -> None:
        """Go on by these rules."""
        self.policy = rules
        self.stores.write_rules(Rules(rules, digest_of(rules), None, None), DOORS)  # type: ignore[arg-type]

    def decide(self, facts: Facts | None = None, *, word: Decision | None = None, now: Now = NOW) -> Entry:
        """Decide about a visitor and write it down, or write down another word than the rules'."""
        facts = facts or good_facts()
        self.attempt += 1
        word = word or decide(facts, self.policy, now)
        body = DecisionBody(self.attempt, facts, word, now.wall, ms={"lookup": 4.2, "face": 210.0})
        record = Record(self.attempt, EntryKind.DECISION, body, opens=word.verdict is Verdict.ADMIT)
        return self.stores.write(record, now.wall, digest_of(self.policy))

    def passes(self, passage: Passage = Passage.PASSED) -> Entry:
        """The turnstile's word on the last release."""
        record = Record(self.attempt, EntryKind.PASSAGE, PassageBody(self.attempt, passage), settles=True)
        return self.stores.write(record, NOW.wall, digest_of(self.policy))

    def close(self) -> None:
        self.stores.close()
