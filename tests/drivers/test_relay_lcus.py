"""LCUS relay boards: the bytes, the contract, and what happens when the contact must open whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.relay.lcus import LONGEST_PULSE_S, LcusRelay, LcusSimulator, Op, encode, find_state
from drivers.transport import PtyPort
from tests.contract import Kit, RelayContract

ON, OFF = bytes.fromhex("A0 01 01 A2"), bytes.fromhex("A0 01 00 A1")


class TestPlainBoard(RelayContract):
    """A board that never answers."""

    kit = Kit("relay", "lcus")


class TestAnsweringBoard(RelayContract):
    """A board that answers each order."""

    kit = Kit("relay", "lcus", "?feedback=1&channel=8")


class Wire:
    """A line whose far end is the test: keeps what was written, answers what it is told to."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda frame: b"") -> None:
        self.written: list[bytes] = []
        self.fails_after = 1000
        self._answer = answer
        self._coming = b""

    def write(self, data: bytes) -> None:
        if len(self.written) >= self.fails_after:
            raise DeviceLost("gone")
        self.written.append(data)
        self._coming += self._answer(data)

    def read(self, timeout: float) -> bytes:
        data, self._coming = self._coming, b""
        return data

    def discard(self) -> None:
        self._coming = b""

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("channel", "op", "frame"),
    [
        (1, Op.ON, "A0 01 01 A2"),
        (1, Op.OFF, "A0 01 00 A1"),
        (2, Op.ON, "A0 02 01 A3"),
        (2, Op.OFF, "A0 02 00 A2"),
        (1, Op.ON_ANSWERED, "A0 01 03 A4"),
        (1, Op.OFF_ANSWERED, "A0 01 02 A3"),
        (1, Op.TOGGLE_ANSWERED, "A0 01 04 A5"),
        (1, Op.QUERY, "A0 01 05 A6"),
    ],
)
def test_frames_byte_for_byte(channel: int, op: Op, frame: str) -> None:
    assert encode(channel, op) == bytes.fromhex(frame)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"CH1: ON\r\n", True),
        (b"CH1:OFF\r\n", False),
        (b"CH1: OFF\r\nCH2: ON\r\n", False),
        (ON, True),
        (b"\x00" + OFF, False),
        (b"CH1: O", None),
        (b"CH2: ON", None),
        (b"", None),
    ],
)
def test_an_answer_is_text_or_a_frame(answer: bytes, state: bool | None) -> None:
    assert find_state(answer, 1) is state


def test_connecting_pulsing_polling_and_closing_each_open_the_contact() -> None:
    wire = Wire()
    relay = LcusRelay(wire)
    relay.pulse(0.001)
    relay.poll()
    relay.close()
    assert wire.written == [OFF * 2, ON * 2, OFF * 2, OFF * 2, OFF * 2]


def test_inverted_the_coil_is_on_at_rest() -> None:
    wire = Wire()
    LcusRelay(wire, invert=True).pulse(0.001)
    assert wire.written == [ON * 2, OFF * 2, ON * 2]


def test_a_pulse_while_held_leaves_the_contact_closed_and_closing_opens_it() -> None:
    wire = Wire()
    relay = LcusRelay(wire)
    relay.hold(True)
    relay.pulse(0.001)
    assert wire.written[-1] == ON * 2
    relay.close()
    assert wire.written[-1] == OFF * 2


def test_opening_is_attempted_even_when_the_wait_is_cut_short() -> None:
    class CutShort(Wire):
        def read(self, timeout: float) -> bytes:
            raise KeyboardInterrupt

    wire = CutShort()
    relay = LcusRelay(wire)
    with pytest.raises(KeyboardInterrupt):
        relay.pulse(5.0)
    assert wire.written == [OFF * 2, ON * 2, OFF * 2]


def test_a_board_that_says_nothing_is_a_timeout_and_was_still_told_to_open() -> None:
    wire = Wire(lambda frame: b"" if frame == encode(1, Op.ON_ANSWERED) else b"CH1: OFF\r\n")
    relay = LcusRelay(wire, feedback=True)
    with pytest.raises(DeviceTimeout):
        relay.pulse(0.01)
    assert wire.written[-1] == encode(1, Op.OFF_ANSWERED)


