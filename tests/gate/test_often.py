"""Who comes too often, at a gate without a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gate.core.events import StewardSaid
from gate.messages import ReaderGave
from gate.often import DAY_S, often
from models.decision import Profile, StewardAction
from models.ledger import EntryKind
from models.passage import Direction
from models.profiles import policy_of
from models.store.ledger_db import Ledger, Release
from models.view import Phase
from models.watch import WatchAction, WatchPurpose
from tests.gate.lane_bench import EVENT, NIGHT, SIGNING_KEY, Bench, Guest, contents, play

OFFICE = replace(policy_of(Profile.SCREENING, EVENT), frequent_times=3, frequent_days=7)
ANNA, BORIS = Guest(1), Guest(2)
IN, ASKED = ("admit", "ok_without_face"), ("refer", "watchlisted")


async def goes(bench: Bench, guest: Guest, way: Direction = Direction.ENTRY) -> None:
    reader = "exit_reader" if way is Direction.EXIT else "reader"
    bench.runner.take(ReaderGave(reader, guest.card(), bench.loop.time()))
    await bench.quiet()
    if bench.view.phase is Phase.RELEASED:
        await bench.turns(way)


def test_the_fourth_visit_within_a_week_is_looked_at_by_a_person_who_may_let_her_in(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        for _ in range(3):
            await goes(bench, ANNA)
            await goes(bench, ANNA, Direction.EXIT)
        await goes(bench, BORIS)
        await goes(bench, ANNA)
        assert bench.words()[-2:] == [IN, ASKED]
        said = StewardSaid(bench.runner.lane.attempt, StewardAction.CLEAR_WATCH, "s7")
        assert await bench.runner.ask(said)
        assert bench.words()[-1][0] == "admit"

    play(tmp_path, scene, manifest=contents([], policy=OFFICE))


def visits(folder: Path, *days_ago: float) -> Ledger:
    """A ledger with Anna's visits and, as its last line, somebody else's today."""
    ledger = Ledger.open(folder / "ledger.db", SIGNING_KEY, gate="G1", clock=lambda: NIGHT)
    for ago in days_ago:
        ledger.append(EntryKind.DECISION, {}, NIGHT - ago * DAY_S, opens=Release(person_key=ANNA.person_key))
    ledger.append(EntryKind.DECISION, {}, NIGHT, opens=Release(person_key=BORIS.person_key))
    return ledger


def test_visits_of_more_than_a_week_ago_are_not_counted_and_the_review_ends_when_the_oldest_is_over(tmp_path: Path):
    with visits(tmp_path, 9.0, 8.0, 2.0, 1.0) as ledger:
        assert often(ledger, ANNA.person_key, OFFICE) == ()
        ledger.append(EntryKind.DECISION, {}, NIGHT, opens=Release(person_key=ANNA.person_key))
        (hit,) = often(ledger, ANNA.person_key, OFFICE)
        assert (hit.purpose, hit.action) == (WatchPurpose.FREQUENT, WatchAction.REVIEW)
        assert hit.valid_to == NIGHT + 5 * DAY_S
        assert often(ledger, BORIS.person_key, OFFICE) == ()
        assert often(ledger, ANNA.person_key, replace(OFFICE, frequent_times=None)) == ()


def test_where_a_server_holds_the_ledger_the_gate_keeps_out_of_it(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        for _ in range(3):
            await goes(bench, ANNA)
        bench.stores.ledger.acknowledge(1)
        await goes(bench, ANNA)
        assert bench.words()[-1] == IN

    play(tmp_path, scene, manifest=contents([], policy=OFFICE))
