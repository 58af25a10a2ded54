"""`gatectl setup`: a blank folder becomes a lane; interrupted anywhere it can be run again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno
from click.testing import CliRunner, Result

from drivers.reader.sam import SamSimulator
from drivers.relay.lcus import LcusSimulator
from drivers.transport import PtyPort
from gate.check.devices import Probe, probe
from gate.cli import main
from gate.commands._setup import as_owner_of
from gate.config import ConfigError, load
from gate.demo.office import HOUSE, Office
from gate.plugged import Plug
from gate.setup_code import code_in
from gate.setup_file import FIRST, CannotChange, put, with_values
from gate.setup_found import find

ROOT = Path(__file__).resolve().parents[2]
INVITATION = "menshen://hub.example:8443/7K3M-9QTV-X0D2-HWEN?ca=" + "0123456789abcdef" * 4


def runs(config: Path, *options: str, asked: str | None = None) -> Result:
    return CliRunner().invoke(main, ["setup", "--config", str(config), "--probe-s", "0.1", *options], input=asked)


def steps(result: Result) -> dict[str, Any]:
    return {told["step"]: told for told in map(json.loads, filter(None, result.stdout.splitlines()))}


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
    """The options that keep a lane in a folder of the test's."""
    state = tmp_path / "state"
    places = {
        "gate.state_dir": state,
        "socket.group": "",
        "socket.path": tmp_path / "g.sock",
        "secrets.device_key": state / "device-key",
        "secrets.signing_key": state / "signing-key",
    }
    return [word for key, value in places.items() for word in ("--set", f"{key}={value}")]


SIMS = [
    "--reader",
    "sim:",
    "--relay",
    "sim:",
    "--camera",
    "sim:?visitor=1",
    "--sensor",
    "",
    "--set",
    "devices.face=sim:",
]


def test_a_blank_folder_becomes_a_lane(tmp_path: Path, here: list[str]) -> None:
    config = tmp_path / "etc" / "gate.toml"
    ran = runs(config, "--yes", "--json", "--name", "G7", *SIMS, *here)
    assert ran.exit_code == 0, ran.output
    told = steps(ran)
    assert told["admission"]["ok"]
    assert not told["enrolment"]["enrolled"]
    assert "gate.target" in " ".join(told["next"]["steps"])
    loaded = load(config)
    assert (loaded.gate.name, loaded.devices.camera, loaded.devices.sensor) == ("G7", "sim:?visitor=1", None)
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == []


def test_run_again_it_keeps_what_stands_and_what_was_written_by_hand(tmp_path: Path, here: list[str]) -> None:
    config = tmp_path / "gate.toml"
    assert runs(config, "--yes", *SIMS, *here).exit_code == 0
    config.write_text(config.read_text().replace("[gate]", '[gate]\n# the lane at the fountain\nlog_level = "debug"'))
    assert runs(config, "--yes", "--name", "G8").exit_code == 0
    assert "# the lane at the fountain" in config.read_text()
    loaded = load(config)
    assert (loaded.gate.name, loaded.gate.log_level.name, loaded.devices.reader) == ("G8", "DEBUG", "sim:")


def test_a_person_is_asked_and_an_empty_line_takes_what_is_offered(tmp_path: Path, here: list[str]) -> None:
    config = tmp_path / "gate.toml"
    asked = "sim:\nno relay\nsim:\n-\n-\nNorth-1\n-\n"
    ran = runs(config, "--root", str(tmp_path / "nothing"), *here, asked=asked)
    assert ran.exit_code == 0, ran.output
    assert load(config).gate.name == "North-1"
    assert "a relay is needed" in ran.output
    assert "gatectl accept" in ran.output


def test_nothing_is_written_where_the_file_would_not_load(tmp_path: Path, here: list[str]) -> None:
    config = tmp_path / "gate.toml"
    assert runs(config, "--yes", *SIMS, *here).exit_code == 0
    before = config.read_bytes()
    ran = runs(config, "--yes", "--name", "no name of a lane")
    assert ran.exit_code == 3
    assert "gate.name" in ran.output
    assert config.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "draft" in path.name or "new" in path.name] == []


