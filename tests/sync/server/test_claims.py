"""Who has a ticket: one at a time, whoever asks how often and from where. On both engines."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event as listen
from sqlalchemy import select, update

from models.decision import Verdict
from models.passage import Direction, Passage
from sync.contract import ClaimAnswer, ClaimRequest
from sync.server import tables
from sync.server.claims import Asked, ClaimDesk, give_back, settle
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.used_codes import kept_step
from tests.sync.server.world import GateBox, hall


@pytest.fixture(autouse=True)
def events(hub: Hub) -> None:
    """A concert and a hospital."""
    hall(hub)


def _asked(claim: str, ticket: str = "T1", event: str = "show", device: str = "d1", out: bool = False) -> Asked:
    direction = Direction.EXIT if out else Direction.ENTRY
    return Asked(ClaimRequest(claim, event, ticket, direction, gate=f"gate of {device}", at=5.0), device)


def _settle(hub: Hub, *asked: Asked) -> list[str]:
    return [answer.answer for answer in _answers(hub, *asked)]


def _answers(hub: Hub, *asked: Asked) -> list[ClaimAnswer]:
    with hub.begin() as connection:
        return settle(connection, asked, hub.clock())


def test_the_first_has_it_and_the_second_is_told_where(hub: Hub) -> None:
    assert _settle(hub, _asked("a")) == ["granted"]
    (second,) = _answers(hub, _asked("b", device="d2"))
    assert second.answer == "refused"
    assert second.first is not None
    assert (second.first.gate, second.first.at, second.first.passage) == ("gate of d1", 5.0, "held")


def test_a_repeated_claim_gets_the_same_answer(hub: Hub) -> None:
    assert _settle(hub, _asked("a"), _asked("b")) == ["granted", "refused"]
    assert _settle(hub, _asked("b"), _asked("a")) == ["refused", "granted"]


def test_of_two_in_one_batch_the_first_has_it(hub: Hub) -> None:
    first, second = _answers(hub, _asked("a"), _asked("b", device="d2"))
    assert (first.answer, second.answer) == ("granted", "refused")
    assert second.first is not None


def test_an_exit_frees_the_ticket(hub: Hub) -> None:
    assert _settle(hub, _asked("a")) == ["granted"]
    assert _settle(hub, _asked("out", out=True)) == ["granted"]
    assert _settle(hub, _asked("b", device="d2")) == ["granted"]


def test_a_claim_that_was_given_back_takes_nothing_when_it_comes_again(hub: Hub) -> None:
    """A duplicate that a network held back must not lock the holder out."""
    assert _settle(hub, _asked("a")) == ["granted"]
    with hub.begin() as connection:
        give_back(connection, {("show", "T1", "a")}, 6.0)
    assert _settle(hub, _asked("a")) == ["granted"]
    assert _settle(hub, _asked("b", device="d2")) == ["granted"]
    assert _settle(hub, _asked("a")) == ["refused"]


def test_where_people_come_and_go_everybody_is_granted(hub: Hub) -> None:
    assert _settle(hub, _asked("a", event="ward"), _asked("b", event="ward")) == ["granted", "granted"]


def test_for_an_event_of_others_there_is_no_answer(hub: Hub) -> None:
    assert _settle(hub, _asked("a", event="elsewhere")) == ["no_answer"]
    with hub.begin() as connection:
        connection.execute(update(tables.event).values(lessee="hub-1"))
    assert _settle(hub, _asked("a"), _asked("b", device="hub-1")) == ["no_answer", "granted"]


def test_of_many_who_ask_at_once_one_has_it(hub: Hub) -> None:
    """Eight threads with a connection each, all with the same ten tickets in different orders."""
    won: list[str] = []
    barrier = threading.Barrier(8)

    def ask(me: int) -> None:
        mine = [_asked(f"{me}-{n}", ticket=f"T{n}", device=f"d{me}") for n in range(10)]
        barrier.wait(10)
        answers = _answers(hub, *(mine[me:] + mine[:me]))
        won.extend(answer.claim.split("-")[1] for answer in answers if answer.answer == "granted")

    threads = [threading.Thread(target=ask, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [str(n) for n in range(10)]


def test_a_claim_that_was_given_back_stands_in_nobodys_way(hub: Hub) -> None:
    with hub.begin() as connection:
        give_back(connection, {("show", "T1", "a")}, 6.0)
    assert _settle(hub, _asked("a"), _asked("b", device="d2")) == ["refused", "granted"]


def test_a_ticket_that_comes_free_while_it_is_asked_for_is_taken_and_not_just_granted(hub: Hub) -> None:
    """Another worker gives it back between the look whether it is taken and the look who has it."""
    if hub.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite nobody else writes meanwhile")
    _settle(hub, _asked("a"))
    taken: list[str] = []

    def give_back_meanwhile(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO claim") and not taken:
            taken.append(statement)
            with hub.begin() as other:
                give_back(other, {("show", "T1", "a")}, 6.0)

    listen.listen(hub.engine, "after_cursor_execute", give_back_meanwhile)
    assert _settle(hub, _asked("b", device="d2")) == ["granted"]
    assert taken
    assert _settle(hub, _asked("c", device="d3")) == ["refused"]


def test_the_desk_answers_everybody_in_few_batches(hub: Hub) -> None:
    async def crowd() -> list[list[ClaimAnswer]]:
        desk = ClaimDesk(hub)
        return await asyncio.gather(*(desk.ask([_asked(f"c{n}", ticket=f"T{n % 50}")]) for n in range(200)))

    answers = [answer.answer for (answer,) in asyncio.run(crowd())]
    assert answers.count("granted") == 50
    assert answers[:50] == ["granted"] * 50


def test_a_failing_database_fails_those_who_asked_and_nobody_later(hub: Hub) -> None:
    async def ask() -> list[ClaimAnswer]:
        desk = ClaimDesk(hub)
        bad = replace(_asked("x"), claim=replace(_asked("x").claim, ticket=None))  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"(?i)null"):
            await desk.ask([bad])
        return await desk.ask([_asked("y")])

    assert asyncio.run(ask())[0].answer == "granted"


# --- codes that change ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["show", "ward"])
@pytest.mark.parametrize("shown", [6, 7, 8])
def test_a_code_that_was_used_at_one_gate_opens_no_other(hub: Hub, tmp_path: Path, event: str, shown: int) -> None:
    """Where people come and go as well: there the code is all that a picture of it has against it."""
    gate = GateBox(hub, tmp_path, "G1", event)
    gate.end(gate.admit("T1", code_step=7))
    gate.passes("T1", Direction.EXIT)
    _take(hub, gate)
    assert _settle(hub, _shown(event, shown, "T1")) == ["granted" if shown > 7 else "code_used"]
    assert _settle(hub, _shown(event, shown, "T2"), _asked("card", "T3", event)) == ["granted"] * 2


def test_a_used_code_takes_no_ticket_and_ends_no_use(hub: Hub, tmp_path: Path) -> None:
    gate = GateBox(hub, tmp_path, "G1")
    gate.end(gate.admit("T1", code_step=7))
    _take(hub, gate)
    assert _settle(hub, _shown("show", 7, "T1", out=True), _asked("next")) == ["code_used", "refused"]
    gate.passes("T1", Direction.EXIT)
    _take(hub, gate, after=2)
    assert _settle(hub, _shown("show", 7, "T1"), _asked("next")) == ["code_used", "granted"]


def test_a_claim_that_is_repeated_after_its_own_line_came_is_still_granted(hub: Hub, tmp_path: Path) -> None:
    gate = GateBox(hub, tmp_path, "G1", "ward")
    gate.admit("T1", code_step=7)
    _take(hub, gate)
    own = replace(_shown("ward", 7, "T1").claim, claim=gate.claim)
    assert _settle(hub, Asked(own, gate.device), _shown("ward", 7, "T1")) == ["granted", "code_used"]


def test_a_code_on_which_nobody_came_is_good_still(hub: Hub, tmp_path: Path) -> None:
    gate = GateBox(hub, tmp_path, "G1", "ward")
    gate.end(gate.admit("T1", code_step=7), Passage.NO_SHOW)
    _take(hub, gate)
    assert _settle(hub, _shown("ward", 7, "T1")) == ["granted"]


@pytest.mark.parametrize("event", ["show", "ward"])
def test_of_many_lanes_that_are_shown_one_code_at_once_one_lets_it_in(hub: Hub, event: str) -> None:
    """Eight threads with a connection each, ten tickets' codes in different orders; in and out is free at the ward."""
    won: list[str] = []
    barrier = threading.Barrier(8)

    def ask(me: int) -> None:
        mine = [_code(f"{me}-{n}", f"T{n}", 7, event, f"d{me}") for n in range(10)]
        barrier.wait(10)
        answers = _answers(hub, *(mine[me:] + mine[:me]))
        won.extend(answer.claim.split("-")[1] for answer in answers if answer.answer == "granted")

    threads = [threading.Thread(target=ask, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [str(n) for n in range(10)]


def test_a_code_is_held_from_the_claim_on_with_all_before_it(hub: Hub) -> None:
    first = _code("a", "T1", 7)
    assert _settle(hub, first) == ["granted"]
    others = [_code(f"b{step}", "T1", step, device="d2") for step in (7, 6, 8)]
    assert _settle(hub, *others) == ["code_used", "code_used", "granted"]
    assert _settle(hub, first) == ["code_used"]  # a later one is held by now, as if that had been used
    assert _settle(hub, _code("c", "T2", 7), _code("d", "T2", 7, device="d2")) == ["granted", "code_used"]
    assert _settle(hub, _code("e", "T3", 7), _code("f", "T3", 8)) == ["granted", "granted"]


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.REFER])
def test_a_code_whose_holder_was_denied_is_free_again(hub: Hub, tmp_path: Path, verdict: Verdict) -> None:
    gate = GateBox(hub, tmp_path, "G1", "ward")
    gate.decide(verdict, "T1")
    own = _code(gate.claim, "T1", 7, device=gate.device)
    assert _settle(hub, own) == ["granted"]
    _take(hub, gate)
    later = "code_used" if verdict is Verdict.REFER else "granted"
    assert _settle(hub, _code("b", "T1", 7, device="d2")) == [later]
    if verdict is Verdict.REFER:  # a person looks at it; the next visitor shows how that ended
        gate.decide(Verdict.DENY, "T2")
        _take(hub, gate, after=1)
        assert _settle(hub, _code("b", "T1", 7, device="d2")) == ["granted"]
    assert _settle(hub, own) == ["code_used"]


