"""A line to one OSDP reader, with a secure session or none at all (IEC 60839-11-5), through libosdp.

libosdp is a state machine that wants to be turned. Its own classes do that in a thread; here nobody does but the
caller of `SecureLine.turn`, so there is no thread, and an answer is looked at when it comes and not 20 ms later. The
price: the session lives only while somebody turns. A reader gives a session up after 8 s of silence.

libosdp gives a reader up for 300 s after a handshake that failed and after each NAK. A gate can't wait so long: a line
without a session begins anew every `RETRY_S`.

A reader keeps what happened while nobody asked, and tells it when a session stands; one whose host went away before it
heard the receipt tells it again. Such a card may have been tapped minutes ago, and its holder be gone: what comes in
the first moments of a session, until the reader has been quiet for `QUIET_S`, is thrown away.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from drivers.errors import DeviceLost, DeviceTimeout, DriverError, MissingLibrary
from drivers.reader._osdp_frames import Frames
from drivers.transport import Transport

try:
    import osdp  # type: ignore[import-untyped,import-not-found,unused-ignore]
except ImportError as absent:
    raise MissingLibrary("the OSDP reader needs libosdp: pip install menshen[osdp]", name="osdp") from absent

__all__ = ["QUIET_S", "RETRY_S", "STEP_S", "SecureLine", "osdp"]

RETRY_S = 2.0
QUIET_S = 0.2  # some polls, also at 9600 baud
STEP_S = 0.02  # libosdp asks to be turned at least every 50 ms


class Wire(osdp.Channel):  # type: ignore[misc,unused-ignore]  # untyped
    """What libosdp reads and writes. No error may go through its C code, so the first one waits in `fault`."""

    def __init__(self, stream: Transport) -> None:
        super().__init__()
        self._stream = stream
        self._came = b""
        self.fault: DriverError | None = None
        self.frames = Frames()

    def wait(self, timeout: float) -> None:
        """Take in what comes, after up to `timeout` seconds."""
        try:
            data = self._stream.read(timeout)
        except DriverError as error:
            self.fault = self.fault or error
            return
        self._came += self.frames.take(data)

    def read(self, max_bytes: int) -> bytes:
        """See `osdp.Channel`."""
        if not self._came:
            self.wait(0)
        data, self._came = self._came[:max_bytes], self._came[max_bytes:]
        return data

    def write(self, buf: bytes) -> int:
        """See `osdp.Channel`."""
        try:
            self._stream.write(bytes(buf))
        except DriverError as error:
            self.fault = self.fault or error
        return len(buf)

    def flush(self) -> None:
        """Forget what came and was not read."""
        self._came = b""


class SecureLine:
    """One reader at the far end of `stream`. One thread turns; any thread may `submit`."""

    def __init__(self, stream: Transport, address: int, key: bytes) -> None:
        self._stream, self._address, self._key = stream, address, key
        self._wire = Wire(stream)
        self._lock = threading.Lock()  # libosdp has none of its own
        self._panel: Any = None
        self._enforced = True
        self._begun_at = self._heard_at = 0.0
        self._frames = 0
        self._was_secure = False
        self._stale_until = 0.0
        self.sessions = 0  # how many were begun

    @property
    def answered(self) -> bool:
        """Whether a whole frame ever came from a reader, whatever it said."""
        return self._wire.frames.count > 0

    @property
    def secure(self) -> bool:
        """Whether there is a secure session."""
        return self._panel is not None and bool(self._panel.ctx.status() & self._panel.ctx.sc_status())

    @property
    def silent_s(self) -> float:
        """Seconds since the reader was last heard in a secure session."""
        return time.monotonic() - self._heard_at

    @property
    def settled(self) -> bool:
        """Whether there is a session and what the reader had kept before it is out."""
        return self.secure and time.monotonic() >= self._stale_until

    def establish(self, seconds: float, *, enforced: bool = True) -> bool:
        """Begin, and turn until there is a session or `seconds` are over; gives whether there is one.

        Without `enforced`, a reader that does not know the key is given it under the public default key.
        """
        self._enforced = enforced
        ends = time.monotonic() + seconds
        with self._lock:
            self._begin()
        while not self.secure and time.monotonic() < ends:
            self.turn(STEP_S)
        return self.secure

    def turn(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for bytes, and let libosdp do its next step. Raises what the stream raises."""
        self._wire.wait(min(max(timeout, 0), STEP_S))
        with self._lock:
            if self._panel is None:
                raise DeviceLost("the reader was closed")
            self._panel.ctx.refresh()
            self._look_after()
        fault, self._wire.fault = self._wire.fault, None
        if fault is not None:
            raise fault

    def event(self) -> dict[str, Any] | None:
        """The next event, or `None`. Outside of an enforced session there are none, and old cards and keys aren't any.

        What the reader says of itself is told even if it is old.
        """
        event: dict[str, Any] | None = self._panel.get_event(self._address, -1) if self._panel is not None else None
        if event is None or not (self.secure and self._enforced):
            return None
        if event["event"] != osdp.Event.Status and not self.settled:
            self._stale_until = time.monotonic() + QUIET_S
            return None
        return event

    def submit(self, **command: Any) -> None:
        """Hand a command to libosdp, which sends it with the next turns. `DeviceTimeout` when it takes none."""
        with self._lock:
            if not self._ready().submit_command(0, command):
                raise DeviceTimeout("the reader takes no more commands")

    def can(self, capability: int) -> bool:
        """Whether the reader says that it has `capability` (of `osdp.Capability`). May raise as `submit`."""
        with self._lock:
            return bool(self._ready().check_capability(0, capability)[0])

    def close(self) -> None:
        """Let libosdp and the stream go. May be called twice."""
        with self._lock:
            self._end()
        self._stream.close()

    def _ready(self) -> Any:
        """libosdp's own object, in a session."""
        if self._panel is None:
            raise DeviceLost("the reader was closed")
        if not self.secure:
            raise DeviceTimeout("the reader takes no commands: there is no secure session just now")
        return self._panel.ctx

    def _look_after(self) -> None:
        """Begin anew where nothing comes of this session. libosdp believes in a silent reader for some seconds more."""
        now, frames, secure = time.monotonic(), self._wire.frames.count, self.secure
        if secure and not self._was_secure:
            self._stale_until = now + QUIET_S
            self.sessions += 1
        if secure and frames != self._frames:
            self._heard_at = now
        self._frames, self._was_secure = frames, secure
        if now - max(self._heard_at, self._begun_at) > RETRY_S:
            self._begin()

    def _begin(self) -> None:
        self._end()
        self._was_secure = False
        self._wire.flush()
        flags = [osdp.LibFlag.EnforceSecure] if self._enforced else []
        reader = osdp.PDInfo(self._address, self._wire, scbk=self._key, flags=flags)
        self._panel = osdp.ControlPanel([reader], log_level=osdp.LogLevel.Emergency)
        self._begun_at = time.monotonic()

    def _end(self) -> None:
        if self._panel is not None:
            self._panel.ctx = None  # which also breaks the circle of library object and callback
        self._panel = None
