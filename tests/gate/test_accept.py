"""`gatectl accept`: devices at the far ends of wires, a person who does what she is asked, and the signed report."""

from __future__ import annotations

import fcntl
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Ran

from drivers.camera.sim import Stage
from drivers.face.sim import marked
from drivers.reader.sam import SamSimulator, resident_card
from drivers.relay.lcus import LcusSimulator
from drivers.sensor.serial import SensorSimulator
from drivers.signal.sim import SignalSimulator
from drivers.transport import PtyPort
from gate.accept import Item, Result, verify
from gate.accept_ask import Heard, Word
from gate.accept_bench import Bench
from gate.accept_steps import STEPS, walk
from gate.cli import main
from gate.config import load
from models.cue import Cue
from models.passage import SignalKind

WAIT_S = 2.0
NUMBER = "000000190001010017"

CONFIG = """
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "{folder}/state"
[socket]
path = "{folder}/gate.sock"
[devices]
reader = "{reader}"
camera = "{camera}"
face = "{face}"
relay = "{relay}"
sensor = "{sensor}"
signals = {signals}
[secrets]
device_key = "{folder}/state/device-key"
signing_key = "{folder}/state/signing-key"
"""


class House:
    """A lane on a table: the far ends of its wires, and a person who does what she is asked to."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack, self._stop = folder, stack, threading.Event()
        (folder / "state").mkdir(mode=0o700)
        self.reader = self._serve(SamSimulator, "reader")
        self.relay = self._serve(LcusSimulator, "relay")
        self.sensor = self._serve(lambda port: SensorSimulator(port, beat_s=0.05), "sensor")
        self.lamp = self._serve(SignalSimulator, "lamp")
        self.stage = Stage()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "stage.sock"))
        listener.listen()
        self._thread(lambda: self.stage.serve(listener))
        stack.callback(self.stage.unplug)
        stack.callback(self._stop.set)
        self.reader.present(resident_card("测试样本", NUMBER, date(1900, 1, 1)))
        self.relay.on_pulse = lambda channel: self.sensor.turn()
        self.stage.show([marked(7)])
        self.config = self.write()
        self.said: list[str] = []
        self.noes: dict[str, str] = {}
        self.deaf: tuple[str, ...] = ()

    def write(self, **changes: str) -> Path:
        wires = {name: f"{self.folder}/{name}" for name in ("reader", "relay", "sensor", "lamp")}
        urls = {
            "reader": f"sam+serial://{wires['reader']}",
            "camera": f"sim+unix://{self.folder}/stage.sock",
            "face": "sim:",
            "relay": f"lcus+serial://{wires['relay']}",
            "sensor": f"serial+serial://{wires['sensor']}",
            "signals": f'["sim+serial://{wires["lamp"]}"]',
        }
        path = self.folder / "gate.toml"
        path.write_text(CONFIG.format(folder=self.folder, **urls | changes))
        return path

    # --- the interview ---

    def says(self, words: str) -> None:
        self.said.append(words)
        if "fire panel" in words and "fire" not in self.deaf:
            self.sensor.fire()

    def asks(self, question: str) -> Heard:
        self.said.append(question)
        if "can everybody leave" in question:
            self.sensor.clear(SignalKind.FIRE)
        why = next((why for words, why in self.noes.items() if words in question), None)
        return Heard(Word.YES) if why is None else Heard(Word.SKIP if why == "skip" else Word.NO, why)

    def skips(self, name: str) -> str:
        return ""

    def again(self, name: str, why: str) -> bool:
        return False

    def looks(self, *only: str, wait_s: float = WAIT_S, root: Path | None = None) -> dict[str, Item]:
        bench = Bench(load(self.config), self, wait_s, root or self.folder)
        return {item.name: item for item in walk(bench, only)}

    def runs(self, *options: str, typed: str | None = None) -> Ran:
        return CliRunner().invoke(main, ["accept", "--config", str(self.config), *options], input=typed)

    def _serve(self, device: Any, name: str) -> Any:
        port = PtyPort(self.folder / name)
        self._stack.callback(port.close)
        made = device(port)
        self._thread(lambda: made.run(self._stop))
        return made

    def _thread(self, work: Any) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        self._stack.callback(thread.join, 5.0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_a_lane_is_taken_over_from_the_lamp_to_the_fire_input(house: House) -> None:
    found = house.looks()
    assert {name: item.result for name, item in found.items()} == {
        **dict.fromkeys(("lamp", "reader", "camera", "height", "turnstile", "fire"), Result.PASSED),
        "power": Result.NOT_THERE,
    }, found
    assert house.lamp.shown == [Cue.READY, Cue.WELCOME, Cue.REFUSED]
    assert house.relay.pulses == 1
    assert found["reader"].facts["reader.assurance"] == "authenticated"
    assert found["turnstile"].facts["direction"] == "entry"
    assert found["height"].facts == {"people": 3, "eyes_at": 0.4}


def test_what_is_wrong_fails_by_its_own_name_and_the_others_go_on(house: House) -> None:
    house.noes = {"`stop`": "the red lamp stays dark"}
    house.deaf = ("fire",)
    house.reader.remove()
    house.relay.on_pulse = None
    house.config = house.write(face="sim:?eyes_at=0.1")
    found = house.looks(wait_s=0.5)
    assert {name for name, item in found.items() if item.result is Result.FAILED} == set(STEPS) - {"power"}
    assert found["lamp"].why == "the red lamp stays dark"
    assert found["reader"].why == "reader: no card came"
    assert found["turnstile"].why.startswith("the relay was pulsed, and the passage sensor saw no turn: ")
    assert found["fire"].why.startswith("no input told of fire: ")
    assert "raise the camera" in found["camera"].why
    assert "too low" in found["height"].why


def test_a_person_may_pass_a_thing_over_and_says_why(house: House) -> None:
    house.noes = {"stay shut": "skip"}
    assert house.looks("turnstile")["turnstile"].result is Result.SKIPPED


def test_a_lane_without_lamp_camera_and_sensor_has_them_recorded_as_not_there(house: House) -> None:
    house.config = house.write(camera="", sensor="", signals="[]")
    found = house.looks()
    assert [name for name, item in found.items() if item.result is Result.NOT_THERE] == [
        *("lamp", "camera", "height", "fire", "power")
    ]
    assert found["turnstile"].result is Result.PASSED
    assert any("did the turnstile open" in words for words in house.said)


def test_an_unplugged_device_is_a_failure_in_words(house: House) -> None:
    house.config = house.write(reader=f"sam+serial://{house.folder}/nowhere")
    assert "nowhere" in house.looks("reader")["reader"].why


def test_a_supply_that_the_kernel_names_is_tried(house: House, tmp_path: Path) -> None:
    ups = tmp_path / "sys/class/power_supply/ups"
    ups.mkdir(parents=True)
    for name, text in {"type": "UPS", "online": "1", "capacity": "97"}.items():
        (ups / name).write_text(text)
    assert house.looks("power", wait_s=0.3, root=tmp_path)["power"].why.startswith("the mains were not seen to go: ")
    (ups / "online").write_text("0")
    item = house.looks("power", root=tmp_path)["power"]
    assert (item.result, item.facts) == (Result.PASSED, {"ups": "UPS", "ups.charge": 97})


def test_the_command_signs_what_came_of_it(house: House) -> None:
    ran = house.runs("--yes", "--json", "--wait", "2", "--skip", "fire=the panel comes on Monday")
    assert ran.exit_code == 0, ran.output
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["result"] for line in told[:-1]].count("passed") == 5
    report, pdf = map(Path, told[-1]["files"])
    assert pdf.read_bytes().startswith(b"%PDF")
    signed = verify(report.read_bytes()).report
    assert signed.rehearsal
    assert {item.name: item.why for item in signed.items}["fire"] == "the panel comes on Monday"
    assert NUMBER not in report.read_text()
    seen = house.runs("--verify", str(report))
    assert seen.exit_code == 0
    assert "this lane's key" in seen.output
    report.write_text(report.read_text().replace("the panel comes on Monday", "it works"))
    spoilt = house.runs("--verify", str(report))
    assert spoilt.exit_code == 1
    assert "changed after it was signed" in spoilt.output


def test_at_the_terminal_a_person_answers(house: House) -> None:
    typed = "Li and Wang\ny\nwhat?\ny\nn the red lamp stays dark\ny\ny\ny\ny\n"
    ran = house.runs("--only", "lamp", typed=typed)
    assert ran.exit_code == 0, ran.output
    assert "not well: the red lamp stays dark" in ran.output
    (report,) = (house.folder / "state" / "acceptance").glob("*.json")
    signed = verify(report.read_bytes()).report
    assert (signed.by, signed.rehearsal, signed.accepted) == ("Li and Wang", False, True)


def test_a_failure_is_the_exit_status(house: House) -> None:
    house.reader.remove()
    ran = house.runs("--yes", "--only", "reader", "--wait", "0.2")
    assert ran.exit_code == 1
    assert "not accepted" in ran.output


def test_without_reportlab_the_json_is_the_report(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.accept_pdf.find_spec", lambda name: None)
    ran = house.runs("--yes", "--only", "power")
    assert ran.exit_code == 0
    assert "no PDF: reportlab is not installed" in ran.output
    assert [path.suffix for path in (house.folder / "state" / "acceptance").iterdir()] == [".json"]


@pytest.mark.parametrize(
    "options", [("--skip", "fire="), ("--skip", "fire"), ("--only", "lift"), ("--skip", "lift=no")]
)
def test_a_skip_has_a_reason_and_a_thing_a_name(house: House, options: tuple[str, str]) -> None:
    assert house.runs("--yes", *options).exit_code == 2


def test_while_the_gate_is_at_work_it_touches_no_device_and_says_what_to_do(house: House) -> None:
    lock = house.folder / "state" / "ledger.db.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as the gate holds it
        ran = house.runs("--yes")
    assert ran.exit_code == 2
    assert "systemctl stop gate" in ran.output
    assert house.relay.pulses == 0
    assert not (house.folder / "state" / "acceptance").exists()