def test_a_broken_file_is_told_of_and_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[gate\n")
    assert runs(config, "--yes", *SIMS).exit_code == 3
    assert config.read_text() == "[gate\n"


def test_without_a_reader_there_is_no_lane(tmp_path: Path, here: list[str]) -> None:
    ran = runs(tmp_path / "gate.toml", "--yes", "--root", str(tmp_path / "nothing"), *here)
    assert ran.exit_code == 2
    assert "--reader URL" in ran.output
    assert not (tmp_path / "gate.toml").exists()


@pytest.mark.parametrize("code", ["http://hub", "menshen://hub/CODE", "menshen://hub/CODE?ca=12"])
def test_a_code_that_is_none_is_told_and_the_lane_stands(tmp_path: Path, here: list[str], code: str) -> None:
    config = tmp_path / "gate.toml"
    ran = runs(config, "--yes", *SIMS, *here, "--code", code)
    assert ran.exit_code == 2
    assert load(config).gate.name == "G1", "the configuration stands: run it again with the right code"


@pytest.mark.slow
def test_it_enrols_by_the_code_that_the_hub_shows_and_only_once(tmp_path: Path, here: list[str]) -> None:
    (tmp_path / "screen").mkdir()
    config = tmp_path / "gate.toml"
    with closing(Office(tmp_path / "hub")) as office:
        office.start()
        office.found()
        code = office.invite("G7")
        cv2.imwrite(str(tmp_path / "screen" / "code.png"), screen(code, 6))
        devices = [*SIMS[:4], "--camera", f"sim://{tmp_path}/screen", *SIMS[6:]]
        ran = runs(config, "--yes", "--json", "--name", "G7", "--code", "camera", *devices, *here)
        assert ran.exit_code == 0, ran.output
        assert steps(ran)["enrolment"]["site"] == HOUSE
        papers = (tmp_path / "state" / "enrolment.json").read_bytes()
        ran = runs(config, "--yes", "--json", "--code", code)
        assert steps(ran)["enrolment"] == {"step": "enrolment", "enrolled": True, "new": False}
        assert (tmp_path / "state" / "enrolment.json").read_bytes() == papers
        ran = runs(config, "--yes", "--again", "--code", code)
        assert ran.exit_code == 1
        assert "code" in ran.output
        assert (tmp_path / "state" / "enrolment.json").read_bytes() == papers


def test_the_camera_of_a_gate_at_work_is_left_to_it(tmp_path: Path, here: list[str]) -> None:
    config = tmp_path / "gate.toml"
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "ledger.db.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as the gate holds it
        ran = runs(config, "--yes", "--name", "G7", "--code", "camera", *SIMS, *here)
    assert ran.exit_code == 2
    assert "systemctl stop gate" in ran.output


@pytest.fixture
def wires(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A reader and a relay at the far ends of two ptys, by the names that nobody has decided yet."""
    stop, ports = threading.Event(), {name: PtyPort(tmp_path / name) for name in ("ttyA", "ttyB")}
    devices = SamSimulator(ports["ttyA"]), LcusSimulator(ports["ttyB"])
    threads = [threading.Thread(target=device.run, args=(stop,)) for device in devices]
    for thread in threads:
        thread.start()
    yield {name: str(port.path) for name, port in ports.items()}
    stop.set()
    for thread in threads:
        thread.join()
    for port in ports.values():
        port.close()


def test_devices_are_found_by_asking_and_one_port_goes_to_one_of_them(wires: dict[str, str]) -> None:
    def plugs(root: Path) -> list[Plug]:
        return [
            Plug(path, "adapter", "", ((f"sam+serial://{path}", "reader"), (f"lcus+serial://{path}", "relay")))
            for path in (wires["ttyB"], wires["ttyA"])
        ]

    def look(name: str, kind: Any, url: str) -> Probe:
        return probe(name, kind, url, 0.4)

    reader, relay = find(("reader", "relay"), look=look, plugs=plugs)
    assert reader.best is not None
    assert reader.best.url == f"sam+serial://{wires['ttyA']}"
    assert [one.answers for one in reader.candidates] == [False, True]
    assert reader.candidates[0].why
    assert relay.best is not None
    assert relay.best.url == f"lcus+serial://{wires['ttyB']}"
    assert len(relay.candidates) == 1


def test_pins_are_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/gpiochip0").touch()

    def look(name: str, kind: Any, url: str) -> Probe:
        raise AssertionError(f"{url} was opened")

    assert [choice.candidates for choice in find(root=tmp_path, look=look)] == [()] * 4


def test_the_name_that_udev_gave_comes_first(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/gate-reader").touch()
    (choice,) = find(("reader",), tmp_path, look=Probe, plugs=lambda root: [])
    assert [one.url for one in choice.candidates] == ["sam+serial:///dev/gate-reader?baud=115200"]


@pytest.mark.parametrize("px", [3, 8])
def test_the_camera_reads_the_invitation_off_a_screen(px: int) -> None:
    assert code_in(screen(INVITATION, px)) == INVITATION


def test_another_code_is_no_invitation() -> None:
    assert code_in(screen("https://example.com/", 6)) == ""
    assert code_in(np.full((200, 200, 3), 90, np.uint8)) == ""


def screen(text: str, px: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A code on a grey screen, as a camera sees it."""
    modules = np.array([[0 if dark else 255 for dark in row] for row in segno.make(text).matrix], np.uint8)
    code = np.kron(np.pad(modules, 4, constant_values=255), np.ones((px, px), np.uint8))
    seen = np.full((code.shape[0] + 120, code.shape[1] + 200), 120, np.uint8)
    seen[50 : 50 + code.shape[0], 90 : 90 + code.shape[1]] = code
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(seen, (3, 3), 0), cv2.COLOR_GRAY2BGR), np.uint8)


