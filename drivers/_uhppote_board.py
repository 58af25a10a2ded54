"""A door board without hardware: doors that open and close, buttons, alarms, and a memory of events."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from drivers import _uhppote
from drivers._bench_wire import LineCutter, Port, encode
from drivers._uhppote import FIRE_BIT, FORCED_LOCK_BIT, Event, EventKind, Function, Reason, Status, body_of
from models.passage import Direction

SERIAL = 405419896
_NAP_S = 0.01


class BoardWire(Protocol):
    """The board's end of what carries its packets."""

    def hear(self, timeout: float) -> list[bytes]:
        """The questions that came."""

    def answer(self, packet: bytes) -> None:
        """Answer the one who asked last."""

    def tell(self, packet: bytes, address: bytes, port: int) -> None:
        """Send a packet unasked, soon."""

    def flush(self, timeout: float) -> None:
        """Wait until all of them are sent."""


class BenchEnd:
    """The board's end of a bench's wire. One thread reads and writes: a port that is read from takes no bytes."""

    def __init__(self, port: Port) -> None:
        self._port, self._cutter = port, LineCutter()
        self._outbox: deque[bytes] = deque()
        self._sent = threading.Condition()

    def hear(self, timeout: float) -> list[bytes]:
        """See `BoardWire`."""
        while self._outbox:
            self._port.write(self._outbox[0])
            with self._sent:
                self._outbox.popleft()
                self._sent.notify_all()
        lines = self._cutter.feed(self._port.read(timeout))
        return [bytes.fromhex(words[1]) for words in lines if len(words) == 2 and words[0] == "?"]

    def answer(self, packet: bytes) -> None:
        """See `BoardWire`."""
        self._port.write(encode("!", packet.hex()))

    def tell(self, packet: bytes, address: bytes, port: int) -> None:
        """See `BoardWire`."""
        with self._sent:
            self._outbox.append(encode("*", packet.hex()))

    def flush(self, timeout: float) -> None:
        """See `BoardWire`."""
        with self._sent:
            self._sent.wait_for(lambda: not self._outbox, timeout)


