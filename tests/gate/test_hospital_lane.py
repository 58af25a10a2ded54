"""A hospital's entrance on real stores: patients in and out, companions counted and given back, the red path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gate.core.events import DeviceLost, ModeSet, RedTapped, StewardSaid
from gate.messages import ReaderGave
from gate.reds import Reds, name_red
from models.command import Command, Order, Presented
from models.credential import Credential
from models.decision import Profile, Reason, StewardAction
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Direction
from models.profiles import policy_of
from models.red_path import Urgency
from models.store.ledger_db import read_ledger, verify
from models.ticket import Entitlement
from models.view import Mode, Phase
from tests.gate.lane_bench import EVENT, Bench, Guest, contents, play, ticket_of

WARD = policy_of(Profile.HOSPITAL, EVENT)
LI, SUN = Guest(1), Guest(2)
WIFE, SISTER, STRANGER = Guest(31), Guest(32), Guest(77)
IN = ("admit", "ok_without_face")
NAMED = ("admit", "ok_by_steward")
ASKED = ("refer", "whose_companion")


def a_ward(*patients: Guest):
    """These have an appointment in cardiology today."""
    place = Entitlement(EVENT, way="Lift 3, second floor", department="Cardiology", doctor="Dr Wu")
    held = [(one, replace(ticket_of(one), entitlement=place, reference=None)) for one in patients]
    return contents(held, policy=WARD)


async def goes(bench: Bench, guest: Guest, way: Direction = Direction.ENTRY) -> None:
    """Presents the card and walks through."""
    await presents(bench, guest, way)
    await bench.turns(way)


async def presents(bench: Bench, guest: Guest, way: Direction = Direction.ENTRY) -> None:
    reader = "exit_reader" if way is Direction.EXIT else "reader"
    bench.runner.take(ReaderGave(reader, guest.card(), bench.loop.time()))
    await bench.quiet()


async def names(bench: Bench, of: str = "") -> bool:
    """The steward says with whom the visitor came."""
    said = StewardSaid(bench.runner.lane.attempt, StewardAction.COMPANION, "s7", of=of)
    return await bench.runner.ask(said)


def uses(bench: Bench) -> list[tuple[str, str]]:
    """Ticket and direction of everybody who was let through."""
    opened = [entry.body["opens"] for entry in bench.entries() if entry.body.get("opens")]
    return [(one.get("ticket", ""), one.get("direction", "entry")) for one in opened]


def test_a_patient_is_shown_department_doctor_and_way_and_comes_and_goes_all_day(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        for way in (Direction.ENTRY, Direction.EXIT, Direction.ENTRY):
            await presents(bench, LI, way)
            if way is Direction.ENTRY:
                assert (bench.view.who.seat, bench.view.who.way) == ("Cardiology · Dr Wu", "Lift 3, second floor")
            await bench.turns(way)
        assert bench.words() == [IN, IN, IN]
        flags = [entry.body["decision"].get("flags", []) for entry in bench.entries(EntryKind.DECISION)]
        assert flags == [[], [], []]

    play(tmp_path, scene, manifest=a_ward(LI))


def test_a_companion_goes_in_with_her_patient_and_her_place_is_given_back_when_she_leaves(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await presents(bench, WIFE)  # nobody is inside yet
        await goes(bench, LI)
        await presents(bench, WIFE)
        assert [(one.ticket, one.masked_name, one.department) for one in bench.view.patients] == [
            ("T001", "路**", "Cardiology")
        ]
        assert not await names(bench, "T999")
        assert await names(bench, "T001")
        await bench.turns()
        await presents(bench, SISTER)  # he has his one
        await goes(bench, WIFE, Direction.EXIT)
        await presents(bench, SISTER)
        assert await names(bench)
        await bench.turns()
        assert bench.words() == [("deny", "no_ticket"), IN, ASKED, NAMED, ("deny", "no_ticket"), IN, ASKED, NAMED]
        hers = "companion:T001"
        assert uses(bench) == [("T001", "entry"), (hers, "entry"), (hers, "exit"), (hers, "entry")]

    play(tmp_path, scene, manifest=a_ward(LI))
    assert verify(tmp_path / "ledger.db").ok


def test_a_companion_comes_again_without_being_asked_whose_she_is_as_long_as_he_is_inside(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await goes(bench, LI)
        await goes(bench, SUN)
        await presents(bench, WIFE)
        assert [one.ticket for one in bench.view.patients] == ["T002", "T001"]  # who came last is first
        await names(bench, "T001")
        await bench.turns()
        await goes(bench, WIFE, Direction.EXIT)
        await goes(bench, WIFE)
        assert bench.words()[-1] == IN
        await goes(bench, WIFE, Direction.EXIT)
        await goes(bench, LI, Direction.EXIT)
        await presents(bench, WIFE)
        assert bench.words()[-1] == ("refer", "patient_not_here")
        assert bench.view.settleable

    play(tmp_path, scene, manifest=a_ward(LI, SUN))


def test_a_companion_is_known_after_a_restart_without_anybodys_name(tmp_path: Path):
    async def before(bench: Bench) -> None:
        await goes(bench, LI)
        await presents(bench, WIFE)
        await names(bench)
        await bench.turns()

    async def after(bench: Bench) -> None:
        await presents(bench, SISTER)
        assert bench.view.reason is Reason.NO_TICKET
        await goes(bench, WIFE, Direction.EXIT)
        await presents(bench, SISTER)
        assert [(one.ticket, one.masked_name) for one in bench.view.patients] == [("T001", "")]

    play(tmp_path, before, manifest=a_ward(LI))
    play(tmp_path, after, manifest=replace(a_ward(LI), state=replace(a_ward(LI).state, version=2)))


def test_an_emergency_is_let_in_at_once_and_is_on_the_disk_before_the_barrier_moves(tmp_path: Path):
    seen: list[int] = []

    async def scene(bench: Bench) -> None:
        bench.turnstile.before_pulse = lambda: seen.append(len(bench.entries(EntryKind.RED)))
        began = bench.loop.time()
        assert await bench.runner.ask(RedTapped("s7", Urgency.STRETCHER))
        assert bench.loop.time() - began < 0.05
        assert seen == [1]
        assert (bench.view.phase, bench.view.reason) == (Phase.RELEASED, Reason.OK_EMERGENCY)
        await bench.a_while_later(15.0)  # a stretcher takes its time
        assert bench.view.phase is Phase.RELEASED
        await bench.turns()
        assert bench.passages() == [("passed", "")]
        (entry,) = bench.entries(EntryKind.RED)
        assert {name: entry.body[name] for name in ("attempt", "actor", "urgency")} == {
            "attempt": 1,
            "actor": "s7",
            "urgency": "stretcher",
        }
        assert bench.stores.ledger.inside() == 1

    play(tmp_path, scene, manifest=a_ward(LI))


def test_the_red_path_takes_precedence_over_whoever_is_in_the_lane_and_over_a_locked_one(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await presents(bench, LI)  # released, on his way
        assert await bench.runner.ask(RedTapped("s7", Urgency.BIRTH))
        assert bench.passages() == [("unknown", "red_path")]
        await bench.turns()
        await bench.runner.ask(ModeSet(Mode.PAUSED, "v1"))
        assert await bench.runner.ask(RedTapped("s7", Urgency.OTHER))
        await bench.turns()
        assert len(bench.turnstile.pulses) == 3
        assert bench.view.phase is Phase.PAUSED

    play(tmp_path, scene, manifest=a_ward(LI))


def test_there_is_no_red_path_where_the_policy_has_none_or_nothing_can_move(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        for odd in (ModeSet(Mode.OUT_OF_ORDER, "v1"), ModeSet(Mode.FREE, "v1")):
            await bench.runner.ask(odd)
            assert not await bench.runner.ask(RedTapped("s7", Urgency.OTHER))
        await bench.runner.ask(ModeSet(Mode.CONTROLLED, "v1"))
        await bench.runner.ask(DeviceLost("relay"))
        assert not await bench.runner.ask(RedTapped("s7", Urgency.OTHER))
        assert bench.entries(EntryKind.RED) == []

    play(tmp_path, scene, manifest=a_ward(LI))

    async def card(bench: Bench) -> None:
        assert not await bench.runner.ask(RedTapped("s7", Urgency.OTHER))

    (tmp_path / "card").mkdir()
    play(tmp_path / "card", card, manifest=contents([], policy=policy_of(Profile.CARD, EVENT)))


def test_who_came_by_the_red_path_is_asked_afterwards_and_no_number_is_written_down(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        async def key_of(credential: Credential) -> str:
            return bench.stores.look_up(credential).facts.person_key

        reds = bench.runner.tally.reds
        for urgency in (Urgency.COLLAPSED, Urgency.OTHER):
            await bench.runner.ask(RedTapped("s7", urgency))
            await bench.turns()
        assert [(one.attempt, one.urgency) for one in reds.open] == [(1, "collapsed"), (2, "other")]
        hers = Presented(DocumentType.RESIDENT_ID, STRANGER.number)
        ask = bench.runner.ask
        told = await name_red(Command(1, Order.RED_NAMED, "s7", red=1, presented=hers), reds, ask, key_of)
        assert told.ok
        again = await name_red(Command(2, Order.RED_NAMED, "s7", red=1, presented=hers), reds, ask, key_of)
        assert not again.ok
        slip = Presented(DocumentType.RESIDENT_ID, STRANGER.number[:-1])
        assert not (await name_red(Command(3, Order.RED_NAMED, "s7", red=2, presented=slip), reds, ask, key_of)).ok
        after = Reds()
        with read_ledger(tmp_path / "ledger.db") as ledger:
            after.restore(ledger)
        assert [one.attempt for one in after.open] == [2]
        assert (await name_red(Command(4, Order.RED_NAMED, "s7", red=2), reds, ask, key_of)).ok
        assert reds.open == ()
        named = [(entry.body["red"], entry.body["person_key"]) for entry in bench.entries(EntryKind.RED_NAMED)]
        assert named == [(1, STRANGER.person_key), (2, "")]

    play(tmp_path, scene, manifest=a_ward(LI))
    assert STRANGER.number.encode() not in (tmp_path / "ledger.db").read_bytes()
