"""The lane's questions to ledger and manifest: what the answers hold, and what they must not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.core.effects import Record
from gate.stores import Stores, digest_of, ticket_facts
from models import wire
from models.decision import CardFacts, Decision, Facts, Policy, Profile, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.profiles import policy_of
from models.record import DecisionBody, ModeBody, PassageBody
from models.store.errors import StoreError, StoreFailed
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from models.ticket import Ticket
from models.view import Mode
from tests.gate.lane_bench import EVENT, NIGHT, POLICY, Guest, contents, device_key, load, open_stores, ticket_of

PARENT, CHILD, OTHER = Guest(1), Guest(2), Guest(3)
STRANGER = Guest(77)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    tickets = [
        (PARENT, ticket_of(PARENT)),
        (CHILD, ticket_of(CHILD, guardian=PARENT.ticket, reference=None)),
        (OTHER, ticket_of(OTHER)),
    ]
    load(tmp_path, contents(tickets, watch=[OTHER.listed()]))
    opened = open_stores(tmp_path)
    yield opened
    opened.close()


def admission(stores: Stores, guest: Guest, *, attempt: int = 1) -> Record:
    facts = Facts(gate="G1", lookup=stores.look_up(guest.card()).facts)
    body = DecisionBody(attempt, facts, Decision(Verdict.ADMIT, Reason.OK, (), guest.ticket), NIGHT)
    return Record(attempt, EntryKind.DECISION, body, opens=True)


def ending(passage: Passage) -> Record:
    return Record(1, EntryKind.PASSAGE, PassageBody(1, passage), settles=True)


def test_a_look_up_gives_facts_to_the_core_and_keeps_the_person_out_of_them(stores: Stores):
    found = stores.look_up(PARENT.card())
    assert [ticket.ticket for ticket in found.facts.tickets] == [PARENT.ticket]
    assert found.facts.person_key == PARENT.person_key
    assert found.facts.manifest is not None
    assert found.references == {PARENT.ticket: PARENT.reference}
    assert found.holders[PARENT.ticket].masked_name == "路**"
    said = wire.to_json(found.facts)
    for secret in (PARENT.number, PARENT.name, "路**"):
        assert secret.encode() not in said
    assert repr(PARENT.reference.template) not in repr(found)


def test_who_has_no_ticket_has_no_reference(stores: Stores):
    found = stores.look_up(STRANGER.card())
    assert (found.facts.tickets, found.holders, found.references) == ((), {}, {})


def test_a_listed_document_is_a_hit(stores: Stores):
    assert [hit.entry for hit in stores.look_up(OTHER.card()).facts.hits] == [OTHER.listed().entry]


def test_a_release_is_a_use_until_nobody_passed(stores: Stores):
    stores.write(admission(stores, PARENT), NIGHT, "")
    (use,) = stores.look_up(PARENT.card()).facts.uses
    assert (use.ticket, use.person_key, use.passage) == (PARENT.ticket, PARENT.person_key, Passage.UNKNOWN)
    assert stores.look_up(OTHER.card()).facts.inside == 1
    stores.write(ending(Passage.NO_SHOW), NIGHT + 5, "")
    facts = stores.look_up(PARENT.card()).facts
    assert (facts.uses, facts.inside) == ((), 0)


def test_a_childs_look_up_knows_when_the_guardian_went_in(stores: Stores):
    assert stores.look_up(CHILD.card()).facts.guardian_uses == ()
    stores.write(admission(stores, PARENT), NIGHT, "")
    stores.write(ending(Passage.PASSED), NIGHT + 2, "")
    (use,) = stores.look_up(CHILD.card()).facts.guardian_uses
    assert (use.ticket, use.passage, use.direction) == (PARENT.ticket, Passage.PASSED, Direction.ENTRY)


def test_the_policys_digest_is_written_into_each_decision(stores: Stores):
    entry = stores.write(admission(stores, PARENT), NIGHT, "the digest")
    assert entry.body["policy"] == "the digest"


def test_an_end_belongs_to_the_latest_release_alone(stores: Stores):
    stores.write(admission(stores, PARENT), NIGHT, "")
    stores.write(ending(Passage.PASSED), NIGHT, "")
    after = stores.write(ending(Passage.UNKNOWN), NIGHT, "")  # nobody is in the turnstile
    assert "settles" not in after.body


def test_an_entry_about_the_lane_opens_nothing(stores: Stores):
    stores.write(Record(0, EntryKind.MODE, ModeBody(Mode.PAUSED, "anna")), NIGHT, "")
    assert stores.ledger.open_releases() == ()


def test_attempts_go_on_where_an_earlier_process_ended(stores: Stores):
    assert stores.last_attempt() == 0
    stores.write(admission(stores, PARENT, attempt=41), NIGHT, "")
    stores.write(Record(0, EntryKind.MODE, ModeBody(Mode.PAUSED, "anna")), NIGHT, "")
    assert stores.last_attempt() == 41


def test_rules_are_the_same_object_until_the_manifest_changes(stores: Stores, tmp_path: Path):
    rules = stores.rules(None)
    assert (rules.policy, rules.digest) == (POLICY, digest_of(POLICY))
    assert [entry.entry for sheets in rules.listed.values() for sheet in sheets for entry in sheet.entries] == [
        OTHER.listed().entry
    ]
    assert stores.rules(rules) is rules
    softer = replace(POLICY, exits=True)
    load(tmp_path, contents([], version=2, policy=softer))
    fresh = stores.rules(rules)
    assert (fresh.policy, fresh.listed) == (softer, {})
    assert fresh.manifest is not None
    assert fresh.manifest.version == 2


def test_a_manifest_for_another_device_lets_the_lane_start_and_everybody_see_a_person(stores: Stores, tmp_path: Path):
    (tmp_path / "another").mkdir()
    other_key = DeviceKey.make(tmp_path / "another" / "device.key")
    strange = Stores(stores.ledger, ManifestReader(tmp_path / "manifest.db", other_key), lambda policy: policy)
    rules = strange.rules_at_start()
    assert (rules.manifest, rules.policy.event) == (None, "")
    with pytest.raises(StoreError):
        strange.look_up(PARENT.card())


def test_without_a_manifest_the_rules_ask_for_a_card_and_a_ticket(tmp_path: Path):
    stores = open_stores(tmp_path)
    try:
        rules = stores.rules(None)
        assert (rules.policy, rules.manifest) == (policy_of(Profile.CARD, ""), None)
        stores.write_rules(rules, NIGHT)
        assert [entry.kind for entry in stores.ledger.tail()] == [EntryKind.POLICY]
    finally:
        stores.close()


def test_the_devices_own_rules_are_part_of_the_digest(tmp_path: Path):
    load(tmp_path, contents([]))
    stores = open_stores(tmp_path)
    tightened = Stores(
        stores.ledger,
        ManifestReader(tmp_path / "manifest.db", device_key(tmp_path)),
        lambda policy: replace(policy, face_tries=1),
    )
    try:
        assert tightened.rules(None).policy.face_tries == 1
        assert tightened.rules(None).digest != stores.rules(None).digest
    finally:
        tightened.close()
        stores.close()


def test_rules_stand_in_the_ledger_in_full(stores: Stores):
    rules = stores.rules(None)
    stores.write_rules(rules, NIGHT)
    policy, manifest = stores.ledger.tail(2)
    assert policy.body["digest"] == rules.digest
    assert wire.from_builtins(Policy, policy.body["policy"]) == POLICY
    assert (manifest.kind, manifest.body["event"]) == (EntryKind.MANIFEST, EVENT)


def test_after_a_failure_what_was_left_open_is_unknown(stores: Stores):
    stores.write(admission(stores, PARENT), NIGHT, "")
    stores.ledger.db.conn.close()
    with pytest.raises(StoreFailed):
        stores.write(ending(Passage.PASSED), NIGHT, "")
    assert stores.reopen() == 0
    (use,) = stores.look_up(PARENT.card()).facts.uses
    assert (use.passage, stores.ledger.open_releases()) == (Passage.UNKNOWN, ())
    assert "settles" not in stores.write(ending(Passage.PASSED), NIGHT, "").body


def test_a_store_that_is_closed_says_so(tmp_path: Path):
    load(tmp_path, contents([]))
    stores = open_stores(tmp_path)
    stores.close()
    stores.close()
    with pytest.raises(StoreError):
        stores.write_rules(stores.rules(None), NIGHT)


def test_a_ticket_for_the_core_has_neither_name_nor_template():
    facts = ticket_facts(ticket_of(PARENT))
    assert facts.reference_model == PARENT.reference.model_version
    kept = set(Ticket.__dataclass_fields__) & set(facts.__dataclass_fields__)
    assert {"masked_name", "reference", "language"}.isdisjoint(kept)
    assert ticket_facts(ticket_of(PARENT, reference=None)).reference_model == ""


def test_the_card_of_a_decision_says_nothing_of_its_holder():
    assert {"number", "holder", "uid", "portrait"}.isdisjoint(CardFacts.__dataclass_fields__)
