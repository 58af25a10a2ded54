"""The door contacts of a UHPPOTE (Wiegand) board as a passage sensor, over UDP.

    uhppote+udp://192.0.2.7:60000?serial=405419896&door=1

The board sends each event to this computer as it happens (`listen_port`), and its status is asked for twice a second.
Events are counted: those lost on the way are asked for by their number, and where the board no longer has them `read`
raises once, since a turn may have been missed. Three seconds of silence are a lost board.

An opening of the door is a turn, and a turn the other way where the board's exit button was pressed within ten seconds
before. A door forced open is a turn like any other: without a release the gate calls it an intrusion. Swipes at the
board's own readers are let pass unread. The board has one fire input for all its doors; it frees them by itself, what
arrives here is only seen and written down. A door contact that isn't wired reads as open on some boards: `HELD_OPEN`.

On connecting the board is told to record doors and buttons, and to send its events here; `configure=0` leaves that to
its maker's tool. **It sends to one listener only**: two lanes on one board take `listen_port=0`, where events are only
asked for, each a quarter of a second late on average. Two boards take two ports.

**Nothing here is authenticated.** Packets count that come from the board's address and bear its serial number, and both
can be forged. Put the board on a VLAN of its own that ends at this computer, and let nothing else in.

Device: door contacts of a UHPPOTE door board
Does: turns, exit button, held open, fire and other alarms; lost events fetched; no authentication
Tried: simulator on loopback UDP and over bad wires; packets as the `uhppoted` package reads them
Untried: a real board; which alarms it reports, and the bits of its fire and lock inputs
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from drivers import _uhppote
from drivers._bench_wire import Port
from drivers._uhppote import EVENT_PORT, PORT, Function, Status, body_of, event_of, status_of
from drivers._uhppote_board import SERIAL, BenchEnd, BoardSimulator
from drivers._uhppote_wire import BenchWire, UdpWire, Wire
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError, UnknownDevice
from drivers.sensor._door_events import Door, EventTrail
from drivers.transport import open_transport
from drivers.url import DeviceUrl
from models.passage import Direction, SensorSignal

TRANSPORTS: tuple[str, ...] = ("udp", "serial", "tcp")
OPTIONS: dict[str, str] = {
    "serial": "serial number of the board, as on its label; must be given over UDP",
    "door": "which door of the board, 1 to 4 (1)",
    "way": "direction of those who don't press the button, entry or exit (entry)",
    "held_s": "a door open for longer is held open, in seconds (10)",
    "listen_port": "UDP port for the board's events; 0 to ask for them only (60001)",
    "configure": "0 to leave the board as its maker's tool has set it (1)",
    "answer_s": "longest wait for an answer, in seconds (0.3)",
}
POLL_S = 0.5
SILENCE_S = 3.0
ANSWER_S = 0.3
TRIES = 2


class UhppoteSensor:
    """The host's half."""

    def __init__(
        self,
        wire: Wire,
        serial: int,
        door: Door,
        *,
        configure: bool = True,
        answer_s: float = ANSWER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes over `wire`, sets the board up and asks for its status. Raises `DeviceTimeout` for silence."""
        self._wire, self._serial, self._door = wire, serial, door
        self._answer_s, self._clock = answer_s, clock
        self._trail = EventTrail()
        self._queue: deque[SensorSignal | DriverError] = deque()
        self._fault = 0
        self._asked: tuple[int, int] | None = None
        """The event that was asked for last, and how often."""
        self._ask_at = 0.0
        if configure:
            self._order(_uhppote.encode(Function.SPECIAL_EVENTS, serial, b"\x01"))
            if wire.listener[1]:
                self._order(_uhppote.set_listener(serial, *wire.listener))
        self._poll_at = clock()
        self._unanswered_since: float | None = None
        status = status_of(self._ask(_uhppote.encode(Function.STATUS, serial)), serial)
        if status is not None:
            self._take_status(status, asked=True)

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None`.

        Raises `BadAnswer` once where events were lost for good, `DeviceRefused` once for a fault that the board names,
        and `DeviceLost` after `SILENCE_S` without a packet.
        """
        ends = self._clock() + timeout
        while not self._queue:
            self._ask_what_is_due()
            left = min(ends, self._poll_at, self._ask_at if self._trail.wanted else ends) - self._clock()
            packet = self._wire.receive(max(0.0, left))
            if packet is not None and self._take(*packet):
                self._unanswered_since = None
            elif self._unanswered_since is not None and self._clock() - self._unanswered_since > SILENCE_S:
                raise DeviceLost(f"the board {self._serial} has been silent for {SILENCE_S:g} s")
            self._queue += self._door.tick(self._clock())
            if packet is None and not self._queue and self._clock() >= ends:
                return None
        item = self._queue.popleft()
        if isinstance(item, DriverError):
            raise item
        return item

    def close(self) -> None:
        """Give the sockets back."""
        self._wire.close()

    def _ask_what_is_due(self) -> None:
        now, wanted = self._clock(), self._trail.wanted
        if now >= self._poll_at:
            self._poll_at = now + POLL_S
            if self._unanswered_since is None:
                self._unanswered_since = now
            self._wire.send(_uhppote.encode(Function.STATUS, self._serial))
        if wanted is None or (self._asked is not None and self._asked[0] == wanted and now < self._ask_at):
            return
        times = self._asked[1] if self._asked is not None and self._asked[0] == wanted else 0
        if times >= TRIES:
            self._tell(self._trail.give_up())
            return
        self._asked, self._ask_at = (wanted, times + 1), now + self._answer_s
        self._wire.send(_uhppote.ask_for_event(self._serial, wanted))

    def _take(self, packet: bytes, asked: bool) -> bool:
        """Take in a packet. Gives whether it was one of the board's."""
        status = status_of(packet, self._serial)
        event = event_of(packet, self._serial) if asked else None
        if status is not None:
            self._take_status(status, asked=asked)
        elif event is not None:
            self._tell(self._trail.fetched(event))
        return status is not None or event is not None

    def _take_status(self, status: Status, *, asked: bool) -> None:
        self._tell(self._trail.take(status, asked=asked))
        if status.fault != self._fault:
            self._fault = status.fault
            if status.fault:
                self._queue.append(DeviceRefused(f"the board {self._serial} reports its fault {status.fault}"))

    def _tell(self, known: list[_uhppote.Event | Status]) -> None:
        if self._trail.lost:
            self._queue.append(BadAnswer(f"{self._trail.lost} events of the board are lost, maybe a turn"))
        if self._trail.went_back:
            self._queue.append(BadAnswer("the board counts its events anew, a turn may have been missed"))
        self._trail.lost, self._trail.went_back = 0, False
        for one in known:
            self._queue += self._door.take(one, self._clock())

    def _order(self, packet: bytes) -> None:
        if self._ask(packet)[8] != 1:
            raise DeviceRefused(f"the board {self._serial} did not take its order {packet[1]:02X}")

    def _ask(self, packet: bytes) -> bytes:
        for _ in range(TRIES):
            self._wire.send(packet)
            ends = self._clock() + self._answer_s
            while (left := ends - self._clock()) > 0:
                heard = self._wire.receive(left)
                if heard is not None and heard[1] and body_of(heard[0], packet[1], self._serial) is not None:
                    return heard[0]
        raise DeviceTimeout(f"the board {self._serial} did not answer in {TRIES * self._answer_s:g} s")


def open(url: DeviceUrl) -> UhppoteSensor:
    """Set the board up, ask for its status, and be ready."""
    if url.transport == "udp" and "serial" not in url.options:
        raise UnknownDevice(f"{url}: give the board's serial number, as in serial=405419896")
    serial = url.option("serial", int, SERIAL, low=1, high=0xFFFFFFFF)
    number = url.option("door", int, 1, low=1, high=4)
    way = Direction(url.choice("way", tuple(Direction), "entry"))
    held_s = url.option("held_s", float, 10.0, low=1, high=3600)
    configure, answer_s = url.option("configure", bool, True), url.option("answer_s", float, ANSWER_S, low=0.01, high=5)
    wire = _open_wire(url)
    try:
        door = Door(number, way=way, held_s=held_s)
        return UhppoteSensor(wire, serial, door, configure=configure, answer_s=answer_s)
    except DriverError:
        wire.close()
        raise


def _open_wire(url: DeviceUrl) -> Wire:
    listen_port = url.option("listen_port", int, EVENT_PORT, low=0, high=65535)
    if url.transport != "udp":
        return BenchWire(open_transport(url))
    if url.wrappers:
        raise UnknownDevice(f"{url}: wrappers go around a byte stream, and this board speaks in packets")
    host, _, port = url.require_location("host:port").rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise UnknownDevice(f"{url}: {url.location!r} is not host:port; the port of these boards is {PORT}")
    return UdpWire(host, int(port), listen_port)


def simulator(port: Port) -> BoardSimulator:
    """The board's half on `port`, a bench's wire; over UDP see `drivers._uhppote_board.UdpEnd`."""
    return BoardSimulator(BenchEnd(port))
