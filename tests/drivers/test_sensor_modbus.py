"""A passage sensor of polled inputs: the contract, what is debounced, what is missed and who hears of it."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers._inputs import Contact, Timing
from drivers._modbus import Bus, Unit, pack_bits, request, seal
from drivers._modbus_board import ModbusSimulator
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.pty_port import PtyPort
from drivers.sensor.modbus import ModbusSensor
from models.passage import Direction, SensorSignal, SignalKind
from tests.bad_wire import PATIENCE_S
from tests.contract import Bench, Kit, SensorContract, until, until_lost
from tests.pymodbus_board import pymodbus_board

ENTRY, EXIT = SensorSignal(SignalKind.TURNED), SensorSignal(SignalKind.TURNED, Direction.EXIT)
HELD = SensorSignal(SignalKind.HELD_OPEN)
NOT_HELD = SensorSignal(SignalKind.CLEARED, detail="held_open")


class TestModbusSensor(SensorContract):
    """The contract. Turns come while the sensor is read, since a board that isn't asked keeps nothing."""

    kit = Kit("sensor", "modbus", "?turn_in=1&turn_out=2&fire=3&held=5&poll_ms=10&debounce_ms=20")

    def test_broken_bytes_invent_no_passage_and_a_good_wire_reads_on(self, bench: Bench, device: Any) -> None:
        bench.simulator.patience_s = 0.05 if bench.wire.corrupts else 5.0
        outcomes = self.outcomes(device, [bench.simulator.turn] * 3)
        signals = [outcome for outcome in outcomes if isinstance(outcome, SensorSignal)]
        assert set(signals) <= {ENTRY}
        assert len(signals) <= 3
        bench.wire.heal()
        bench.simulator.patience_s = 5.0
        assert EXIT in self.outcomes(device, [partial(bench.simulator.turn, Direction.EXIT)])

    def test_it_sees_on_after_a_new_connection(self, bench: Bench, device: Any) -> None:
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        device.close()
        bench.port.replug()
        bench.wire.heal()
        bench.simulator.patience_s = 5.0
        again = bench.connect()
        assert ENTRY in self.outcomes(again, [bench.simulator.turn])
        again.close()


class Line:
    """A board of eight inputs with a clock of its own; a question and its answer take 20 ms, silence what it may."""

    def __init__(self) -> None:
        self.now = 0.0
        self.inputs = [False] * 8
        self.answers: list[bytes] = []
        self.asked: list[bytes] = []
        self._coming = b""

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def write(self, data: bytes) -> None:
        self.asked.append(data)
        first, count = data[3], data[5]
        packed = pack_bits(self.inputs[first : first + count])
        self._coming = self.answers.pop(0) if self.answers else seal(bytes((data[0], 2, len(packed))) + packed)

    def read(self, timeout: float) -> bytes:
        data, self._coming = self._coming, b""
        self.now += 0.02 if data else timeout
        return data

    def discard(self) -> None:
        self._coming = b""

    def close(self) -> None:
        pass


class Gate:
    """A sensor on such a board: inputs 1 and 2 turn, 3 is the fire loop, 4 the cover, 5 is held."""

    def __init__(self, timing: Timing | None = None, poll_s: float = 0.05) -> None:
        self.line = Line()
        self.line.inputs[2] = True
        self.sensor = ModbusSensor(
            Unit(Bus(self.line, clock=self.line.clock)),
            {
                "turn_in": Contact("1"),
                "turn_out": Contact("2"),
                "fire": Contact("3", active_level=False),
                "tamper": Contact("4"),
                "held": Contact("5"),
            },
            clock=self.line.clock,
            wait=self.line.wait,
            poll_s=poll_s,
            timing=timing,
        )

    def after(self, seconds: float) -> list[SensorSignal]:
        """All that is told within so long."""
        ends = self.line.now + seconds
        told = []
        while (left := ends - self.line.now) > 1e-6:
            signal = self.sensor.read(left)
            if signal is not None:
                told.append(signal)
        return told

    def put(self, number: int, level: bool, seconds: float = 0.3) -> list[SensorSignal]:
        """Give an input a level and see what is told."""
        self.line.inputs[number - 1] = level
        return self.after(seconds)