def test_values_go_to_their_places() -> None:
    text = with_values(FIRST, {("gate", "name"): "G9", ("sync", "contact_s"): 5, ("devices", "signals"): ["sim:"]})
    assert 'name = "G9"' in text
    assert text.index("[devices]") < text.index('signals = ["sim:"]') < text.index("[secrets]")
    assert text.endswith("[sync]\ncontact_s = 5\n")


def test_a_value_over_several_lines_is_left_to_a_person() -> None:
    with pytest.raises(CannotChange, match=r"line 2: devices\.inputs"):
        with_values('[devices]\ninputs = [\n  "sim:",\n]\n', {("devices", "inputs"): []})


def test_what_does_not_load_is_not_put(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        put(tmp_path / "gate.toml", FIRST)
    assert str(tmp_path / "gate.toml") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can do something in another's name")
def test_what_root_makes_in_a_folder_belongs_to_its_owner() -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        state = Path(folder) / "state"
        state.mkdir(mode=0o700)
        os.chown(state, nobody, nobody)
        with as_owner_of(state):
            (state / "key").write_bytes(b"k")
        assert os.geteuid() == 0
        made = (state / "key").stat()
        assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (nobody, nobody, 0o600)


@pytest.mark.long
def test_killed_at_any_moment_it_leaves_a_whole_file_or_none_and_can_be_run_again(
    tmp_path: Path, here: list[str]
) -> None:
    config = tmp_path / "gate.toml"
    for number in range(24):
        words = ["setup", "--config", str(config), "--yes", "--probe-s", "0.1", "--name", f"G{number}", *SIMS, *here]
        process = subprocess.Popen([sys.executable, "-m", "gate.cli", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.3 + 0.06 * number)
        process.kill()
        process.wait()
        assert not config.exists() or load(config).gate.name in {f"G{each}" for each in range(number + 1)}
    assert runs(config, "--yes", *SIMS, *here, "--name", "G99").exit_code == 0
    assert load(config).gate.name == "G99"
