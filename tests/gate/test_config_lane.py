"""A configuration goes to another machine and back: nothing is lost, and no secret and no identity travels."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.cli import main
from gate.config import Config, load, sample
from gate.config_lane import LaneCopy, NotALane, clone, differences, export, merged, shareable, take_up, to_toml

KEY = f"menshen-issuer-ed25519 {'3f' * 32} hall\n"

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
values = st.recursive(
    scalars, lambda one: st.lists(one, max_size=3) | st.dictionaries(keys, one, max_size=3), max_leaves=6
)
short_lines = st.text(st.characters(codec="utf-8", categories=("L", "N")), max_size=20)

lanes = st.fixed_dictionaries(
    {
        "gate": st.fixed_dictionaries(
            {
                "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}", fullmatch=True),
                "timezone": st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]),
                "state_dir": st.sampled_from(["/var/lib/menshen", "/srv/lane 2"]),
                "controller": short_lines,
                "issuers": st.sampled_from([[], ["issuers/hall.pub"], ["/elsewhere/a.pub"]]),
            },
            optional={"direction": st.sampled_from(["entry", "exit"])},
        ),
        "devices": st.fixed_dictionaries(
            {
                "reader": st.sampled_from(["sam+serial:///dev/gate-reader?baud=115200", "sim:"]),
                "camera": st.sampled_from(["", "v4l2:///dev/gate-camera"]),
                "relay": st.just("lcus+serial:///dev/gate-relay?channel=1"),
            },
            optional={
                "signals": st.just(["gpio:///dev/gpiochip0?red=17"]),
                "rated": st.dictionaries(st.sampled_from(["relay", "sensor"]), st.integers(1, 10**6)),
            },
        ),
        "secrets": st.just({"device_key": "/var/lib/menshen/device-key"}),
        "vision": st.fixed_dictionaries(
            {}, optional={"start_s": st.floats(1, 300), "region": st.just([0.0, 0, 0.5, 1])}
        ),
        "policy": st.fixed_dictionaries({}, optional={"face_tries": st.integers(1, 3)}),
    }
)


@given(st.dictionaries(st.sampled_from(["a", "b c", "gate"]), st.dictionaries(keys, values, max_size=4), max_size=3))
def test_what_is_written_as_toml_is_read_as_it_was(tables: dict[str, dict[str, object]]):
    import tomllib

    assert tomllib.loads(to_toml(tables)) == tables


def in_folder(folder: Path, tables: dict[str, object]) -> Path:
    (folder / "issuers").mkdir(parents=True)
    (folder / "issuers/hall.pub").write_text(KEY)
    (folder / "gate.toml").write_text(to_toml(tables), encoding="utf-8")
    return folder / "gate.toml"


def bare(config: Config, name: str, folder: Path) -> Config:
    """Without what belongs to one machine, and with issuers as the file says them."""
    issuers = tuple(Path(str(issuer).removeprefix(f"{folder}/")) for issuer in config.gate.issuers)
    return replace(config, gate=replace(config.gate, name=name, issuers=issuers), secrets=None)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(lanes, st.from_regex(r"X[A-Za-z0-9]{1,5}", fullmatch=True))
def test_a_lane_exported_and_taken_up_elsewhere_is_the_same_lane_under_another_name(tables, name: str):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        here = in_folder(Path(one) / "etc", tables)
        there = Path(other) / "gate.toml"
        copy = LaneCopy.from_text(export(here).to_text())
        assert copy == export(here)
        take_up(copy, merged(copy, {}, name), there)
        assert bare(load(there), "G", Path(other)) == bare(load(here), "G", here.parent)
        assert load(there).gate.name == name
        assert (there.parent / "issuers/hall.pub").exists() is ("issuers/hall.pub" in tables["gate"]["issuers"])
        again = export(there)
        assert again == copy, "and exported from there it is what it was"


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    text = sample().replace('device_key = "device-key"', 'device_key = "/var/lib/menshen/my-own-key"')
    path = tmp_path / "a" / "gate.toml"
    path.parent.mkdir()
    path.write_text(text.replace("# device_key", "device_key") + "\n# the PIN of the safe is 4711\n")
    return path


def test_an_export_holds_no_secret_no_name_and_no_comment(lane: Path):
    text = export(lane).to_text()
    assert "key" not in text.split("[files]")[0].partition("\n")[2]
    assert '"G1"' not in text
    assert "4711" not in text


def test_only_public_keys_travel(lane: Path):
    lane.write_text(lane.read_text().replace("# issuers = []", 'issuers = ["hall.pub", "device-key"]'))
    (lane.parent / "hall.pub").write_text(KEY)
    (lane.parent / "device-key").write_text("secret")
    assert export(lane).files == {"hall.pub": KEY}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "no exported lane"),
        ("[gate]\nname = 1", r"no \[export\]"),
        ("[export]\nformat = 9", "format 9"),
        ("[export]\nformat = 1\n[lane.secrets]\na = 1", "no secrets"),
        ('[export]\nformat = 1\n[files]\n"../x" = "menshen"', "public keys"),
        (f'[export]\nformat = 1\n[files]\n"/etc/x" = """{KEY}"""', "public keys"),
    ],
)
def test_what_is_no_export_is_refused(text: str, why: str):
    with pytest.raises(NotALane, match=why):
        LaneCopy.from_text(text)


def test_a_clone_has_a_name_of_its_own(lane: Path):
    with pytest.raises(NotALane, match="called G1 already"):
        clone(lane, "G1")
    made = LaneCopy.from_text(clone(lane, "G2").to_text())
    assert merged(made, {})["gate"]["name"] == "G2"
    with pytest.raises(NotALane, match="the clone is for G2 and this is lane G7"):
        merged(made, {"gate": {"name": "G7"}})
    assert merged(made, {"gate": {"name": "G7"}}, "G7")["gate"]["name"] == "G7"


def test_a_machine_with_a_ledger_keeps_its_name(lane: Path, tmp_path: Path):
    (tmp_path / "ledger.db").touch()
    with pytest.raises(NotALane, match="ledger of lane G7"):
        merged(export(lane), {"gate": {"name": "G7", "state_dir": str(tmp_path)}}, "G2")


def test_a_machine_without_a_lane_needs_a_name(lane: Path):
    with pytest.raises(NotALane, match="--name"):
        merged(export(lane), {})


def test_own_name_and_secrets_stay(lane: Path):
    here = {"gate": {"name": "G9"}, "secrets": {"device_key": "mine"}, "vision": {"start_s": 9.0}}
    after = merged(export(lane), here)
    assert after["gate"]["name"] == "G9"
    assert after["secrets"] == {"device_key": "mine"}
    changed = {one.key: (one.before, one.after) for one in differences(here, after)}
    assert changed["vision.start_s"] == ("9.0", "")
    assert "secrets.device_key" not in changed


def test_what_is_shared_shows_no_secret(lane: Path):
    text = shareable(lane)
    assert "my-own-key" not in text
    assert "4711" not in text
    assert 'name = "G1"' in text


def gatectl(*words: object, stdin: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
    return result.exit_code, result.output


def test_the_commands_ask_before_they_write(lane: Path, tmp_path: Path):
    clone_file, there = tmp_path / "g2.lane", tmp_path / "b" / "gate.toml"
    there.parent.mkdir()
    assert gatectl("config", "clone", "--name", "G2", "--out", clone_file, "--config", lane)[0] == 0
    status, said = gatectl("config", "import", clone_file, "--config", there, stdin="n\n")
    assert (status, there.exists()) == (0, False)
    assert 'gate.name: (not set) -> "G2"' in said
    assert gatectl("config", "import", clone_file, "--config", there, "--yes")[0] == 0
    assert load(there).gate.name == "G2"
    status, said = gatectl("config", "import", clone_file, "--config", there, "--json")
    assert json.loads(said) == {"written": False, "changes": []}


def test_an_import_that_can_not_be_used_writes_nothing(lane: Path, tmp_path: Path):
    file = tmp_path / "bad.lane"
    file.write_text(export(lane).to_text().replace('"Asia/Shanghai"', '"Mars/Phobos"'))
    before = lane.read_bytes()
    status, said = gatectl("config", "import", file, "--config", lane, "--yes")
    assert (status, lane.read_bytes()) == (3, before)
    assert "timezone" in said
    assert sorted(path.name for path in lane.parent.iterdir()) == ["gate.toml"]


def test_the_former_configuration_is_kept(lane: Path, tmp_path: Path):
    file = tmp_path / "new.lane"
    file.write_text(export(lane).to_text().replace('"Asia/Shanghai"', '"Europe/Berlin"'))
    before = lane.read_bytes()
    assert gatectl("config", "import", file, "--config", lane, "--yes")[0] == 0
    assert lane.with_name("gate.toml.old").read_bytes() == before
    assert str(load(lane).gate.timezone) == "Europe/Berlin"
