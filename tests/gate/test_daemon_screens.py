"""What the real daemon tells the screens: the last visitors, the pace, the live picture; and a document typed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from models.command import Command, Order, Presented
from models.credential import Medium
from models.decision import Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Passage
from models.view import Phase
from tests.gate.daemon_bench import (
    LONG_S,
    WIRING,
    entries,
    heals,
    last_seq,
    marked_people,
    marked_policy,
    turns_away,
)
from tests.gate.screen import Screen

pytestmark = pytest.mark.slow

ANNA, BORIS, CLARA, DORA = range(4)
HALL = "海风演艺 Sea Wind, +86 21 5555 0100"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Person]:
    return marked_people(tmp_path_factory.mktemp("pictures"), 4)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("lane"), replace(WIRING, controller=HALL)) as made:
        sell(made, people, marked_policy(show_portrait=True))
        made.start()
        yield made
        assert made.stop() == 0
        assert "Traceback" not in made.log()


def test_the_last_visitors_are_told_and_outlive_a_restart_without_their_names(rig: Rig, people: list[Person]) -> None:
    heals(rig)
    Night(rig).enters(people[ANNA])
    told = rig.link.wait(lambda s: bool(s.recent and s.recent[0].passage), LONG_S)
    (last,) = told.recent
    assert (last.verdict, last.reason, last.passage) == (Verdict.ADMIT, Reason.OK, Passage.PASSED)
    assert last.masked_name
    assert last.masked_name not in (people[ANNA].name, "")
    assert last.seat
    assert told.per_minute == 0.2
    assert told.stale_after_s == marked_policy().stale_after_s
    assert told.controller == HALL
    assert told.refer_s == marked_policy().refer_s > 0
    assert told.offline_rule is None, "this evening asks for no claims"
    assert rig.stop() == 0
    rig.start()
    heals(rig)
    assert rig.link.snapshot is not None
    assert rig.link.snapshot.recent == (replace(last, masked_name=""),)
    assert rig.link.snapshot.per_minute == 0.2


def test_a_screen_shows_who_looks_into_the_camera_and_staff_see_who_is_referred(rig: Rig, people: list[Person]) -> None:
    heals(rig)
    assert rig.link.snapshot is not None
    with Screen(Path(rig.link.snapshot.mirror)) as screen:
        assert screen.hears_nothing(0.5)
        turns_away(rig, BORIS)
        rig.reader.present(people[BORIS].card())
        shown = screen.next()
        assert (shown.kind, shown.pixels().shape) == ("frame", (shown.height, shown.width, 3))
        view = rig.link.wait_view(lambda v: v.phase is Phase.REFERRED, LONG_S)
        assert view.attempt == shown.attempt
        assert screen.until("frame").attempt == view.attempt
        pulses = rig.relay.pulses
        assert rig.link.steward(view.attempt, StewardAction.REFUSE).ok
        assert screen.until("gone").attempt == view.attempt
        assert rig.relay.pulses == pulses
    Night(rig).leaves()


def test_a_steward_types_a_document_looks_and_lets_in(rig: Rig, people: list[Person]) -> None:
    heals(rig)
    seq, pulses, number = last_seq(rig), rig.relay.pulses, people[CLARA].number
    slip = Presented(DocumentType.RESIDENT_ID, number[:-2] + str((int(number[-2]) + 1) % 10) + number[-1])
    answer = rig.link.order(Command(0, Order.PRESENT, "steward-4", presented=slip))
    assert not answer.ok
    assert "check digit" in answer.error
    shown = Presented(DocumentType.TEMPORARY_ID, number, valid_to="2099-01-01")
    assert rig.link.order(Command(0, Order.PRESENT, "steward-4", presented=shown)).ok
    view = rig.link.wait_view(lambda v: v.phase is Phase.REFERRED, LONG_S)
    assert (view.reason, view.medium, view.settleable) == (Reason.DOCUMENT_NEEDED, Medium.TYPED, True)
    assert rig.link.steward(view.attempt, StewardAction.ADMIT).ok
    assert rig.relay.wait_for(lambda: rig.relay.pulses == pulses + 1, LONG_S)
    rig.sensor.turn()
    heals(rig)
    kinds = [entry.kind for entry in entries(rig, after=seq)]
    assert kinds[:3] == [EntryKind.TYPED, EntryKind.DECISION, EntryKind.DECISION]
    assert number not in str([entry.body for entry in entries(rig, after=seq)])
    assert number not in rig.log()
