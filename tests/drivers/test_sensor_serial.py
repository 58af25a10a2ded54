"""The contact board on a serial line: the bytes, the contract, what is lost and what is made good."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DriverError
from drivers.sensor._contact_lines import Broken, Line, LineCutter, crc8, decode, encode
from drivers.sensor.serial import SensorSimulator, SerialSensor
from drivers.transport import PtyPort
from models.passage import Direction, SensorSignal, SignalKind
from tests.contract import Kit, SensorContract

WHATS = [b"T+", b"T-", b"P+", b"P-", b"H!", b"H.", b"F!", b"F.", b"X!", b"X.", *(b"A%d" % n for n in range(8))]
lines = st.builds(encode, st.sampled_from(WHATS), st.integers(0, 999))


class TestSerialSensor(SensorContract):
    """The contract."""

    kit = Kit("sensor", "serial")


class Tape:
    """A line that says what it is given, chunk by chunk, and then nothing. Each silent read takes `step_s`."""

    def __init__(self, *chunks: bytes, step_s: float = 0.5) -> None:
        self.now = 0.0
        self._chunks = list(chunks)
        self._step_s = step_s

    def clock(self) -> float:
        return self.now

    def read(self, timeout: float) -> bytes:
        if self._chunks:
            return self._chunks.pop(0)
        self.now += min(timeout, self._step_s) + 0.001
        return b""

    def say(self, *chunks: bytes) -> None:
        self._chunks += chunks

    def write(self, data: bytes) -> None:
        raise AssertionError("the host has nothing to say")

    def discard(self) -> None:
        pass

    def close(self) -> None:
        pass


def hear(*chunks: bytes) -> list[SensorSignal | str]:
    """All that a sensor makes of `chunks`: signals, and the words of errors."""
    tape = Tape(*chunks)
    sensor = SerialSensor(tape, clock=tape.clock)
    heard: list[SensorSignal | str] = []
    for _ in range(4 * len(b"".join(chunks)) + 4):
        try:
            signal = sensor.read(0.0)
        except DeviceLost:
            break
        except DriverError as error:
            heard.append(str(error))
            continue
        if signal is not None:
            heard.append(signal)
    return heard


def test_the_check_has_its_published_check_value() -> None:
    assert crc8(b"123456789") == 0xBC


@pytest.mark.parametrize(
    ("what", "counter", "line"),
    [(b"T+", 17, b"T+ 017 CF\r\n"), (b"F!", 999, b"F! 999 E1\r\n"), (b"A0", 0, b"A0 000 1C\r\n")],
)
def test_lines_byte_for_byte(what: bytes, counter: int, line: bytes) -> None:
    assert encode(what, counter) == line
    assert decode(line.removesuffix(b"\r\n")) == Line(what, counter)


@given(line=lines, bits=st.sets(st.integers(0, 8 * 9 - 1), min_size=1, max_size=2))
def test_one_or_two_flipped_bits_never_pass(line: bytes, bits: set[int]) -> None:
    spoilt = bytearray(line.removesuffix(b"\r\n"))
    for bit in bits:
        spoilt[bit // 8] ^= 1 << bit % 8
    assert isinstance(decode(bytes(spoilt)), Broken)


@given(stream=st.lists(lines | st.binary(max_size=40), max_size=8).map(b"".join), cuts=st.lists(st.integers(0, 400)))
def test_it_does_not_matter_how_the_bytes_arrive(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    cutter = LineCutter()
    pieces = [item for begin, end in pairwise(edges) for item in cutter.feed(stream[begin:end])]
    assert pieces == LineCutter().feed(stream)


@given(noise=st.binary(max_size=200), line=lines)
def test_a_line_behind_noise_and_a_line_end_is_read(noise: bytes, line: bytes) -> None:
    assert isinstance(LineCutter().feed(noise + b"\n" + line)[-1], Line)


@given(chunks=st.lists(st.binary(max_size=60) | lines, max_size=8))
def test_arbitrary_bytes_raise_nothing_undeclared(chunks: list[bytes]) -> None:
    hear(*chunks)


def test_every_kind_of_signal_comes_through_in_order() -> None:
    whats = [b"A0", b"T+", b"T-", b"P+", b"P-", b"H!", b"H.", b"F!", b"F.", b"X!", b"X."]
    assert hear(*(encode(what, n) for n, what in enumerate(whats))) == [
        SensorSignal(SignalKind.TURNED, Direction.ENTRY),
        SensorSignal(SignalKind.TURNED, Direction.EXIT),
        SensorSignal(SignalKind.SECOND_PERSON, Direction.ENTRY),
        SensorSignal(SignalKind.SECOND_PERSON, Direction.EXIT),
        SensorSignal(SignalKind.HELD_OPEN),
        SensorSignal(SignalKind.CLEARED, detail="held_open"),
        SensorSignal(SignalKind.FIRE),
        SensorSignal(SignalKind.CLEARED, detail="fire"),
        SensorSignal(SignalKind.TAMPER),
        SensorSignal(SignalKind.CLEARED, detail="tamper"),
    ]


def test_lost_messages_are_told_once_and_what_came_after_them_is_kept() -> None:
    tape = Tape(encode(b"A0", 998), encode(b"T+", 1))
    sensor = SerialSensor(tape, clock=tape.clock)
    with pytest.raises(BadAnswer, match="2 lost between 998 and 001"):
        sensor.read(0.1)
    assert sensor.read(0.1) == SensorSignal(SignalKind.TURNED)
    assert sensor.read(0.1) is None
    assert sensor.stats.lost == 2


def test_a_lost_turn_is_noticed_by_the_next_sign_of_life() -> None:
    assert hear(encode(b"A0", 4), encode(b"A0", 5)) == ["passage sensor: 1 lost between 004 and 005"]


def test_a_lost_state_is_made_good_by_the_next_sign_of_life() -> None:
    heard = hear(encode(b"A0", 4), encode(b"A2", 5), encode(b"A0", 6))
    assert [item for item in heard if isinstance(item, SensorSignal)] == [
        SensorSignal(SignalKind.FIRE),
        SensorSignal(SignalKind.CLEARED, detail="fire"),
    ]


def test_a_state_that_stands_when_the_gate_comes_up_is_told() -> None:
    assert hear(encode(b"A5", 77)) == [SensorSignal(SignalKind.HELD_OPEN), SensorSignal(SignalKind.TAMPER)]


def test_the_rest_of_a_line_on_connecting_is_no_fault() -> None:
    assert hear(b"017 CF\r\n", encode(b"A0", 17)) == []


def test_a_broken_line_is_a_bad_answer_and_the_next_one_is_read() -> None:
    heard = hear(encode(b"A0", 1), b"T+ 002 00\r\n", encode(b"T+", 3))
    assert heard == [
        "passage sensor: a line of 9 bytes fails its check",
        "passage sensor: 1 lost between 001 and 003",
        SensorSignal(SignalKind.TURNED),
    ]


def test_three_silent_seconds_are_a_lost_device() -> None:
    tape = Tape(encode(b"A0", 1))
    sensor = SerialSensor(tape, clock=tape.clock)
    for _ in range(2):
        assert sensor.read(1.0) is None
    with pytest.raises(DeviceLost, match="no sign of life for 3 s"):
        sensor.read(5.0)
    assert tape.now < 3.1


def test_a_sign_of_life_each_second_keeps_it() -> None:
    tape = Tape()
    sensor = SerialSensor(tape, clock=tape.clock)
    for _ in range(10):
        tape.say(encode(b"A0", 0))
        assert sensor.read(1.0) is None


def test_noise_is_no_sign_of_life() -> None:
    tape = Tape(step_s=0.2)
    sensor = SerialSensor(tape, clock=tape.clock)
    for _ in range(14):
        tape.say(b"\xff\x00\n")
        assert sensor.read(0.2) is None
    tape.say(b"\xff\x00\n")
    with pytest.raises(DeviceLost):
        sensor.read(1.0)


def test_a_gate_that_was_busy_reads_what_came_meanwhile_before_it_judges() -> None:
    tape = Tape(encode(b"A0", 1))
    sensor = SerialSensor(tape, clock=tape.clock)
    sensor.read(0.0)
    tape.now += 10.0
    tape.say(encode(b"T+", 2))
    assert sensor.read(0.1) == SensorSignal(SignalKind.TURNED)


def test_the_simulated_board_obeys_its_commands_and_its_silence_is_a_lost_device() -> None:
    stop = threading.Event()
    with PtyPort() as port:
        board = SensorSimulator(port, beat_s=0.02)
        sensor = connect("sensor", f"serial+serial://{port.path}")
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        heard = []
        for word in ("turn", "turn  exit", "second", "held", "fire", "tamper", "clear"):
            assert board.command(word).startswith("done")
            heard.append(sensor.read(5.0))
        assert [signal and signal.kind for signal in heard] == [
            SignalKind.TURNED,
            SignalKind.TURNED,
            SignalKind.SECOND_PERSON,
            SignalKind.HELD_OPEN,
            SignalKind.FIRE,
            SignalKind.TAMPER,
            SignalKind.CLEARED,
        ]
        assert board.command("dance").startswith("commands: turn")
        stop.set()
        runner.join()
        sensor.close()


def test_a_board_is_greeted_by_its_first_good_line() -> None:
    tape = Tape(b"noise\r\n", encode(b"A0", 7), encode(b"T+", 8))
    sensor = SerialSensor(tape, clock=tape.clock)
    sensor.greet()
    assert sensor.read(0.0) == SensorSignal(SignalKind.TURNED)


def test_a_line_on_which_nobody_speaks_is_no_sensor() -> None:
    tape = Tape(b"noise\r\n")
    with pytest.raises(DeviceLost, match="no sign of life"):
        SerialSensor(tape, clock=tape.clock).greet()
