"""The evening through each wire: it goes as told, leaves nothing out silently, and says what is missing.

Each runs as a process of its own. Passports and contactless cards bring a pcscd of their own with them, at a socket and
ports of its own: no other is touched, and nobody has to wait for a turn.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceLost, MissingLibrary
from gate.commands.demo import command
from gate.demo.cast import Looks, Person, person
from gate.demo.readers import NAMES, DemoReader, NotOnThisWire, Wire, wire_of
from gate.demo.stories import Story, evening
from models.ledger import EntryKind
from models.store.ledger_db import read_ledger, verify

ROOT = Path(__file__).resolve().parents[2]
EVENING_S = 240.0
FITTING = ("line", "osdp", "pcsc", "emrtd")


def fitted(name: str) -> Wire:
    """The wire, or a skipped test; with `MENSHEN_REAL_STACK=required`, a failed one."""
    try:
        return wire_of(name)
    except MissingLibrary as error:
        if os.environ.get("MENSHEN_REAL_STACK") == "required":
            raise
        pytest.skip(str(error))


def demo(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gate.cli", "demo", *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=EVENING_S,
        check=False,
    )


@dataclass(frozen=True)
class Played:
    """An evening that was played."""

    wire: Wire
    status: int
    told: dict[str, Any]
    folder: Path

    def story(self, name: str) -> dict[str, Any]:
        """What became of one story."""
        return next(story for story in self.told["stories"] if story["name"] == name)


@pytest.fixture(scope="module", params=FITTING)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    wire, folder = fitted(request.param), tmp_path_factory.mktemp(request.param)
    ran = demo("--reader", request.param, "--json", "--people", "2", "--keep", str(folder))
    return Played(wire, ran.returncode, json.loads(ran.stdout), folder)


@pytest.mark.long
def test_the_evening_goes_as_it_must(played: Played) -> None:
    assert [story for story in played.told["stories"] if not story["ok"]] == []
    assert (played.status, played.told["ok"]) == (0, True)
    assert played.told["reader"] == played.wire.name
    assert len(played.told["stories"]) >= 25
    assert verify(played.folder / "state" / "ledger.db").ok


@pytest.mark.long
def test_what_is_left_out_is_told_with_its_reason(played: Played) -> None:
    assert set(played.told["left_out"].values()) == set(played.wire.left_out.values())
    assert played.told["meaning"] == played.wire.meaning


@pytest.mark.long
def test_what_the_owner_must_know_of_looser_rules_is_told(played: Played) -> None:
    presented = [_card(line) for line in _decisions(played.folder)]
    levels = {card["assurance"] for card in presented if card}
    media = {card["medium"] for card in presented if card}
    expected = {
        "line": ({2}, {"code"}),
        "osdp": ({1}, {"contactless_card"}),
        "pcsc": ({1, 3}, {"contactless_card"}),
        "emrtd": ({1, 2, 3}, {"e_passport"}),
    }
    assert (levels, media) == expected[played.wire.name]
    assert ("min_assurance uid_only" in played.told["meaning"]) == (played.wire.name in ("osdp", "pcsc"))


@pytest.mark.long
def test_nobody_s_number_stands_where_it_should_not(played: Played) -> None:
    numbers = [row.split(",") for row in (played.folder / "office" / "people.csv").read_text().splitlines()]
    column = numbers[0].index("number")
    secrets = {row[column] for row in numbers[1:]}
    assert len(secrets) > 20
    if played.wire.name == "line":
        return  # the number of a code is the ticket's own, and no secret
    ledger, log = ((played.folder / name).read_bytes() for name in ("state/ledger.db", "gate.log"))
    assert [secret for secret in secrets if secret.encode() in ledger + log] == []


@pytest.mark.long
def test_passports_admit_their_holders_by_their_own_portraits(played: Played) -> None:
    if played.wire.name != "emrtd":
        pytest.skip("about passports")
    assert not list((played.folder / "office").rglob("*.png"))
    (decision,) = played.story("holder of a ticket")["decisions"]
    assert (decision["verdict"], decision["reason"]) == ("admit", "ok")
    assert "document_reference" in decision["flags"]
    assert decision["face"]["comparison"]["distance"] < 0.40


def _decisions(folder: Path) -> list[dict[str, Any]]:
    with read_ledger(folder / "state" / "ledger.db") as ledger:
        return [entry.body for entry in ledger.entries(0, 5000) if entry.kind is EntryKind.DECISION]


def _card(body: dict[str, Any]) -> dict[str, Any] | None:
    return body["facts"].get("card")


# --- The wires, without an evening ------------------------------------------------------------------------------------


def stories_of(name: str) -> list[Story]:
    return evening([Looks(mark=number) for number in range(8)], fitted(name)).stories


def common() -> set[str]:
    return {story.name for story in evening([Looks(mark=0)]).stories}


@pytest.mark.parametrize("name", NAMES)
def test_each_story_is_told_renamed_or_left_out_by_a_name_that_it_has(name: str) -> None:
    wire = fitted(name)
    assert set(wire.left_out) | set(wire.titles) | set(wire.retold) <= common()
    assert not set(wire.left_out) & set(wire.retold)
    assert not [why for why in wire.left_out.values() if len(why) < 15]
    told = {story.name for story in stories_of(name)}
    kept = common() - set(wire.left_out) - set(wire.retold)
    assert {wire.titles.get(story, story) for story in kept} <= told


@pytest.mark.parametrize("name", NAMES)
def test_two_people_have_two_documents(name: str) -> None:
    wire = fitted(name)
    people = [person(index, Looks(mark=0)) for index in (*range(60), *range(1000, 1200))]
    assert len({wire.document(one) for one in people}) == len(people)


def test_the_command_offers_the_readers_that_there_are() -> None:
    (option,) = [one for one in command.params if one.name == "reader"]
    assert tuple(option.type.choices) == NAMES  # type: ignore[attr-defined]
    assert option.default == "sam"


def test_what_a_wire_can_not_do_is_not_done_silently() -> None:
    nobody: Person = person(0, Looks(mark=0))
    for act in ("present", "pull_too_soon", "garble", "forge", "show_something_else"):
        with pytest.raises(NotOnThisWire):
            getattr(DemoReader(), act)(nobody)


def test_the_usual_evening_needs_no_library_of_another() -> None:
    script = """
