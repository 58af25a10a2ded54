"""The kernel's half of GPIO lines, against a chip that stands where libgpiod's would: no chip is needed for it."""

from __future__ import annotations

import errno
import sys
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

gpiod = pytest.importorskip("gpiod")

from drivers import _gpio_kernel, connect  # noqa: E402
from drivers._gpio_lines import CONSUMER, Edge, Inputs, open_inputs, open_outputs  # noqa: E402
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, MissingLibrary, UnknownDevice  # noqa: E402
from drivers.url import parse  # noqa: E402

CHIP = parse("gpio:///dev/gpiochip0")
NAMES = {"GPIO17": 17, "GPIO22": 22}


class Chip:
    """Libgpiod's chip, as far as we use it. `asked` is the last request; `gone` makes every call fail."""

    def __init__(self) -> None:
        self.busy: dict[int, str] = {}
        self.asked: dict[int, Any] = {}
        self.consumer = ""
        self.levels: dict[int, Any] = {}
        self.events: deque[Any] = deque()
        self.gone = False
        self.released = 0

    def __call__(self, path: str) -> Chip:
        assert path == "/dev/gpiochip0"
        return self

    def __enter__(self) -> Chip:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def line_offset_from_id(self, line: str) -> int:
        if line in NAMES:
            return NAMES[line]
        if not line.isdecimal():
            raise FileNotFoundError(errno.ENOENT, "no such line")
        if int(line) >= 28:
            raise ValueError("line offset of out range")
        return int(line)

    def get_line_info(self, offset: int) -> Any:
        return SimpleNamespace(used=offset in self.busy, consumer=self.busy.get(offset))

    def request_lines(self, config: dict[int, Any], consumer: str) -> Chip:
        if set(config) & set(self.busy):
            raise OSError(errno.EBUSY, "busy")
        self.asked, self.consumer = dict(config), consumer
        self.levels = {offset: settings.output_value for offset, settings in config.items()}
        return self

    def get_values(self, offsets: list[int]) -> list[Any]:
        self._check()
        return [self.levels[offset] for offset in offsets]

    def set_values(self, values: dict[int, Any]) -> None:
        self._check()
        self.levels |= values

    def wait_edge_events(self, timeout: float) -> bool:
        self._check()
        return bool(self.events)

    def read_edge_events(self) -> list[Any]:
        events, self.events = list(self.events), deque()
        return events

    def release(self) -> None:
        self.released += 1

    def _check(self) -> None:
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> Chip:
    chip = Chip()
    monkeypatch.setattr(_gpio_kernel.gpiod, "Chip", chip)
    return chip


def edge(number: int, offset: int, rising: bool) -> Any:
    kind = gpiod.EdgeEvent.Type.RISING_EDGE if rising else gpiod.EdgeEvent.Type.FALLING_EDGE
    return gpiod.EdgeEvent(kind.value, number * 1000, offset, number, number)


def test_outputs_are_asked_for_at_rest_under_our_name(chip: Chip) -> None:
    outputs = open_outputs(CHIP, {"GPIO17": False, "5": True}, active_low=True)
    assert chip.consumer == CONSUMER
    settings = chip.asked[17]
    assert (settings.direction, settings.active_low) == (gpiod.line.Direction.OUTPUT, True)
    assert [chip.asked[line].output_value for line in (17, 5)] == [gpiod.line.Value.INACTIVE, gpiod.line.Value.ACTIVE]
    outputs.set({"GPIO17": True})
    assert outputs.levels() == {"GPIO17": True, "5": True}
    outputs.close()
    outputs.close()
    assert chip.released == 1
    with pytest.raises(DeviceLost):
        outputs.set({"GPIO17": True})


def test_a_line_in_use_names_its_user(chip: Chip) -> None:
    chip.busy = {17: "gpioset", 4: "w1"}
    with pytest.raises(DeviceRefused, match=r"line GPIO17 by gpioset$"):
        open_outputs(CHIP, {"GPIO17": False, "5": False})


@pytest.mark.parametrize("line", ["28", "GPIO99"])
def test_a_line_that_is_not_there_is_named(chip: Chip, line: str) -> None:
    with pytest.raises(UnknownDevice, match=line):
        open_outputs(CHIP, {line: False})


def test_one_line_by_two_names_is_refused(chip: Chip) -> None:
    with pytest.raises(UnknownDevice, match="are one"):
        open_outputs(CHIP, {"GPIO17": False, "17": False})


def test_a_chip_that_went_away_is_lost(chip: Chip) -> None:
    relay = connect("relay", "gpio:///dev/gpiochip0?line=17")
    chip.gone = True
    with pytest.raises(DeviceLost, match="gone"):
        relay.poll()
    relay.close()


def listening(chip: Chip) -> Inputs:
    return open_inputs(CHIP, ["GPIO22", "27"], bias="up", debounce_ms=30, active_low=True)


def test_inputs_are_asked_for_with_bias_debounce_and_both_edges(chip: Chip) -> None:
    listening(chip)
    settings = chip.asked[22]
    assert settings.direction is gpiod.line.Direction.INPUT
    assert settings.edge_detection is gpiod.line.Edge.BOTH
    assert settings.bias is gpiod.line.Bias.PULL_UP
    assert settings.debounce_period.total_seconds() == 0.03
    assert settings.active_low


def test_edges_come_with_the_names_of_the_address(chip: Chip) -> None:
    inputs = listening(chip)
    assert inputs.wait(0.0) == []
    chip.events.extend([edge(1, 22, True), edge(2, 27, False)])
    assert inputs.wait(0.0) == [Edge("GPIO22", True, 1000), Edge("27", False, 2000)]


def test_edges_that_the_kernel_dropped_are_told_once_and_the_others_kept(chip: Chip) -> None:
    inputs = listening(chip)
    chip.events.append(edge(1, 22, True))
    inputs.wait(0.0)
    chip.events.append(edge(5, 22, False))
    with pytest.raises(BadAnswer, match="3 edges"):
        inputs.wait(0.0)
    assert inputs.wait(0.0) == [Edge("GPIO22", False, 5000)]
    assert inputs.wait(0.0) == []


def test_without_gpiod_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    monkeypatch.delitem(sys.modules, "drivers._gpio_kernel")
    with pytest.raises(MissingLibrary, match="gpiod"):
        connect("relay", "gpio:///dev/gpiochip0?line=17")


def test_the_first_kind_of_gpiod_is_told_from_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", SimpleNamespace(Chip=Chip))
    monkeypatch.delitem(sys.modules, "drivers._gpio_kernel")
    with pytest.raises(MissingLibrary, match="version 1"):
        connect("relay", "gpio:///dev/gpiochip0?line=17")
