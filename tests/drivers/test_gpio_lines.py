"""GPIO lines: the bench wire, the chip at its far end, and what the kernel's half says where there is no chip."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._bench_wire import LineCutter, decode, encode
from drivers._gpio_board import ChipSimulator
from drivers._gpio_lines import Edge, open_inputs, open_outputs
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.transport import PtyPort
from drivers.url import DeviceUrl, parse

PATIENCE_S = 5.0


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


def url(chip: ChipSimulator) -> DeviceUrl:
    assert isinstance(chip.port, PtyPort)
    return parse(f"gpio+serial://{chip.port.path}")


def next_edges(inputs: object, count: int) -> list[tuple[str, bool]]:
    """So many edges, without their times."""
    found: list[Edge] = []
    while len(found) < count:
        edges = inputs.wait(PATIENCE_S)  # type: ignore[attr-defined]
        assert edges, f"only {len(found)} of {count} came"
        found += edges
    return [(edge.line, edge.level) for edge in found]


def test_an_output_stands_at_its_rest_level_before_anything_else(chip: ChipSimulator) -> None:
    outputs = open_outputs(url(chip), {"17": False, "GPIO5": True})
    assert (chip.is_high(17), chip.is_high(5), chip.pulses) == (False, True, 0)
    outputs.set({"17": True})
    assert outputs.levels() == {"17": True, "GPIO5": True}
    assert chip.pulses == 1
    outputs.close()


def test_active_low_turns_every_level_round(chip: ChipSimulator) -> None:
    outputs = open_outputs(url(chip), {"17": False}, active_low=True)
    assert chip.is_high(17)
    assert outputs.levels() == {"17": False}
    outputs.set({"17": True})
    assert not chip.is_high(17)
    outputs.close()


def test_edges_come_in_order_with_rising_times(chip: ChipSimulator) -> None:
    inputs = open_inputs(url(chip), ["22", "GPIO27"], bias="up")
    assert inputs.levels() == {"22": True, "GPIO27": True}
    for line, level in ((22, False), (27, False), (22, True)):
        chip.drive(line, level)
    first = inputs.wait(PATIENCE_S)
    while len(first) < 3:
        first += inputs.wait(PATIENCE_S)
    assert [edge[:2] for edge in first] == [("22", False), ("GPIO27", False), ("22", True)]
    times = [edge.at_ns for edge in first]
    assert times == sorted(times)
    assert inputs.wait(0.0) == []
    inputs.close()


def test_a_bounce_shorter_than_the_debounce_time_is_no_edge(chip: ChipSimulator) -> None:
    inputs = open_inputs(url(chip), ["22"], bias="down", debounce_ms=30)
    chip.drive(22, True)
    chip.drive(22, False)
    chip.drive(22, True)
    assert next_edges(inputs, 1) == [("22", True)]
    assert inputs.wait(0.06) == []
    inputs.close()


def test_lost_edges_are_told_once_and_the_others_kept(chip: ChipSimulator) -> None:
    inputs = open_inputs(url(chip), ["22"], bias="down")
    chip.mute = True
    chip.drive(22, True)
    chip.mute = False
    chip.drive(22, False)
    with pytest.raises(BadAnswer, match="1 edges were lost"):
        inputs.wait(PATIENCE_S)
    assert next_edges(inputs, 1) == [("22", False)]
    inputs.close()


def test_a_line_that_somebody_has_is_refused_and_says_who(chip: ChipSimulator) -> None:
    chip.command("occupy 17 gpioset")
    with pytest.raises(DeviceRefused, match="line 17 by gpioset"):
        open_outputs(url(chip), {"17": False})


def test_a_line_that_the_chip_has_not_got_is_named(chip: ChipSimulator) -> None:
    with pytest.raises(UnknownDevice, match="28"):
        open_outputs(url(chip), {"28": False})


def test_a_chip_that_says_nothing_is_a_timeout(chip: ChipSimulator) -> None:
    chip.command("mute")
    with pytest.raises(DeviceTimeout):
        open_outputs(url(chip), {"17": False})


@pytest.mark.parametrize("keeps", [True, False])
def test_after_the_programs_end_a_pin_floats_or_stays_as_the_chip_has_it(chip: ChipSimulator, keeps: bool) -> None:
    chip.keeps_outputs = keeps
    outputs = open_outputs(url(chip), {"17": False})
    outputs.set({"17": True})
    chip.let_go()
    assert chip.is_high(17) is keeps
    outputs.close()


@given(
    words=st.lists(st.text("abc0=,%", min_size=1), min_size=1, max_size=4), flip=st.integers(0, 7), at=st.integers(0)
)
def test_a_flipped_bit_never_passes_for_a_line(words: list[str], flip: int, at: int) -> None:
    line = bytearray(encode(*words)[:-1])
    assert decode(bytes(line)) == words
    line[at % len(line)] ^= 1 << flip
    assert decode(bytes(line)) != words


def test_a_cutter_counts_what_is_broken() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"half\n" + encode("a")[:3]) == []
    assert cutter.feed(encode("a")[3:]) == [["a"]]
    assert cutter.broken == 1


class TestTheKernel:
    """What the kernel's half says. Lines of a real chip are tried where the kernel has a simulated one."""

    pytestmark = pytest.mark.filterwarnings("error")

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("gpiod")

    def test_a_missing_chip_is_a_lost_device(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceLost, match="gpiodetect"):
            open_outputs(parse(f"gpio://{tmp_path}/gpiochip9"), {"17": False})

    @pytest.mark.parametrize("path", ["/dev/null", "/tmp"])
    def test_what_is_no_chip_is_refused_in_declared_words(self, path: str) -> None:
        with pytest.raises((DeviceLost, DeviceRefused), match=path):
            open_inputs(parse(f"gpio://{path}"), ["17"])

    def test_no_path_is_an_unknown_device(self) -> None:
        with pytest.raises(UnknownDevice, match="/dev/gpiochip0"):
            open_outputs(parse("gpio:"), {"17": False})

    @pytest.mark.parametrize(
        ("number", "kind", "words"),
        [
            (errno.EBUSY, DeviceRefused, "line 17 by gpioset"),
            (errno.EACCES, DeviceLost, "group"),
            (errno.ENODEV, DeviceLost, "gone"),
            (errno.EINVAL, DeviceRefused, "bias"),
        ],
    )
    def test_each_error_of_the_kernel_has_its_words(self, number: int, kind: type[Exception], words: str) -> None:
        from drivers._gpio_kernel import _why_not

        error = _why_not("/dev/gpiochip0", OSError(number, "so"), ["line 17 by gpioset"])
        assert isinstance(error, kind)
        assert words in str(error)
