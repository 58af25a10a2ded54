"""What each kind of device must do. Drivers are plain blocking classes: no threads, no async, no personal data in logs.

`read` and `grab` wait up to `timeout` seconds. Every method may raise `DeviceLost`, `DeviceTimeout`, `BadAnswer` or
`DeviceRefused` (see `errors`), and nothing else. `close` may be called twice.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from models.credential import CardFault, Credential
from models.cue import Cue
from models.face import FaceProbe
from models.passage import SensorSignal

Frame: TypeAlias = npt.NDArray[np.uint8]
"""A picture: (height, width, 3), BGR, 0 to 255."""

Template: TypeAlias = npt.NDArray[np.float32]
"""A face's features: (n,), as the engine's model makes them."""


class Device(Protocol):
    """What all devices share."""

    def close(self) -> None:
        """Give everything back. Never raises."""


class CardReader(Device, Protocol):
    """Reads documents."""

    def read(self, timeout: float) -> Credential | CardFault | None:
        """The next presented card, or `None` when none came within `timeout` seconds. One tap gives one credential."""


class Camera(Device, Protocol):
    """Takes pictures, and takes none unless asked."""

    def grab(self, timeout: float) -> Frame:
        """One picture taken after this call began. `DeviceTimeout` when none comes."""


class FaceEngine(Device, Protocol):
    """Finds a face and makes a template of it."""

    model_version: str

    def probe(self, frame: Frame) -> FaceProbe:
        """The face nearest to the camera in `frame`, or the problem with it."""

    def enrol(self, frame: Frame) -> FaceProbe:
        """As `probe`, with the stricter limits of a picture that is to serve as a reference."""


class Relay(Device, Protocol):
    """Drives the turnstile's contact.

    `times_pulses`: the board ends a pulse by itself. Where it can't, whoever drives it closes, waits and opens.
    """

    times_pulses: bool

    def pulse(self, seconds: float) -> None:
        """Close the contact for `seconds`. Returns once it has closed, or at the end where the host times it."""

    def hold(self, closed: bool) -> None:
        """Keep the contact closed (free passage) or open (rest)."""

    def poll(self) -> None:
        """Show that the device is still there; raises `DeviceLost` when it isn't."""


class PassageSensor(Device, Protocol):
    """Sees people go through."""

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None` when none came within `timeout` seconds."""


class Signal(Device, Protocol):
    """Lamps, a buzzer, a voice: tells people at the lane how it stands."""

    def show(self, cue: Cue) -> None:
        """Show `cue` until the next one. Returns soon: what takes its time (a voice, a blink) goes on by itself."""

    def poll(self) -> None:
        """Show that the device is still there; raises `DeviceLost` when it isn't.

        `poll()` is called at least five times a second: drivers advance their blinking here, by a clock handed in.
        """
