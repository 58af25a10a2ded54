"""The smaller commands: keys, devices, configuration, the lane's table, the far end of a wire."""

from __future__ import annotations

import json
import stat
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from drivers import KINDS, available
from drivers.relay.lcus import LcusSimulator
from drivers.transport import PtyPort
from gate.cli import main
from gate.config import load, sample
from models.store.public_key import KeyUse, read_public_key
from models.store.vault import DeviceKey


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(sample())
    return path


@pytest.fixture
def gatectl(config):
    """A function that runs `gatectl` with the sample configuration."""

    def run(*arguments: object, stdin: str = ""):
        environment = {"MENSHEN_CONFIG": str(config), "CREDENTIALS_DIRECTORY": None}
        return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment, input=stdin)

    return run


def test_every_command_explains_itself(gatectl):
    names = main.list_commands(None)
    assert {"run", "manifest", "keys", "ledger", "why", "simulate", "devices", "config", "lane", "demo"} <= set(names)
    for name in names:
        told = gatectl(name, "--help")
        assert told.exit_code == 0
        assert "Usage: gatectl " in told.stdout


def test_keys_are_made_once_and_shown_with_fingerprints(gatectl, tmp_path):
    first = gatectl("keys", "show")
    assert "made a new device key" in first.stderr
    assert "made a new signing key" in first.stderr
    again = gatectl("keys", "show")
    assert (again.stderr, again.stdout) == ("", first.stdout)
    for name in ("device-key", "signing-key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    device, ledger = (json.loads(line) for line in gatectl("keys", "show", "--json").stdout.splitlines())
    assert device["public_key"] == DeviceKey.load(tmp_path / "device-key").public.hex()
    assert device["fingerprint"] in first.stdout
    assert (device["name"], ledger["use"]) == ("G1", KeyUse.LEDGER)


@pytest.mark.parametrize(("option", "use"), [((), KeyUse.DEVICE), (("--signing",), KeyUse.LEDGER)])
def test_an_exported_key_is_public_and_can_be_read_again(gatectl, tmp_path, option, use):
    assert gatectl("keys", "export", "--out", tmp_path / "x.pub", *option).exit_code == 0
    key = read_public_key(tmp_path / "x.pub", use)
    assert key.name == "G1"
    assert key.raw.hex() in gatectl("keys", "show").stdout
    for secret in ("device-key", "signing-key"):
        assert (tmp_path / secret).read_bytes().hex() not in (tmp_path / "x.pub").read_text()


def test_a_key_can_not_be_exported_to_nowhere(gatectl, tmp_path):
    told = gatectl("keys", "export", "--out", tmp_path / "none" / "x.pub")
    assert told.exit_code == 4
    assert "No such file or directory" in told.stderr


def test_the_sample_is_a_configuration_that_passes_the_check(gatectl, tmp_path):
    printed = tmp_path / "printed.toml"
    printed.write_text(gatectl("config", "sample").stdout)
    load(printed)
    told = gatectl("config", "check", printed)
    assert told.exit_code == 0
    assert "lane G1 can be used" in told.stdout
    assert "the server it is enrolled at" in told.stderr
    printed.write_text(printed.read_text().replace("# issuers = []", 'issuers = ["issuers/hall.pub"]'))
    assert "not there yet" in gatectl("config", "check", printed).stderr
    assert json.loads(gatectl("config", "check", "--json").stdout)["ok"] is True


def test_a_check_tells_every_problem(gatectl, config):
    config.write_text(sample().replace('name = "G1"', 'nmae = "G1"').replace("state_dir", "stat_dir"))
    told = gatectl("config", "check")
    assert told.exit_code == 3
    assert told.stderr.count("did you mean") == 2
    machine = gatectl("config", "check", "--json")
    assert machine.exit_code == 3
    assert {problem["nearest"] for problem in json.loads(machine.stdout)["problems"]} >= {"name", "state_dir"}


def test_the_lanes_table_is_printed(gatectl):
    told = gatectl("lane").stdout
    assert told.split()[:2] == ["IDLE", "LOOKUP"]
    assert "CardRead" in told


def test_devices_are_listed_by_kind(gatectl):
    told = [json.loads(line) for line in gatectl("devices", "list", "--json").stdout.splitlines()]
    told = [one for one in told if one["kind"] != "plugged"]  # what this machine has
    assert {(one["kind"], one["name"]) for one in told} == {(kind, name) for kind in KINDS for name in available(kind)}
    assert all(one["about"].endswith(".") or one["missing"] for one in told)
    assert all(f"\n{kind}\n" in "\n" + gatectl("devices", "list").stdout for kind in KINDS)


def test_a_driver_without_its_library_is_listed_with_what_it_lacks(gatectl, monkeypatch):
    monkeypatch.delitem(sys.modules, "drivers.face.dlib", raising=False)
    monkeypatch.setitem(sys.modules, "dlib", None)  # as when it isn't installed
    told = gatectl("devices", "list")
    assert told.exit_code == 0
    assert "needs dlib" in told.stdout
    probed = gatectl("devices", "probe", "dlib:", "face")
    assert probed.exit_code == 5
    assert "needs dlib" in probed.stderr


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("sim:", "relay", "it is there"),
        ("sim:", "reader", "nothing came"),
        ("sim:", "sensor", "nothing came"),
        ("sim:", "face", "model "),
        ("sim:", "camera", "a picture of "),
    ],
)
def test_a_probe_says_what_happened(gatectl, url, kind, words):
    told = gatectl("devices", "probe", url, kind, "--seconds", "0.3")
    assert told.exit_code == 0, told.stderr
    assert words in told.stdout
    assert words in json.loads(gatectl("devices", "probe", url, kind, "--seconds", "0.3", "--json").stdout)["saw"]


def test_a_probed_relay_does_not_move(gatectl):
    stop = threading.Event()
    with PtyPort() as port:
        board = LcusSimulator(port)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        told = gatectl("devices", "probe", f"lcus+serial://{port.path}", "relay")
        stop.set()
        runner.join()
    assert "it is there" in told.stdout
    assert board.pulses == 0
    assert not board.state(1)


@pytest.mark.parametrize(
    ("url", "kind", "code"),
    [
        ("lcus+serial:///dev/menshen-none", "relay", 5),
        ("lcsu+serial:///dev/x", "relay", 5),
        ("sim:?colour=red", "relay", 5),
        ("no url", "relay", 5),
        ("sim:", "toaster", 2),
    ],
)
def test_a_device_that_can_not_be_probed_is_told(gatectl, url, kind, code):
    told = gatectl("devices", "probe", url, kind)
    assert told.exit_code == code
    assert told.stderr
    assert "Traceback" not in told.stderr


def test_the_far_end_of_a_wire_is_driven_by_lines(gatectl):
    told = gatectl("simulate", "lcus", stdin="help\nquit\n")
    assert told.exit_code == 0
    assert told.stdout.startswith("lcus+serial:///dev/")


def test_what_nothing_simulates_is_wrong_use(gatectl):
    told = gatectl("simulate", "lcsu")
    assert told.exit_code == 2
    assert "did you mean 'lcus'" in told.output


def test_a_fault_of_our_own_shows_where_it_happened(gatectl, monkeypatch):
    monkeypatch.setattr("gate.core.lane.TABLE", None)
    told = gatectl("lane")
    assert told.exit_code == 70
    assert "Traceback" in told.stderr
    assert told.stdout == ""
