"""People at the lane, through the daemon's real socket: shifts, overrides, modes for a while, settings, restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gate.cli import main
from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.staff_book import StaffBook
from models.command import Answer, Command, Order, Settings
from models.decision import Reason, StewardAction, Verdict
from models.ledger import EntryKind
from models.sighting import Sight
from models.staff import Cause, Role
from models.store.ledger_db import verify
from models.view import LaneView, Mode, Phase
from tests.gate.daemon_bench import LONG_S, WIRING, entries, heals, last_seq, marked_people, marked_policy

pytestmark = pytest.mark.slow

PINS = {"s7": "4071", "v1": "904726", "v2": "55021"}


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, list[Person]]]:
    """A daemon with a staff book, and people: odd ones belong to another gate, every fourth one's card has ended."""
    folder = tmp_path_factory.mktemp("lane")
    people = marked_people(folder / "pictures", 12)
    people[1::2] = [replace(one, gates="G9") for one in people[1::2]]
    people[3::4] = [replace(one, gates="", card_ends=date(2024, 1, 1)) for one in people[3::4]]
    with Rig(folder, replace(WIRING, staff=True)) as rig:
        book = StaffBook(rig.staff_book)
        for actor, pin in PINS.items():
            book.add(actor, actor.upper(), Role.STEWARD if actor[0] == "s" else Role.SUPERVISOR, pin)
        sell(rig, people, marked_policy(refer_s=20.0))
        rig.start()
        yield rig, people
        assert rig.process.poll() is None, "the daemon has ended on the way"
        assert rig.stop() == 0
        assert verify(rig.ledger).ok
        assert "Traceback" not in rig.log()
        for path in (rig.ledger, rig.folder / "gate.log"):
            for pin in PINS.values():
                assert pin.encode() not in path.read_bytes()


@pytest.fixture
def rig(evening: tuple[Rig, list[Person]]) -> Rig:
    """The lane, with nobody in it and nobody on shift."""
    rig = evening[0]
    Night(rig).leaves()
    if rig.link.snapshot and rig.link.snapshot.view.mode is not Mode.CONTROLLED:
        assert orders(rig, Order.MODE, "v1", mode=Mode.CONTROLLED).ok
    heals(rig)
    for one in rig.link.snapshot.staff if rig.link.snapshot else ():
        assert orders(rig, Order.SHIFT, one.actor, on=False).ok
    return rig


def orders(rig: Rig, order: Order, actor: str, **words: Any) -> Answer:
    """Somebody gives an order, with the right PIN."""
    return rig.link.order(Command(0, order, actor, **({"pin": PINS[actor]} | words)))


def overrides(rig: Rig, attempt: int, actor: str = "v1", **words: Any) -> Answer:
    """A supervisor overrides."""
    said = {"attempt": attempt, "action": StewardAction.OVERRIDE, "cause": Cause.HELPDESK} | words
    return orders(rig, Order.STEWARD, actor, **said)


def after_its_word(rig: Rig, view: LaneView) -> LaneView:
    """The lane when the screen has gone back to rest, and what may still be overridden."""
    return rig.link.wait_view(lambda v: v.attempt == view.attempt and v.refused is not None, LONG_S)


def test_the_screens_are_told_of_the_book(rig: Rig):
    snapshot = rig.link.wait(lambda s: s.staff == (), LONG_S)
    assert (snapshot.pins, snapshot.override_by_two, snapshot.mode_until) == (True, False, None)


def test_a_shift_makes_a_stewards_word_count(rig: Rig, evening: tuple[Rig, list[Person]]):
    night, seq = Night(rig), last_seq(rig)
    view = night.comes(evening[1][0], face=evening[1][2])
    assert view.verdict is Verdict.REFER
    word = Command(0, Order.STEWARD, "s7", view.attempt, StewardAction.ADMIT)
    seen = Command(0, Order.SIGHTING, "s7", view.attempt, sight=Sight.OTHERS_CARD)
    for order in (word, seen):
        assert "not on shift" in rig.link.order(order).error
    wrong = orders(rig, Order.SHIFT, "s7", pin="9999")
    assert not wrong.ok
    assert orders(rig, Order.SHIFT, "s7").ok
    assert [one.actor for one in rig.link.wait(lambda s: s.staff != (), LONG_S).staff] == ["s7"]
    assert rig.link.order(seen).ok
    assert rig.link.order(word).ok
    rig.link.wait_view(lambda v: v.phase is Phase.RELEASED, LONG_S)
    rig.sensor.turn()
    of_staff = EntryKind.SHIFT, EntryKind.WRONG_PIN, EntryKind.SIGHTING
    told = [entry for entry in entries(rig, after=seq) if entry.kind in of_staff]
    assert [entry.kind for entry in told] == [EntryKind.WRONG_PIN, EntryKind.SHIFT, EntryKind.SIGHTING]
    assert told[-1].body == {"actor": "s7", "attempt": view.attempt, "sight": "others_card"}


