"""Watches one device for a while and counts: what a technician has before the doors open.

Each kind is asked for what it gives: a reader for cards, a sensor for signals, a camera for pictures; a relay is polled
and doesn't move. A device that goes away is connected to again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from drivers import Kind, connect, load
from drivers.ears import ear_of
from drivers.errors import DeviceLost, DeviceTimeout, DriverError, MissingLibrary, UnknownDevice
from drivers.traffic import Traffic, counted
from drivers.url import parse
from gate.doctor import Finding, Signs, diagnose
from models.credential import CardFault, Credential

RETRY_S = 0.5
LOOK_S = 0.25  # how long one question may take where the device lets us say so

SPEEDS = (115200, 9600, 57600, 38400, 19200, 4800)
"""Tried in this order where a driver has no `BAUDS` of its own."""

_OF_TRAFFIC = ("bytes_in", "bytes_out", "echoed", "questions", "unanswered", "repeats", "longest_gap_s")
_OF_HEARD = ("frames", "bad_checks", "noise", "found", "radio", "alarms", "remote", "local")


@dataclass(slots=True)
class Watch:
    """What was seen so far. `errors` counts what the driver said by its class."""

    kind: Kind
    url: str
    traffic: Traffic
    opened: int = 0
    lost: int = 0  # times that it went away after it was there
    got: int = 0
    faults: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    last_error: str = ""
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def signs(self) -> Signs:
        """The counts, for the doctor."""
        t, heard = self.traffic, self.traffic.ear.heard
        counts = {name: getattr(t, name) for name in _OF_TRAFFIC} | {name: getattr(heard, name) for name in _OF_HEARD}
        signs = Signs(asks=t.ear.asks, knows=t.knows_language, wired=t.connections > 0, got=self.got, **counts)
        signs = replace(signs, opened=self.opened > 0 or not self.errors, reconnects=self.lost)
        timed_out = self.errors["DeviceTimeout"]
        return replace(signs, timed_out=timed_out, p50_s=self.percentile(0.5), p95_s=self.percentile(0.95))

    def note(self, error: DriverError) -> None:
        """The driver said something is wrong."""
        kinds = (DeviceLost, DeviceTimeout)
        self.errors[next((kind.__name__ for kind in kinds if isinstance(error, kind)), type(error).__name__)] += 1
        self.last_error = str(error)

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it."""
        return diagnose(self.signs())

    def percentile(self, share: float) -> float:
        """Of the times that reading took, in seconds; 0 where nothing was read."""
        times = sorted(self.times_s)
        return times[min(int(share * len(times)), len(times) - 1)] if times else 0.0


def begin(url: str, kind: Kind) -> Watch:
    """A watch with the ear that fits. Raises `UnknownDevice` or `MissingLibrary` for a URL that can't be."""
    address = parse(url)
    return Watch(kind, url, Traffic(ear_of(kind, address.driver, load(kind, address.driver))))


def run(
    watch: Watch, seconds: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic
) -> Iterator[Watch]:
    """Watch until the time is over or `stop` is set; comes back after each look.

    Raises `UnknownDevice` and `MissingLibrary`, which no patience mends. All other trouble is counted.
    """
    began = clock()
    device = None
    try:
        while not stop.is_set() and (left := began + seconds - clock()) > 0:
            try:
                if device is None:
                    device = open_device(watch)
                look(watch, device, min(left, LOOK_S))
            except (UnknownDevice, MissingLibrary):
                raise
            except DriverError as error:
                if device is not None and isinstance(error, DeviceLost) and parse(watch.url).transport == "replay":
                    return  # the tape is over
                watch.note(error)
                if device is None or isinstance(error, DeviceLost):
                    watch.lost += device is not None
                    _close(device)
                    device = None
                    stop.wait(min(RETRY_S, max(left, 0)))
            watch.seconds = clock() - began
            yield watch
    finally:
        _close(device)


def look(watch: Watch, device: Any, seconds: float) -> Any:
    """Ask the device once, and note what came."""
    began = time.monotonic()
    seen: Any = None
    match watch.kind:
        case "reader" | "sensor":
            seen = device.read(seconds)
        case "camera":
            seen = device.grab(max(seconds, 2.0))
        case "relay" | "signal":
            device.poll()
            seen = True
            threading.Event().wait(min(seconds, max(LOOK_S - (time.monotonic() - began), 0)))
        case "face":
            seen = device.model_version
            threading.Event().wait(seconds)
    if seen is not None:
        watch.faults += isinstance(seen, CardFault)
        watch.got += not isinstance(seen, CardFault)
        took = seen.read_s if isinstance(seen, Credential) else 0.0
        if watch.kind == "camera":
            took = time.monotonic() - began
        watch.times_s += [took] if took else []
    return seen


def open_device(watch: Watch) -> Any:
    """Connect, with the wire counted."""
    with counted(watch.traffic):
        device: Any = connect(watch.kind, watch.url)
    watch.opened += 1
    return device


def _close(device: Any) -> None:
    if device is not None:
        with suppress(DriverError):
            device.close()


# --- The speed of the line --------------------------------------------------------------------------------------------


def speeds_of(kind: Kind, url: str) -> tuple[int, ...]:
    """The speeds to try for a driver: its own `BAUDS`, else the usual ones, its default first."""
    module = load(kind, parse(url).driver)
    own: tuple[int, ...] = getattr(module, "BAUDS", ())
    first: int = getattr(module, "BAUD", SPEEDS[0])
    return own or (first, *(speed for speed in SPEEDS if speed != first))


def find_speed(kind: Kind, url: str, seconds: float, heard: Callable[[int, Watch], None]) -> int | None:
    """The first speed at which the device is understood, or `None`. Asks nothing but what connecting asks.

    A device that talks by itself is listened to for up to `seconds` at each speed. `heard` is told of each try.
    """
    address = parse(url)
    if address.transport != "serial":
        raise UnknownDevice(f"{url}: only a serial port of this machine has a speed to probe")
    for speed in speeds_of(kind, url):
        one = replace(address, options={**address.options, "baud": str(speed)})
        watch = begin(str(one), kind)
        answered = understood(watch, seconds)
        heard(speed, watch)
        if answered:
            return speed
    return None


def understood(watch: Watch, seconds: float) -> bool:
    """Whether the device says something that makes sense within `seconds`; one that is asked is asked twice."""
    for _ in run(watch, seconds, threading.Event()):
        signs = watch.signs()
        if signs.knows and signs.frames and signs.noise + signs.bad_checks <= signs.frames:
            return True
        if not signs.knows and watch.got and signs.bytes_in:
            return True
        if signs.asks and watch.errors.total() > 1:
            break
    return False