class UdpEnd:
    """A UDP port of the board's own."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._asker = ("", 0)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def hear(self, timeout: float) -> list[bytes]:
        """See `BoardWire`."""
        self._socket.settimeout(timeout)
        try:
            packet, self._asker = self._socket.recvfrom(2048)
        except TimeoutError:
            return []
        return [packet]

    def answer(self, packet: bytes) -> None:
        """See `BoardWire`."""
        self._socket.sendto(packet, self._asker)

    def tell(self, packet: bytes, address: bytes, port: int) -> None:
        """See `BoardWire`."""
        self._socket.sendto(packet, (socket.inet_ntoa(address), port))

    def flush(self, timeout: float) -> None:
        """See `BoardWire`: a packet is sent at once."""

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class BoardSimulator:
    """A board on `wire`. `run` works until told to stop; the rest may be used from any thread.

    `mute`: says nothing at all. `lose`: so many packets that it sends unasked vanish. `forgetful`: knows no older event
    than the last. `special`: whether it records doors and buttons, which the host has to switch on.
    """

    def __init__(self, wire: BoardWire, serial: int = SERIAL) -> None:
        self.wire = wire
        self.serial = serial
        self.mute = False
        self.patience_s = 5.0
        self.lose = 0
        self.forgetful = False
        self.special = False
        self.asked_for: list[int] = []
        self.listener = (bytes(4), 0)
        self.status = Status()
        self._events: list[Event] = []
        self._lock = threading.RLock()

    def run(self, stop: threading.Event) -> None:
        """Serve the wire."""
        while not stop.is_set():
            for packet in self.wire.hear(_NAP_S):
                with self._lock:
                    if answer := self.answer(packet):
                        self.wire.answer(answer)

    def answer(self, packet: bytes) -> bytes:
        """What the board says to `packet`; nothing where it isn't for it."""
        with self._lock:
            return b"" if self.mute else self._obey(packet)

    def door(self, is_open: bool, number: int = 1) -> None:
        """A door opens or closes."""
        doors = tuple(is_open if at == number else one for at, one in enumerate(self.status.doors, 1))
        self._change(replace(self.status, doors=doors))
        self._record(EventKind.DOOR, Reason.DOOR_OPENED if is_open else Reason.DOOR_CLOSED, number)

    def button(self, number: int = 1) -> None:
        """Somebody presses the button of a door."""
        self._record(EventKind.DOOR, Reason.BUTTON, number)

    def turn(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody goes through door 1; those who leave press the button."""
        if direction is Direction.EXIT:
            self.button()
        self.door(True)
        self.door(False)
        self.wire.flush(self.patience_s)

    def alarm(self, reason: Reason, number: int = 1) -> None:
        """The board raises an alarm."""
        self._record(EventKind.ALARM, reason, number)

    def swipe(self, number: int = 1) -> None:
        """Somebody holds a card to the board's own reader."""
        self._record(EventKind.SWIPE, Reason.SWIPE, number)

    def input(self, bit: int, on: bool) -> None:
        """The fire or forced-lock input changes."""
        inputs = self.status.inputs | bit if on else self.status.inputs & ~bit
        self._change(replace(self.status, inputs=inputs))
        if on:
            self.alarm(Reason.FIRE if bit == FIRE_BIT else Reason.FORCED_LOCK)

    def forget(self) -> None:
        """The memory is cleared: events count from 1 again."""
        with self._lock:
            self._events.clear()
            self.status = replace(self.status, event=Event())

    def command(self, text: str) -> str:
        """One of the commands that `help` names."""
        words: dict[str, Callable[[], object]] = {
            "turn": self.turn,
            "turn exit": lambda: self.turn(Direction.EXIT),
            "open": lambda: self.door(True),
            "close": lambda: self.door(False),
            "button": self.button,
            "forced": lambda: self.alarm(Reason.FORCED_OPEN),
            "held": lambda: self.alarm(Reason.OPEN_TOO_LONG),
            "fire on": lambda: self.input(FIRE_BIT, True),
            "fire off": lambda: self.input(FIRE_BIT, False),
            "lock on": lambda: self.input(FORCED_LOCK_BIT, True),
            "lock off": lambda: self.input(FORCED_LOCK_BIT, False),
            "theft": lambda: self.alarm(Reason.THEFT),
            "swipe": self.swipe,
            "lose": lambda: setattr(self, "lose", self.lose + 1),
            "forget": self.forget,
            "mute": lambda: setattr(self, "mute", True),
            "speak": lambda: setattr(self, "mute", False),
        }
        act = words.get(" ".join(text.split()))
        if act is None:
            return "commands: " + ", ".join(words)
        act()
        return f"done; {self.status.event.index} events"

    def _change(self, status: Status) -> None:
        with self._lock:
            self.status = status

    def _record(self, kind: EventKind, reason: Reason, number: int) -> None:
        if kind is EventKind.DOOR and not self.special:
            return
        with self._lock:
            event = Event(len(self._events) + 1, kind, number, reason, granted=kind is EventKind.SWIPE)
            self._events.append(event)
            self.status = replace(self.status, event=event)
            if not self.listener[1] or self.mute:
                return
            if self.lose:
                self.lose -= 1
                return
            self.wire.tell(_uhppote.encode_status(self.serial, self.status), *self.listener)

    def _obey(self, packet: bytes) -> bytes:
        if body_of(packet, Function.STATUS, self.serial) is not None:
            return _uhppote.encode_status(self.serial, self.status)
        if (body := body_of(packet, Function.EVENT, self.serial)) is not None:
            return _uhppote.encode_event(self.serial, self._recall(int.from_bytes(body[:4], "little")))
        if (body := body_of(packet, Function.SPECIAL_EVENTS, self.serial)) is not None:
            self.special = body[0] == 1
            return _uhppote.encode(Function.SPECIAL_EVENTS, self.serial, b"\x01")
        if (body := body_of(packet, Function.SET_LISTENER, self.serial)) is not None:
            self.listener = (body[:4], int.from_bytes(body[4:6], "little"))
            return _uhppote.encode(Function.SET_LISTENER, self.serial, b"\x01")
        return b""

    def _recall(self, index: int) -> Event:
        self.asked_for.append(index)
        if not 1 <= index <= len(self._events):
            return Event()
        if self.forgetful and index < len(self._events):
            return Event(index, EventKind.GONE)
        return self._events[index - 1]
