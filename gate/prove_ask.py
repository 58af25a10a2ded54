"""Asks each of a running lane's devices whether it is there, without moving anything and without reading anybody.

- The relay is polled: most boards answer, those that never say anything can only be written to.
- A reader's or sensor's thread must come round once more. A driver that asks its device each time thereby has an
  answer; of one that only listens (a scanner, a typed wedge) nobody can tell.
- The camera takes a picture. Whoever stands there is not compared, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from drivers import Kind, load
from drivers.ears import ear_of
from drivers.errors import DriverError
from drivers.url import parse
from gate.check.devices import lane_devices
from gate.config import Devices
from gate.hardware import Eyes
from gate.messages import DeviceHealth, FaceFailed, FaceHint, FaceProbed, Message
from gate.prove_lane import TRIAL
from gate.relay_pump import RelayPump
from gate.vision import CAMERA, VISION
from models.proof import Alive, Asked

ROUND_S, LOOK_S, CAPTURE_S = 4.0, 0.05, 3.0

LISTENERS = {("reader", "line"), ("reader", "wedge"), ("reader", "sim"), ("sensor", "sim")}
"""Drivers that never ask their device anything, whatever their wire."""


def never_asks(devices: Devices) -> frozenset[str]:
    """The names of those devices that are only listened to."""
    return frozenset(
        name for name, kind, url in lane_devices(devices) if kind in ("reader", "sensor") and not _asks(kind, url)
    )


def _asks(kind: Kind, url: str) -> bool:
    driver = parse(url).driver
    try:
        ear = ear_of(kind, driver, load(kind, driver))
    except DriverError:
        return False
    return (kind, driver) not in LISTENERS and (ear is None or ear.asks)


@dataclass
class Asking:
    """One round of asking. Belongs to the event loop; `take` gets the camera's messages of attempts from `TRIAL` on."""

    health: Callable[[], Iterable[DeviceHealth]]
    relay: RelayPump
    eyes: Eyes | None
    listeners: frozenset[str]
    wall: Callable[[], float]
    _looked: asyncio.Future[bool] | None = field(default=None, init=False)

    def take(self, message: Message) -> None:
        """What the camera gave, if it was asked."""
        if self._looked is None or self._looked.done():
            return
        if isinstance(message, FaceHint | FaceProbed | FaceFailed):
            self._looked.set_result(not isinstance(message, FaceFailed))

    async def ask(self) -> Asked:
        """All of them at once; it takes as long as the slowest, four seconds at most."""
        begun = time.monotonic()
        relay, camera = await asyncio.gather(self._poll(), self._look())
        found: dict[str, Alive] = {}
        for name in [one.name for one in self.health()]:
            if name == self.relay.name:
                found[name] = relay
            elif name == CAMERA:
                found[name] = camera
            elif name != VISION:
                found[name] = await self._came_round(name, begun)
        return Asked(self.wall(), found)

    async def _poll(self) -> Alive:
        try:
            async with asyncio.timeout(ROUND_S):
                await asyncio.wrap_future(self.relay.poll())
        except (DriverError, TimeoutError):
            return Alive.SILENT
        return Alive.ANSWERS

    async def _look(self) -> Alive:
        if self.eyes is None:
            return Alive.CANNOT_TELL
        self._looked = asyncio.get_running_loop().create_future()
        self.eyes.capture(TRIAL, CAPTURE_S)
        try:
            async with asyncio.timeout(ROUND_S):
                return Alive.ANSWERS if await self._looked else Alive.SILENT
        except TimeoutError:
            return Alive.SILENT
        finally:
            self.eyes.cancel(TRIAL)
            self._looked = None

    async def _came_round(self, name: str, since_mono: float) -> Alive:
        while True:
            one = next((health for health in self.health() if health.name == name), None)
            if one is not None and one.up and one.beat_mono > since_mono:
                return Alive.CANNOT_TELL if name in self.listeners else Alive.ANSWERS
            if one is None or not one.up or time.monotonic() > since_mono + ROUND_S:
                return Alive.SILENT
            await asyncio.sleep(LOOK_S)
