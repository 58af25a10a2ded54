"""Contacts on GPIO lines: the contract, edges with their own times, and what lost edges leave behind."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator

import pytest

from drivers import connect
from drivers._gpio_lines import Edge
from drivers._inputs import Contact
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, UnknownDevice
from drivers.interfaces import PassageSensor
from drivers.pty_port import PtyPort
from drivers.sensor.gpio import GpioSensor, TurnstileSimulator
from models.passage import Direction, SensorSignal, SignalKind
from tests.contract import Kit, SensorContract, until
from tests.drivers.test_relay_gpio import GPIO_SIM, simulated_kernel_chip

ENTRY, EXIT = SensorSignal(SignalKind.TURNED), SensorSignal(SignalKind.TURNED, Direction.EXIT)


class TestGpioSensor(SensorContract):
    """The contract."""

    kit = Kit("sensor", "gpio", "?turn_in=22&turn_out=23&fire=24&debounce_ms=20", margin_s=2.5)


class Lines:
    """A chip that gives what it is told; an error among the edges is raised."""

    def __init__(self, *lines: str) -> None:
        self.now = dict.fromkeys(lines, False)
        self.batches: deque[list[Edge] | BadAnswer] = deque()
        self.looked = 0

    def wait(self, timeout: float) -> list[Edge]:
        if not self.batches:
            return []
        batch = self.batches.popleft()
        if isinstance(batch, BadAnswer):
            raise batch
        return batch

    def levels(self) -> dict[str, bool]:
        self.looked += 1
        return self.now

    def close(self) -> None:
        pass


def test_the_time_of_an_edge_counts_and_not_when_it_was_read() -> None:
    lines = Lines("22")
    sensor = GpioSensor(lines, {"turn_in": Contact("22")})
    began = time.monotonic_ns()
    lines.batches.append([Edge("22", bool(n % 2), began + n * 100_000_000) for n in range(1, 7)])
    lines.batches.append([Edge("22", bool(n % 2), began + n * 10_000_000) for n in range(100, 102)])
    assert [sensor.read(0.0) for _ in range(4)] == [ENTRY, ENTRY, ENTRY, None]


def test_lost_edges_are_told_once_and_the_levels_are_read_anew() -> None:
    lines = Lines("22", "25")
    sensor = GpioSensor(lines, {"turn_in": Contact("22"), "tamper": Contact("25")})
    lines.batches.append(BadAnswer("3 edges came faster than they were read"))
    lines.now = {"22": False, "25": True}
    with pytest.raises(BadAnswer, match="3 edges"):
        sensor.read(0.0)
    assert sensor.read(0.0) is None
    assert lines.looked == 2
    assert sensor.read(1.0) == SensorSignal(SignalKind.TAMPER)


@pytest.fixture
def turnstile() -> Iterator[TurnstileSimulator]:
    """A turnstile at work. Its port's path is where the chip is."""
    stop = threading.Event()
    with PtyPort() as port:
        turnstile = TurnstileSimulator(port)
        runner = threading.Thread(target=turnstile.run, args=(stop,))
        runner.start()
        yield turnstile
        stop.set()
        runner.join()


def connected(turnstile: TurnstileSimulator, options: str) -> PassageSensor:
    assert isinstance(turnstile.port, PtyPort)
    return connect("sensor", f"gpio+serial://{turnstile.port.path}?{options}")


def next_of(sensor: PassageSensor) -> SensorSignal | None:
    found: SensorSignal | None = until(lambda: sensor.read(0.5), lambda signal: signal is not None)
    return found


def test_all_that_a_turnstile_tells(turnstile: TurnstileSimulator) -> None:
    sensor = connected(turnstile, turnstile.command("options"))
    assert sensor.read(0.1) is None
    states = {"fire": "fire", "tamper": "tamper", "cabinet": "cabinet", "held": "held_open", "jam": "jam"}
    for name, kind in states.items():
        assert turnstile.command(f"{name} on") == "done"
        told = next_of(sensor)
        assert told is not None
        assert told.kind == kind
        assert turnstile.command(f"{name} off") == "done"
        assert next_of(sensor) == SensorSignal(SignalKind.CLEARED, detail=told.detail or kind)
    for word, signal in [("turn", ENTRY), ("turn exit", EXIT)]:
        assert turnstile.command(word) == "done"
        assert next_of(sensor) == signal
    assert turnstile.command("second on") == "done"
    assert next_of(sensor) == SensorSignal(SignalKind.SECOND_PERSON)
    sensor.close()


def test_beams_alone_tell_who_went_which_way(turnstile: TurnstileSimulator) -> None:
    sensor = connected(turnstile, "beam_a=GPIO5&beam_b=GPIO6&gap_ms=50")
    for word, signal in [("walk", ENTRY), ("walk exit", EXIT)]:
        assert turnstile.command(word) == "done"
        assert next_of(sensor) == signal
    for word in ("beam a on", "beam a off"):
        assert turnstile.command(word) == "done"
    assert sensor.read(0.2) is None
    sensor.close()


def test_a_fire_loop_that_is_cut_at_the_start_is_a_fire(turnstile: TurnstileSimulator) -> None:
    turnstile.command("fire on")
    sensor = connected(turnstile, "fire=24")
    assert next_of(sensor) == SensorSignal(SignalKind.FIRE)
    sensor.close()


def test_a_line_that_somebody_has_is_refused_by_name(turnstile: TurnstileSimulator) -> None:
    turnstile.occupy(22, "fan")
    with pytest.raises(DeviceRefused, match="line 22 by fan"):
        connected(turnstile, "turn_in=22")


def test_the_console_names_what_it_knows(turnstile: TurnstileSimulator) -> None:
    assert "beam a on" in turnstile.command("help")
    assert "turn_in=22" in turnstile.command("options")


@pytest.mark.parametrize(
    ("options", "named"),
    [("", "no input is given"), ("turn_in=22&fire=22", "input 22 is given twice"), ("bias=left&turn_in=1", "bias")],
)
def test_options_that_do_not_fit_are_named(options: str, named: str) -> None:
    with pytest.raises(UnknownDevice, match=named):
        connect("sensor", f"gpio:///dev/gpiochip0?{options}")


@pytest.mark.skipif(not os.access(GPIO_SIM, os.W_OK), reason=f"needs the kernel's gpio-sim, writable at {GPIO_SIM}")
def test_a_chip_of_the_kernels_own_simulation_is_read() -> None:
    pytest.importorskip("gpiod")
    with simulated_kernel_chip("menshen-sensor") as (device, lines):
        sensor = connect("sensor", f"gpio://{device}?turn_in=3&tamper=4")
        assert sensor.read(0.1) is None
        for line, signal in [(3, ENTRY), (4, SensorSignal(SignalKind.TAMPER))]:
            (lines / f"sim_gpio{line}" / "pull").write_text("pull-down")
            assert next_of(sensor) == signal
        sensor.close()


def test_a_chip_that_is_not_there_is_lost() -> None:
    pytest.importorskip("gpiod")
    with pytest.raises(DeviceLost, match="gpiodetect"):
        connect("sensor", "gpio:///dev/gpiochip99?turn_in=3")
