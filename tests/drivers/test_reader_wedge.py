"""Scanners that type: keys to codes, people told from scanners, and a real kernel device where there is one."""

import fcntl
import os
import struct
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import connect
from drivers.errors import DeviceLost
from drivers.reader._code_desk import CodeDesk, Dressing, Trust
from drivers.reader._wedge_keys import PLAIN, SHIFTED, key_of
from drivers.reader.wedge import EV_SYN, EVENT, SYN_DROPPED, SYN_REPORT, WedgeReader, WedgeSimulator
from drivers.transport import PtyPort
from models.credential import Assurance, CardFault, CardProblem, Credential
from tests.examples import examples

ASCII = "".join(chr(code) for code in range(32, 127))
UINPUT = Path("/dev/uinput")


class Wire:
    """Both ends of a pipe in memory: what the scanner wrote is what the host reads, in pieces of `piece` bytes."""

    def __init__(self, piece=1 << 16):
        self.data, self.piece = b"", piece

    def write(self, data):
        self.data += data

    def read(self, timeout):
        data, self.data = self.data[: self.piece], self.data[self.piece :]
        return data

    def close(self):
        pass


@contextmanager
def typing(piece=1 << 16):
    """A scanner, and a function that gives all that the host makes of it."""
    wire = Wire(piece)
    clock = iter(range(0, 10**9)).__next__  # a second passes at each look
    reader = WedgeReader(wire, CodeDesk(Dressing(), Trust(), 0.0, lambda: 0.0, lambda: 0.0), clock=clock)

    def outcomes():
        found = []
        while wire.data or not found or found[-1] is not None:
            found.append(reader.read(0))
        found.append(reader.read(0))  # the silence after
        return [outcome for outcome in found if outcome is not None]

    yield WedgeSimulator(wire), outcomes, reader


def test_every_printable_character_has_one_key():
    assert set(PLAIN.values()) | set(SHIFTED.values()) == set(ASCII)
    assert [key_of(character) for character in "aA1! "] == [(30, False), (30, True), (2, False), (2, True), (57, False)]


def test_an_event_is_the_kernels_struct():
    assert EVENT.size == 2 * struct.calcsize("@l") + 8


@given(st.text(ASCII, min_size=1, max_size=30).filter(str.strip), st.integers(1, 60))
def test_what_is_scanned_is_read_however_the_events_are_dealt(text, piece):
    with typing() as (scanner, outcomes, _):
        scanner.scan("]Q1" + text)
        assert [(one.number, one.assurance) for one in outcomes()] == [(text, Assurance.UID_ONLY)]


@pytest.mark.parametrize("piece", [1, 7, 23, 25])
def test_events_in_pieces_are_put_together(piece):
    with typing(piece) as (scanner, outcomes, _):
        scanner.scan("Ticket-17")
        assert [one.number for one in outcomes()] == ["Ticket-17"]


def test_what_a_person_types_is_dropped_and_the_next_scan_is_whole():
    with typing() as (scanner, outcomes, reader):
        scanner.type_slowly("4711")
        assert outcomes() == []
        assert reader.stats.typed > 0
        scanner.scan("T-17")
        assert [one.number for one in outcomes()] == ["T-17"]


def test_a_scan_right_after_a_persons_key_is_whole():
    with typing() as (scanner, outcomes, _):
        scanner.send(scanner.stroke(*key_of("x")))
        scanner._now += 0.06
        scanner.scan("T-17")
        assert [one.number for one in outcomes()] == ["T-17"]


def test_a_code_without_an_end_is_forgotten():
    with typing() as (scanner, outcomes, _):
        scanner.send(scanner.stroke(*key_of("x")))
        assert outcomes() == []
        scanner.scan("T-17")
        assert [one.number for one in outcomes()] == ["T-17"]


