"""UHPPOTE boards over UDP on the loopback: the bytes, lost packets, and that no order to open is given twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.interfaces import Relay
from drivers.relay.uhppote import Function, UhppoteRelay, UhppoteSimulator, body_of, encode
from tests.contract import open_files

SERIAL = 405419896
OPEN_DOOR_1 = bytes.fromhex("17 40 00 00 78 37 2A 18 01") + bytes(55)


@pytest.fixture
def board() -> Iterator[UhppoteSimulator]:
    """A board at work."""
    board, stop = UhppoteSimulator(SERIAL), threading.Event()
    runner = threading.Thread(target=board.run, args=(stop,))
    runner.start()
    yield board
    stop.set()
    runner.join()


def url_of(board: UhppoteSimulator, more: str = "") -> str:
    return f"uhppote+udp://127.0.0.1:{board.port}?serial={SERIAL}{more}"


@pytest.fixture
def relay(board: UhppoteSimulator) -> Iterator[Relay]:
    """A relay on the board's second door, with little patience."""
    relay = connect("relay", url_of(board, "&door=2&answer_s=0.25"))
    yield relay
    relay.close()


def test_the_order_to_open_byte_for_byte() -> None:
    assert encode(Function.OPEN_DOOR, SERIAL, b"\x01") == OPEN_DOOR_1
    assert len(OPEN_DOOR_1) == 64
    assert body_of(OPEN_DOOR_1, Function.OPEN_DOOR, SERIAL) == b"\x01" + bytes(55)


@given(packet=st.binary(max_size=80))
def test_arbitrary_packets_are_no_orders(packet: bytes) -> None:
    board = UhppoteSimulator(SERIAL)
    with board._socket:
        assert board.answer(packet) == b""
    assert board.pulses == 0


def test_a_pulse_opens_the_door_once(board: UhppoteSimulator, relay: Relay) -> None:
    assert relay.times_pulses
    relay.pulse(0.5)
    relay.pulse(0.5)
    assert board.opened == [2, 2]


def test_a_refusal_says_which_door(board: UhppoteSimulator, relay: Relay) -> None:
    board.refuse = True
    with pytest.raises(DeviceRefused, match="did not open door 2"):
        relay.pulse(0.5)


def test_a_lost_order_is_a_timeout_and_opens_nothing(board: UhppoteSimulator, relay: Relay) -> None:
    board.lose = 1
    with pytest.raises(DeviceTimeout):
        relay.pulse(0.5)
    assert board.pulses == 0
    relay.pulse(0.5)
    assert board.pulses == 1


def test_an_order_whose_answer_is_lost_is_not_given_twice(board: UhppoteSimulator, relay: Relay) -> None:
    board.mute = 1
    with pytest.raises(DeviceTimeout):
        relay.pulse(0.5)
    relay.poll()
    assert board.pulses == 1


def test_one_lost_packet_of_a_poll_is_made_good_and_two_are_a_timeout(board: UhppoteSimulator, relay: Relay) -> None:
    board.lose = 1
    relay.poll()
    board.lose = 2
    with pytest.raises(DeviceTimeout):
        relay.poll()
    relay.poll()


def test_free_passage_is_refused_in_words_and_rest_is_not(board: UhppoteSimulator, relay: Relay) -> None:
    with pytest.raises(DeviceRefused, match="normally open"):
        relay.hold(True)
    relay.hold(False)
    assert board.pulses == 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_length_opens_nothing(board: UhppoteSimulator, relay: Relay, seconds: float) -> None:
    with pytest.raises(DeviceRefused):
        relay.pulse(seconds)
    assert board.pulses == 0


def test_another_boards_serial_number_gets_no_answer(board: UhppoteSimulator) -> None:
    with pytest.raises(DeviceTimeout):
        connect("relay", f"uhppote+udp://127.0.0.1:{board.port}?serial=7&answer_s=0.05")


def test_where_no_board_listens_it_is_lost() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    before = open_files()
    with pytest.raises(DeviceLost):
        connect("relay", f"uhppote+udp://127.0.0.1:{port}?serial={SERIAL}")
    assert open_files() == before


def test_close_may_be_called_twice_and_then_it_is_lost(relay: Relay) -> None:
    relay.close()
    relay.close()
    with pytest.raises(DeviceLost):
        relay.poll()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packets=st.lists(st.binary(max_size=80) | st.just(encode(Function.STATUS, 7)), max_size=4))
def test_arbitrary_packets_raise_nothing_undeclared_and_the_next_answer_is_read(packets: list[bytes]) -> None:
    status = encode(Function.STATUS, SERIAL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(5)
        port = far.getsockname()[1]

        def play() -> None:
            for answers in ([status], packets, [status]):
                host = far.recvfrom(64)[1]
                for answer in answers:
                    far.sendto(answer, host)

        player = threading.Thread(target=play)
        player.start()
        relay = UhppoteRelay("127.0.0.1", port, SERIAL, answer_s=5.0, tries=1)
        relay._answer_s = 0.03
        with suppress(DeviceTimeout, BadAnswer, DeviceRefused):
            relay.pulse(0.5)
        relay._answer_s = 5.0
        relay.poll()
        relay.close()
        player.join()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("uhppote+udp://127.0.0.1:60000", "serial number"),
        ("uhppote+udp://127.0.0.1?serial=1", "host:port"),
        ("uhppote+udp://127.0.0.1:60000?serial=1&door=5", "door"),
        ("uhppote+udp://127.0.0.1:60000?serial=x", "serial"),
        ("uhppote+spy+udp://127.0.0.1:60000?serial=1", "wrappers"),
        ("uhppote+tcp://127.0.0.1:60000?serial=1", "udp"),
        ("uhppote:", "transport"),
    ],
)
def test_addresses_that_do_not_fit_are_named(url: str, named: str) -> None:
    with pytest.raises(UnknownDevice, match=named):
        connect("relay", url)
