"""The evening as `gatectl demo` plays it: it goes as told, keeps nobody's secrets, and is not to be fooled.

The second half breaks one part after the other: an evening that went well all the same would show nothing.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from drivers.interfaces import Frame
from drivers.transport import PtyPort
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Looks, Person, person
from gate.demo.evening import everybody, play
from gate.demo.night import Night
from gate.demo.outcome import Outcome
from gate.demo.rig import Rig, Wiring
from gate.demo.stories import OK, PASSED, Book, Story, does, ends, rendered_looks
from gate.demo.table import JsonBoard
from models.decision import Policy, Reason, Verdict
from models.ids import number_is_valid
from models.store.ledger_db import verify
from tests.gate.daemon_bench import WIRING, marked_looks, marked_policy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EVENING_S = 180.0


@dataclass(frozen=True)
class Evening:
    """One whole evening, played by a process of its own."""

    status: int
    said: str
    folder: Path
    temporary: Path


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    folder, temporary = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("temporary")
    command = [sys.executable, "-m", "gate.cli", "demo", "--json", "--keep", str(folder)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, timeout=EVENING_S, check=False
    )
    return Evening(ran.returncode, ran.stdout, folder, temporary)


def test_the_evening_goes_as_it_must(evening: Evening):
    told = json.loads(evening.said)
    assert [story for story in told["stories"] if not story["ok"]] == []
    assert (evening.status, told["ok"]) == (0, True)
    assert len(told["stories"]) >= 30
    assert told["ledger"]["ok"]
    assert told["ledger"]["entries"] > len(told["stories"])
    assert sum(told["counts"].values()) == sum(len(story["decisions"]) for story in told["stories"])
    assert {"ok", "no_ticket", "face_mismatch", "already_admitted"} <= told["counts"].keys()


def test_every_refusal_says_what_to_do_next(evening: Evening):
    decisions = [one for story in json.loads(evening.said)["stories"] for one in story["decisions"]]
    assert [one for one in decisions if one["verdict"] != "admit" and not one["next_step"]] == []


def test_who_was_let_in_by_a_machine_was_let_in_within_two_seconds(evening: Evening):
    times = json.loads(evening.said)["card_to_relay_ms"]
    assert times["count"] >= 10
    assert 0 < times["median"] <= times["longest"] < 2000


def test_the_ledger_that_is_kept_verifies_on_its_own(evening: Evening):
    found = verify(evening.folder / "state" / "ledger.db")
    assert found.ok
    assert found.entries == json.loads(evening.said)["ledger"]["entries"]


def test_no_photograph_is_kept(evening: Evening):
    kept = [path for folder in (evening.folder, evening.temporary) for path in folder.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".bmp"), path
        assert not path.read_bytes().startswith((b"\x89PNG", b"\xff\xd8\xff", b"BM")), path


def test_no_full_name_or_number_is_written_anywhere_but_in_the_organisers_table(evening: Evening):
    table = evening.folder / "office" / "people.csv"
    people = list(csv.DictReader(table.open(encoding="utf-8")))
    secrets = {row["name"] for row in people} | {row["number"] for row in people}
    assert len(secrets) > 30
    assert all(number_is_valid(row["number"]) for row in people)
    listed = {evening.folder / "office" / "watch.csv", table}
    searched = [path for path in evening.folder.rglob("*") if path.is_file() and path not in listed]
    assert {"ledger.db", "manifest.db", "gate.log", "bundle"} <= {path.name for path in searched}
    for path in searched:
        content = path.read_bytes()
        found = [secret for secret in secrets if any(secret.encode(code) in content for code in ("utf-8", "utf-16-le"))]
        assert found == [], path


def test_the_watchlists_table_has_no_names(evening: Evening):
    people = list(csv.DictReader((evening.folder / "office" / "people.csv").open(encoding="utf-8")))
    listed = (evening.folder / "office" / "watch.csv").read_text(encoding="utf-8")
    assert [row["name"] for row in people if row["name"] in listed] == []


# --- One part broken --------------------------------------------------------------------------------------------------


@dataclass
class Short:
    """A short evening. `before` is done to the rig when the tickets are sold and the lane has not been started yet."""

    folder: Path
    wiring: Wiring = WIRING
    policy: Policy = field(default_factory=marked_policy)
    looks: list[Looks] = field(default_factory=list)
    cable: Callable[[str, PtyPort], PtyPort] = lambda name, port: port
    before: Callable[[Rig], None] = lambda rig: None
    first: Callable[[Night], None] = lambda night: None
    sold_to: list[Person] | None = None

    def play(self) -> Outcome:
        """Two visitors: one with a ticket, one without."""
        book = Book(self.looks or marked_looks(self.folder / "pictures", 2))
        good, stranger = book.someone(), book.someone(has_ticket=False)
        book.tell("holder of a ticket", (good,), self.first, does(Night.enters, good), OK, leaves=(PASSED,))
        nothing = ends(Verdict.DENY, Reason.NO_TICKET)
        book.tell("no ticket", (stranger,), does(Night.is_stopped, stranger), nothing, unseen=True)
        return self._play(book.stories)

    def _play(self, stories: list[Story]) -> Outcome:
        with Rig(self.folder, self.wiring, self.cable) as rig:
            sell(rig, everybody(stories) if self.sold_to is None else self.sold_to, self.policy)
            self.before(rig)
            return play(rig, stories, JsonBoard())


def said(outcome: Outcome) -> list[str]:
    """The reasons given to the one with the ticket."""
    return [body.decision.reason for body in outcome.told[0].decisions]


def test_a_short_evening_with_nothing_broken_goes_as_it_must(tmp_path: Path):
    outcome = Short(tmp_path).play()
    assert [told.problem for told in outcome.told] == ["", ""]
    assert outcome.ok


def test_who_has_no_ticket_is_not_photographed(tmp_path: Path):
    rigs: list[Rig] = []
    outcome = Short(tmp_path, before=rigs.append).play()
    (rig,) = rigs
    pictures = [told.pictures for told in outcome.told]
    assert pictures[0] > 0
    assert pictures[1] == 0
    assert rig.stage.frames_taken == pictures[0]


def noise() -> Iterator[Frame]:
    """What a broken camera gives."""
    grain = np.random.default_rng(1)
    while True:
        yield grain.integers(0, 256, (480, 640, 3), dtype=np.uint8)


def show_noise(night: Night) -> None:
    show = night.rig.stage.show
    night.rig.stage.show = lambda frames: show(noise())  # type: ignore[method-assign]


@pytest.mark.long
def test_a_camera_that_gives_noise_lets_nobody_in(tmp_path: Path):
    looks = rendered_looks()
    outcome = Short(tmp_path, Wiring(pace=False), evening_policy(), looks, first=show_noise).play()
    assert not outcome.ok
    assert set(said(outcome)) <= {Reason.NO_FACE, Reason.POOR_FACE}
    assert said(outcome)
    assert outcome.told[1].ok


class Mangling:
    """A cable that turns bits over in whatever long thing the device says."""

    def __init__(self, port: PtyPort) -> None:
        self._port = port

    def read(self, timeout: float) -> bytes:
        return self._port.read(timeout)

    def write(self, data: bytes) -> int:
        return self._port.write(flipped(data) if len(data) > 256 else data)


class Deafening(Mangling):
    """And in all that the device hears."""

    def read(self, timeout: float) -> bytes:
        return flipped(self._port.read(timeout))


def flipped(data: bytes) -> bytes:
    return bytes(byte ^ 0x0F for byte in data)


def mangling(line: str, kind: type[Mangling]) -> Callable[[str, PtyPort], PtyPort]:
    return lambda name, port: kind(port) if name == line else port  # type: ignore[return-value]


@pytest.mark.long
def test_a_reader_whose_answers_are_garbled_reads_nobody(tmp_path: Path):
    outcome = Short(tmp_path, cable=mangling("reader", Mangling)).play()
    assert not outcome.ok
    assert said(outcome) == [Reason.UNREADABLE_CARD]
    assert outcome.told[0].leaves == ()


@pytest.mark.long
def test_a_relay_that_hears_nonsense_lets_nobody_through(tmp_path: Path):
    outcome = Short(tmp_path, cable=mangling("relay", Deafening)).play()
    assert not outcome.ok
    assert "relay did not move" in outcome.told[0].problem
    assert "passage:passed" not in outcome.told[0].leaves


def unplug_relay(night: Night) -> None:
    night.rig.port("relay").unplug()
    night.rig.link.wait_view(lambda view: "relay" in view.faults, 10.0)


def test_without_a_relay_nobody_is_let_in(tmp_path: Path):
    outcome = Short(tmp_path, first=unplug_relay).play()
    assert not outcome.ok
    assert said(outcome) == [Reason.OUT_OF_ORDER]


@pytest.mark.long
def test_another_face_engine_compares_nothing(tmp_path: Path):
    """Enrolled by one network, seen by another: distances between the two mean nothing, and none is taken."""

    def swap(rig: Rig) -> None:
        rig.wiring = replace(rig.wiring, face="sim:")

    looks = rendered_looks()
    outcome = Short(tmp_path, Wiring(pace=False), evening_policy(), looks, before=swap).play()
    assert not outcome.ok
    assert said(outcome)
    assert Reason.OK not in said(outcome)
    assert [body.facts.face and body.facts.face.comparison for body in outcome.told[0].decisions] == [None]


def test_a_face_engine_that_the_policy_does_not_know_is_not_believed(tmp_path: Path):
    outcome = Short(tmp_path, policy=evening_policy()).play()
    assert not outcome.ok
    assert said(outcome) == [Reason.MODEL_MISMATCH]
    assert outcome.told[0].pictures == 0


def test_another_evenings_manifest_admits_nobody_of_this_one(tmp_path: Path):
    others = [person(500 + index, looks) for index, looks in enumerate(marked_looks(tmp_path / "others", 3))]
    outcome = Short(tmp_path, sold_to=others).play()
    assert not outcome.ok
    assert said(outcome) == [Reason.NO_TICKET]
    assert outcome.told[0].pictures == 0


def test_a_sensor_that_sees_nobody_leaves_the_evening_unfinished(tmp_path: Path):
    def blind(night: Night) -> None:
        night.rig.sensor.turn = lambda direction=None: None  # type: ignore[method-assign, assignment]

    outcome = Short(tmp_path, first=blind).play()
    assert not outcome.ok
    assert outcome.told[0].leaves == ("passage:no_show",)


def test_a_daemon_that_dies_on_the_way_spoils_the_evening(tmp_path: Path):
    outcome = Short(tmp_path, first=lambda night: night.rig.kill()).play()
    assert not outcome.ok
    assert outcome.exit_status != 0
