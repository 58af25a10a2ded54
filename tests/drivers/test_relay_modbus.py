"""Modbus relay boards: the bytes, the contract, and that no pulse is given twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers._modbus import Bus, Unit, answer_in, crc16, flash_on, is_whole, request, seal, write_coil
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.pty_port import PtyPort
from drivers.relay.modbus import LONGEST_PULSE_S, FlashingRelay, ModbusRelay, ModbusSimulator
from tests.bad_wire import PATIENCE_S
from tests.contract import Kit, RelayContract
from tests.pymodbus_board import pymodbus_board

ON, OFF = bytes.fromhex("01 05 00 00 FF 00 8C 3A"), bytes.fromhex("01 05 00 00 00 00 CD CA")
FLASH = bytes.fromhex("01 05 02 00 00 05 0C 71")
READ = request(1, 1, 0, 1)
READ_OPEN, READ_CLOSED = seal(b"\x01\x01\x01\x00"), seal(b"\x01\x01\x01\x01")


class TestWaveshareBoard(RelayContract):
    """A board that times its pulses."""

    kit = Kit("relay", "modbus")


class TestPlainBoard(RelayContract):
    """A board that knows coils alone."""

    kit = Kit("relay", "modbus", "?board=plain&channel=8")


@pytest.mark.parametrize(
    ("frame", "vector"),
    [
        (write_coil(1, 0, True), "01 05 00 00 FF 00 8C 3A"),
        (write_coil(1, 0, False), "01 05 00 00 00 00 CD CA"),
        (request(1, 5, 0, 0x5500), "01 05 00 00 55 00 F2 9A"),
        (write_coil(1, 0xFF, True), "01 05 00 FF FF 00 BC 0A"),
        (write_coil(1, 0xFF, False), "01 05 00 FF 00 00 FD FA"),
        (flash_on(1, 0, 5), "01 05 02 00 00 05 0C 71"),
        (flash_on(1, 0, 7), "01 05 02 00 00 07 8D B0"),
        (request(1, 5, 0x0400, 8), "01 05 04 00 00 08 CD 3C"),
        (request(1, 1, 0, 8), "01 01 00 00 00 08 3D CC"),
        (request(1, 2, 0, 8), "01 02 00 00 00 08 79 CC"),
        (seal(bytes.fromhex("01 0F 00 00 00 08 01 FF")), "01 0F 00 00 00 08 01 FF BE D5"),
    ],
)
def test_frames_byte_for_byte(frame: bytes, vector: str) -> None:
    assert frame == bytes.fromhex(vector)
    assert is_whole(frame)


def test_the_check_has_its_published_check_value() -> None:
    assert crc16(b"123456789") == 0x4B37


@given(body=st.binary(min_size=2, max_size=12), bits=st.sets(st.integers(0, 31), min_size=1, max_size=3))
def test_up_to_three_flipped_bits_never_pass(body: bytes, bits: set[int]) -> None:
    spoilt = bytearray(seal(body))
    for bit in bits:
        spoilt[bit // 8] ^= 1 << bit % 8
    assert not is_whole(bytes(spoilt))


@given(heard=st.binary(max_size=20), asked=st.sampled_from([ON, READ, request(1, 2, 0, 20)]))
def test_arbitrary_answers_raise_nothing_undeclared(heard: bytes, asked: bytes) -> None:
    try:
        answer = answer_in(heard, asked)
    except (BadAnswer, DeviceRefused):
        return
    assert answer is None or is_whole(answer)


class Line:
    """A line whose far end is the test, with a clock of its own: a silent read takes all its time.

    `answers` are given one for each question; when they are used up a board of one relay answers.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[bytes] = []
        self.answers: list[bytes] = []
        self.closed = False
        self._coil = False
        self._coming = b""

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._coming += self.answers.pop(0) if self.answers else self._answer(data)

    def read(self, timeout: float) -> bytes:
        data, self._coming = self._coming, b""
        if self.closed:
            raise DeviceLost("closed")
        if not data:
            self.now += timeout
        return data

    def discard(self) -> None:
        self._coming = b""

    def close(self) -> None:
        self.closed = True

    def _answer(self, frame: bytes) -> bytes:
        if frame[1] == 1:
            return READ_CLOSED if self._coil else READ_OPEN
        self._coil = frame[4] == 0xFF
        return frame

    def orders(self) -> list[bytes]:
        """What was written, without the reads."""
        return [frame for frame in self.written if frame[1] == 5]


