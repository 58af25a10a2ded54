"""A relay on a GPIO line: the contract on the bench's wires, and what happens when the contact must open."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from drivers import connect
from drivers.errors import DeviceLost, DeviceRefused, UnknownDevice
from drivers.relay.gpio import LONGEST_PULSE_S, ChipSimulator
from drivers.transport import PtyPort
from tests.contract import Kit, RelayContract

GPIO_SIM = Path("/sys/kernel/config/gpio-sim")


class TestActiveHigh(RelayContract):
    """A line by its number."""

    kit = Kit("relay", "gpio", "?line=17")


class TestActiveLow(RelayContract):
    """A line by its name, turned round and compared."""

    kit = Kit("relay", "gpio", "?line=GPIO17&active_low=1&readback=1")


@pytest.fixture
def chip() -> Iterator[ChipSimulator]:
    """A chip at work at the end of a wire."""
    stop = threading.Event()
    with PtyPort() as port:
        chip = ChipSimulator(port)
        runner = threading.Thread(target=chip.run, args=(stop,))
        runner.start()
        yield chip
        stop.set()
        runner.join()


def address(chip: ChipSimulator, options: str = "line=17") -> str:
    assert isinstance(chip.port, PtyPort)
    return f"gpio+serial://{chip.port.path}?{options}"


def test_the_pin_goes_up_and_comes_down(chip: ChipSimulator) -> None:
    relay = connect("relay", address(chip))
    assert not relay.times_pulses
    relay.pulse(0.05)
    assert [change.high for change in chip.changes] == [True, False]
    assert chip.changes[1].at - chip.changes[0].at >= 0.05
    relay.close()


def test_connecting_with_active_low_never_lets_the_pin_dip(chip: ChipSimulator) -> None:
    relay = connect("relay", address(chip, "line=17&active_low=1"))
    assert [change.high for change in chip.changes] == [True]
    relay.hold(True)
    assert not chip.is_high(17)
    relay.close()
    assert chip.is_high(17)


def test_a_pulse_while_held_leaves_the_contact_closed(chip: ChipSimulator) -> None:
    relay = connect("relay", address(chip))
    relay.hold(True)
    relay.pulse(0.01)
    assert chip.is_high(17)
    relay.close()
    assert not chip.is_high(17)


def test_a_pin_that_does_not_follow_is_refused_where_it_is_read_back(chip: ChipSimulator) -> None:
    relay = connect("relay", address(chip, "line=17&readback=1"))
    chip.command("stick 17")
    with pytest.raises(DeviceRefused, match="driven active and reads inactive"):
        relay.pulse(0.01)
    chip.command("free 17")
    relay.pulse(0.01)
    relay.close()


def test_a_new_program_brings_a_pin_down_that_a_dead_one_left_up(chip: ChipSimulator) -> None:
    chip.keeps_outputs = True
    relay = connect("relay", address(chip))
    relay.hold(True)
    chip.command("die")
    assert chip.is_high(17)  # nothing but a pulse-mode turnstile or a one-shot relay helps until the service is back
    with pytest.raises(DeviceRefused):
        relay.pulse(0.01)
    relay.close()
    again = connect("relay", address(chip))
    assert not chip.is_high(17)
    again.close()


@pytest.mark.parametrize("seconds", [0.0, -1.0, LONGEST_PULSE_S + 1, float("nan"), float("inf")])
def test_a_senseless_length_moves_nothing(chip: ChipSimulator, seconds: float) -> None:
    relay = connect("relay", address(chip))
    with pytest.raises(DeviceRefused):
        relay.pulse(seconds)
    assert chip.changes == []
    relay.close()


def test_a_line_in_use_is_refused_and_says_by_whom(chip: ChipSimulator) -> None:
    chip.command("occupy 17 gpioset")
    with pytest.raises(DeviceRefused, match="gpioset"):
        connect("relay", address(chip))


@pytest.mark.parametrize("options", ["", "?line=", "?line=17&active_low=maybe", "?pin=17"])
def test_an_address_without_a_line_or_with_odd_options_is_unknown(options: str) -> None:
    with pytest.raises(UnknownDevice):
        connect("relay", f"gpio+serial:///dev/none{options}")


def test_a_missing_chip_is_lost() -> None:
    pytest.importorskip("gpiod")
    with pytest.raises(DeviceLost, match="gpiodetect"):
        connect("relay", "gpio:///dev/gpiochip99?line=17")


@contextmanager
def simulated_kernel_chip(name: str) -> Iterator[tuple[str, Path]]:
    """A chip with eight lines of the kernel's own gpio-sim: its device, and the folder of its lines in sysfs."""
    device = GPIO_SIM / name
    bank = device / "bank"
    bank.mkdir(parents=True)
    try:
        (bank / "num_lines").write_text("8")
        (device / "live").write_text("1")
        chip = (bank / "chip_name").read_text().strip()
        yield f"/dev/{chip}", Path("/sys/devices/platform") / (device / "dev_name").read_text().strip() / chip
    finally:
        with suppress(OSError):
            (device / "live").write_text("0")
        bank.rmdir()
        device.rmdir()


@pytest.mark.skipif(not os.access(GPIO_SIM, os.W_OK), reason=f"needs the kernel's gpio-sim, writable at {GPIO_SIM}")
def test_a_chip_of_the_kernels_own_simulation_sees_the_pulse() -> None:
    pytest.importorskip("gpiod")
    with simulated_kernel_chip("menshen-relay") as (device, lines):
        level = lines / "sim_gpio3" / "value"
        relay = connect("relay", f"gpio://{device}?line=3&readback=1")
        with pytest.raises(DeviceRefused, match="menshen"):
            connect("relay", f"gpio://{device}?line=3")
        seen: list[str] = []
        watcher = threading.Timer(0.05, lambda: seen.append(level.read_text().strip()))
        watcher.start()
        began = time.monotonic()
        relay.pulse(0.2)
        assert time.monotonic() - began >= 0.2
        watcher.join()
        assert (seen, level.read_text().strip()) == (["1"], "0")
        relay.close()