import sys
sys.modules["smartcard"] = sys.modules["osdp"] = None
from gate.demo import evening
print(evening.wire_of("sam").name, "asn1crypto" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "sam False\n"


@pytest.mark.parametrize("name", ["emrtd", "pcsc"])
def test_without_pcscd_one_line_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("smartcard")
    from gate.demo.readers import pcscd

    monkeypatch.setattr(pcscd, "_program", lambda: "")
    with pytest.raises(MissingLibrary, match=r"apt-get install pcscd vsmartcard-vpcd") as caught:
        wire_of(name)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("osdp") is None, reason="it is missing anyway")
def test_a_missing_library_is_named_and_ends_with_the_device_s_exit_code(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['osdp'] = None\n")
    ran = demo("--reader", "osdp", PYTHONPATH=str(tmp_path))
    assert ran.returncode == 5
    assert "menshen[osdp]" in ran.stderr
    assert "Traceback" not in ran.stderr


# --- Its own pcscd ----------------------------------------------------------------------------------------------------


def test_two_pcscd_live_beside_each_other_and_leave_nothing() -> None:
    fitted("pcsc")
    from gate.demo.readers.pcscd import OwnPcscd, _listening

    first, second = OwnPcscd(), OwnPcscd()
    folders = [one.path.parent for one in (first, second)]
    try:
        assert {*first.ports, *second.ports} <= _listening()
        assert len({*first.ports, *second.ports}) == 4
    finally:
        first.close()
        second.close()
    assert not {*first.ports, *second.ports} & _listening()
    assert not [folder for folder in folders if folder.exists()]
    second.close()


def test_a_pcscd_that_does_not_start_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted("pcsc")
    from gate.demo.readers import pcscd

    monkeypatch.setattr(pcscd, "_program", lambda: shutil.which("ls"))
    with pytest.raises(DeviceLost, match=r"did not start its virtual readers: .*ls"):
        pcscd.OwnPcscd()
