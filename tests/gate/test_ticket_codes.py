"""Ticket codes at a gate with a real ledger: what was used once stays used, and another event's code finds nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.core.decide import decide
from gate.core.effects import Record
from gate.stores import Stores
from gate.visitor import card_facts
from models.credential import Assurance, Credential, Medium
from models.decision import CodeNeed, Decision, Facts, Now, Profile, Reason, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.profiles import policy_of
from models.record import DecisionBody, PassageBody
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import seal_row
from tests.gate.lane_bench import EVENT, ID, NIGHT, SECRET, Guest, contents, load, open_stores, ticket_of

ANNA = Guest(1)
STEP = int(NIGHT) // 15
HOSPITAL = replace(policy_of(Profile.HOSPITAL, EVENT), code_needs=CodeNeed.NOTHING)


def code(step: int | None = STEP, event: str = EVENT) -> Credential:
    return Credential(
        Medium.CODE,
        DocumentType.TICKET_CODE,
        ANNA.ticket,
        Assurance.SIGNED,
        event=event,
        code_step=step,
        valid_since=NIGHT - 60,
        valid_until=NIGHT + 60,
    )


class Gate:
    """Stores, and the rules over them: what a lane does with a credential, without the lane."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stores = folder, open_stores(folder)

    def scan(self, credential: Credential, direction: Direction = Direction.ENTRY) -> Decision:
        """Look up, decide, write down."""
        facts = Facts(
            "G1", direction, card=card_facts(credential), lookup=self.stores.look_up(credential).facts, face=None
        )
        word = decide(facts, HOSPITAL, Now(NIGHT, 0.0))
        body = DecisionBody(1, facts, word, NIGHT)
        self.stores.write(Record(1, EntryKind.DECISION, body, opens=word.verdict is Verdict.ADMIT), NIGHT, "the digest")
        return word

    def ends(self, passage: Passage) -> None:
        """How the release ended."""
        self.stores.write(Record(1, EntryKind.PASSAGE, PassageBody(1, passage), settles=True), NIGHT, "")

    def restarts(self) -> None:
        """The process ends and comes again."""
        self.stores.close()
        self.stores = open_stores(self.folder)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    ticket = ticket_of(ANNA)
    both = [(ID, ANNA.number), (DocumentType.TICKET_CODE, ANNA.ticket)]
    row = seal_row(EVENT, SECRET, ticket.ticket, ticket_to_bytes(ticket), both)
    manifest = replace(
        contents([], policy=HOSPITAL),
        tickets=[(row.row, row.sealed)],
        openings=[(key, row.row, wrapped) for key, wrapped in row.openings],
    )
    load(tmp_path, manifest)
    opened = Gate(tmp_path)
    yield opened
    opened.stores.close()


def test_a_picture_of_a_used_code_opens_nothing_and_the_next_code_does(gate: Gate):
    assert gate.scan(code()).verdict is Verdict.ADMIT
    gate.ends(Passage.PASSED)
    assert gate.scan(code()) == Decision(Verdict.DENY, Reason.CODE_USED, (), ANNA.ticket)
    assert gate.scan(code(STEP - 1)).reason is Reason.CODE_USED
    assert gate.scan(code(STEP + 1)).verdict is Verdict.ADMIT


def test_a_used_code_is_used_while_the_person_is_still_in_the_turnstile(gate: Gate):
    gate.scan(code())
    assert gate.scan(code()).reason is Reason.CODE_USED


def test_a_used_code_is_still_used_after_a_restart(gate: Gate):
    gate.scan(code())
    gate.restarts()
    gate.stores.ledger.settle_left_open()
    assert gate.scan(code()).reason is Reason.CODE_USED


def test_a_code_with_which_nobody_passed_is_not_used(gate: Gate):
    gate.scan(code())
    gate.ends(Passage.NO_SHOW)
    assert gate.scan(code()).verdict is Verdict.ADMIT


def test_a_code_used_on_the_way_out_lets_nobody_in(gate: Gate):
    gate.scan(code(STEP - 1))
    gate.ends(Passage.PASSED)
    assert gate.scan(code(), Direction.EXIT).verdict is Verdict.ADMIT
    gate.ends(Passage.PASSED)
    assert gate.scan(code()).reason is Reason.CODE_USED


def test_the_step_stands_in_the_line_that_admits_and_the_number_does_not(gate: Gate):
    gate.scan(replace(code(), number=ANNA.ticket))
    (line,) = gate.stores.ledger.tail(1)
    assert line.body["opens"]["code_step"] == STEP
    assert line.body["facts"]["card"]["code_step"] == STEP
    assert ANNA.number not in str(line.body)


def test_a_code_on_paper_and_a_card_have_no_step(gate: Gate):
    for credential in (code(None), ANNA.card()):
        assert gate.scan(credential).verdict is Verdict.ADMIT
        gate.ends(Passage.PASSED)
    assert {use.code_step for use in gate.stores.ledger.uses([ANNA.ticket])} == {None}
    assert gate.scan(code(None)).verdict is Verdict.ADMIT  # soft anti-passback: flagged, and not the code's business


def test_another_events_code_finds_no_ticket_though_the_number_is_the_same(gate: Gate):
    strange = code(event="another night")
    assert gate.stores.look_up(strange).facts.tickets == ()
    assert gate.scan(strange).reason is Reason.WRONG_EVENT
    gate.scan(code())
    gate.ends(Passage.PASSED)
    out = gate.scan(strange, Direction.EXIT)
    assert (out.ticket, out.flags) == ("", ("exit_without_entry",))
    (use,) = gate.stores.ledger.uses([ANNA.ticket])
    assert use.direction is Direction.ENTRY


def test_without_a_manifest_no_code_finds_a_ticket(tmp_path: Path):
    stores: Stores = open_stores(tmp_path)
    assert stores.look_up(code()).facts.tickets == ()
    stores.close()


def test_the_core_is_told_a_codes_event_step_and_seconds_and_not_its_number(gate: Gate):
    facts = card_facts(code())
    assert (facts.event, facts.code_step, facts.valid_since, facts.valid_until) == (EVENT, STEP, NIGHT - 60, NIGHT + 60)
    assert ANNA.ticket not in repr(facts)
