"""The lane's devices, made from its configuration: who they are, when they start, how they fare."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers import connect
from gate.config import Config
from gate.hearing import EXIT_READER
from gate.messages import DeviceHealth, Post
from gate.mirror import listen
from gate.pump import HANG_S, Pump, ReaderPump, SensorPump
from gate.relay_pump import RelayPump
from gate.signal_pump import SignalPump
from gate.spare_pump import InputPump, SparePump
from gate.vision import CAMERA, VISION, Vision
from gate.vision_link import Decoder, VisionLimits
from gate.wear import WearBook, WearMeter
from models.command import DeviceStatus
from models.cue import Cue

PATIENCE_S = 4.0  # at a start the readers wait this long for the camera and the others
LOOK_S = 0.02


class LaneDevices:
    """One lane's pumps, and its eyes where it has any. `post` is called from their threads."""

    def __init__(self, config: Config, post: Post) -> None:
        urls = config.devices
        self._wear = WearMeter(WearBook(config.gate.state_dir))
        self._rated = dict(urls.rated)
        self.relay = RelayPump("relay", lambda: connect("relay", urls.relay), post)
        self.sensor = _sensor("sensor", urls.sensor, post) if urls.sensor else None
        self.readers = [_reader("reader", urls.reader, post)]
        if urls.exit_reader:
            self.readers.append(_reader(EXIT_READER, urls.exit_reader, post))
        self.inputs = [_input(name, url, post) for name, url in _numbered("input", urls.inputs)]
        self.signals = [_signal(name, url, post) for name, url in _numbered("signal", urls.signals)]
        limits = VisionLimits(start_s=config.vision.start_s, silence_s=config.vision.silence_s)
        decoder = Decoder(config.vision.portrait_decoder, config.vision.portrait_decoder_s)
        self._mirror = listen(config.socket.mirror_path, config.socket.group) if urls.camera else None
        self.mirror = str(config.socket.mirror_path) if urls.camera else ""
        region = config.vision.region
        self.eyes = Vision(urls.camera, urls.face, post, limits, decoder, self._mirror, region) if urls.camera else None
        self._needed: list[Pump[Any]] = [self.relay, *([self.sensor] if self.sensor else [])]
        self._spares: list[SparePump[Any]] = [*self.inputs, *self.signals]
        self._pumps: list[Pump[Any]] = [*self.readers, *self._needed, *self._spares]
        self._all: list[Pump[Any] | Vision] = [*self._pumps, *([self.eyes] if self.eyes else [])]

    @property
    def names(self) -> tuple[str, ...]:
        """What every device is called in messages and in the ledger."""
        return tuple(pump.name for pump in self._pumps) + ((VISION, CAMERA) if self.eyes else ())

    async def start(self, needs_face: Callable[[], bool]) -> None:
        """The readers last: whoever waits with a card in hand is better read a moment later than sent to the staff."""
        for device in self._all:
            if device not in self.readers:
                device.start()
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends and not self.can_admit(needs_face()):
            await asyncio.sleep(LOOK_S)
        for reader in self.readers:
            reader.start()

    async def stop(self) -> None:
        """End them all, each in a thread of its own: one that hangs must not keep the others."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(None, device.stop) for device in self._all),
        )
        if self._mirror is not None:
            self._mirror.close()
            Path(self.mirror).unlink(missing_ok=True)

    def can_admit(self, needs_face: bool) -> bool:
        """Whether all that an admission needs is up, the readers aside."""
        eyes = self.eyes.health() if self.eyes and needs_face else ()
        return all(health.up for health in (*(pump.health() for pump in self._needed), *eyes))

    def status(self) -> tuple[DeviceStatus, ...]:
        """How each of them fares, as the screens show it."""
        return tuple(
            DeviceStatus(
                one.name, one.up, "" if one.up else one.why, self._wear.of(one).uses, self._rated.get(one.name)
            )
            for one in self.health()
        )

    def write_wear(self, at: float) -> None:
        """Add to the book what they have done since the last time; it may take as long as the disk."""
        self._wear.write(self.health(), at)

    def health(self) -> list[DeviceHealth]:
        """How each of them fares."""
        return [pump.health() for pump in self._pumps] + (list(self.eyes.health()) if self.eyes else [])

    def show(self, cue: Cue) -> None:
        """Tell lamps, buzzers and voices, the readers' own as well, how the lane stands; nobody waits for them."""
        for signal in self.signals:
            signal.show(cue)
        for reader in self.readers:
            reader.show(cue)

    def hung(self, pulse_s: float) -> str:
        """A driver stuck in the kernel can't say so: its name and for how long, or nothing.

        Of those that the lane can do without, the lane is told as of a loss.
        """
        for spare in self._spares:
            spare.look_for_hang()
        for health in (pump.health() for pump in (*self.readers, *self._needed)):
            silent_s = time.monotonic() - health.beat_mono
            if health.up and silent_s > HANG_S + pulse_s:
                return f"the {health.name} driver has hung for {silent_s:.0f} s"
        return ""


def _reader(name: str, url: str, post: Post) -> ReaderPump:
    return ReaderPump(name, lambda: connect("reader", url), post)


def _numbered(name: str, urls: tuple[str, ...]) -> list[tuple[str, str]]:
    """`input`, `input-2`, `input-3`, each with its URL."""
    return [(name if number == 1 else f"{name}-{number}", url) for number, url in enumerate(urls, 1)]


def _input(name: str, url: str, post: Post) -> InputPump:
    return InputPump(name, lambda: connect("sensor", url), post)


def _signal(name: str, url: str, post: Post) -> SignalPump:
    return SignalPump(name, lambda: connect("signal", url), post)


def _sensor(name: str, url: str, post: Post) -> SensorPump:
    return SensorPump(name, lambda: connect("sensor", url), post)