def relay_on(line: Line, kind: type[ModbusRelay] = FlashingRelay) -> ModbusRelay:
    """A relay on `line`, with what it said on connecting forgotten."""
    relay = kind(Unit(Bus(line, clock=line.clock)), clock=line.clock, wait=line.wait)
    line.written.clear()
    return relay


def test_connecting_opens_the_contact_and_reads_it_back() -> None:
    line = Line()
    FlashingRelay(Unit(Bus(line, clock=line.clock)), clock=line.clock, wait=line.wait)
    assert line.written == [OFF, READ]


@pytest.mark.parametrize(
    ("seconds", "tenths"), [(0.02, 1), (0.1, 1), (0.11, 2), (0.3, 3), (0.5, 5), (0.7, 7), (30.0, 300)]
)
def test_a_pulse_is_one_frame_in_tenths_rounded_up(seconds: float, tenths: int) -> None:
    line = Line()
    relay_on(line).pulse(seconds)
    assert line.written == [flash_on(1, 0, tenths)]


def test_a_board_that_cannot_time_is_closed_and_opened_by_the_host() -> None:
    line = Line()
    relay_on(line, ModbusRelay).pulse(0.5)
    assert line.written == [ON, OFF]
    assert line.now >= 0.5


def test_each_kind_says_who_times_the_pulse() -> None:
    assert relay_on(Line()).times_pulses
    assert not relay_on(Line(), ModbusRelay).times_pulses


def test_a_lost_echo_is_made_good_by_reading_and_the_pulse_is_not_repeated() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [b"", READ_CLOSED]
    relay.pulse(0.5)
    assert line.written == [FLASH, READ]


def test_a_lost_order_is_repeated_once() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [b"", READ_OPEN]
    relay.pulse(0.5)
    assert line.written == [FLASH, READ, FLASH]


def test_a_pulse_that_may_have_come_and_gone_is_not_repeated() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [b"", READ_OPEN]
    with pytest.raises(DeviceTimeout):
        relay.pulse(0.1)
    assert line.orders() == [flash_on(1, 0, 1)]


def test_a_garbled_echo_that_stays_garbled_is_a_bad_answer() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [b"\x01\x05\x02\x00\x00\x05\x0c\x70", READ_OPEN, b"\x01\x05\x02\x00\x00\x05\x0c\x70"]
    with pytest.raises(BadAnswer):
        relay.pulse(0.5)
    assert line.orders() == [FLASH, FLASH]


def test_the_next_pulse_cuts_the_last_one_short() -> None:
    line = Line()
    relay = relay_on(line)
    relay.pulse(2.0)
    relay.pulse(0.5)
    assert line.written == [flash_on(1, 0, 20), OFF, FLASH]
    assert 0.2 <= line.now < 0.4


def test_a_pulse_while_held_leaves_the_contact_closed_and_closing_opens_it() -> None:
    for kind in (FlashingRelay, ModbusRelay):
        line = Line()
        relay = relay_on(line, kind)
        relay.hold(True)
        relay.pulse(0.5)
        assert line.written[-1] == ON
        relay.close()
        assert line.written[-1] == OFF
        assert line.closed


def test_a_contact_found_closed_at_rest_is_opened_by_a_poll() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [READ_CLOSED]
    relay.poll()
    assert line.written == [READ, OFF]


def test_a_poll_lets_a_pulse_be() -> None:
    line = Line()
    relay = relay_on(line)
    relay.pulse(2.0)
    line.answers = [READ_CLOSED]
    relay.poll()
    assert line.written == [flash_on(1, 0, 20), READ]


def test_a_free_passage_is_restored_after_the_board_lost_its_power() -> None:
    line = Line()
    relay = relay_on(line)
    relay.hold(True)
    line.answers = [READ_OPEN]
    relay.poll()
    assert line.orders() == [ON, ON]


def test_an_exception_is_a_refusal_that_names_its_code_and_is_not_asked_again() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [seal(b"\x01\x85\x02")]
    with pytest.raises(DeviceRefused, match=r"unit 1: exception 2, it has no such channel"):
        relay.pulse(0.5)
    assert line.written == [FLASH]


