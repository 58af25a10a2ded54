"""The lane and an authority, and the socket between the gate's two processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gate.claims import SyncLink
from models import wire
from models.decision import ClaimAnswer, OfflineRule
from models.ledger import EntryKind
from models.link import Acknowledged, Ask, FromGate, FromSync, LaneWord, Reach, Told
from models.passage import Direction, Passage, Use
from tests.gate.lane_bench import NIGHT, POLICY, Bench, Guest, contents, play, ticket_of

ANNA = Guest(1)
CLAIMS = replace(POLICY, claims=True)
ELSEWHERE = Use("T001", "", Direction.ENTRY, Passage.PASSED, NIGHT - 60, "G2")


class Elsewhere:
    """An authority with one answer for everybody."""

    def __init__(self, answer: ClaimAnswer, first: Use | None = None) -> None:
        self._answer, self._first = answer, first
        self.asked: list[Ask] = []
        self.written: list[int] = []

    async def ask(self, ask: Ask) -> Told:
        self.asked.append(ask)
        return Told(ask.claim, self._answer, self._first)

    def wrote(self, seq: int) -> None:
        self.written.append(seq)


def with_claims(**more: object):
    return contents([(ANNA, ticket_of(ANNA))], policy=replace(CLAIMS, **more))


def test_a_ticket_that_is_used_elsewhere_is_refused_and_staff_see_where(tmp_path: Path):
    authority = Elsewhere(ClaimAnswer.REFUSED, ELSEWHERE)

    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        assert bench.words() == [("deny", "already_admitted")]
        assert bench.view.first_use == ELSEWHERE
        (entry,) = bench.entries(EntryKind.DECISION)
        assert entry.body["facts"]["claim_first"]["gate"] == "G2"
        (ask,) = authority.asked
        assert (ask.claim, ask.ticket, ask.event) == (f"{bench.stores.ledger.epoch}:1", "T001", "gala")
        assert bench.turnstile.pulses == []

    play(tmp_path, scene, manifest=with_claims(), authority=authority)


def test_a_granted_claim_opens_and_every_entry_is_told_of(tmp_path: Path):
    authority = Elsewhere(ClaimAnswer.GRANTED)

    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        await bench.turns()
        assert authority.written == [e.seq for e in bench.entries() if e.kind in ("decision", "passage")]
        assert bench.view.first_use is None

    play(tmp_path, scene, manifest=with_claims(), authority=authority)


@pytest.mark.parametrize(
    ("rule", "word"),
    [(OfflineRule.ADMIT_AND_FLAG, ("admit", "ok")), (OfflineRule.REFER, ("refer", "claim_unanswered"))],
)
def test_without_an_answer_the_offline_rule_speaks(tmp_path: Path, rule: OfflineRule, word: tuple[str, str]):
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        await bench.shows(ANNA.probe())
        assert bench.words()[-1] == word

    play(tmp_path, scene, manifest=with_claims(offline_rule=rule))


def test_where_claims_are_not_asked_for_nobody_is_asked(tmp_path: Path):
    authority = Elsewhere(ClaimAnswer.REFUSED, ELSEWHERE)

    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        assert authority.asked == []

    play(tmp_path, scene, authority=authority)


class Far:
    """The sync process's end of the socket, in the test's hands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.heard: list[FromGate] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Far:
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        async for line in reader:
            self.heard.append(wire.from_json(FromGate, line))

    def say(self, word: FromSync) -> None:
        self.writers[-1].write(wire.to_json(word) + b"\n")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def linked(tmp_path: Path, scene: Callable[[SyncLink, Far, list[FromSync]], Awaitable[None]], **more: float) -> None:
    """Play `scene` with a link and its far end."""
    heard: list[FromSync] = []

    async def run() -> None:
        async with Far(tmp_path / "sync.sock") as far:
            link = SyncLink(tmp_path / "sync.sock", heard.append, **more)
            task = asyncio.ensure_future(link.run())
            await until(lambda: far.writers)
            await scene(link, far, heard)
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(run())


ASK = Ask("e:1", "gala", "T001", Direction.ENTRY, NIGHT)
NOBODY = Told("e:1", ClaimAnswer.NO_ANSWER)