def test_whoever_was_told_no_is_let_in_by_a_supervisor_after_the_screen_went_to_rest(
    rig: Rig, evening: tuple[Rig, list[Person]]
):
    """The references are kept for that long: the camera still compares."""
    night, seq, pulses = Night(rig), last_seq(rig), rig.relay.pulses
    view = night.comes(evening[1][1])
    assert (view.verdict, view.reason, view.overridable) == (Verdict.DENY, Reason.WRONG_GATE, True)
    assert after_its_word(rig, view).refused is Reason.WRONG_GATE
    assert "supervisor" in overrides(rig, view.attempt, "s7").error
    assert "cause" in overrides(rig, view.attempt, cause=None).error
    assert rig.relay.pulses == pulses
    assert overrides(rig, view.attempt).ok
    later = rig.link.wait_view(lambda v: v.phase is Phase.RELEASED, LONG_S)
    assert (later.attempt, later.reason, later.flags) == (
        view.attempt,
        Reason.OK_BY_STEWARD,
        ("override_wrong_gate",),
    )
    assert rig.relay.wait_for(lambda: rig.relay.pulses == pulses + 1, LONG_S)
    rig.sensor.turn()
    last = entries(rig, EntryKind.DECISION, seq)[-1].body
    assert last["facts"]["steward"][0] == {
        "action": "override",
        "actor": "v1",
        "why": "",
        "on": "wrong_gate",
        "cause": "helpdesk",
        "second": "",
        "of": "",
    }


def test_a_card_that_has_ended_is_looked_up_once_it_is_overridden(rig: Rig, evening: tuple[Rig, list[Person]]):
    night = Night(rig)
    view = night.comes(evening[1][3])
    assert view.reason is Reason.CARD_EXPIRED
    after_its_word(rig, view)
    assert overrides(rig, view.attempt).ok
    assert rig.link.wait_view(lambda v: v.phase is Phase.RELEASED, LONG_S).flags == ("override_card_expired",)
    rig.sensor.turn()


def test_when_the_next_one_has_come_it_is_too_late(rig: Rig, evening: tuple[Rig, list[Person]]):
    night = Night(rig)
    view = night.comes(evening[1][5])
    night.leaves()
    night.enters(evening[1][4])
    answer = overrides(rig, view.attempt)
    assert (answer.ok, bool(answer.error)) == (False, True)


def test_a_mode_for_a_while_ends_by_itself(rig: Rig):
    seq = last_seq(rig)
    assert "supervisor" in orders(rig, Order.MODE, "s7", mode=Mode.PAUSED).error
    assert orders(rig, Order.MODE, "v1", mode=Mode.OUT_OF_ORDER, why="bent", for_s=1.5).ok
    snapshot = rig.link.wait(lambda s: s.view.mode is Mode.OUT_OF_ORDER, LONG_S)
    assert snapshot.view.phase is Phase.FAULT
    assert snapshot.mode_until == pytest.approx(time.time() + 1.5, abs=1.5)
    rig.link.wait(lambda s: s.view.mode is Mode.CONTROLLED and s.mode_until is None, LONG_S)
    told = [(e.body["mode"], e.body["actor"], e.body["why"]) for e in entries(rig, EntryKind.MODE, seq)]
    assert told == [("out_of_order", "v1", "bent"), ("controlled", "v1", "time is up")]


def test_mode_shifts_settings_and_waits_outlive_the_process(rig: Rig, evening: tuple[Rig, list[Person]]):
    assert orders(rig, Order.SHIFT, "v2").ok
    assert orders(rig, Order.SETTINGS, "v1", settings=Settings(0.1, 0.9, "en")).ok
    assert orders(rig, Order.MODE, "v1", mode=Mode.OUT_OF_ORDER, for_s=3600.0).ok
    for _ in range(3):
        held = orders(rig, Order.SHIFT, "s7", pin="9999")
    assert held.wait_s == 5.0
    rig.kill()
    rig.start(ready=False)
    snapshot = rig.link.wait(lambda s: len(s.staff) == 1 and not s.view.faults, LONG_S, since=0)
    assert (snapshot.staff[0].actor, snapshot.settings) == ("v2", Settings(0.1, 0.9, "en"))
    assert (snapshot.view.mode, snapshot.view.phase) == (Mode.OUT_OF_ORDER, Phase.FAULT)
    assert snapshot.mode_until == pytest.approx(time.time() + 3600.0, abs=60.0)
    assert Night(rig).comes(evening[1][6]).reason is Reason.OUT_OF_ORDER
    assert orders(rig, Order.MODE, "v1", mode=Mode.CONTROLLED).ok
    held = orders(rig, Order.SHIFT, "s7")
    assert held.ok or 0.0 < held.wait_s < 5.0


def test_whoever_is_struck_out_of_the_book_is_off_shift_within_seconds(rig: Rig):
    assert orders(rig, Order.SHIFT, "v2").ok
    rig.link.wait(lambda s: len(s.staff) == 1, LONG_S)
    StaffBook(Path(rig.staff_book)).remove("v2")
    rig.link.wait(lambda s: s.staff == (), LONG_S)
    assert not orders(rig, Order.SHIFT, "v2").ok


def test_gatectl_runs_the_lane_with_a_supervisors_pin(rig: Rig):
    def gatectl(*words: str, pin: str) -> tuple[int, str]:
        told = CliRunner().invoke(main, ["lane", *words], env={"MENSHEN_CONFIG": str(rig.config)}, input=f"{pin}\n")
        return told.exit_code, told.output

    assert gatectl("paused", "--actor", "v1", "--for-s", "3600", "--why", "break", pin=PINS["v1"])[0] == 0
    snapshot = rig.link.wait(lambda s: s.view.mode is Mode.PAUSED, LONG_S)
    assert snapshot.mode_until is not None
    code, words = gatectl("free", "--actor", "v1", pin="9999")
    assert (code, "PIN is wrong" in words) == (1, True)
    assert gatectl("controlled", "--actor", "v1", pin=PINS["v1"])[0] == 0
