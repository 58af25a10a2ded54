"""The simulators, driven as a technician drives them: over pipes, with the driver at the other end of the wire."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from drivers import connect
from drivers.errors import DeviceLost, DeviceRefused, DeviceTimeout
from drivers.url import parse
from gate.simulate import simulate, simulated
from models.passage import Direction, SensorSignal, SignalKind


class Terminal:
    """A technician's terminal: writes a line, reads the answer."""

    def __init__(self, driver: str, link: Path | None) -> None:
        self.status: list[int] = []
        stdin, self._keys = _pipe()
        self._screen, stdout = _pipe()
        self._runner = threading.Thread(target=self._run, args=(driver, link, stdin, stdout))
        self._runner.start()

    def _run(self, driver: str, link: Path | None, stdin: TextIO, stdout: TextIO) -> None:
        with stdin, stdout:
            self.status.append(simulate(driver, link, stdin, stdout))

    def read(self) -> str:
        return self._screen.readline().rstrip("\n")

    def type(self, line: str) -> str:
        self._keys.write(line + "\n")
        self._keys.flush()
        return self.read()

    def end(self) -> int:
        """End of input; the exit status."""
        self._keys.close()
        self._runner.join(5.0)
        self._screen.close()
        return self.status[0]


def _pipe() -> tuple[TextIO, TextIO]:
    read_end, write_end = os.pipe()
    return os.fdopen(read_end), os.fdopen(write_end, "w")


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "gate-device"


@pytest.fixture
def relay_terminal(link: Path) -> Iterator[Terminal]:
    terminal = Terminal("lcus", link)
    yield terminal
    assert terminal.end() == 0
    assert not link.is_symlink()


def test_a_relay_board_answers_to_the_driver_and_to_the_technician(relay_terminal: Terminal, link: Path) -> None:
    url = relay_terminal.read()
    assert url == f"lcus+serial://{link}"
    relay = connect("relay", f"{url}?feedback=1")
    relay.pulse(0.01)
    assert relay_terminal.type("state") == "closed: none; pulses: 1"
    relay.hold(True)
    assert relay_terminal.type("state") == "closed: 1; pulses: 2"
    relay.close()
    assert relay_terminal.type("help").endswith("unplug, replug, quit")


def test_the_plug_can_be_pulled_and_put_back(relay_terminal: Terminal) -> None:
    url = relay_terminal.read()
    relay = connect("relay", url)
    assert relay_terminal.type("unplug") == "unplugged"
    with pytest.raises(DeviceLost):
        relay.poll()
    relay.close()
    assert relay_terminal.type("replug") == url
    connect("relay", url).close()


def test_a_person_walks_through_the_sensor_at_a_command() -> None:
    terminal = Terminal("serial", None)
    sensor = connect("sensor", f"serial+{terminal.read().partition('+')[2]}")
    assert terminal.type("turn exit").startswith("done")
    assert sensor.read(5.0) == SensorSignal(SignalKind.TURNED, Direction.EXIT)
    sensor.close()
    assert terminal.end() == 0


LIBRARIES = {"reader/osdp": "osdp"}
SLOTS = {"reader/pcsc", "reader/emrtd"}  # of a pcscd: see below
FAR_ENDS = {
    "reader/line": ("scan T-17", "ok"),
    "reader/osdp": ("card 12 345", "ok"),
    "reader/sam": ("state", "no card"),
    "reader/sim": ("remove", "ok"),
    "reader/wedge": ("scan T-17", "ok"),
    "relay/gpio": ("state", "high: none"),
    "relay/hid": ("state", "MNSHN; closed: none"),
    "relay/lcus": ("state", "closed: none"),
    "relay/modbus": ("state", "closed: none"),
    "relay/sim": ("state", "pulses: 0"),
    "relay/uhppote": ("state", "opened: none"),
    "sensor/gpio": ("turn", "done"),
    "sensor/modbus": ("turn", "done"),
    "sensor/serial": ("turn exit", "done"),
    "sensor/sim": ("turned entry", "told"),
    "sensor/uhppote": ("turn", "done"),
    "signal/gpio": ("state", "high"),
    "signal/modbus": ("state", "closed: "),
    "signal/sim": ("state", "shows: "),
}
"""What each device is told, and how its answer begins."""


def test_the_table_of_far_ends_is_whole() -> None:
    """A new simulator must be added to it."""
    assert {name for name in simulated() if "/" in name} | set(LIBRARIES) | SLOTS == set(FAR_ENDS) | SLOTS


@pytest.mark.parametrize("name", FAR_ENDS)
def test_what_it_prints_first_can_be_connected_to_and_it_obeys(name: str) -> None:
    pytest.importorskip(LIBRARIES.get(name, "drivers"))
    terminal = Terminal(name, None)
    kind = name.partition("/")[0]
    device = connect(kind, terminal.read())  # type: ignore[call-overload]
    said, answer = FAR_ENDS[name]
    assert terminal.type(said).startswith(answer)
    told = terminal.type("help")
    assert "error" not in told
    assert told.endswith("; and: unplug, replug, quit")
    device.close()
    assert terminal.end() == 0


def test_the_relay_of_a_door_board_loses_its_cable_and_opens_again() -> None:
    terminal = Terminal("relay/uhppote", None)
    url = terminal.read()
    relay = connect("relay", f"{url}&answer_s=0.05")
    assert terminal.type("unplug") == "unplugged"
    with pytest.raises(DeviceTimeout):
        relay.poll()
    assert terminal.type("replug") == url
    relay.pulse(0.1)
    assert terminal.type("state") == "opened: 1"
    assert terminal.type("refuse") == "done"
    with pytest.raises(DeviceRefused):
        relay.pulse(0.1)
    relay.close()
    assert terminal.end() == 0


def test_the_key_of_a_simulated_badge_reader_goes_with_it() -> None:
    pytest.importorskip("osdp", reason="libosdp is not installed")
    terminal = Terminal("osdp", None)
    key = Path(parse(terminal.read()).options["key"])
    assert key.stat().st_mode & 0o777 == 0o600
    assert terminal.end() == 0
    assert not key.parent.exists()


def test_quit_ends_it() -> None:
    terminal = Terminal("sensor/sim", None)
    assert terminal.read().startswith("sim+serial:///dev/")
    assert terminal.type("quit") == ""
    assert terminal.end() == 0


def test_an_unknown_driver_is_named_with_the_nearest_one() -> None:
    terminal = Terminal("lcos", None)
    assert "did you mean 'lcus'" in terminal.read()
    assert terminal.end() == 2


def test_a_name_that_two_kinds_share_is_given_with_its_kind() -> None:
    names = simulated()
    assert {"relay/sim", "sensor/sim", "relay/lcus", "lcus"} <= set(names)
    assert not {"sim", "uhppote", "gpio"} & set(names)


def test_a_simulator_may_bring_its_own_wire() -> None:
    """The card bench needs no terminal; without pcscd it says so, and lays no card on."""
    pytest.importorskip("smartcard", reason="pyscard is not installed")
    terminal = Terminal("pcsc", None)
    assert terminal.read() == "pcsc:///Virtual%20PCD%2000%2000"
    assert "desfire" in terminal.type("help")
    assert terminal.type("unplug") == "unplugged"
    assert terminal.type("uid").startswith("unplugged")
    assert terminal.type("replug") == "pcsc:///Virtual%20PCD%2000%2000"
    assert terminal.type("remove") == "removed"
    assert terminal.end() == 0
