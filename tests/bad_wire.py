"""A cable with a fault, for the far end of a simulated line."""

from __future__ import annotations

import threading

from drivers.transport import PtyPort

FAULTS = ("clean", "split", "late", "lost", "garbled")
PATIENCE_S = 8.0  # no test waits so long for anything that happens
_LATE_S = 0.03
_BYTE_S = 0.0003
_PAUSES = 64  # a long answer needs no more to show whether it is put together


class BadWire:
    """The simulator's port with a bad cable behind it, bad in both directions until `heal`.

    `split`: byte by byte. `late`: the first half waits, the second half waits again. `lost`: every fifth byte goes
    missing. `garbled`: every seventh byte has a bit flipped. All of it the same at each run. `every` makes a better
    cable of it: so many bytes apart is the damage.
    """

    def __init__(self, port: PtyPort, fault: str, every: int = 0) -> None:
        self._port = port
        self._fault = fault
        self._every = every or {"lost": 5, "garbled": 7}.get(fault, 0)
        self._came = b""
        self._passed = 0
        self._empty_reads = 0
        self._news = threading.Condition()
        self._pace = threading.Event()  # never set: the cable's own slowness

    @property
    def corrupts(self) -> bool:
        """Whether bytes arrive otherwise than they were sent."""
        return self._fault in ("lost", "garbled")

    def heal(self) -> None:
        """Be a good wire from now on."""
        if self.corrupts:
            self._fault = "clean"

    def wait_until_drained(self) -> None:
        """Wait until the simulator has worked off all that the host sent: it has asked twice and got nothing."""
        with self._news:
            target = self._empty_reads + 2
            assert self._news.wait_for(lambda: self._empty_reads >= target, PATIENCE_S), "the simulator reads no more"

    def read(self, timeout: float) -> bytes:
        """As `PtyPort.read`, but bad."""
        data, self._came = self._came, b""
        if not data:
            data = self._spoil(self._port.read(timeout))
        if not data:
            with self._news:
                self._empty_reads += 1
                self._news.notify_all()
        if self._fault == "split":
            data, self._came = data[:1], data[1:]
        return data

    def write(self, data: bytes) -> int:
        """As `PtyPort.write`, but bad."""
        if self._fault == "late":
            for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                self._pace.wait(_LATE_S)
                self._port.write(half)
        elif self._fault == "split":
            for at, byte in enumerate(data):
                self._port.write(bytes((byte,)))
                self._pace.wait(_BYTE_S if at < _PAUSES else 0)
        else:
            self._port.write(self._spoil(data))
        return len(data)

    def _spoil(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            self._passed += 1
            if self._fault == "lost" and self._passed % self._every == 0:
                continue
            flip = self._fault == "garbled" and self._passed % self._every == 0
            out.append(byte ^ (1 << (self._passed // self._every % 8)) if flip else byte)
        return bytes(out)
