"""`gatectl prove` through the real daemon: devices at the far end of ptys, a test card, a test face."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from drivers.face.sim import marked
from gate.cli import main
from gate.config import sample
from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.staff_book import StaffBook
from models.command import Snapshot
from models.face import FaceProblem
from models.ledger import EntryKind
from models.proof import ProofStep
from models.staff import Role
from models.store.ledger_db import verify
from models.view import Mode, Phase
from tests.gate.daemon_bench import HEAL_S, WIRING, entries, heals, last_seq, marked_people, marked_policy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, list[Person]]]:
    folder = tmp_path_factory.mktemp("lane")
    people = marked_people(folder / "pictures", 3)
    people[2] = replace(people[2], has_ticket=False)  # the test card: it opens nothing here
    with Rig(folder, WIRING) as rig:
        sell(rig, people, marked_policy())
        rig.start()
        yield rig, people
        assert rig.stop() == 0
        assert verify(rig.ledger).ok
        assert "Traceback" not in rig.log()


@pytest.fixture
def rig(evening: tuple[Rig, list[Person]]) -> Rig:
    evening[0].stage.clear()
    evening[0].entry.remove()
    heals(evening[0])
    return evening[0]


def proves(
    rig: Rig, *options: str, at: ProofStep | None = None, then: Callable[[], Any] = lambda: None
) -> dict[str, Any]:
    """What the command ends with; `then` happens at the lane when the test has come to the step `at`."""
    since = rig.link.seen

    def is_there(told: Snapshot) -> bool:
        return told.proof is not None and told.proof.ended is None and told.proof.step is at

    def lane() -> None:
        rig.link.wait(is_there, HEAL_S, since=since)
        then()

    thread = threading.Thread(target=lane if at else then)
    thread.start()
    ran = CliRunner().invoke(main, ["prove", "--json", "--config", str(rig.config), *options])
    thread.join(HEAL_S)
    assert ran.stdout.startswith("{"), ran.output
    told: dict[str, Any] = json.loads(ran.stdout)
    assert ran.exit_code == (0 if told["ok"] else 1)
    return told


def written(rig: Rig, before: int) -> set[EntryKind]:
    """The kinds of the entries since, without the devices' own."""
    return {entry.kind for entry in entries(rig, after=before)} - {EntryKind.DEVICE}


def test_a_test_card_and_a_test_face_are_admitted_and_nobody_is_let_in(
    rig: Rig, evening: tuple[Rig, list[Person]]
) -> None:
    before, pulses = last_seq(rig), rig.relay.pulses
    rig.stage.show([marked(77)])
    told = proves(rig, at=ProofStep.CARD, then=lambda: rig.entry.present(evening[1][2]))
    assert told["ok"], told
    assert (told["verdict"], told["manifest"]) == ("admit", 1)
    assert told["devices"]["camera"] == told["devices"]["relay"] == told["devices"]["reader"] == "answers"
    assert rig.relay.pulses == pulses
    assert written(rig, before) == {EntryKind.PROOF}
    snapshot = rig.link.snapshot
    assert snapshot is not None
    assert snapshot.counts.get("admit", 0) == 0
    assert not list(rig.state_dir.glob("self-proof"))
    assert evening[1][2].number.encode() not in rig.ledger.read_bytes()


def test_afterwards_the_test_card_is_a_stranger_s_card(rig: Rig, evening: tuple[Rig, list[Person]]) -> None:
    view = Night(rig).comes(evening[1][2])
    assert view.reason == "no_ticket"
    Night(rig).leaves()


def test_without_card_and_face_it_runs_by_itself(rig: Rig) -> None:
    told = proves(rig, "--no-card", "--no-face")
    assert told["ok"], told
    assert told["reason"] == "ok_without_face"