def test_a_claim_goes_over_the_socket_and_comes_back(tmp_path: Path):
    async def scene(link: SyncLink, far: Far, heard: list[FromSync]) -> None:
        far.say(FromSync(reach=Reach.ONLINE))
        far.say(FromSync(acknowledged=Acknowledged("e", 7)))
        await until(lambda: len(heard) == 2)
        asking = asyncio.ensure_future(link.ask(ASK))
        await until(lambda: far.heard)
        assert far.heard == [FromGate(ask=ASK)]
        far.say(FromSync(told=Told("other", ClaimAnswer.GRANTED)))
        far.say(FromSync(told=Told("e:1", ClaimAnswer.REFUSED, ELSEWHERE)))
        assert await asking == Told("e:1", ClaimAnswer.REFUSED, ELSEWHERE)
        link.wrote(9)
        link.show(LaneWord("idle"))
        link.show(LaneWord("idle"))
        link.wrote(10)
        await until(lambda: len(far.heard) == 4)
        assert far.heard[1:] == [FromGate(wrote=9), FromGate(lane=LaneWord("idle")), FromGate(wrote=10)]

    linked(tmp_path, scene)


def test_alone_nobody_is_asked(tmp_path: Path):
    async def scene(link: SyncLink, far: Far, heard: list[FromSync]) -> None:
        assert await link.ask(ASK) == NOBODY, "it has not said yet whom it reaches"
        far.say(FromSync(reach=Reach.ALONE))
        await until(lambda: heard)
        assert await link.ask(ASK) == NOBODY
        assert far.heard == []

    linked(tmp_path, scene)


def test_a_sync_process_that_dies_leaves_no_claim_waiting_and_is_found_again(tmp_path: Path):
    async def scene(link: SyncLink, far: Far, heard: list[FromSync]) -> None:
        far.say(FromSync(reach=Reach.ONLINE))
        await until(lambda: heard)
        asking = asyncio.ensure_future(link.ask(ASK))
        await until(lambda: far.heard)
        far.writers[0].transport.abort()
        assert await asking == NOBODY
        assert link.reach is None
        link.wrote(1)  # to nobody, and no harm
        await until(lambda: len(far.writers) == 2)

    linked(tmp_path, scene)


def test_garbled_lines_are_passed_over_and_silence_ends(tmp_path: Path):
    async def scene(link: SyncLink, far: Far, heard: list[FromSync]) -> None:
        far.writers[0].write(b"\xff\x00{]\n" + json.dumps({"told": 7}).encode() + b"\n")
        far.say(FromSync(reach=Reach.VENUE))
        await until(lambda: heard)
        assert link.reach is Reach.VENUE
        assert await link.ask(ASK) == NOBODY

    linked(tmp_path, scene, limit_s=0.05)


def test_a_sync_process_that_hangs_costs_the_wait_of_one_claim_until_it_speaks_again(tmp_path: Path):
    async def scene(link: SyncLink, far: Far, heard: list[FromSync]) -> None:
        far.say(FromSync(reach=Reach.ONLINE))
        await until(lambda: heard)
        assert await link.ask(ASK) == NOBODY
        assert await link.ask(replace(ASK, claim="e:2")) == Told("e:2", ClaimAnswer.NO_ANSWER)
        assert [word.ask and word.ask.claim for word in far.heard] == ["e:1"], "nobody waited for the second one"
        far.say(FromSync(acknowledged=Acknowledged("e", 7)))
        await until(lambda: len(heard) == 2)
        asking = asyncio.ensure_future(link.ask(replace(ASK, claim="e:3")))
        await until(lambda: len(far.heard) == 2)
        far.say(FromSync(told=Told("e:3", ClaimAnswer.GRANTED)))
        assert await asking == Told("e:3", ClaimAnswer.GRANTED)

    linked(tmp_path, scene, limit_s=0.3)


def test_without_a_sync_process_a_claim_has_no_answer_at_once(tmp_path: Path):
    link = SyncLink(tmp_path / "none.sock", lambda word: None)
    assert asyncio.run(link.ask(ASK)) == NOBODY
