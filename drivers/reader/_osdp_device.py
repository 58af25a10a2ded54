"""The device half of OSDP: a reader with a keypad, lights, a buzzer and an output, through libosdp."""

from __future__ import annotations

import queue
import secrets
import shlex
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from drivers.reader._osdp_frames import Frames
from drivers.reader._osdp_key import KEY_BYTES
from drivers.reader._osdp_line import STEP_S, osdp
from drivers.reader._wiegand import Format, encode, pack
from models.store.errors import UnsafeKey
from models.store.key_file import read_secret, write_secret

_ON_THE_WIRE = {"#": b"\x0d", "*": b"\x7f"}  # the other keys are their own ASCII
_HELP = "card FACILITY NUMBER [wg26|wg34|wg37], bits 0101…, type 1234#, tamper on|off, key FILE, new, seen"


class Port(Protocol):
    """The device's end of a wire, such as `PtyPort`."""

    def read(self, timeout: float) -> bytes:
        """What the host wrote, empty after `timeout` seconds."""

    def write(self, data: bytes) -> object:
        """Send to the host."""


class _Wire(osdp.Channel):  # type: ignore[misc,unused-ignore]  # untyped
    def __init__(self, port: Port) -> None:
        super().__init__()
        self._port = port
        self.frames = Frames()
        self.came = b""

    def read(self, max_bytes: int) -> bytes:
        data, self.came = self.came[:max_bytes], self.came[max_bytes:]
        return data

    def write(self, buf: bytes) -> int:
        self._port.write(bytes(buf))
        return len(buf)

    def flush(self) -> None:
        self.came = b""


class OsdpSimulator:
    """A reader at the far end of `port`; `run` it in a thread, drive it from another.

    Without a key it is as new from the factory: it takes the public default key, and the key that it is then given.
    With one it takes nothing but a session under this key. `seen` gets a line for each light, beep and output.
    """

    def __init__(self, port: Port, key: bytes | None = None, *, address: int = 0, enforced: bool = True) -> None:
        self._port, self._address, self._enforced = port, address, enforced
        self._lock = threading.Lock()
        self._open_case = self._tell_case = False
        self.key = key
        self.seen: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader: Any = None
        self._begin()

    @property
    def secure(self) -> bool:
        """Whether there is a secure session."""
        with self._lock:
            return bool(self._reader.ctx.is_sc_active())

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set."""
        while not stop.is_set():
            data = self._port.read(STEP_S)
            with self._lock:
                self._wire.came += self._wire.frames.take(data)
                self._reader.ctx.refresh()
                if self._tell_case:
                    self._tell_case = False
                    self._submit(
                        osdp.Event.Status, type=osdp.StatusReportType.Local, report=bytes((self._open_case, 0))
                    )

    def present(self, bits: str) -> None:
        """One tap of a card with these bits."""
        with self._lock:
            raw = {"reader_no": 0, "direction": 0, "format": osdp.CardFormat.Wiegand}
            self._submit(osdp.Event.CardRead, **raw, length=len(bits), data=pack(bits))

    def type(self, keys: str) -> None:
        """Press keys: digits, `*`, `#`."""
        with self._lock:
            data = b"".join(_ON_THE_WIRE.get(key, key.encode()) for key in keys)
            self._submit(osdp.Event.KeyPress, reader_no=0, data=data)

    def tamper(self, on: bool = True) -> None:
        """Open the case, or close it."""
        with self._lock:
            self._open_case, self._tell_case = on, True

    def take_key(self, key: bytes | None) -> None:
        """Be a reader with this key, or a new one."""
        with self._lock:
            self.key = key
            self._begin()

    def command(self, text: str) -> str:
        """Do what one line of text says, and answer `ok` or `error: …`; `help` gives the list."""
        try:
            word, *rest = shlex.split(text) or [""]
            return self._obey(word, rest)
        except (ValueError, IndexError, OSError, UnsafeKey) as error:
            return f"error: {error}"

    def _obey(self, word: str, rest: Sequence[str]) -> str:
        match word:
            case "card":
                self.present(encode(int(rest[0]), int(rest[1]), Format(rest[2] if len(rest) > 2 else "wg26")))
            case "bits":
                self.present(rest[0])
            case "type":
                self.type(rest[0])
            case "tamper":
                self.tamper(rest[0] == "on")
            case "key":
                path = Path(rest[0])
                if not path.exists():
                    write_secret(path, secrets.token_bytes(KEY_BYTES))
                self.take_key(read_secret(path, KEY_BYTES))
                return f"ok: connect with key={path}"
            case "new":
                self.take_key(None)
            case "seen":
                return "; ".join(self.seen.get() for _ in range(self.seen.qsize())) or "nothing"
            case "help":
                return _HELP
            case _:
                return f"error: {word!r} is not known here, there are: {_HELP}"
        return "ok"

    def _begin(self) -> None:
        if self._reader is not None:
            self._reader.ctx = None
        self._wire = _Wire(self._port)
        flags = [osdp.LibFlag.EnforceSecure] if self.key and self._enforced else []
        about = osdp.PDInfo(self._address, self._wire, scbk=self.key, flags=flags)
        has = osdp.Capability
        abilities = osdp.PDCapabilities(
            [
                (has.ContactStatusMonitoring, 1, 1),
                (has.OutputControl, 1, 1),
                (has.CardDataFormat, 1, 1),
                (has.LEDControl, 1, 1),
                (has.AudibleControl, 1, 1),
                (has.CommunicationSecurity, 1, 1),
            ]
        )
        self._reader = osdp.PeripheralDevice(
            about, abilities, log_level=osdp.LogLevel.Emergency, command_handler=self._take_command
        )

    def _submit(self, kind: int, **fields: Any) -> None:
        self._reader.ctx.submit_event({"event": kind, **fields})

    def _take_command(self, command: dict[str, Any]) -> tuple[int, None]:
        """libosdp calls this from `refresh`, which holds the lock."""
        match command["command"]:
            case osdp.Command.Keyset:
                self.key = bytes(command["data"])
                self.seen.put("key")
            case osdp.Command.LED:
                self.seen.put(f"led {_told(command)}")
            case osdp.Command.Buzzer:
                self.seen.put(f"buzzer {command['rep_count']}")
            case osdp.Command.Output:
                self.seen.put(f"output {command['timer_count'] / 10:g} s")
            case osdp.Command.Status:
                self._tell_case = self._open_case  # libosdp itself answers "closed"; the truth follows as an event
        return 0, None


def _told(light: dict[str, Any]) -> str:
    """A lamp's colour, or the two that it changes between and how fast."""
    first, second = (_COLOURS.get(light[key], "other") for key in ("on_color", "off_color"))
    return f"{first}/{second} {light['off_count'] / 10:g} s" if light["off_count"] else first


_COLOURS = {
    osdp.CommandLEDColor.Black: "dark",
    osdp.CommandLEDColor.Red: "red",
    osdp.CommandLEDColor.Green: "green",
    osdp.CommandLEDColor.Amber: "amber",
}