def test_a_hold_that_fails_leaves_the_order_to_open_behind() -> None:
    wire = Wire(lambda frame: b"" if frame == encode(1, Op.ON_ANSWERED) else b"CH1: OFF\r\n")
    relay = LcusRelay(wire, feedback=True)
    with pytest.raises(DeviceTimeout):
        relay.hold(True)
    assert wire.written[-1] == encode(1, Op.OFF_ANSWERED)
    relay.poll()
    assert wire.written[-1] == encode(1, Op.OFF_ANSWERED)


def test_a_board_that_talks_nonsense_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        LcusRelay(Wire(lambda frame: b"CH7: ON"), feedback=True)


def test_a_lost_line_during_a_pulse_is_a_lost_device() -> None:
    wire = Wire()
    relay = LcusRelay(wire)
    wire.fails_after = 2
    with pytest.raises(DeviceLost):
        relay.pulse(0.001)
    relay.close()


@pytest.mark.parametrize("seconds", [0.0, -1.0, LONGEST_PULSE_S + 1, float("nan"), float("inf")])
def test_a_senseless_length_moves_nothing(seconds: float) -> None:
    wire = Wire()
    relay = LcusRelay(wire)
    with pytest.raises(DeviceRefused):
        relay.pulse(seconds)
    assert wire.written == [OFF * 2]


@pytest.mark.parametrize("option", ["channel=0", "channel=9", "channel=one", "feedback=2", "colour=red"])
def test_unknown_options_are_named(option: str) -> None:
    with pytest.raises(UnknownDevice, match=option.partition("=")[0]):
        connect("relay", f"lcus+serial:///dev/none?{option}")


@pytest.fixture
def board() -> Iterator[LcusSimulator]:
    """A board at work on a pseudo-terminal."""
    stop = threading.Event()
    with PtyPort() as port:
        board = LcusSimulator(port)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        yield board
        stop.set()
        runner.join()


def test_the_board_sees_the_pulse_as_long_as_asked(board: LcusSimulator) -> None:
    somebody_walks = threading.Event()
    board.on_pulse = lambda channel: somebody_walks.set()
    relay = connect("relay", f"lcus+serial://{board.port.path}?channel=3")
    began = time.monotonic()
    relay.pulse(0.1)
    took_s = time.monotonic() - began
    relay.close()
    assert somebody_walks.wait(5.0)
    assert board.wait_for(lambda: len(board.changes) == 2, 5.0)
    closed, opened = board.changes
    assert (closed.channel, closed.on, opened.channel, opened.on) == (3, True, 3, False)
    assert took_s >= 0.1  # the host times it; when the simulator's thread gets to look is another matter
    assert opened.at > closed.at


@pytest.mark.parametrize("text", [True, False])
def test_a_stuck_contact_is_refused_in_words(board: LcusSimulator, text: bool) -> None:
    board.text = text
    relay = connect("relay", f"lcus+serial://{board.port.path}?feedback=1")
    board.command("jam")
    with pytest.raises(DeviceRefused, match="told on and says off"):
        relay.pulse(0.01)
    board.command("free")
    relay.pulse(0.01)
    assert board.command("state") == "closed: none; pulses: 1"
    relay.close()


def test_a_mute_board_with_feedback_asked_for_is_a_timeout(board: LcusSimulator) -> None:
    board.command("mute")
    with pytest.raises(DeviceTimeout, match="does this board answer at all"):
        connect("relay", f"lcus+serial://{board.port.path}?feedback=1")


def test_a_board_tells_all_its_contacts_when_asked() -> None:
    told: list[bytes] = []

    class Port(PtyPort):
        def write(self, data: bytes) -> int:
            told.append(data)
            return len(data)

    with Port() as port:
        board = LcusSimulator(port)
        board._take(encode(2, Op.TOGGLE_ANSWERED) + encode(2, Op.QUERY) + b"\xff")
    assert told[:2] == [b"CH2: ON\r\n"] * 2
    assert told[2].splitlines() == [b"CH%d: %s" % (n, b"ON" if n == 2 else b"OFF") for n in range(1, 9)]


@given(noise=st.binary(max_size=40), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_the_board_finds_its_frame_behind_any_noise(noise: bytes, cuts: list[int]) -> None:
    with PtyPort() as port:
        board = LcusSimulator(port)
        stream = noise + OFF * 2 + ON  # what noise ends in may swallow the head of the next frame, not of the one after
        edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
        for begin, end in pairwise(edges):
            board._take(stream[begin:end])
        assert board.state(1)
