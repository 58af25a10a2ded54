"""Door boards over UDP: the bytes, the contract, events that get lost, and packets that aren't the board's."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import _uhppote, connect
from drivers._uhppote import FIRE_BIT, Event, EventKind, Function, Reason, Status
from drivers._uhppote_board import SERIAL, BoardSimulator, UdpEnd
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError, UnknownDevice
from drivers.interfaces import PassageSensor
from drivers.sensor._door_events import Door, EventTrail
from drivers.sensor.uhppote import UhppoteSensor
from models.passage import Direction, SensorSignal, SignalKind
from tests.contract import Kit, SensorContract, open_files, until
from tests.examples import examples

ENTRY, EXIT = SensorSignal(SignalKind.TURNED), SensorSignal(SignalKind.TURNED, Direction.EXIT)
HELD, NOT_HELD = SensorSignal(SignalKind.HELD_OPEN), SensorSignal(SignalKind.CLEARED, detail="held_open")


class TestUhppoteSensor(SensorContract):
    """The contract, on the wire of a bench."""

    kit = Kit("sensor", "uhppote")


# --- Bytes ------------------------------------------------------------------------------------------------------------

# Made and read back with the `uhppoted` package.
STATUS = bytes.fromhex(
    "17200000 78372a18 4e000000 02000301 a2987c00 20261122063000 17 01000100 00010000 05 063001 09000000"
    "00000000 27 07 02 261122"
).ljust(64, b"\x00")
EVENT = bytes.fromhex("17b00000 78372a18 4e000000 02010301 a2987c00 20261122063000 17").ljust(64, b"\x00")
DOOR_3_OPENED = Event(78, EventKind.DOOR, 3, Reason.DOOR_OPENED)


def test_a_status_byte_for_byte() -> None:
    status = Status(DOOR_3_OPENED, (True, False, True, False), (False, True, False, False), fault=5, inputs=FIRE_BIT)
    assert _uhppote.status_of(STATUS, SERIAL) == status
    assert _uhppote.status_of(b"\x19" + STATUS[1:], SERIAL) == status
    assert _uhppote.status_of(_uhppote.encode_status(SERIAL, status), SERIAL) == status
    assert _uhppote.status_of(STATUS, 7) is None
    assert _uhppote.status_of(EVENT, SERIAL) is None
    assert _uhppote.status_of(STATUS[:63], SERIAL) is None


def test_an_event_byte_for_byte() -> None:
    event = Event(78, EventKind.DOOR, 3, Reason.DOOR_OPENED, granted=True)
    assert _uhppote.event_of(EVENT, SERIAL) == event
    assert _uhppote.event_of(_uhppote.encode_event(SERIAL, event), SERIAL) == event


@pytest.mark.parametrize(
    ("packet", "head"),
    [
        (_uhppote.ask_for_event(SERIAL, 17), "17b00000 78372a18 11"),
        (_uhppote.set_listener(SERIAL, bytes((192, 168, 1, 100)), 60001), "17900000 78372a18 c0a80164 61ea"),
        (_uhppote.encode(Function.SPECIAL_EVENTS, SERIAL, b"\x01"), "178e0000 78372a18 01"),
        (_uhppote.encode(Function.STATUS, SERIAL), "17200000 78372a18"),
    ],
)
def test_questions_byte_for_byte(packet: bytes, head: str) -> None:
    assert packet == bytes.fromhex(head).ljust(64, b"\x00")


# --- The trail of events ----------------------------------------------------------------------------------------------


def door_events(count: int) -> list[Event]:
    return [Event(n, EventKind.DOOR, 1, Reason.DOOR_OPENED) for n in range(1, count + 1)]


@settings(max_examples=examples(200))
@given(heard=st.lists(st.tuples(st.integers(0, 25), st.booleans()), max_size=30))
def test_each_event_comes_once_and_in_order_whatever_was_lost_late_or_repeated(heard: list[tuple[int, bool]]) -> None:
    """Pushed packets may come in any order; answers tell the newest there is."""
    events, trail = door_events(25), EventTrail()
    trail.take(Status(), asked=True)
    newest, told = 0, []
    for index, asked in heard:
        newest = max(newest, index)
        index = newest if asked else index
        known = trail.take(Status(events[index - 1] if index else Event()), asked=asked)
        while (wanted := trail.wanted) is not None:
            known += trail.fetched(events[wanted - 1])
        told += [one.index for one in known if isinstance(one, Event)]
    assert told == list(range(1, newest + 1))
    assert trail.lost == 0
    assert not trail.went_back


def test_events_that_the_board_has_no_more_are_counted_as_lost() -> None:
    events, trail = door_events(9), EventTrail()
    trail.take(Status(events[0]), asked=True)
    newest = Status(events[8])
    assert trail.take(newest, asked=False) == []
    assert trail.wanted == 2
    assert trail.fetched(events[1]) == [events[1]]
    assert trail.fetched(Event(3, EventKind.GONE)) == [events[8], newest]
    assert trail.lost == 6
    assert not trail.wanted


def test_a_gap_too_wide_to_ask_for_is_lost_at_once() -> None:
    events, trail = door_events(100), EventTrail()
    trail.take(Status(), asked=True)
    assert trail.take(Status(events[99]), asked=True)[0] == events[99]
    assert trail.lost == 99


def test_an_answer_to_another_question_is_not_taken_for_the_missing_event() -> None:
    events, trail = door_events(5), EventTrail()
    trail.take(Status(events[0]), asked=True)
    trail.take(Status(events[4]), asked=False)
    assert trail.fetched(events[3]) == []
    assert trail.wanted == 2


def test_a_count_that_went_back_is_believed_when_two_answers_say_so() -> None:
    events, trail = door_events(5), EventTrail()
    trail.take(Status(events[4]), asked=True)
    assert trail.take(Status(events[1]), asked=False) == []
    assert trail.take(Status(events[1]), asked=True) == []
    assert not trail.went_back
    assert trail.take(Status(events[1]), asked=True) == [Status(events[1])]
    assert trail.went_back


# --- The door ---------------------------------------------------------------------------------------------------------


def see(door: Door, *known: Event | Status | Reason, now: float = 0.0) -> list[SensorSignal]:
    told: list[SensorSignal] = []
    for one in known:
        kind = EventKind.DOOR if isinstance(one, Reason) and one < Reason.OPEN_TOO_LONG else EventKind.ALARM
        told += door.take(Event(1, kind, 1, one) if isinstance(one, Reason) else one, now)
    return told


def at_rest(**settings: float) -> Door:
    door = Door(1, **settings)  # type: ignore[arg-type]
    assert see(door, Status()) == []
    return door


OPEN = Status(doors=(True, False, False, False))


def test_an_opening_is_one_turn_however_often_it_is_told() -> None:
    door = at_rest()
    assert see(door, Reason.DOOR_OPENED, OPEN, Reason.FORCED_OPEN, OPEN) == [ENTRY]
    assert see(door, Reason.DOOR_CLOSED, Status()) == []
    assert see(door, OPEN, Status()) == [ENTRY]


def test_the_button_turns_the_way_round_for_one_opening_and_ten_seconds() -> None:
    door = at_rest()
    assert see(door, Reason.BUTTON, Reason.DOOR_OPENED, Reason.DOOR_CLOSED) == [EXIT]
    assert see(door, Reason.DOOR_OPENED, Reason.DOOR_CLOSED) == [ENTRY]
    see(door, Reason.BUTTON, now=100.0)
    assert see(door, Reason.DOOR_OPENED, now=111.0) == [ENTRY]
    assert see(Door(1, way=Direction.EXIT), Status(), Reason.BUTTON, Reason.DOOR_OPENED) == [ENTRY]


def test_a_door_that_stands_open_is_held_until_it_closes() -> None:
    door = at_rest(held_s=5.0)
    assert see(door, Reason.DOOR_OPENED) == [ENTRY]
    assert list(door.tick(4.9)) == []
    assert [*door.tick(5.0), *door.tick(6.0)] == [HELD]
    assert see(door, Reason.OPEN_TOO_LONG) == []
    assert see(door, Reason.DOOR_CLOSED) == [NOT_HELD]


def test_a_door_that_is_open_at_the_start_is_no_turn_and_is_held() -> None:
    door = Door(1, held_s=5.0)
    assert see(door, OPEN) == []
    assert list(door.tick(5.0)) == [HELD]


def test_fire_by_its_input_ends_with_the_input_and_by_an_event_after_a_minute() -> None:
    fire, over = SensorSignal(SignalKind.FIRE), SensorSignal(SignalKind.CLEARED, detail="fire")
    door = at_rest()
    assert see(door, Reason.FIRE, Status(inputs=FIRE_BIT), Status(inputs=FIRE_BIT)) == [fire]
    assert list(door.tick(1000.0)) == []
    assert see(door, Status(), now=1000.0) == [over]
    assert see(door, Reason.FIRE, Status(), now=2000.0) == [fire]
    assert [*door.tick(2059.0), *door.tick(2060.0)] == [over]


def test_swipes_and_other_doors_are_nothing() -> None:
    swipe = Event(1, EventKind.SWIPE, 1, Reason.SWIPE, granted=True)
    assert (
        see(at_rest(), swipe, Event(2, EventKind.DOOR, 2, Reason.DOOR_OPENED), Status(doors=(False, *[True] * 3))) == []
    )


# --- The sensor -------------------------------------------------------------------------------------------------------


class Loop:
    """A wire without a network, with a clock of its own: a packet takes a millisecond, silence what it may."""

    def __init__(self, listens: bool = True) -> None:
        self.now = 0.0
        self.board = BoardSimulator(self)
        self.coming: deque[tuple[bytes, bool]] = deque()
        self.listener = (bytes(4), int(listens))

    def clock(self) -> float:
        return self.now

    def send(self, packet: bytes) -> None:
        if answer := self.board.answer(packet):
            self.coming.append((answer, True))

    def receive(self, timeout: float) -> tuple[bytes, bool] | None:
        self.now += 0.001 if self.coming else timeout + 1e-6
        return self.coming.popleft() if self.coming else None

    def tell(self, packet: bytes, address: bytes, port: int) -> None:
        self.coming.append((packet, False))

    def hear(self, timeout: float) -> list[bytes]:
        return []

    def flush(self, timeout: float) -> None:
        pass

    def answer(self, packet: bytes) -> None:
        pass

    def close(self) -> None:
        pass

    def sensor(self, configure: bool = True) -> UhppoteSensor:
        return UhppoteSensor(self, SERIAL, Door(1), configure=configure, clock=self.clock)


def read_all(sensor: PassageSensor, times: int = 40) -> list[SensorSignal | DriverError]:
    found: list[SensorSignal | DriverError] = []
    for _ in range(times):
        try:
            signal = sensor.read(0.1)
        except DeviceLost:
            raise
        except DriverError as error:
            found.append(error)
            continue
        if signal is not None:
            found.append(signal)
    return found


def test_a_lost_event_is_asked_for_by_its_number() -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.board.lose = 3
    for _ in range(2):
        loop.board.turn()
    assert read_all(sensor) == [ENTRY, ENTRY]
    assert loop.board.asked_for == [1, 2, 3]


def test_a_loss_at_the_end_is_noticed_by_the_next_status() -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.board.lose = 4
    loop.board.turn()
    loop.board.turn(Direction.EXIT)
    assert read_all(sensor) == [ENTRY, EXIT]


def test_without_a_listener_events_are_asked_for() -> None:
    loop = Loop(listens=False)
    sensor = loop.sensor()
    loop.board.turn()
    loop.board.turn()
    assert read_all(sensor) == [ENTRY, ENTRY]


def test_events_that_are_gone_are_told_as_lost_once() -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.board.lose, loop.board.forgetful = 3, True
    loop.board.turn()
    loop.board.turn()
    lost, *rest = read_all(sensor)
    assert isinstance(lost, BadAnswer)
    assert "3 events" in str(lost)
    assert rest == []


def test_a_board_that_answers_no_question_for_events_is_given_up_on() -> None:
    loop = Loop()
    sensor = loop.sensor()
    real = loop.board.answer
    loop.board.answer = lambda packet: b"" if packet[1] == Function.EVENT else real(packet)  # type: ignore[method-assign]
    loop.board.lose = 1
    loop.board.door(True)
    loop.board.alarm(Reason.THEFT)
    assert [type(one) for one in read_all(sensor)] == [BadAnswer, SensorSignal, SensorSignal]


def test_a_cleared_memory_is_told_and_counted_from_anew() -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.board.turn()
    assert read_all(sensor) == [ENTRY]
    loop.board.forget()
    assert [type(one) for one in read_all(sensor)] == [BadAnswer]
    loop.board.turn()
    assert read_all(sensor) == [ENTRY]


def test_a_board_that_records_no_doors_is_seen_by_its_status() -> None:
    loop = Loop()
    sensor = loop.sensor(configure=False)
    loop.board.door(True)
    assert read_all(sensor) == [ENTRY]
    assert not loop.board.special


def test_a_fault_is_told_once() -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.board.status = Status(fault=4)
    (fault,) = read_all(sensor)
    assert isinstance(fault, DeviceRefused)
    assert "fault 4" in str(fault)


def test_three_silent_seconds_are_a_lost_board() -> None:
    loop = Loop()
    sensor = loop.sensor()
    read_all(sensor)
    loop.board.mute = True
    began = loop.now
    with pytest.raises(DeviceLost, match="silent"):
        read_all(sensor)
    assert loop.now - began < 4.0


def test_a_gate_that_was_busy_does_not_take_its_own_silence_for_the_boards() -> None:
    loop = Loop()
    sensor = loop.sensor()
    read_all(sensor)
    loop.now += 100.0
    loop.board.turn()
    assert read_all(sensor) == [ENTRY]


packets = st.binary(max_size=80) | st.binary(max_size=56).map(lambda b: _uhppote.encode(Function.STATUS, SERIAL, b))


@settings(max_examples=examples(100))
@given(noise=st.lists(st.tuples(packets, st.booleans()), max_size=8))
def test_arbitrary_packets_raise_nothing_undeclared_and_the_next_turn_is_seen(noise: list[tuple[bytes, bool]]) -> None:
    loop = Loop()
    sensor = loop.sensor()
    loop.coming.extend(noise)
    read_all(sensor, 60)
    loop.board.door(False)
    read_all(sensor)
    loop.board.door(True)
    assert {ENTRY, EXIT} & set(read_all(sensor))  # the noise may have pressed the button


# --- Over UDP ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def board() -> Iterator[BoardSimulator]:
    """A board on a UDP port."""
    end, stop = UdpEnd(), threading.Event()
    board = BoardSimulator(end)
    runner = threading.Thread(target=board.run, args=(stop,))
    runner.start()
    yield board
    stop.set()
    runner.join()
    end.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


def url_of(board: BoardSimulator, more: str = "") -> str:
    assert isinstance(board.wire, UdpEnd)
    return f"uhppote+udp://127.0.0.1:{board.wire.port}?serial={board.serial}{more}"


def test_turns_come_over_udp_as_they_happen(board: BoardSimulator) -> None:
    port = free_port()
    sensor = connect("sensor", url_of(board, f"&listen_port={port}"))
    assert board.listener == (bytes((127, 0, 0, 1)), port)
    for direction, signal in [(Direction.ENTRY, ENTRY), (Direction.EXIT, EXIT)]:
        board.turn(direction)
        assert until(lambda: sensor.read(0.5), lambda one: one is not None) == signal
    sensor.close()
    with pytest.raises(DeviceLost):
        sensor.read(0.0)


def test_packets_from_elsewhere_and_of_another_board_are_not_heard(board: BoardSimulator) -> None:
    port = free_port()
    sensor = connect("sensor", url_of(board, f"&listen_port={port}"))
    opened = Status(Event(1, EventKind.DOOR, 1, Reason.DOOR_OPENED), doors=(True,) * 4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.sendto(_uhppote.encode_status(SERIAL, opened), ("127.0.0.1", port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(_uhppote.encode_status(7, opened), ("127.0.0.1", port))
        assert [sensor.read(0.05) for _ in range(4)] == [None] * 4
        other.sendto(_uhppote.encode_status(SERIAL, opened), ("127.0.0.1", port))  # the board's address can be forged
        assert until(lambda: sensor.read(0.5), lambda one: one is not None) == ENTRY
    sensor.close()


def test_a_listening_port_that_is_taken_is_named(board: BoardSimulator) -> None:
    before = open_files()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        with pytest.raises(DeviceRefused, match="listen_port"):
            connect("sensor", url_of(board, f"&listen_port={taken.getsockname()[1]}"))
    assert open_files() == before


def test_where_no_board_listens_it_is_lost_and_where_it_is_silent_a_timeout(board: BoardSimulator) -> None:
    before = open_files()
    with pytest.raises(DeviceLost):
        connect("sensor", f"uhppote+udp://127.0.0.1:{free_port()}?serial={SERIAL}&listen_port=0")
    board.mute = True
    with pytest.raises(DeviceTimeout):
        connect("sensor", url_of(board, "&listen_port=0&answer_s=0.02"))
    assert open_files() == before


def test_the_console_does_what_it_names(board: BoardSimulator) -> None:
    sensor = connect("sensor", url_of(board, "&listen_port=0"))
    for word, kind in [("fire on", "fire"), ("fire off", "cleared"), ("lock on", "jam"), ("theft", "tamper")]:
        assert board.command(word).startswith("done")
        signal = until(lambda: sensor.read(0.5), lambda one: one is not None)
        assert signal.kind == kind
    assert "turn exit" in board.command("help")
    sensor.close()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("uhppote+udp://127.0.0.1:60000", "serial number"),
        ("uhppote+udp://127.0.0.1?serial=1", "host:port"),
        ("uhppote+udp://127.0.0.1:60000?serial=1&door=5", "door"),
        ("uhppote+udp://127.0.0.1:60000?serial=1&way=up", "way"),
        ("uhppote+spy+udp://127.0.0.1:60000?serial=1", "wrappers"),
        ("uhppote:", "transport"),
    ],
)
def test_addresses_that_do_not_fit_are_named(url: str, named: str) -> None:
    with pytest.raises(UnknownDevice, match=named):
        connect("sensor", url)
