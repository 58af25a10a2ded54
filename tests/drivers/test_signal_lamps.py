"""Lamps and buzzers: the table of rhythms, how a signal goes on with them, and the contract on lines and boards."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers._cue_lamps import BEAT_S, LOOK_S, RHYTHMS, Lamp, LampSignal, lit_at
from drivers._gpio_board import ChipSimulator
from drivers._modbus_board import ModbusSimulator
from drivers.errors import DeviceLost, DeviceTimeout, UnknownDevice
from drivers.transport import PtyPort
from models.cue import Cue
from tests.contract import Kit, SignalContract

PINS = {Lamp.RED: 5, Lamp.GREEN: 6, Lamp.YELLOW: 13, Lamp.BUZZER: 19}
CHANNELS = {Lamp.RED: 2, Lamp.GREEN: 3, Lamp.YELLOW: 4, Lamp.BUZZER: 5}


def options(numbers: Mapping[Lamp, object]) -> str:
    return "?" + "&".join(f"{lamp}={number}" for lamp, number in numbers.items())


def pins_show(chip: ChipSimulator, cue: Cue, *, on: bool = True) -> bool:
    return {lamp for lamp, line in PINS.items() if chip.is_high(line) is on} == lit_at(cue, 0.0)


def channels_show(board: ModbusSimulator, cue: Cue) -> bool:
    return {lamp for lamp, channel in CHANNELS.items() if board.state(channel)} == lit_at(cue, 0.0)


class TestGpio(SignalContract):
    """Four lines."""

    kit = Kit("signal", "gpio", options(PINS), shows=pins_show)


class TestGpioActiveLow(SignalContract):
    """Four lines by name, turned round."""

    kit = Kit(
        "signal",
        "gpio",
        options({lamp: f"GPIO{line}" for lamp, line in PINS.items()}) + "&active_low=1",
        shows=lambda chip, cue: pins_show(chip, cue, on=False),
    )


class TestModbus(SignalContract):
    """Four channels; a cue may take a question for each."""

    kit = Kit("signal", "modbus", options(CHANNELS), margin_s=4.0, shows=channels_show)


# --- The table --------------------------------------------------------------------------------------------------------


def in_grey(cue: Cue) -> str:
    """One minute of a cue as an eye without colours sees it: lamps on or off."""
    return "".join("#" if lit_at(cue, beat * BEAT_S) - {Lamp.BUZZER} else "." for beat in range(240))


def test_every_cue_has_a_lamp() -> None:
    assert set(RHYTHMS) == set(Cue)
    assert all("#" in in_grey(cue) for cue in Cue)


@pytest.mark.parametrize(("one", "other"), list(combinations(Cue, 2)))
def test_no_two_cues_are_told_apart_by_colour_alone(one: Cue, other: Cue) -> None:
    assert in_grey(one) not in in_grey(other) * 2  # whenever one begins to look


@pytest.mark.parametrize("cue", Cue)
def test_nothing_flashes_more_than_three_times_a_second(cue: Cue) -> None:
    """WCAG 2.2, 2.3.1, in any second of the minute."""
    seen = in_grey(cue)
    beats = round(1 / BEAT_S)
    assert max(seen[at : at + beats].count(".#") for at in range(len(seen))) <= 3


def test_a_beat_lasts_longer_than_the_longest_pause_between_two_polls() -> None:
    assert BEAT_S > 1 / 5


def buzzes(cue: Cue) -> str:
    return "".join("#" if Lamp.BUZZER in lit_at(cue, beat * BEAT_S) else "." for beat in range(240)).rstrip(".")


def test_welcome_buzzes_once_help_twice_and_nothing_else_makes_a_noise() -> None:
    heard = {cue: buzzes(cue) for cue in Cue if buzzes(cue)}
    assert heard == {Cue.WELCOME: "#", Cue.HELP: "#.#"}


def test_green_means_pass_and_red_never_does() -> None:
    def lamps(cue: Cue) -> set[Lamp]:
        return set(RHYTHMS[cue])

    assert {cue for cue in Cue if Lamp.GREEN in lamps(cue)} == {Cue.WELCOME, Cue.FREE}
    assert {cue for cue in Cue if Lamp.RED in lamps(cue)} == {Cue.REFUSED, Cue.FAULT}


# --- The signal -------------------------------------------------------------------------------------------------------


class Row:
    """Lamps that note when they were switched. `now` is the time; `breaks` is raised by the next switch."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lit: set[Lamp] = set()
        self.switched = 0
        self.looked = 0
        self.truthful = True
        self.breaks: Exception | None = None
        self.closed = 0

    def clock(self) -> float:
        return self.now

    def switch(self, lamps: Mapping[Lamp, bool]) -> None:
        if self.breaks is not None:
            error, self.breaks = self.breaks, None
            raise error
        self.switched += 1
        for lamp, on in lamps.items():
            (self.lit.add if on else self.lit.discard)(lamp)

    def are_as_told(self) -> bool:
        self.looked += 1
        return self.truthful

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def row() -> Row:
    return Row()