def test_a_turn_is_told_once_when_it_begins() -> None:
    gate = Gate()
    assert gate.put(1, True) == [ENTRY]
    assert gate.put(1, False) == []
    assert gate.put(2, True) == [EXIT]
    assert gate.put(2, False) == []


def test_states_are_told_when_they_begin_and_when_they_end() -> None:
    gate = Gate()
    for number, level, kind in [(3, False, "fire"), (4, True, "tamper"), (5, True, "held_open")]:
        assert gate.put(number, level) == [SensorSignal(SignalKind(kind))]
        assert gate.put(number, not level) == [SensorSignal(SignalKind.CLEARED, detail=kind)]


def test_fire_is_the_loss_of_the_level_even_at_the_start() -> None:
    gate = Gate()
    gate.line.inputs[2] = False
    fresh = ModbusSensor(
        Unit(Bus(gate.line, clock=gate.line.clock)),
        {"fire": Contact("3", active_level=False)},
        clock=gate.line.clock,
        wait=gate.line.wait,
    )
    assert fresh.read(1.0) == SensorSignal(SignalKind.FIRE)


def test_a_turn_that_stands_at_the_start_is_none() -> None:
    gate = Gate()
    gate.line.inputs[0] = True
    fresh = ModbusSensor(
        Unit(Bus(gate.line, clock=gate.line.clock)),
        {"turn_in": Contact("1")},
        clock=gate.line.clock,
        wait=gate.line.wait,
    )
    assert fresh.read(1.0) is None


def test_a_flicker_within_one_poll_is_not_seen() -> None:
    gate = Gate()
    gate.line.inputs[0] = True
    gate.sensor.read(0.0)
    gate.line.inputs[0] = False
    assert gate.after(1.0) == []


def test_the_next_look_at_a_change_comes_after_the_debounce() -> None:
    gate = Gate(poll_s=1.0)
    gate.line.inputs[0] = True
    began = gate.line.now
    assert gate.sensor.read(2.0) == ENTRY
    assert gate.line.now - began < 1.15


def test_a_turn_that_lasts_is_a_stuck_contact_told_once() -> None:
    gate = Gate(Timing(stuck_s=5.0))
    stuck = SensorSignal(SignalKind.STUCK, Direction.EXIT, "turn_out, input 2")
    assert gate.put(2, True, 20.0) == [EXIT, stuck]
    assert gate.put(5, True) == [HELD]
    assert gate.put(2, False) == [SensorSignal(SignalKind.CLEARED, detail="turn_out, input 2")]
    assert gate.put(5, False) == [NOT_HELD]


def test_an_input_may_say_how_its_contact_rests() -> None:
    with PtyPort() as port:
        board, stop = ModbusSimulator(port), threading.Event()
        board.patience_s = PATIENCE_S
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        board.set_input(1, True)
        board.set_input(3, False)
        sensor = connect("sensor", f"modbus+serial://{port.path}?turn_in=1:nc&turn_out=2:no&fire=3:no&poll_ms=10")
        assert sensor.read(0.1) is None
        walker = threading.Thread(target=board.turn)
        walker.start()
        assert until(lambda: sensor.read(0.5), lambda signal: signal is not None) == ENTRY
        while walker.is_alive():
            assert sensor.read(0.05) is None
        board.set_input(3, True)
        assert until(lambda: sensor.read(0.5), lambda signal: signal is not None).kind is SignalKind.FIRE
        sensor.close()
        stop.set()
        runner.join()


def test_one_question_asks_for_all_inputs_in_use() -> None:
    gate = Gate()
    assert gate.line.asked == [request(1, 2, 0, 5)]


def test_a_repeated_question_is_told_because_a_turn_may_be_missing() -> None:
    gate = Gate()
    gate.line.answers = [b""]
    with pytest.raises(BadAnswer, match="a turn may have been missed"):
        gate.after(1.0)
    assert gate.after(1.0) == []


def test_a_garbled_answer_that_took_no_time_is_made_good_in_silence() -> None:
    gate = Gate()
    gate.line.answers = [b"\x01\x02\x01\x00\x00\x00"]
    assert gate.after(1.0) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"", DeviceTimeout), (b"\x01\x02\x01", BadAnswer), (seal(b"\x01\x82\x02"), DeviceRefused)],
)
def test_a_poll_that_fails_says_how_and_the_next_one_is_read(answer: bytes, error: type[Exception]) -> None:
    gate = Gate()
    gate.line.answers = [answer, answer]
    with pytest.raises(error, match="unit 1"):
        gate.after(0.06)
    gate.line.answers.clear()
    with suppress(BadAnswer):
        gate.after(0.5)
    assert gate.put(1, True) == [ENTRY]