def test_a_hold_that_fails_leaves_the_order_to_open_behind() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [b"", b""]
    with pytest.raises(DeviceTimeout, match=r"no answer in 0\.25 s"):
        relay.hold(True)
    assert line.written == [ON, ON, OFF]


def test_a_plain_pulse_that_fails_leaves_the_order_to_open_behind() -> None:
    line = Line()
    relay = relay_on(line, ModbusRelay)
    line.answers = [b"", b""]
    with pytest.raises(DeviceTimeout):
        relay.pulse(0.5)
    assert line.written == [ON, ON, OFF]


def test_half_an_answer_is_a_bad_answer_and_the_late_half_does_no_harm() -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = [READ_OPEN[:3], READ_OPEN[:3]]
    with pytest.raises(BadAnswer, match="3 bytes"):
        relay.poll()
    line._coming = READ_OPEN[3:]
    relay.poll()


def test_an_adapter_that_hears_itself_is_found_out_on_connecting() -> None:
    line = Line()
    line.answers = [OFF, READ + READ_OPEN, READ + READ_OPEN]
    with pytest.raises(BadAnswer, match="hear itself"):
        FlashingRelay(Unit(Bus(line, clock=line.clock)), clock=line.clock, wait=line.wait)


def test_a_question_waits_for_three_and_a_half_characters_of_silence() -> None:
    line = Line()
    relay = relay_on(line)
    began = line.now
    relay.poll()
    assert line.now - began >= 3.5 * 11 / 9600


def test_a_line_that_is_never_silent_is_a_bad_answer() -> None:
    class Noisy(Line):
        def read(self, timeout: float) -> bytes:
            self.now += 0.01
            return b"\x00"

    line = Noisy()
    with pytest.raises(BadAnswer, match="never silent"):
        Unit(Bus(line, clock=line.clock)).read_coils(0, 1)
    assert line.written == []


@given(answers=st.lists(st.binary(max_size=12) | st.sampled_from([OFF, ON, FLASH, READ_OPEN, READ_CLOSED]), max_size=8))
def test_arbitrary_bytes_raise_nothing_undeclared_and_the_next_answer_is_read(answers: list[bytes]) -> None:
    line = Line()
    relay = relay_on(line)
    line.answers = answers
    for act in (relay.poll, lambda: relay.pulse(0.5), lambda: relay.hold(True), lambda: relay.hold(False)):
        with suppress(DeviceTimeout, BadAnswer, DeviceRefused):
            act()
    line.answers.clear()
    relay.hold(False)
    relay.poll()
    assert line.written[-1] == READ


