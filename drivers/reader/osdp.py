"""Card readers on an OSDP line (IEC 60839-11-5), in a secure session only.

    osdp+serial:///dev/gate-reader?key=/etc/menshen/keys/reader&address=101&baud=115200&format=wg26

| what                                | supported                                                            |
|-------------------------------------|----------------------------------------------------------------------|
| cards                               | Wiegand 26, 34, 37 bits; UIDs of 4 and 7 bytes; bits as they are     |
| secure channel                      | enforced; what comes outside of it is thrown away                    |
| keypad                              | off unless `keypad=1`; then digits up to `#` are a typed ticket code |
| lights, buzzer, the reader's output | `show`: the lane's cues in red, green and amber; `output`             |
| case opened                         | `DeviceLost`, for as long as it is open                              |
| several readers on one line         | no: one line, one reader                                             |
| `replay` of a tape                  | no: each session has a key of its own                                |

The session proves the reader and hides the line. It says nothing of the card: a number read from a card's air interface
can be copied to another card, so what comes is `UID_ONLY`, and so is a typed code, which anybody can try.

**The key** (SCBK) is 16 random bytes in a file of mode 0600, one file for each reader. The default key that is printed
in the standard is refused. A new reader knows only that one: ask once for `install_s=300`, and for this long after the
process first opened the reader it may be given its own key under the default key. Cards are read when the new session
stands, not before. The time ends by itself; a reader that has its key ends it at once. Who listens to the line at that
moment learns the key: do it on the bench, and take the option away afterwards.

The line is in `_osdp_line`, the key in `_osdp_key`, the device's half in `_osdp_device`, what bits mean in `_wiegand`.

Device: OSDP reader (RS-485)
Does: secure channel enforced, Wiegand 26/34/37 and UIDs, keypad, timed install mode; assurance `uid_only`; needs
    `libosdp`
Tried: libosdp's own device half on a pty
Untried: a real reader
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from drivers.errors import DeviceLost, DeviceRefused, DeviceTimeout, DriverError, UnknownDevice
from drivers.reader._osdp_device import OsdpSimulator, Port
from drivers.reader._osdp_key import InstallWindow, install_window, read_key
from drivers.reader._osdp_line import STEP_S, SecureLine, osdp
from drivers.reader._wiegand import Format, Order, WrongLength, WrongParity, check_order, decode, unpack
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.cue import Cue
from models.ids import DocumentType

__all__ = ["OPTIONS", "TRANSPORTS", "InstallWindow", "Keypad", "OsdpReader", "OsdpSimulator", "open", "simulator"]

TRANSPORTS = ("serial", "tcp", "unix")
OPTIONS = {
    "key": "file with the reader's own key, 16 bytes, mode 0600",
    "address": "the reader's address on the line, 0 to 126 (0)",
    "format": "what a card's bits mean: wg26, wg34, wg37, uid32, uid56 or raw (wg26)",
    "order": "which byte of the data the reader sends first: msb or lsb (msb)",
    "keypad": "1 to take digits up to # as a typed ticket code (0)",
    "session_s": "longest wait for the secure session at the start (5)",
    "lost_s": "longest time without a session before the reader counts as lost (8)",
    "install_s": "time in which a new reader may be given its key, once, under the public default key (0)",
}


@dataclass(frozen=True, slots=True)
class _Light:
    """One cue: a colour, steady or in turn with another, `rhythm` tenths of a second each, and how many beeps."""

    colour: int
    other: int = osdp.CommandLEDColor.Black
    rhythm: int = 0
    beeps: int = 0


_RED, _GREEN, _AMBER = osdp.CommandLEDColor.Red, osdp.CommandLEDColor.Green, osdp.CommandLEDColor.Amber
# The three colours that nearly all readers have; who can't tell them apart has the rhythm and the beeps.
_LIGHTS = {
    Cue.READY: _Light(_AMBER),
    Cue.WAIT: _Light(_AMBER, rhythm=2),
    Cue.LOOK: _Light(_AMBER, rhythm=5),
    Cue.WELCOME: _Light(_GREEN, beeps=1),
    Cue.HELP: _Light(_AMBER, _RED, rhythm=5, beeps=2),
    Cue.REFUSED: _Light(_RED, beeps=3),
    Cue.FREE: _Light(_GREEN),
    Cue.FAULT: _Light(_RED, rhythm=10),
}
_PERMANENT = 1  # LED: until the next
_OWN_TONE = 2  # buzzer: the reader's own
_TIMED_ON = 5  # output: on, and off again when the timer ends


def open(url: DeviceUrl) -> OsdpReader:
    """Open the line and wait for the secure session.

    Raises `UnknownDevice` for a key that is missing, open to others or public; `DeviceTimeout` when no reader answers;
    `DeviceLost` when one answers and will not make a session under the key.
    """
    form = Format(url.choice("format", Format, Format.WG26))
    order = Order(url.choice("order", Order, Order.MSB))
    try:
        check_order(form, order)
    except ValueError as error:
        raise UnknownDevice(f"{url}: {error}") from None
    key = read_key(url)
    address = url.option("address", int, 0, low=0, high=126)
    keypad = Keypad() if url.option("keypad", bool, False) else None
    session_s = url.option("session_s", float, 5.0, low=0.1, high=60)
    lost_s = url.option("lost_s", float, 8.0, low=0.1, high=60)
    install_s = url.option("install_s", float, 0.0, low=0, high=3600)
    install = install_window(f"{url.location}#{address}", install_s) if install_s else None
    stream = open_transport(url, 9600)
    return OsdpReader(
        stream,
        key,
        address=address,
        form=form,
        order=order,
        keypad=keypad,
        session_s=session_s,
        lost_s=lost_s,
        install=install,
    )


def simulator(port: Port) -> OsdpSimulator:
    """A reader at the far end of `port`, new from the factory: give it a key with `command("key FILE")`."""
    return OsdpSimulator(port)


class Keypad:
    """Digits up to `#` make a code; `*` starts over. A code left half typed is forgotten after `patience_s`."""

    LONGEST = 32

    def __init__(self, patience_s: float = 10.0) -> None:
        self._patience_s = patience_s
        self._typed = ""
        self._last_s = 0.0

    def press(self, keys: bytes, now_s: float) -> str | None:
        """The code that `keys` (as OSDP sends them: # is 0D, * is 7F) complete, if they do."""
        if now_s - self._last_s > self._patience_s:
            self._typed = ""
        self._last_s = now_s
        code = None
        for key in keys:
            if chr(key) in "0123456789":
                self._typed = (self._typed + chr(key))[: self.LONGEST + 1]
            elif key in b"\r#":
                code = self._typed if 0 < len(self._typed) <= self.LONGEST else code
                self._typed = ""
            else:
                self._typed = ""
        return code


class OsdpReader:
    """One reader. Only `read` keeps the session alive: call it without long pauses (a pump does)."""

    def __init__(
        self,
        stream: Transport,
        key: bytes,
        *,
        address: int = 0,
        form: Format = Format.WG26,
        order: Order = Order.MSB,
        keypad: Keypad | None = None,
        session_s: float = 5.0,
        lost_s: float = 8.0,
        install: InstallWindow | None = None,
    ) -> None:
        self._line = SecureLine(stream, address, key)
        self._address, self._form, self._order, self._keypad = address, form, order, keypad
        self._lost_s = lost_s
        self._case_open = False
        self._cue: Cue | None = None
        self._lit_in = 0  # the session in which the light was set
        try:
            self._connect(session_s, install)
        except BaseException:
            self.close()
            raise

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`."""
        deadline = time.monotonic() + timeout
        while True:
            self._line.turn(min(deadline - time.monotonic(), STEP_S))
            if self._line.silent_s > self._lost_s:
                raise DeviceLost(f"no secure session with reader {self._address} for {self._lost_s:g} s")
            self._light_again()
            event = self._line.event()
            self._note(event)
            self._refuse_opened()
            outcome = self._outcome(event) if event is not None else None
            if outcome is not None or time.monotonic() >= deadline:
                return outcome

    def show(self, cue: Cue) -> None:
        """Light `cue` until the next one, with its beeps; from any thread. It is sent with the next `read`.

        A reader without lights or buzzer does what it can; one that was away for a moment is lit again, and is silent.
        `DeviceTimeout` when there is no session just now, `DeviceLost` after `close`.
        """
        self._cue, self._lit_in = cue, self._line.sessions
        self._light(cue)
        if _LIGHTS[cue].beeps and self._line.can(osdp.Capability.AudibleControl):
            beep = {"reader": 0, "control_code": _OWN_TONE, "on_count": 1, "off_count": 1}
            self._line.submit(command=osdp.Command.Buzzer, **beep, rep_count=_LIGHTS[cue].beeps)

    def output(self, seconds: float) -> None:
        """Switch the reader's own output on for `seconds` (in tenths), from any thread.

        Not for the barrier: the wires of this output end on the visitors' side of it.
        """
        if not self._line.can(osdp.Capability.OutputControl):
            raise DeviceRefused(f"reader {self._address} has no output")
        ticks = max(1, round(seconds * 10))
        self._line.submit(command=osdp.Command.Output, output_no=0, control_code=_TIMED_ON, timer_count=ticks)

    def close(self) -> None:
        """See `Device.close`."""
        self._line.close()

    def _light(self, cue: Cue) -> None:
        if not self._line.can(osdp.Capability.LEDControl):
            return
        light = _LIGHTS[cue]
        colours = {"on_color": light.colour, "off_color": light.other if light.rhythm else light.colour}
        rhythm = {"on_count": light.rhythm or 1, "off_count": light.rhythm, "timer_count": 0}
        fixed = {"reader": 0, "led_number": 0, "control_code": _PERMANENT, "temporary": False}
        self._line.submit(command=osdp.Command.LED, **fixed, **colours, **rhythm)

    def _light_again(self) -> None:
        """A reader that began a new session may have been without power, and dark since."""
        if self._cue is not None and self._lit_in != self._line.sessions and self._line.settled:
            with suppress(DeviceTimeout):  # then with the next turn; a light holds up no card
                self._light(self._cue)
                self._lit_in = self._line.sessions

    def _connect(self, session_s: float, install: InstallWindow | None) -> None:
        installing = install is not None and install.is_open()
        if install is not None and installing and self._line.establish(session_s, enforced=False):
            install.close("the reader has its key")
            installing = False
        if installing or not self._line.establish(session_s):
            raise self._why_not()
        # Asked before the first poll, so that no card of an opened reader counts; and once only, since a reader
        # that says no to it costs the session.
        self._line.submit(command=osdp.Command.Status, type=osdp.StatusReportType.Local, report=b"")
        while not self._line.settled and self._line.silent_s < session_s:
            self._line.turn(STEP_S)
            self._note(self._line.event())
        self._refuse_opened()

    def _why_not(self) -> DriverError:
        if not self._line.answered:
            return DeviceTimeout(f"no OSDP reader answers at address {self._address}: check wires, baud and address")
        return DeviceLost(
            f"reader {self._address} answers and makes no secure session: is the key in the file its own? "
            "A new reader is given it with install_s=300, once"
        )

    def _note(self, event: dict[str, Any] | None) -> None:
        """Take down what the reader says of its case (LSTATR: tamper, power)."""
        local = event is not None and event["event"] == osdp.Event.Status
        if event is not None and local and event["type"] == osdp.StatusReportType.Local:
            self._case_open = any(event["report"][:1])

    def _refuse_opened(self) -> None:
        if self._case_open:
            raise DeviceLost(f"reader {self._address} says that its case is open")

    def _outcome(self, event: dict[str, Any]) -> Credential | CardFault | None:
        match event["event"]:
            case osdp.Event.CardRead:
                return self._card(event)
            case osdp.Event.KeyPress if self._keypad is not None:
                code = self._keypad.press(event["data"], time.monotonic())
                return None if code is None else _uid_only(Medium.TYPED, DocumentType.TICKET_CODE, code)
        return None

    def _card(self, event: dict[str, Any]) -> Credential | CardFault:
        if event["format"] == osdp.CardFormat.ASCII:
            return CardFault(CardProblem.UNSUPPORTED, "the reader sends characters, expected bits")
        try:
            number = decode(unpack(event["data"], event["length"]), self._form, self._order)
        except WrongLength as error:
            return CardFault(CardProblem.UNSUPPORTED, f"{self._form}: {error}")
        except WrongParity as error:
            return CardFault(CardProblem.UNREADABLE, f"{self._form}: {error}")
        return _uid_only(Medium.CONTACTLESS_CARD, DocumentType.CARD_UID, number.text)


def _uid_only(medium: Medium, document: DocumentType, number: str) -> Credential:
    """Neither a card's number nor a typed code proves anything but itself."""
    return Credential(medium, document, number, Assurance.UID_ONLY)