@given(st.lists(st.binary(max_size=12) | st.builds(lambda n: seal(b"\x01\x02\x01" + n), st.binary(max_size=2))))
def test_arbitrary_bytes_raise_nothing_undeclared_and_the_next_answer_is_read(answers: list[bytes]) -> None:
    gate = Gate()
    gate.line.answers = answers
    while gate.line.answers:
        with suppress(DeviceTimeout, BadAnswer, DeviceRefused):
            gate.sensor.read(0.1)
    for level in (False, True):
        gate.line.inputs[0] = level
        told: list[SensorSignal] = []
        with suppress(BadAnswer):
            gate.after(0.0001)
        for _ in range(4):
            with suppress(BadAnswer):
                told += gate.after(0.3)
    assert ENTRY in told


def test_after_close_it_is_lost_although_no_poll_is_due() -> None:
    gate = Gate()
    gate.sensor.close()
    with pytest.raises(DeviceLost):
        gate.sensor.read(0.0)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("turn_in=1&turn_out=1", "input 1 is given twice"),
        ("turn_in=0", "no input is given"),
        ("turn_in=65", "turn_in"),
        ("debounce_ms=10", "debounce_ms"),
        ("active=up", "active"),
        ("fire_active=nc", "fire_active"),
        ("fire=3:nx", "fire"),
        ("turn_in=1:nc&beam_a=1!", "input 1 is given twice"),
        ("gap_ms=10", "gap_ms"),
        ("poll_ms=1", "poll_ms"),
    ],
)
def test_options_that_do_not_fit_are_named(options: str, named: str) -> None:
    with pytest.raises(UnknownDevice, match=named):
        connect("sensor", f"modbus+serial:///dev/none?{options}")


@pytest.mark.slow
def test_inputs_of_a_board_of_somebody_elses_making() -> None:
    with pymodbus_board([False, False, True] + [False] * 13) as (path, board):
        url = f"modbus+serial://{path}?turn_in=1&turn_out=16&fire=3&poll_ms=10&answer_s=2"
        sensor = connect("sensor", url)
        assert sensor.read(0.2) is None
        for number, direction in [(1, Direction.ENTRY), (16, Direction.EXIT)]:
            board.set_input(number, True)
            turned = until(lambda: sensor.read(0.5), lambda signal: signal is not None)
            assert turned == SensorSignal(SignalKind.TURNED, direction)
        board.set_input(3, False)
        assert until(lambda: sensor.read(0.5), lambda signal: signal is not None).kind is SignalKind.FIRE
        sensor.close()


def test_a_relay_and_a_sensor_share_one_board() -> None:
    stop = threading.Event()
    with PtyPort() as port:
        board = ModbusSimulator(port)
        board.patience_s = PATIENCE_S
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        url = f"modbus+serial://{port.path}"
        relay, sensor = connect("relay", url), connect("sensor", f"{url}?poll_ms=10")
        walker = threading.Thread(target=board.turn)
        board.on_pulse = lambda channel: walker.start()
        relay.pulse(0.3)
        assert until(lambda: sensor.read(0.5), lambda signal: signal is not None) == ENTRY
        while walker.is_alive():
            sensor.read(0.05)
        relay.poll()
        relay.close()
        assert sensor.read(0.05) is None
        sensor.close()
        stop.set()
        runner.join()


def test_the_console_moves_the_fire_loop_and_the_beams() -> None:
    with PtyPort() as port:
        board, stop = ModbusSimulator(port), threading.Event()
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        sensor = connect("sensor", f"modbus+serial://{port.path}?turn_in=0&fire=3&beam_a=6&beam_b=7&poll_ms=10&jam_s=1")
        for word, kind in [
            ("fire on", "fire"),
            ("fire off", "cleared"),
            ("beam a on", "jam"),
            ("beam a off", "cleared"),
        ]:
            assert board.command(word) == "done"
            assert until(lambda: sensor.read(0.5), lambda signal: signal is not None).kind == kind
        assert "beam a on" in board.command("help")
        sensor.close()
        stop.set()
        runner.join()