@pytest.mark.parametrize("seconds", [0.0, -1.0, LONGEST_PULSE_S + 1, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [ModbusRelay, FlashingRelay])
def test_a_senseless_length_moves_nothing(kind: type[ModbusRelay], seconds: float) -> None:
    line = Line()
    relay = relay_on(line, kind)
    with pytest.raises(DeviceRefused):
        relay.pulse(seconds)
    assert line.written == []


@pytest.mark.parametrize("option", ["channel=0", "address=248", "board=lctech", "answer_s=0", "colour=red"])
def test_unknown_options_are_named(option: str) -> None:
    with pytest.raises(UnknownDevice, match=option.partition("=")[0]):
        connect("relay", f"modbus+serial:///dev/none?{option}")


@pytest.fixture
def board() -> Iterator[ModbusSimulator]:
    """A board at work on a pseudo-terminal."""
    stop = threading.Event()
    with PtyPort() as port:
        board = ModbusSimulator(port)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        yield board
        stop.set()
        runner.join()


def test_the_board_ends_the_pulse_although_the_host_is_dead(board: ModbusSimulator) -> None:
    relay = connect("relay", f"modbus+serial://{board.port.path}?channel=3")
    relay.pulse(0.2)
    relay._coil.close()  # type: ignore[attr-defined]  # as a killed host would: without a word to the board
    assert board.wait_for(lambda: len(board.changes) == 2, PATIENCE_S)
    closed, opened = board.changes
    assert (closed.channel, closed.on, opened.channel, opened.on) == (3, True, 3, False)
    assert 0.19 < opened.at - closed.at < 1.0


def test_two_drivers_share_one_line_and_each_may_leave(board: ModbusSimulator) -> None:
    url = f"modbus+serial://{board.port.path}"
    first, second = connect("relay", url + "?channel=1"), connect("relay", url + "?channel=2")
    first.hold(True)
    second.hold(True)
    assert board.state(1)
    assert board.state(2)
    first.close()
    second.poll()
    second.close()
    with pytest.raises(DeviceLost):
        second.poll()
    connect("relay", url).close()


def test_a_shared_line_has_one_speed(board: ModbusSimulator) -> None:
    url = f"modbus+serial://{board.port.path}"
    first = connect("relay", url)
    with pytest.raises(UnknownDevice, match="another speed"):
        connect("relay", url + "?baud=19200")
    first.close()
    connect("relay", url + "?baud=19200").close()


def test_a_board_without_flash_refuses_it_in_words(board: ModbusSimulator) -> None:
    board.waveshare = False
    relay = connect("relay", f"modbus+serial://{board.port.path}")
    with pytest.raises(DeviceRefused, match="exception 2"):
        relay.pulse(0.1)
    relay.close()


def test_the_board_does_what_it_is_told_in_words(board: ModbusSimulator) -> None:
    relay = connect("relay", f"modbus+serial://{board.port.path}?answer_s=0.05")
    board.command("jam")
    relay.hold(True)  # an echo says nothing of the contact
    assert board.command("state") == "closed: none; pulses: 0; inputs: 3"
    relay.hold(False)
    board.command("free")
    board.command("refuse")
    with pytest.raises(DeviceRefused, match="exception 4"):
        relay.poll()
    board.command("obey")
    board.command("mute")
    with pytest.raises(DeviceTimeout):
        relay.poll()
    board.command("speak")
    relay.poll()
    assert board.command("input 7 on") == "done"
    assert board.command("state") == "closed: none; pulses: 0; inputs: 3, 7"
    assert board.command("input 9 on").startswith("commands:")
    relay.close()


def serve(*chunks: bytes) -> tuple[ModbusSimulator, bytes]:
    """A board that was given `chunks`, and what it answered."""
    told: list[bytes] = []

    class Port(PtyPort):
        def write(self, data: bytes) -> int:
            told.append(data)
            return len(data)

    with Port() as port:
        board = ModbusSimulator(port)
        for chunk in chunks:
            board._serve(chunk)
    return board, b"".join(told)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("01 01 00 00 00 08", "01 01 01 00"),
        ("01 02 00 00 00 08", "01 02 01 04"),
        ("01 0F 00 00 00 08 01 FF", "01 0F 00 00 00 08"),
        ("01 05 00 FF FF 00", "01 05 00 FF FF 00"),
        ("01 05 00 00 55 00", "01 05 00 00 55 00"),
        ("01 05 04 00 00 08", "01 05 04 00 00 08"),
        ("01 05 00 08 FF 00", "01 85 02"),
        ("01 05 00 00 12 34", "01 85 03"),
        ("01 01 00 00 00 09", "01 81 02"),
        ("01 03 00 00 00 01", "01 83 01"),
        ("02 01 00 00 00 08", ""),
    ],
)
def test_the_board_answers(question: str, answer: str) -> None:
    expected = seal(bytes.fromhex(answer)) if answer else b""
    assert serve(seal(bytes.fromhex(question)))[1] == expected


@given(noise=st.binary(max_size=40), cuts=st.lists(st.integers(0, 80), max_size=6))
def test_the_board_finds_its_frame_behind_any_noise(noise: bytes, cuts: list[int]) -> None:
    stream = noise + READ * 34 + ON  # noise may look like the head of the longest frame, 264 bytes
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    board, _ = serve(*(stream[begin:end] for begin, end in pairwise(edges)))
    assert board.state(1)


@pytest.mark.slow
def test_coils_of_a_board_of_somebody_elses_making() -> None:
    with pymodbus_board([False] * 16) as (path, _):
        relay = connect("relay", f"modbus+serial://{path}?board=plain&channel=5&answer_s=2")
        relay.hold(True)
        assert relay._coil._unit.read_coils(0, 8) == (False,) * 4 + (True,) + (False,) * 3  # type: ignore[attr-defined]
        relay.poll()
        relay.hold(False)
        relay.pulse(0.01)
        assert not any(relay._coil._unit.read_coils(0, 8))  # type: ignore[attr-defined]
        relay.close()
        with pytest.raises(DeviceRefused, match="exception 2"):
            connect("relay", f"modbus+serial://{path}?board=plain&channel=60&answer_s=2")
