"""USB relay boards that are HID devices, one to eight channels, both ends.

    hid:///ABCDE?channel=1              dcttech's board (16c0:05df, "USBRelay2"…) by the name that is stored in it
    hid:///dev/hidraw3?channel=1        by path, such as a link of udev's for one USB port
    hid:?channel=1                      the only one there is
    hid:///dev/gate-relay?board=qyf     QYF-UR02, by path: it has no name, and never says how its contacts stand

A board has no USB serial number: two of them differ by their stored name alone, and leave the factory with names that
may be the same. `dcttech` takes feature reports of nine bytes, `00 FF channel` closes and `00 FD channel` opens; report
1 tells the name (five characters) and, in its last byte, a bit for each closed contact. Each switch is read back and
compared. `qyf` takes output reports, `00 F1` closes the first contact and `00 01` opens it; each goes out twice.

**The host times the pulse.** The board keeps a contact as it is for as long as it has power: when the host is killed
within a pulse, the contact stays closed until the service is back, which opens it on connecting. A host without power
takes it from the board as well, and the contact opens. A hung host leaves it closed. Against that put the turnstile in
pulse mode, where it relocks by itself whatever the length of the contact, or a one-shot relay behind the board, or take
a board that times the pulse itself (`relay/modbus`).

Device: USB HID relay board (dcttech USBRelay, 16c0:05df; QYF-UR02)
Does: pulse timed by the host, eight channels; dcttech: found by its own name, state read back after each switch
Tried: simulated board with the same reports over ptys with split, late, lost and garbled bytes
Untried: any real board, hidapi against one; whether every dcttech board counts its contacts from the lowest bit
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from drivers._bench_wire import LineCutter, Port, encode
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DriverError, UnknownDevice
from drivers.relay import _hid_reports
from drivers.relay._hid_reports import FEATURE_SIZE, Reports, UsbReports
from drivers.relay._host_timed import Contact, HostTimedRelay
from drivers.url import DeviceUrl

TRANSPORTS: tuple[str, ...] = ("", "serial", "tcp", "unix")
BOARDS = ("dcttech", "qyf")
OPTIONS: dict[str, str] = {
    "board": "dcttech: by name, with state; qyf: by path, without (dcttech)",
    "channel": "which relay of the board, 1 to 8, with qyf 1 or 2 (1)",
}
CHANNELS = {"dcttech": 8, "qyf": 2}

_ON, _OFF = 0xFF, 0xFD
_STATE_REPORT = 1
_BODY_SIZE = 8
_NAME_SIZE = 5
_QYF_ON = 0xF0


def switch_report(channel: int, closed: bool) -> bytes:
    """dcttech's order, nine bytes."""
    return bytes((0, _ON if closed else _OFF, channel)).ljust(FEATURE_SIZE, b"\x00")


def qyf_report(channel: int, closed: bool) -> bytes:
    """QYF's order, two bytes."""
    return bytes((0, channel | _QYF_ON if closed else channel))


def read_state(report: bytes) -> tuple[str, int]:
    """Name and bits of a dcttech board, from eight bytes; some systems put the report's number before them."""
    body = report[-_BODY_SIZE:]
    if len(report) not in (_BODY_SIZE, _BODY_SIZE + 1):
        raise BadAnswer(f"hid board: a state of {len(report)} bytes, expected {_BODY_SIZE}")
    return body[:_NAME_SIZE].decode("latin-1").rstrip("\x00"), body[-1]


class DcttechContact:
    """One channel of a board that tells its state."""

    def __init__(self, reports: Reports, channel: int) -> None:
        self._reports, self._channel = reports, channel

    def switch(self, closed: bool) -> None:
        """Switch and compare; `DeviceRefused` where the board says otherwise."""
        self._reports.send_feature(switch_report(self._channel, closed))
        if self.is_closed() is not closed:
            told = "closed and says open" if closed else "open and says closed"
            raise DeviceRefused(f"hid relay {self._channel} was told {told}")

    def is_closed(self) -> bool:
        """As the board says."""
        _, bits = read_state(self._reports.get_feature(_STATE_REPORT))
        return bool(bits >> (self._channel - 1) & 1)

    def close(self) -> None:
        """Give the board back."""
        self._reports.close()


class QyfContact:
    """One channel of a board that tells nothing."""

    def __init__(self, reports: Reports, channel: int) -> None:
        self._reports, self._channel = reports, channel

    def switch(self, closed: bool) -> None:
        """Give the order twice: that does no harm, and a lost one does."""
        for _ in range(2):
            self._reports.send(qyf_report(self._channel, closed))

    def is_closed(self) -> None:
        """It can't tell."""

    def close(self) -> None:
        """Give the board back."""
        self._reports.close()


def open(url: DeviceUrl) -> HostTimedRelay:
    """Find the board, and open the contact before anything else."""
    board = url.choice("board", BOARDS, "dcttech")
    channel = url.option("channel", int, 1, low=1, high=CHANNELS[board])
    reports = _hid_reports.open_far(url) if url.transport else find_board(url, board)
    try:
        contact: Contact = DcttechContact(reports, channel) if board == "dcttech" else QyfContact(reports, channel)
        return HostTimedRelay(contact)
    except DriverError:
        reports.close()
        raise