def test_a_code_goes_from_being_held_to_being_used(hub: Hub, tmp_path: Path) -> None:
    gate = GateBox(hub, tmp_path, "G1", "ward")
    seq = gate.admit("T1", code_step=7)
    assert _settle(hub, _code(gate.claim, "T1", 7, device=gate.device)) == ["granted"]
    _take(hub, gate)
    with hub.begin() as connection:
        assert connection.execute(select(tables.code_claim)).all() == []
    assert _settle(hub, _code("b", "T1", 7, device="d2")) == ["code_used"]
    gate.end(seq, Passage.NO_SHOW)
    _take(hub, gate, after=1)
    assert _settle(hub, _code("b", "T1", 7, device="d2")) == ["granted"]


def test_who_is_refused_a_code_holds_nothing(hub: Hub, tmp_path: Path) -> None:
    gate = GateBox(hub, tmp_path, "G1", "ward")
    gate.admit("T1", code_step=7)
    _take(hub, gate)
    assert _settle(hub, _code("b", "T1", 7, device="d2")) == ["code_used"]
    with hub.begin() as connection:
        assert connection.execute(select(tables.code_claim)).all() == []


def _code(claim: str, ticket: str, step: int, event: str = "ward", device: str = "d1") -> Asked:
    asked = _asked(claim, ticket, event, device)
    return Asked(replace(asked.claim, code_step=step), asked.device)


def test_a_step_that_fits_no_column_harms_nobody(hub: Hub) -> None:
    assert (kept_step(2**63), kept_step(-(2**63) - 1), kept_step(2**63 - 1)) == (None, None, 2**63 - 1)
    assert _settle(hub, _shown("show", 2**70, "T1")) == ["granted"]
    assert _settle(hub, _code("a", "T5", 7), _code("b", "T5", -(2**70))) == ["granted", "code_used"]


def _shown(event: str, step: int, ticket: str, out: bool = False) -> Asked:
    asked = _asked("by-code", ticket, event, "d2", out)
    return Asked(replace(asked.claim, code_step=step), asked.device)


def _take(hub: Hub, gate: GateBox, after: int = 0) -> None:
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch(after))
