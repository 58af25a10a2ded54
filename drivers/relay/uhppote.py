"""UHPPOTE (Wiegand) door boards over UDP: `uhppote+udp://192.0.2.7:60000?serial=405419896&door=1`.

The packets are in `_uhppote`. The board times the pulse: how long is the door's delay, set in the board with its
maker's tool, and not what is asked for here. An order to open isn't repeated when its answer is lost, since the board
may have obeyed and a second person would get in. The door's contact and the board's inputs are `sensor/uhppote`.

**Nothing here is authenticated.** Whoever can send a packet to the board opens the door. Put it on a VLAN of its own
that ends at this computer, and let nothing else in.

Device: UHPPOTE door board
Does: opens for the board's own delay; no authentication, a network of its own
Tried: simulator on loopback UDP, lost packets
Untried: a real board
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable

from drivers._uhppote import PORT, Function, body_of, encode
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError, UnknownDevice
from drivers.url import DeviceUrl

__all__ = [
    "OPTIONS",
    "TRANSPORTS",
    "Function",
    "UhppoteRelay",
    "UhppoteSimulator",
    "bench_simulator",
    "body_of",
    "encode",
    "open",
]

TRANSPORTS: tuple[str, ...] = ("udp",)
OPTIONS: dict[str, str] = {
    "serial": "serial number of the board, as on its label; must be given",
    "door": "which door of the board, 1 to 4 (1)",
    "answer_s": "longest wait for an answer, in seconds (0.3)",
}
ANSWER_S = 0.3
TRIES = 2


class UhppoteRelay:
    """The host's half. Each call takes twice `ANSWER_S` at worst."""

    times_pulses = True

    def __init__(
        self, host: str, port: int, serial: int, *, door: int = 1, answer_s: float = ANSWER_S, tries: int = TRIES
    ) -> None:
        """Asks the board for its status. Raises `DeviceLost` where no way leads to it, `DeviceTimeout` for silence."""
        self._serial, self._door = serial, door
        self._answer_s, self._tries = answer_s, tries
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind)
        except OSError as error:
            raise DeviceLost(f"no way to {host}:{port}: {error}") from error
        try:
            self._socket.connect(address)  # packets from elsewhere are not heard, and a dead port is told
            self.poll()
        except DriverError:  # some of them are OSErrors too
            self._socket.close()
            raise
        except OSError as error:
            self._socket.close()
            raise DeviceLost(f"no way to {host}:{port}: {error}") from error

    def pulse(self, seconds: float) -> None:
        """Have the board open the door for as long as is set in it; `seconds` must make sense and changes nothing.

        Raises `DeviceRefused` where the board says no, and `DeviceTimeout` without an answer: it may have opened.
        """
        if not (seconds > 0 and math.isfinite(seconds)):
            raise DeviceRefused(f"a pulse lasts some time, not {seconds!r}")
        if self._ask(Function.OPEN_DOOR, bytes((self._door,)), tries=1)[0] != 1:
            raise DeviceRefused(f"the board {self._serial} did not open door {self._door}")

    def hold(self, closed: bool) -> None:
        """Rest is how the board leaves its door by itself. Free passage is refused: it is set in the board."""
        if closed:
            raise DeviceRefused("free passage can't be ordered from this board: set its door to normally open")
        self.poll()

    def poll(self) -> None:
        """Ask for the status."""
        self._ask(Function.STATUS, tries=self._tries)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _ask(self, function: Function, body: bytes = b"", *, tries: int) -> bytes:
        for left in reversed(range(tries)):
            try:
                self._drain()
                self._socket.send(encode(function, self._serial, body))
                return self._listen(function)
            except (DeviceTimeout, BadAnswer):
                if not left:
                    raise
            except OSError as error:
                raise DeviceLost(f"the board {self._serial} is gone: {error}") from error
        raise AssertionError("a question is asked at least once")

    def _drain(self) -> None:
        """Throw away answers to older questions."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(2048)
        except BlockingIOError:
            return

    def _listen(self, function: Function) -> bytes:
        ends = time.monotonic() + self._answer_s
        strange = 0
        while (left := ends - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                packet = self._socket.recv(2048)
            except TimeoutError:
                break
            body = body_of(packet, function, self._serial)
            if body is not None:
                return body
            strange += 1
        if strange:
            raise BadAnswer(f"the board {self._serial}: {strange} packets, none of them the answer")
        raise DeviceTimeout(f"the board {self._serial} did not answer in {self._answer_s:g} s")


def open(url: DeviceUrl) -> UhppoteRelay:
    """Ask the board for its status, and be ready."""
    if url.wrappers:
        raise UnknownDevice(f"{url}: wrappers go around a byte stream, and this board speaks in packets")
    host, _, port = url.require_location("host:port").rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise UnknownDevice(f"{url}: {url.location!r} is not host:port; the port of these boards is {PORT}")
    if "serial" not in url.options:
        raise UnknownDevice(f"{url}: give the board's serial number, as in serial=405419896")
    serial = url.option("serial", int, 0, low=1, high=0xFFFFFFFF)
    door = url.option("door", int, 1, low=1, high=4)
    answer_s = url.option("answer_s", float, ANSWER_S, low=0.01, high=5)
    return UhppoteRelay(host.strip("[]"), int(port), serial, door=door, answer_s=answer_s)


def bench_simulator() -> UhppoteSimulator:
    """A board on a port of this computer: see `UhppoteSimulator.command`."""
    return UhppoteSimulator()


# --- The board's half -------------------------------------------------------------------------------------------------


class UhppoteSimulator:
    """A board on a UDP port of its own. `run` serves until told to stop; the rest may be used from any thread.

    `lose`: so many packets from now on vanish before the board hears them; `mute`: so many answers after it obeyed.
    `refuse`: answers that it did not open. It doesn't time a door: `pulses` counts the orders obeyed.
    """

    def __init__(self, serial: int = 405419896, *, host: str = "127.0.0.1") -> None:
        self.serial = serial
        self.lose = 0
        self.mute = 0
        self.refuse = False
        self.pulses = 0
        self.opened: list[int] = []
        self.on_pulse: Callable[[int], None] | None = None
        self._news = threading.Condition()
        self._plugged = True
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(0.05)

    @property
    def port(self) -> int:
        """The UDP port it listens at."""
        return int(self._socket.getsockname()[1])

    def run(self, stop: threading.Event) -> None:
        """Serve the port, and give it back at the end."""
        with self._socket:
            while not stop.is_set():
                try:
                    packet, host = self._socket.recvfrom(2048)
                except TimeoutError:
                    continue
                answer = self.answer(packet)
                if answer:
                    self._socket.sendto(answer, host)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds; looked at after every packet."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def answer(self, packet: bytes) -> bytes:
        """What the board says to `packet`; nothing where it isn't for it."""
        if not self._plugged:
            return b""
        if self.lose:
            self.lose -= 1
            return b""
        answer = self._obey(packet)
        with self._news:
            self._news.notify_all()
        if answer and self.mute:
            self.mute -= 1
            return b""
        return answer

    @property
    def url(self) -> str:
        """What to connect to."""
        return f"uhppote+udp://127.0.0.1:{self.port}?serial={self.serial}&door=1"

    def command(self, text: str) -> str:
        """One of the commands that `help` names."""
        match text.strip():
            case "state":
                return f"opened: {', '.join(map(str, self.opened)) or 'none'}"
            case "refuse" | "obey" as word:
                self.refuse = word == "refuse"
            case "lose":
                self.lose += 1
            case "mute":
                self.mute += 1
            case _:
                return "commands: state, refuse, obey, lose (the next packet), mute (the next answer)"
        return "done"

    def unplug(self) -> None:
        """The network cable is out: nothing is heard."""
        self._plugged = False

    def replug(self) -> None:
        """And in again."""
        self._plugged = True

    def close(self) -> None:
        """Give the port back. May be called twice."""
        self._socket.close()

    def _obey(self, packet: bytes) -> bytes:
        if body_of(packet, Function.STATUS, self.serial) is not None:
            return encode(Function.STATUS, self.serial)
        order = body_of(packet, Function.OPEN_DOOR, self.serial)
        if order is None:
            return b""
        opens = 1 <= order[0] <= 4 and not self.refuse
        if opens:
            self.pulses += 1
            self.opened.append(order[0])
            if self.on_pulse is not None:
                self.on_pulse(order[0])
        return encode(Function.OPEN_DOOR, self.serial, bytes((opens,)))