def find_board(
    url: DeviceUrl,
    board: str,
    paths: Callable[[], list[str]] = _hid_reports.paths,
    plug: Callable[[str], Reports] = UsbReports,
) -> Reports:
    """The board that `url` names, among those at `paths`. Raises `DeviceLost` naming those that are there instead."""
    name = url.location.removeprefix("/")
    if len(name) > _NAME_SIZE:
        return plug(url.location)
    if board == "qyf":
        raise UnknownDevice(f"{url}: this board has no name, give its path, such as /dev/hidraw3")
    found: dict[str, Reports] = {}
    twins: set[str] = set()
    try:
        for path in paths():
            _add(path, plug, found, twins)
        return _chosen(name, found, twins)
    finally:
        for reports in found.values():
            reports.close()


def _add(path: str, plug: Callable[[str], Reports], found: dict[str, Reports], twins: set[str]) -> None:
    """Open the board at `path` and file it under its own name. One that doesn't speak is somebody else's concern."""
    reports: Reports | None = None
    with suppress(DeviceLost, BadAnswer):
        reports = plug(path)
        name, _ = read_state(reports.get_feature(_STATE_REPORT))
        if name not in found:
            found[name] = reports
            return
        twins.add(name)
    if reports is not None:
        reports.close()


def _chosen(name: str, found: dict[str, Reports], twins: set[str]) -> Reports:
    """Take the board called `name` out of `found`, or the only one."""
    if name in twins or (not name and twins):
        raise DeviceRefused(f"two relay boards are called {name or min(twins)!r}: give the path of the right one")
    if name in found or (not name and len(found) == 1):
        return found.pop(name or next(iter(found)))
    there = ", ".join(sorted(found)) or "none that this user may open"
    if found and not name:
        raise UnknownDevice(f"several relay boards are plugged in, name one of them: {there}")
    raise DeviceLost(f"no relay board {f'is called {name!r}' if name else 'is plugged in'}; there are: {there}")


# --- The board's half -------------------------------------------------------------------------------------------------


class HidSimulator:
    """A board on the far end of `port`, which takes the reports of both kinds. `run` works until told to stop.

    `mute`: obeys and never answers. `jam`: the contacts no longer move, and the state says so. `on_pulse` is called
    with the channel's number whenever a contact closes.
    """

    def __init__(self, port: Port, name: str = "MNSHN") -> None:
        self.port = port
        self.name = name
        self.mute = False
        self.jam = False
        self.pulses = 0
        self.bits = 0
        self.on_pulse: Callable[[int], None] | None = None
        self._cutter = LineCutter()

    def run(self, stop: threading.Event) -> None:
        """Serve the wire."""
        while not stop.is_set():
            for words in self._cutter.feed(self.port.read(0.05)):
                if len(words) == 4 and words[0] == "?":
                    answer = self._take(words[2], bytes.fromhex(words[3]))
                    if not self.mute:
                        self.port.write(encode("!", words[1], *answer))

    def is_closed(self, channel: int) -> bool:
        """Whether the contact of `channel` is closed."""
        return bool(self.bits >> (channel - 1) & 1)

    def command(self, text: str) -> str:
        """`state`, `jam`, `free`, `mute` or `speak`."""
        match text.strip():
            case "state":
                closed = [str(channel) for channel in range(1, 9) if self.is_closed(channel)]
                return f"{self.name}; closed: {', '.join(closed) or 'none'}; pulses: {self.pulses}"
            case "jam" | "free" as word:
                self.jam = word == "jam"
            case "mute" | "speak" as word:
                self.mute = word == "mute"
            case _:
                return "commands: state, jam, free, mute, speak"
        return "done"

    def state_report(self) -> bytes:
        """What report 1 holds."""
        return self.name.encode("latin-1").ljust(_BODY_SIZE - 1, b"\x00") + bytes((self.bits,))

    def _take(self, verb: str, report: bytes) -> tuple[str, ...]:
        match verb, [*report]:
            case "get", [1]:
                return ("ok", self.state_report().hex())
            case "set", [0, 0xFF | 0xFD as order, channel, *_] if len(report) == FEATURE_SIZE and 1 <= channel <= 8:
                self._move(channel, order == _ON)
            case "out", [0, 0xF1 | 0xF2 | 1 | 2 as order]:
                self._move(order & 0x0F, order >= _QYF_ON)
            case _:
                return ("no", "EPIPE", "no such report")  # a stalled control transfer
        return ("ok",)

    def _move(self, channel: int, closed: bool) -> None:
        if self.jam or self.is_closed(channel) == closed:
            return
        self.bits ^= 1 << (channel - 1)
        self.pulses += closed
        if closed and self.on_pulse is not None:
            self.on_pulse(channel)


def simulator(port: Port) -> HidSimulator:
    """The board's half on `port`."""
    return HidSimulator(port)
