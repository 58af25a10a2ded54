"""`gatectl devices watch` and `probe` over real wires, good and bad: what is wrong with the wire is what is told."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.pty_port import PtyPort
from drivers.reader._sam_frames import FIND, IDENTITY, SELECT
from drivers.reader.line import LineSimulator
from drivers.reader.sam import SamSimulator, resident_card
from drivers.relay.lcus import LcusSimulator
from drivers.relay.modbus import ModbusSimulator
from drivers.sensor.serial import SensorSimulator
from gate.cli import main
from tests.bad_wire import BadWire

pytestmark = pytest.mark.long  # each of them listens for a second; the table of `test_doctor` is the fast part

ROOT = Path(__file__).resolve().parents[2]
CARD = resident_card("测试样本", "000000190001010017")


class MisheardWire:
    """The device's end of a line whose bytes make sense only where the host has set `baud`."""

    def __init__(self, port: PtyPort, baud: int) -> None:
        self._port, self._speed = port, getattr(termios, f"B{baud}")

    def read(self, timeout: float) -> bytes:
        """What the host wrote, as this end hears it."""
        return self._heard(self._port.read(timeout))

    def write(self, data: bytes) -> int:
        """Send, as the host hears it."""
        return self._port.write(self._heard(data))

    def _heard(self, data: bytes) -> bytes:
        if not data:
            return data
        with open(
            self._port.path, "rb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_NOCTTY)
        ) as tty:
            right = termios.tcgetattr(tty.fileno())[4] == self._speed
        return data if right else bytes((0x00, 0x80, 0xF8, 0xFE)[byte & 3] for byte in data)


class EchoWire:
    """A port that only hears itself."""

    def __init__(self, port: PtyPort) -> None:
        self._port = port

    def run(self, stop: threading.Event) -> None:
        """Send everything back."""
        while not stop.is_set():
            self._port.write(self._port.read(0.02))


class SilentWire:
    """A port with nobody there."""

    def run(self, stop: threading.Event) -> None:
        """Say nothing."""
        stop.wait()


@contextlib.contextmanager
def serving(device) -> Iterator[None]:
    stop = threading.Event()
    runner = threading.Thread(target=device.run, args=(stop,))
    runner.start()
    try:
        yield
    finally:
        stop.set()
        runner.join()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(tmp_path / "port") as port:
        yield port


def gatectl(*words: object) -> Result:
    return CliRunner().invoke(main, ["devices", *(str(word) for word in words)])


def watched(url: str, kind: str, device, seconds: float = 1.0) -> dict:
    """The last line of `watch --json`, with the troubles' names alone."""
    with serving(device):
        told = gatectl("watch", url, kind, "--seconds", seconds, "--json")
    last = json.loads(told.stdout.splitlines()[-1])
    last["troubles"] = [one["trouble"] for one in last["findings"]]
    assert told.exit_code == (0 if last["troubles"] in (["none"], ["idle"]) else 1), told.output
    return last


def sam_url(port: PtyPort, more: str = "") -> str:
    return f"sam+serial://{port.path}?poll_ms=10&answer_s=0.1{more}"


@pytest.mark.parametrize(
    ("fault", "troubles"),
    [("clean", {"none"}), ("split", {"none"}), ("late", {"none", "late"}), ("garbled", {"line"}), ("lost", {"line"})],
)
def test_a_card_reader_on_each_wire(port, fault, troubles):
    module = SamSimulator(BadWire(port, fault, every=131))
    module.present(CARD)
    last = watched(sam_url(port), "reader", module, 1.5)
    assert last["troubles"][0] in troubles
    if fault in ("clean", "split"):
        assert last["got"] == 1
        assert last["decoding"] == "local"
        assert last["p95_s"] > 0
        assert last["noise"] == last["bad_checks"] == last["unanswered"] == 0


def test_a_port_with_nobody_there(port):
    last = watched(sam_url(port), "reader", SilentWire())
    assert last["troubles"] == ["silent"]
    assert last["bytes_out"] > 0


def test_a_port_that_hears_itself(port):
    last = watched(sam_url(port), "reader", EchoWire(port))
    assert last["troubles"][0] == "echo"
    assert last["echoed"] > 0


def test_a_port_that_is_not_there(tmp_path):
    last = watched(f"sam+serial://{tmp_path}/none", "reader", SilentWire(), 0.3)
    assert last["troubles"] == ["port"]
    assert "plugged in" in last["error"]


def test_a_wrong_speed_sounds_like_one(port):
    last = watched(sam_url(port, "&baud=9600"), "reader", SamSimulator(LoudMisheard(port, 115200)))
    assert last["troubles"] == ["speed"]


class LoudMisheard(MisheardWire):
    """A wrong speed garbles what the device says; this one also hears well, so that it answers at all."""

    def read(self, timeout: float) -> bytes:
        """What the host wrote."""
        return self._port.read(timeout)


def test_trouble_in_the_field_is_told_from_trouble_on_the_line(port):
    module = SamSimulator(port)
    module.present(CARD)
    module.force(SELECT, 0x81, times=1000)
    last = watched(sam_url(port), "reader", module)
    assert last["troubles"] == ["radio"]
    assert last["bad_checks"] == last["noise"] == 0
    assert last["radio"] > 1


def test_a_module_out_of_order_is_told(port):
    module = SamSimulator(port)
    module.force(FIND, 0x66, times=1000)
    assert watched(sam_url(port), "reader", module)["troubles"] == ["module"]


def test_a_reader_that_tells_no_module_decodes_elsewhere(port):
    module = SamSimulator(port)
    module.force(IDENTITY, 0x21, times=10)
    assert watched(sam_url(port), "reader", module, 0.5)["decoding"] == "remote"


