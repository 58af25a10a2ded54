"""A page's way from the socket to the driver: taken, corrected, or told that nobody takes it. And never into a log."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from drivers.errors import DeviceLost
from gate.commands.type_mrz import ask
from gate.demo.box_office import sell
from gate.demo.rig import Rig
from gate.messages import DeviceUp, Message
from gate.page import NO_TAKER, hand_page
from gate.pump import ReaderPump
from models import wire
from models.command import Command, Order
from models.credential import CardFault, Credential
from tests.gate.daemon_bench import WIRING, marked_people, marked_policy

LONG_S = 5.0
PAGE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"


class Reader:
    """A reader to which nobody comes."""

    def __init__(self) -> None:
        self.reads = queue.SimpleQueue[None]()

    def read(self, timeout: float) -> Credential | CardFault | None:
        self.reads.put(None)
        return None

    def close(self) -> None:
        pass


class PageReader(Reader):
    """One that opens chips."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[str] = []
        self.alive: Callable[[], None] = lambda: None

    def expect(self, text: str) -> str:
        if len(text) < 6:
            return "too short"
        self.pages.append(text)
        return ""


@pytest.fixture
def run():
    """A function that starts a reader's pump and waits until it reads."""
    pumps: list[ReaderPump] = []

    def start(name: str, device: Any) -> ReaderPump:
        posted: queue.Queue[Message] = queue.Queue()

        def connect() -> Any:
            if isinstance(device, Exception):
                raise device
            return device

        pump = ReaderPump(name, connect, posted.put)
        pumps.append(pump)
        pump.start()
        first = posted.get(timeout=LONG_S)
        if isinstance(first, DeviceUp):
            device.reads.get(timeout=LONG_S)
        return pump

    yield start
    stopped = [pump.stop() for pump in pumps]
    assert all(stopped)


def order(text: str = PAGE, reader: str = "", actor: str = "steward-7") -> Command:
    return Command(5, Order.MRZ, actor, mrz=text, reader=reader)


def test_a_page_reaches_the_first_reader_that_takes_one(run):
    device = PageReader()
    answer = hand_page(order(), [run("reader", Reader()), run("exit_reader", device)])
    assert (answer.id, answer.ok, answer.error) == (5, True, "")
    assert device.pages == [PAGE]


def test_a_page_for_one_reader_reaches_no_other(run):
    entry, way_out = PageReader(), PageReader()
    readers = [run("reader", entry), run("exit_reader", way_out)]
    assert hand_page(order(reader="exit_reader"), readers).ok
    assert (entry.pages, way_out.pages) == ([], [PAGE])


@pytest.mark.parametrize(
    ("command", "says"),
    [(order("123"), "too short"), (order(" "), "lacks"), (order(actor=""), "actor"), (order(reader="x"), NO_TAKER)],
)
def test_what_is_wrong_is_answered(run, command, says):
    device = PageReader()
    answer = hand_page(command, [run("reader", device)])
    assert not answer.ok
    assert says in answer.error
    assert device.pages == []


def test_a_lane_without_passports_says_so(run):
    assert hand_page(order(), [run("reader", Reader())]).error == NO_TAKER


def test_a_reader_that_is_down_is_told(run):
    assert hand_page(order(), [run("reader", DeviceLost("unplugged"))]).error == "not connected now: reader"


class SlowReader(PageReader):
    """One that has begun to read, and reads until told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = threading.Event()

    def read(self, timeout: float) -> None:
        super().read(timeout)
        self.ends.wait(LONG_S)


def test_a_long_reading_shows_life(run):
    device = SlowReader()
    pump = run("reader", device)
    before = pump.health().beat_mono
    device.alive()
    assert pump.health().beat_mono > before
    device.ends.set()


def test_a_page_crosses_the_socket_and_shows_nowhere(run, caplog):
    device = PageReader()
    with caplog.at_level(logging.DEBUG):
        command = wire.from_json(Command, wire.to_json(order()))
        assert hand_page(command, [run("reader", device)]).ok
    assert device.pages == [PAGE]
    assert "898902" not in repr(command) + caplog.text


@pytest.mark.slow
def test_the_daemon_answers_for_its_readers(tmp_path):
    people = marked_people(tmp_path / "people", 1)
    with Rig(tmp_path, WIRING) as rig:
        sell(rig, people, marked_policy())
        rig.start()
        answer = ask(tmp_path / "gate.sock", order())
        assert (answer.ok, answer.error) == (False, NO_TAKER)
        assert rig.stop() == 0
        assert "898902" not in rig.log()