@pytest.mark.parametrize("key", [59, 29, 56, 58, 120, 240])
def test_keys_that_are_no_characters_are_a_fault(key):
    with typing() as (scanner, outcomes, _):
        scanner.send(scanner.stroke(key))
        scanner.scan("T-17")
        scanner.scan("T-18")
        fault, good = outcomes()
        assert isinstance(fault, CardFault)
        assert fault.problem is CardProblem.UNREADABLE
        assert good.number == "T-18"


def test_a_held_key_counts_once_and_enter_alone_is_nothing():
    with typing() as (scanner, outcomes, _):
        scanner.send(scanner.stroke(28))
        scanner.send([scanner.event(1, 2, 1), scanner.event(1, 2, 2), scanner.event(1, 2, 0)])
        scanner.scan("7")
        assert [one.number for one in outcomes()] == ["17"]


def test_events_that_the_kernel_dropped_spoil_the_code_and_not_the_next():
    with typing() as (scanner, outcomes, _):
        scanner.send(scanner.stroke(*key_of("T")))
        scanner.send([scanner.event(EV_SYN, SYN_DROPPED, 0), scanner.event(EV_SYN, SYN_REPORT, 0)])
        scanner.scan("17")
        scanner.scan("T-18")
        fault, good = outcomes()
        assert fault.problem is CardProblem.UNREADABLE
        assert good.number == "T-18"


@settings(max_examples=examples(100))
@given(st.binary(max_size=400), st.integers(1, 100))
def test_any_bytes_raise_nothing_and_after_a_silence_all_is_well(garbage, piece):
    with typing(piece) as (scanner, outcomes, _):
        scanner.send([garbage])
        assert all(isinstance(outcome, Credential | CardFault) for outcome in outcomes())
        scanner.scan("T-17")
        assert [one.number for one in outcomes()] == ["T-17"]


def test_codes_go_through_a_terminal():
    with PtyPort() as port:
        reader = connect("reader", f"wedge+serial://{port.path}")
        scanner = WedgeSimulator(port)
        assert scanner.command("scan T-17") == "ok"
        assert reader.read(5).number == "T-17"
        assert scanner.command("slowly 1") == scanner.command("key 59") == "ok"
        assert scanner.command("scan 票").startswith("error")
        assert scanner.command("dance").startswith("error")
        reader.close()


@pytest.mark.parametrize(("path", "why"), [("/nowhere/event0", "not there"), ("/dev/null", "no event device")])
def test_what_is_no_keyboard_is_told(path, why):
    with pytest.raises(DeviceLost, match=why):
        connect("reader", f"wedge://{path}")


@pytest.mark.skipif(not UINPUT.exists(), reason="there is no /dev/uinput here: the kernel's own device is not tried")
def test_a_keyboard_of_the_kernel_is_grabbed_and_read():
    """A device made with UI_SET_EVBIT, UI_SET_KEYBIT, UI_DEV_SETUP and UI_DEV_CREATE (linux/uinput.h)."""
    fd = os.open(UINPUT, os.O_WRONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, 0x40045564, 1)
        for key in range(1, 128):
            fcntl.ioctl(fd, 0x40045565, key)
        fcntl.ioctl(fd, 0x405C5503, struct.pack("HHHH80sI", 3, 0x1209, 1, 1, b"menshen test scanner", 0))
        fcntl.ioctl(fd, 0x5501)
        name = bytearray(64)
        fcntl.ioctl(fd, 0x8040552C, name)
        folder = Path("/sys/devices/virtual/input", name.split(b"\0")[0].decode())
        path = f"/dev/input/{next(folder.glob('event*')).name}"
        reader = connect("reader", f"wedge://{path}")
        with pytest.raises(DeviceLost, match="another program"):
            connect("reader", f"wedge://{path}")

        class Uinput:
            def write(self, data):
                os.write(fd, data)

        WedgeSimulator(Uinput()).scan("T-17")
        assert reader.read(5).number == "T-17"
        reader.close()
    finally:
        os.close(fd)
