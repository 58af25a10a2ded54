"""Documents that a person reads off: what a number must be, how many are taken, what becomes of them at the lane."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.events import StewardSaid
from gate.typed import MOST_AT_THE_LANE, MOST_BY_ONE, NOT_RECORDED, TOO_MANY, TypedDocuments, credential_of
from models.command import Answer, Command, Order, Presented
from models.credential import Assurance, Medium
from models.decision import Profile, StewardAction
from models.ids import DocumentType, check_digit
from models.ledger import EntryKind
from models.profiles import policy_of
from models.typed import CAN_BE_TYPED, TypedNeed, wrong_number
from models.view import Phase
from tests.gate.lane_bench import POLICY, Bench, Guest, contents, play, ticket_of

ANNA = Guest(1)
RESIDENT, PERMIT, FOREIGN = "11010519491231002X", "810000199001010014", "911124198108030024"


def good(first: str) -> str:
    return first[:17] + check_digit(first[:17])


@pytest.mark.parametrize(
    ("document", "number"),
    [
        (DocumentType.RESIDENT_ID, RESIDENT),
        (DocumentType.RESIDENT_ID, "110105 19491231 002x"),
        (DocumentType.TEMPORARY_ID, RESIDENT),
        (DocumentType.RESIDENCE_PERMIT, good(PERMIT)),
        (DocumentType.FOREIGNER_CARD, good(FOREIGN)),
        (DocumentType.FOREIGNER_CARD, "CHN110123456789"),
        (DocumentType.PASSPORT, "E12345678"),
        (DocumentType.TRAVEL_PERMIT, "H12345678"),
    ],
)
def test_each_kind_of_document_becomes_a_credential_nobody_vouches_for(document: DocumentType, number: str) -> None:
    read = credential_of(Presented(document, number, valid_to="2031-05-31"))
    assert (read.medium, read.document, read.assurance) == (Medium.TYPED, document, Assurance.UID_ONLY)
    assert read.valid_to == date(2031, 5, 31)
    assert read.number == number.replace(" ", "").upper()


@pytest.mark.parametrize(
    ("presented", "words"),
    [
        (Presented(DocumentType.RESIDENT_ID, "110105194912310021"), "the check digit does not agree"),
        (Presented(DocumentType.RESIDENT_ID, "1101051949123100"), "16 characters were typed"),
        (Presented(DocumentType.TEMPORARY_ID, "E12345678"), "17 digits"),
        (Presented(DocumentType.FOREIGNER_CARD, "CH110123456789"), "a card of 2017"),
        (Presented(DocumentType.PASSPORT, "E123-4567/8"), "letters and digits"),
        (Presented(DocumentType.PASSPORT, ""), "letters and digits"),
        (Presented(DocumentType.TICKET_CODE, "A1B2C3"), "nothing that a person reads off"),
        (Presented(DocumentType.CARD_UID, "04A2B3C4"), "nothing that a person reads off"),
        (Presented(DocumentType.PASSPORT, "E12345678", child=True), "household book"),
        (Presented(DocumentType.RESIDENT_ID, RESIDENT, valid_to="31.5.2031"), "2031-05-31"),
    ],
)
def test_what_is_wrong_is_said_and_the_number_is_not(presented: Presented, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        credential_of(presented)
    assert len(presented.number) < 4 or presented.number not in str(caught.value)
    assert presented.number not in repr(presented) or not presented.number


@given(st.sampled_from(DocumentType), st.text(max_size=30))
def test_any_text_has_a_word_or_is_a_number(document: DocumentType, typed: str) -> None:
    assert isinstance(wrong_number(document, typed), str)
    if document not in CAN_BE_TYPED:
        assert wrong_number(document, typed)


@given(st.integers(0, 10**17 - 1), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(serial: int, place: int, by: int) -> None:
    number = good(f"{serial:017d}")
    slip = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert wrong_number(DocumentType.RESIDENT_ID, number) == ""
    assert "check digit" in wrong_number(DocumentType.RESIDENT_ID, slip)


# --- at the lane --------------------------------------------------------------------------------------------------


def order(presented: Presented | None, actor: str = "steward-4") -> Command:
    return Command(1, Order.PRESENT, actor, presented=presented)


def of(guest: Guest, **changes: Any) -> Presented:
    return replace(Presented(DocumentType.RESIDENT_ID, guest.card().number), **changes)


def desk(bench: Bench) -> TypedDocuments:
    return TypedDocuments(bench.runner.ask, bench.runner.take, bench.loop.time)


async def types(bench: Bench, desk: TypedDocuments, presented: Presented, actor: str = "steward-4") -> Answer:
    answer = await desk.present(order(presented, actor))
    await bench.quiet()
    return answer


def test_a_typed_number_is_looked_up_compared_by_eye_and_marked_as_what_it_is(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        assert await types(bench, desk(bench), of(ANNA)) == Answer(1, ok=True)
        assert bench.words() == [("refer", "document_needed")]
        assert (bench.view.phase, bench.view.settleable, bench.view.medium) == (Phase.REFERRED, True, Medium.TYPED)
        assert await bench.runner.ask(StewardSaid(bench.view.attempt, StewardAction.ADMIT, "steward-9"))
        assert bench.words()[-1] == ("admit", "ok_by_steward")
        assert len(bench.turnstile.pulses) == 1
        assert bench.camera.asked == []
        card = bench.entries(EntryKind.DECISION)[-1].body["facts"]["card"]
        assert (card["medium"], card["typed_by"], card["assurance"], card["child"]) == ("typed", "steward-4", 1, False)
        assert ANNA.card().number not in str([entry.body for entry in bench.entries()])

    play(tmp_path, scene)


def test_each_typed_number_is_on_record_before_it_is_looked_up_and_so_is_who_typed_it(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await types(bench, desk(bench), of(ANNA, child=True), "steward-7")
        first, second = bench.entries()[-2:]
        assert first.kind is EntryKind.TYPED
        assert first.body == {"actor": "steward-7", "child": True, "document": "resident_id", "taken": True}
        assert second.kind is EntryKind.DECISION
        assert second.body["facts"]["card"]["child"] is True

    play(tmp_path, scene)


def test_without_the_ledger_nothing_is_looked_up(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        bench.break_ledger()
        answer = await types(bench, desk(bench), of(ANNA))
        assert (answer.ok, answer.error) == (False, NOT_RECORDED)
        assert bench.runner.lane.attempt == 0

    play(tmp_path, scene)


def test_a_temporary_id_finds_the_ticket_of_the_card_it_stands_for(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await types(bench, desk(bench), of(ANNA, document=DocumentType.TEMPORARY_ID))
        assert bench.words() == [("refer", "document_needed")]
        facts = bench.entries(EntryKind.DECISION)[-1].body["facts"]
        assert facts["card"]["document"] == "temporary_id"
        await bench.a_while_later(3.0)
        await bench.taps(ANNA)
        assert (
            bench.entries(EntryKind.DECISION)[-1].body["facts"]["lookup"]["person_key"]
            == (facts["lookup"]["person_key"])
        ), "the same person, whatever she shows"

    play(tmp_path, scene, manifest=contents([(ANNA, ticket_of(ANNA))], policy=policy_of(Profile.CARD, POLICY.event)))


def test_where_typed_documents_open_nothing_nothing_is_looked_up_either(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await types(bench, desk(bench), of(ANNA))
        assert bench.words() == [("deny", "weak_credential")]
        assert bench.entries(EntryKind.DECISION)[-1].body["facts"]["lookup"] is None

    strict = replace(POLICY, typed_needs=TypedNeed.DOCUMENT)
    play(tmp_path, scene, manifest=contents([(ANNA, ticket_of(ANNA))], policy=strict))


# --- fishing ------------------------------------------------------------------------------------------------------


def test_who_types_too_many_waits_and_it_is_written_down_once(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        typed = desk(bench)
        for _ in range(MOST_BY_ONE):
            assert (await types(bench, typed, of(ANNA))).ok
            await bench.a_while_later(3.0)
        for _ in range(3):
            answer = await types(bench, typed, of(ANNA))
            assert (answer.ok, answer.error) == (False, TOO_MANY)
            assert 0.0 < answer.wait_s <= 60.0
        lines = [entry.body["taken"] for entry in bench.entries(EntryKind.TYPED)]
        assert lines == [True] * MOST_BY_ONE + [False]
        assert (await types(bench, typed, of(ANNA), "steward-5")).ok, "another is not kept from his work"
        await bench.a_while_later(answer.wait_s)
        assert (await types(bench, typed, of(ANNA))).ok

    play(tmp_path, scene)


def test_names_without_end_do_not_make_numbers_without_end(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        typed = desk(bench)
        answers = [await types(bench, typed, of(ANNA), f"steward-{name}") for name in range(MOST_AT_THE_LANE + 2)]
        assert [answer.ok for answer in answers] == [True] * MOST_AT_THE_LANE + [False] * 2

    play(tmp_path, scene)


def test_a_slip_of_the_finger_costs_nothing(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        typed = desk(bench)
        for _ in range(3 * MOST_BY_ONE):
            assert "check digit" in (await types(bench, typed, of(ANNA, number="110105194912310021"))).error
        for wrong in (order(None), order(of(ANNA), actor="")):
            assert not (await typed.present(wrong)).ok
        assert bench.entries(EntryKind.TYPED) == []
        assert (await types(bench, typed, of(ANNA))).ok

    play(tmp_path, scene)
