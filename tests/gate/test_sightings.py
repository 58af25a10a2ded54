"""A steward reports a suspected scalper: a line in the ledger, few of them, and nothing at the lane changes by it."""

from __future__ import annotations

from pathlib import Path

from gate.sightings import MOST_AT_THE_LANE, MOST_BY_ONE, NO_SUCH, TOO_MANY, Sightings
from gate.typed import NOT_RECORDED
from models.command import Answer, Command, Order
from models.ledger import EntryKind
from models.sighting import Sight
from tests.gate.lane_bench import Bench, Guest, play


def desk(bench: Bench) -> Sightings:
    return Sightings(bench.runner.ask, lambda: bench.runner.lane.attempt, bench.loop.time)


def told(actor: str = "s7", sight: Sight | None = Sight.OFFERS_TICKETS, attempt: int = 0) -> Command:
    return Command(1, Order.SIGHTING, actor, attempt=attempt, sight=sight)


def test_what_was_seen_is_a_line_with_who_saw_it_and_a_number_instead_of_a_name(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await bench.taps(Guest(1))
        before, decided = bench.view, bench.words()
        attempt = bench.runner.lane.attempt
        assert await desk(bench).note(told(sight=Sight.OTHERS_CARD, attempt=attempt)) == Answer(1, ok=True)
        assert (bench.view, bench.words()) == (before, decided), "nobody is treated otherwise for it"
        (line,) = bench.entries(EntryKind.SIGHTING)
        assert line.body == {"actor": "s7", "attempt": attempt, "sight": "others_card"}

    play(tmp_path, scene)


def test_nothing_is_written_of_nothing_seen_nor_of_somebody_who_never_came(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        sightings = desk(bench)
        assert "lacks" in (await sightings.note(told(sight=None))).error
        for attempt in (-1, bench.runner.lane.attempt + 1):
            assert (await sightings.note(told(attempt=attempt))).error == NO_SUCH
        assert bench.entries(EntryKind.SIGHTING) == []

    play(tmp_path, scene)


def test_a_few_within_a_minute_and_no_more_from_one_or_from_all(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        sightings = desk(bench)
        answers = [await sightings.note(told()) for _ in range(MOST_BY_ONE + 1)]
        assert [one.ok for one in answers] == [True] * MOST_BY_ONE + [False]
        assert answers[-1].error == TOO_MANY
        assert 0.0 < answers[-1].wait_s <= 60.0
        others = [await sightings.note(told(f"s{number}")) for number in range(MOST_AT_THE_LANE)]
        assert [one.ok for one in others].count(True) == MOST_AT_THE_LANE - MOST_BY_ONE
        assert len(bench.entries(EntryKind.SIGHTING)) == MOST_AT_THE_LANE
        await bench.a_while_later(60.0)
        assert (await sightings.note(told())).ok

    play(tmp_path, scene)


def test_without_the_ledger_nobody_is_told_that_it_was_written_and_it_may_be_tried_again(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        bench.break_ledger()
        sightings = desk(bench)
        answers = [await sightings.note(told()) for _ in range(MOST_BY_ONE + 2)]
        assert {(one.ok, one.error) for one in answers} == {(False, NOT_RECORDED)}

    play(tmp_path, scene)