def test_a_loose_plug_is_counted(port):
    module = SamSimulator(port)
    url, was_read = sam_url(port), threading.Event()
    module.present(CARD)

    def wiggle() -> None:
        while not module.stats.frames > 8:
            was_read.wait(0.01)
        port.unplug()
        port.replug()

    plug = threading.Thread(target=wiggle)
    plug.start()
    last = watched(url, "reader", module, 2.0)
    plug.join()
    assert "plug" in last["troubles"]
    assert last["reconnects"] == 1
    assert last["connected"] == 2


@pytest.mark.parametrize(("fault", "trouble"), [("clean", "none"), ("garbled", "line")])
def test_a_modbus_relay_is_watched_and_does_not_move(port, fault, trouble):
    board = ModbusSimulator(BadWire(port, fault, every=47))
    last = watched(f"modbus+serial://{port.path}?answer_s=0.05", "relay", board, 1.5)
    assert board.pulses == 0
    assert last["troubles"][0] == trouble
    assert last["frames"] > 2


def test_a_modbus_line_that_hears_itself_is_told(port):
    last = watched(f"modbus+serial://{port.path}?answer_s=0.05", "relay", EchoWire(port))
    assert last["troubles"][0] == "echo"


def test_a_relay_that_never_answers_is_not_called_dead(port):
    board = LcusSimulator(port)
    last = watched(f"lcus+serial://{port.path}", "relay", board, 0.6)
    assert last["troubles"] == ["none"]
    assert board.pulses == 0


def test_a_contact_board_that_says_it_is_alive(port):
    last = watched(f"serial+serial://{port.path}", "sensor", SensorSimulator(port), 1.5)
    assert last["troubles"] == ["none"]
    assert last["frames"] >= 1


def test_a_scanner_that_says_nothing_is_idle_and_one_at_a_wrong_speed_is_not(port):
    url = f"line+serial://{port.path}?baud=9600"
    assert watched(url, "reader", LineSimulator(port), 0.3)["troubles"] == ["idle"]
    scanner = LineSimulator(MisheardWire(port, 115200))
    scanner.show("TICKET-17-0123456789")
    assert watched(url, "reader", scanner, 0.6)["troubles"] == ["speed"]


def test_people_get_lines_and_words(port):
    module = SamSimulator(port)
    with serving(module):
        told = gatectl("watch", sam_url(port), "reader", "--seconds", "1.3").stdout
    assert " good " in told.splitlines()[0]
    assert told.splitlines()[-1] == "none: the line is well; nothing was presented"


def test_on_a_terminal_a_table_changes(port):
    """The command in a terminal of its own, a pseudo-terminal: the table is drawn again and again."""
    master, slave = os.openpty()
    words = [sys.executable, "-m", "gate.cli", "devices", "watch", sam_url(port), "reader", "--seconds", "1.5"]
    with serving(SamSimulator(port)):
        running = subprocess.Popen(words, stdout=slave, stderr=slave, cwd=ROOT, env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while data := os.read(master, 65536):
                shown += data
        os.close(master)
    assert running.wait(10) == 0
    assert shown.count(b"frames good") > 2
    assert "none: the line is well; nothing was presented" in shown.decode()


def test_the_tape_of_a_watch_replays_as_a_test(port, tmp_path):
    """The same options, `replay` for the port: the same card comes, without any device."""
    tape = tmp_path / "watch.tape"
    module = SamSimulator(port)
    module.present(CARD)
    live = watched(f"sam+spy+serial://{port.path}?poll_ms=10&tape={tape}", "reader", module)
    again = watched(f"sam+replay://{tape}?poll_ms=10", "reader", SilentWire(), 20)
    assert live["got"] == again["got"] == 1
    assert again["frames"] == live["frames"]
    assert again["bad_checks"] == again["noise"] == 0


def test_a_tape_of_the_line_before_is_kept(port, tmp_path):
    tape = tmp_path / "watch.tape"
    url = f"sam+spy+serial://{port.path}?tape={tape}"
    for _ in range(2):
        watched(url, "reader", SamSimulator(port), 0.3)
    assert tape.exists()
    old = tape.with_name("watch.tape.old")
    assert old.read_text().count(" > ") >= 3
    assert old.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("baud", "url", "kind", "make"),
    [
        (57600, "sam+serial://{}?answer_s=0.05&baud=probe", "reader", SamSimulator),
        (19200, "modbus+serial://{}?answer_s=0.05&baud=probe", "relay", ModbusSimulator),
        (19200, "serial+serial://{}?baud=probe", "sensor", SensorSimulator),
    ],
)
def test_the_speed_that_answers_is_found(port, baud, url, kind, make: Callable):
    with serving(make(MisheardWire(port, baud))):
        told = gatectl("probe", url.format(port.path), kind, "--seconds", "1.2")
    assert told.exit_code == 0, told.output
    assert f"speaks at {baud} baud" in told.stderr
    assert f"baud={baud}" in told.stderr


def test_a_speed_that_nobody_answers_is_told(port):
    with serving(SilentWire()):
        told = gatectl("probe", sam_url(port), "reader", "--baud", "probe", "--seconds", "0.2")
    assert told.exit_code == 5
    assert "not understood at any speed" in told.stderr
    assert told.stderr.count("0 good frames") == 6
    network = gatectl("probe", "sam+tcp://127.0.0.1:1", "reader", "--baud", "probe")
    assert network.exit_code == 5
    assert "only a serial port" in network.stderr


def test_a_probe_that_fails_says_what_to_look_at(port):
    with serving(SilentWire()):
        told = gatectl("probe", sam_url(port), "reader", "--seconds", "0.3")
    assert told.exit_code == 5
    assert "does not answer" in told.stderr
    assert "silent: " in told.stdout
    assert "look at: " in told.stdout