@pytest.fixture
def signal(row: Row) -> LampSignal:
    return LampSignal(row, Lamp, clock=row.clock)


def test_connecting_turns_all_off(row: Row) -> None:
    row.lit = set(Lamp)
    LampSignal(row, Lamp, clock=row.clock)
    assert row.lit == set()


@given(cue=st.sampled_from(Cue), pauses=st.lists(st.floats(0.0, 0.2), max_size=60))
def test_polled_five_times_a_second_the_lamps_follow_the_table(cue: Cue, pauses: list[float]) -> None:
    row = Row()
    signal = LampSignal(row, Lamp, clock=row.clock)
    signal.show(cue)
    began = row.now
    for pause in pauses:
        row.now += pause
        signal.poll()
        assert row.lit == lit_at(cue, row.now - began)


def test_a_cue_shown_again_begins_again(row: Row, signal: LampSignal) -> None:
    signal.show(Cue.WELCOME)
    row.now += 1.0
    signal.poll()
    assert row.lit == {Lamp.GREEN}
    signal.show(Cue.WELCOME)
    assert row.lit == {Lamp.GREEN, Lamp.BUZZER}


def test_a_steady_lamp_is_not_switched_again_and_again(row: Row, signal: LampSignal) -> None:
    signal.show(Cue.WELCOME)
    row.now += BEAT_S
    signal.poll()
    before = row.switched
    for _ in range(20):
        row.now += 0.2
        signal.poll()
    assert row.switched == before
    assert 3 <= row.looked <= 4.25 / LOOK_S + 1


def test_lamps_that_somebody_else_turned_off_are_lit_again(row: Row, signal: LampSignal) -> None:
    signal.show(Cue.WELCOME)
    row.lit.clear()
    row.truthful = False
    row.now += LOOK_S
    signal.poll()
    assert row.lit == {Lamp.GREEN}


def test_after_a_failed_switch_everything_is_switched_anew(row: Row, signal: LampSignal) -> None:
    signal.show(Cue.WAIT)
    row.breaks = DeviceTimeout("late")
    with pytest.raises(DeviceTimeout):
        signal.show(Cue.WELCOME)
    row.lit = {Lamp.RED}
    signal.poll()
    assert row.lit == {Lamp.GREEN, Lamp.BUZZER}


def test_only_the_lamps_that_are_there_are_switched(row: Row) -> None:
    signal = LampSignal(row, [Lamp.GREEN], clock=row.clock)
    for cue in Cue:
        signal.show(cue)
        assert row.lit == lit_at(cue, 0.0) & {Lamp.GREEN}


def test_closing_turns_all_off_even_of_a_device_that_is_gone(row: Row, signal: LampSignal) -> None:
    signal.show(Cue.WELCOME)
    signal.close()
    assert (row.lit, row.closed) == (set(), 1)
    signal.close()
    assert row.closed == 1
    with pytest.raises(DeviceLost):
        signal.poll()
    other = LampSignal(row, Lamp, clock=row.clock)
    row.breaks = DeviceLost("gone")
    other.close()
    assert row.closed == 2


# --- Addresses and boards ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "given"),
    [
        *(("gpio", text) for text in ("", "?red=", "?red=5&green=5", "?blue=5", "?red=5&active_low=maybe")),
        *(("modbus", text) for text in ("", "?red=0", "?red=2&green=2", "?blue=2", "?red=65")),
    ],
)
def test_an_odd_address_is_unknown(driver: str, given: str) -> None:
    with pytest.raises(UnknownDevice):
        connect("signal", f"{driver}+serial:///dev/none{given}")


@pytest.fixture
def board() -> Iterator[ModbusSimulator]:
    """A board at work at the end of a wire."""
    stop = threading.Event()
    with PtyPort() as port:
        board = ModbusSimulator(port)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        yield board
        stop.set()
        runner.join()


def test_lamps_and_relay_share_a_board(board: ModbusSimulator) -> None:
    path = board.port.path
    relay = connect("relay", f"modbus+serial://{path}?channel=1")
    signal = connect("signal", f"modbus+serial://{path}{options(CHANNELS)}")
    signal.show(Cue.WELCOME)
    relay.hold(True)
    assert [channel for channel in range(1, 9) if board.state(channel)] == [1, 3, 5]
    signal.close()
    relay.poll()
    assert [channel for channel in range(1, 9) if board.state(channel)] == [1]
    relay.close()
    with pytest.raises(DeviceLost):
        relay.poll()
