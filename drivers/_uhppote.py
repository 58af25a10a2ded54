"""UHPPOTE (Wiegand) door boards: their packets. For `relay/uhppote` and `sensor/uhppote`.

A packet is 64 bytes: `17 function 00 00 serial(4, low byte first)`, then what the function needs. Boards of firmware
6.62 begin the packets that they send unasked with 19. Numbers go low byte first. A status, asked for or not:

    8 event's index (4)    12 its kind    13 granted    14 door    15 direction    16 card (4)    20 time (7, BCD)
    27 reason    28-31 doors open    32-35 buttons pressed    36 fault    37-39 time (BCD)    40 count of packets (4)
    48 special    49 relays    50 inputs: 1 forced lock, 2 fire    51-53 date (BCD)

The answer to a question for an event has the bytes 8 to 27 of it. Offsets as the `uhppoted` package reads them; the
bits of byte 50 and the reasons as the makers' software names them.

**Nothing here is authenticated.**
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

PORT = 60000
EVENT_PORT = 60001
PACKET_SIZE = 64
DOORS = 4

FORCED_LOCK_BIT, FIRE_BIT = 1, 2

_MARK, _MARK_6_62 = 0x17, 0x19


class Function(IntEnum):
    """What a packet asks for or answers."""

    STATUS = 0x20
    OPEN_DOOR = 0x40
    SPECIAL_EVENTS = 0x8E
    """Record doors and buttons too, not only cards."""
    SET_LISTENER = 0x90
    EVENT = 0xB0


class EventKind(IntEnum):
    """What an event is about; `GONE` answers for one whose place was needed for another."""

    NONE = 0
    SWIPE = 1
    DOOR = 2
    ALARM = 3
    GONE = 255


class Reason(IntEnum):
    """Why there is an event: those that matter here."""

    SWIPE = 1
    BUTTON = 20
    DOOR_OPENED = 23
    DOOR_CLOSED = 24
    OPEN_TOO_LONG = 37
    FORCED_OPEN = 38
    FIRE = 39
    FORCED_LOCK = 40
    THEFT = 41
    ZONE = 42
    EMERGENCY = 43


@dataclass(frozen=True, slots=True)
class Event:
    """One event, without the card: nobody here is to know it. Index 0 is none."""

    index: int = 0
    kind: int = EventKind.NONE
    door: int = 0
    reason: int = 0
    granted: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """How the board stands, and its last event. `doors` that are open and `buttons` that are pressed, from door 1."""

    event: Event = Event()
    doors: tuple[bool, ...] = (False,) * DOORS
    buttons: tuple[bool, ...] = (False,) * DOORS
    fault: int = 0
    inputs: int = 0


def encode(function: int, serial: int, body: bytes = b"") -> bytes:
    """One packet; `body` goes from byte 8 on."""
    return (bytes((_MARK, function, 0, 0)) + serial.to_bytes(4, "little") + body).ljust(PACKET_SIZE, b"\x00")


def body_of(packet: bytes, function: int, serial: int) -> bytes | None:
    """What `packet` says from byte 8 on; `None` where it isn't of that function and board."""
    return packet[8:] if len(packet) == PACKET_SIZE and packet[:8] == encode(function, serial)[:8] else None


def ask_for_event(serial: int, index: int) -> bytes:
    """The question for one event."""
    return encode(Function.EVENT, serial, index.to_bytes(4, "little"))


def set_listener(serial: int, address: bytes, port: int) -> bytes:
    """Have the board send its events to `port` at `address`, an IPv4 address of four bytes."""
    return encode(Function.SET_LISTENER, serial, address + port.to_bytes(2, "little") + b"\x00")


def status_of(packet: bytes, serial: int) -> Status | None:
    """The status in `packet`; `None` where it holds none of that board."""
    marked = bytes((_MARK,)) + packet[1:] if packet[:1] == bytes((_MARK_6_62,)) else packet
    body = body_of(marked, Function.STATUS, serial)
    if body is None:
        return None
    doors, buttons = (tuple(byte != 0 for byte in body[at : at + DOORS]) for at in (20, 24))
    return Status(_event_in(body), doors, buttons, fault=body[28], inputs=body[42])


def event_of(packet: bytes, serial: int) -> Event | None:
    """The event in the answer to a question for one."""
    body = body_of(packet, Function.EVENT, serial)
    return None if body is None else _event_in(body)


def _event_in(body: bytes) -> Event:
    return Event(int.from_bytes(body[:4], "little"), body[4], body[6], body[19], body[5] != 0)


def encode_event(serial: int, event: Event) -> bytes:
    """The board's answer to a question for `event`."""
    return encode(Function.EVENT, serial, _event_bytes(event))


def encode_status(serial: int, status: Status) -> bytes:
    """The board's status, as its answer or unasked."""
    body = _event_bytes(status.event) + bytes(status.doors) + bytes(status.buttons) + bytes((status.fault,))
    return encode(Function.STATUS, serial, body.ljust(42, b"\x00") + bytes((status.inputs,)))


def _event_bytes(event: Event) -> bytes:
    head = event.index.to_bytes(4, "little") + bytes((event.kind, event.granted, event.door, 1))
    return head + bytes(11) + bytes((event.reason,))