def test_the_turnstile_opens_once_when_that_is_asked_for(rig: Rig) -> None:
    before, pulses = last_seq(rig), rig.relay.pulses

    def goes_through() -> None:
        if rig.relay.wait_for(lambda: rig.relay.pulses > pulses, HEAL_S):
            rig.sensor.turn()

    told = proves(rig, "--no-card", "--no-face", "--pulse", then=goes_through)
    assert told["ok"], told
    assert (told["pulses"], told["passage"]) == (1, "passed")
    assert rig.relay.pulses == pulses + 1
    assert written(rig, before) == {EntryKind.PROOF}, "the turn is no intrusion"


def test_no_face_is_told_as_such(rig: Rig) -> None:
    rig.stage.show([marked(77, problem=FaceProblem.TOO_DARK)])
    told = proves(rig, "--no-card", "--window", "1")
    assert (told["ok"], told["step"]) == (False, "face")
    assert "too_dark" in told["why"]


def test_it_gives_way_to_a_visitor(rig: Rig, evening: tuple[Rig, list[Person]]) -> None:
    one = evening[1][0]
    rig.stage.show([marked(0, problem=FaceProblem.TURNED)])
    told = proves(rig, at=ProofStep.FACE, then=lambda: rig.entry.present(one))
    assert not told["ok"]
    assert "visitor" in told["why"]
    rig.stage.show(one.looks.frames())
    view = rig.link.wait_view(lambda view: view.phase is Phase.RELEASED, HEAL_S)
    assert view.ticket == one.ticket
    rig.sensor.turn()
    Night(rig).leaves()


def test_a_silent_camera_is_found(rig: Rig) -> None:
    rig.stage.silent = True
    try:
        told = proves(rig, "--no-card", "--no-face")
    finally:
        rig.stage.silent = False
    assert not told["ok"]
    assert "camera" in told["why"]


@pytest.fixture
def staffed(tmp_path: Path) -> Iterator[Rig]:
    """A lane with a staff book: a steward and a supervisor."""
    (tmp_path / "state" / "self-proof").mkdir(parents=True)  # of a test that a power cut ended
    with Rig(tmp_path, replace(WIRING, staff=True)) as rig:
        book = StaffBook(rig.staff_book)
        book.add("s1", "S1", Role.STEWARD, "4071")
        book.add("v1", "V1", Role.SUPERVISOR, "904726")
        rig.start()
        yield rig


def test_with_a_staff_book_a_test_takes_a_supervisor_and_her_pin(staffed: Rig, tmp_path: Path) -> None:
    assert not (staffed.state_dir / "self-proof").exists()
    options = ["prove", "--no-card", "--no-face", "--config", str(staffed.config), "--actor"]
    pin = tmp_path / "pin"
    for actor, number, exits, says in (
        ("technician", "904726", 1, "the name or the PIN is wrong"),
        ("s1", "4071", 1, "that takes a supervisor"),
        ("v1", "111222", 1, "the name or the PIN is wrong"),
        ("v1", "904726", 0, "there is no manifest"),
    ):
        pin.write_text(f"{number}\n")
        ran = CliRunner().invoke(main, [*options, actor, "--pin-file", str(pin)])
        assert (ran.exit_code, says in ran.output) == (exits, True), ran.output
    assert [entry.body["actor"] for entry in entries(staffed, EntryKind.PROOF)] == ["v1"]
    assert b"904726" not in staffed.ledger.read_bytes()


def test_while_the_barrier_stands_open_there_is_no_test(rig: Rig) -> None:
    assert rig.link.set_mode(Mode.FREE).ok
    try:
        ran = CliRunner().invoke(main, ["prove", "--no-card", "--no-face", "--config", str(rig.config)])
        assert ran.exit_code == 1
        assert "at rest" in ran.output
    finally:
        assert rig.link.set_mode(Mode.CONTROLLED).ok


def test_without_a_gate_there_is_none_to_ask(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text(sample().replace("/run/menshen/gate.sock", f"{tmp_path}/g.sock").replace("# path", "path", 1))
    ran = CliRunner().invoke(main, ["prove", "--config", str(config)])
    assert ran.exit_code == 5
    assert "no gate answers" in ran.output
