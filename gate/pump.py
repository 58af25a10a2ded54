"""One thread per device: connect, work, post, and connect again with back-off when the device is lost.

A pump catches `DriverError` alone. Whatever else a driver raises is a bug: the pump posts `PumpDied` and the process
is to end, so that systemd starts it in a known state with the relay at rest.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from typing import Generic, Protocol, TypeVar

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError
from drivers.interfaces import CardReader, Device, PassageSensor
from gate.latest_cue import LatestCue
from gate.messages import (
    DeviceDown,
    DeviceHealth,
    DeviceUp,
    Post,
    PumpDied,
    ReaderGave,
    SensorGave,
    SensorMissed,
)
from gate.vitals import Backoff, Vitals, bare_trace
from models.credential import CardFault, CardProblem, Credential
from models.cue import Cue
from models.passage import SensorSignal, SignalKind

_log = logging.getLogger("gate.pump")

READ_S = 0.25  # one wait for a card or a signal; also what `stop` may have to wait for
LIT_READ_S = 0.1  # the same where a cue for the reader's own lamp may be waiting for its end
BAD_IN_A_ROW = 5  # more than chance: the line is out of step, connect anew
HANG_S = 8.0  # a driver that says nothing for longer hangs
SHOW_AGAIN_S = 2.0  # a reader that did not take a cue is shown it again after so long

D = TypeVar("D", bound=Device)
T_co = TypeVar("T_co", covariant=True)


class Pump(ABC, Generic[D]):
    """The thread of one device. `post` is called from this thread."""

    def __init__(self, name: str, connect: Callable[[], D], post: Post, *, backoff: Backoff | None = None) -> None:
        self.name = name
        self._connect, self._post = connect, post
        self._backoff = backoff or Backoff()
        self._vitals = Vitals(name)
        self._stopping = threading.Event()
        # A daemon thread: a driver that hangs in the kernel must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"pump-{name}", daemon=True)

    def start(self) -> None:
        """Begin. Once in a pump's life."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Close the device and end the thread. Returns whether it ended in time; a thread that hangs is left behind."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("%s: the driver hangs, its thread is left behind", self.name)
        return not self._thread.is_alive()

    def health(self) -> DeviceHealth:
        """How the device fares; from any thread. An old `beat_mono` means that the driver hangs."""
        return self._vitals.health

    @abstractmethod
    def _serve(self, device: D) -> None:
        """Work until stopped. A `DriverError` has the device closed and connected again."""

    def _greet(self, device: D) -> None:
        """What a fresh connection needs before it counts as up."""

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._live_once()
        except Exception as error:  # the one place: a bug in a driver must be seen, not lost with its thread
            _log.critical("%s: the pump died of %s", self.name, type(error).__name__)
            self._die(error)

    def _die(self, error: Exception) -> None:
        self._post(PumpDied(self.name, bare_trace(error)))

    def _live_once(self) -> None:
        try:
            with closing(self._connect()) as device:
                self._greet(device)
                self._rise()
                self._serve(device)
        except DriverError as error:
            self._fall(str(error) or type(error).__name__)
            self._stopping.wait(self._backoff.next_s())

    def _rise(self) -> None:
        if self._vitals.rise():
            _log.info("%s: up", self.name)
            self._post(DeviceUp(self.name))

    def _fall(self, why: str) -> None:
        if self._vitals.steady():
            self._backoff.reset()
        if self._vitals.fall(why):
            _log.warning("%s: down: %s", self.name, why)
            self._post(DeviceDown(self.name, why))


class _Readable(Device, Protocol[T_co]):
    def read(self, timeout: float) -> T_co | None: ...


R = TypeVar("R", bound=_Readable[object])


class _ReadingPump(Pump[R]):
    """Reads in a loop. Nonsense is counted; nonsense without end means a new connection."""

    _read_s = READ_S

    def _serve(self, device: R) -> None:
        bad = 0
        while not self._stopping.is_set():
            self._before_read(device)
            try:
                item = device.read(self._read_s)
            except (BadAnswer, DeviceTimeout, DeviceRefused) as error:
                bad += 1
                self._vitals.count_bad()
                self._misread(error)
                if bad >= BAD_IN_A_ROW:
                    raise DeviceLost(f"{bad} bad answers in a row, the last: {error}") from error
            else:
                bad = 0
                if item is not None:
                    self._take(item, time.monotonic())
            self._vitals.beat()

    @abstractmethod
    def _take(self, item: object, at_mono: float) -> None: ...

    def _before_read(self, device: R) -> None:
        """What there is to do between two reads; it must not take long."""

    def _misread(self, error: DriverError) -> None:
        _log.warning("%s: %s", self.name, error)


class ReaderPump(_ReadingPump[CardReader]):
    """Posts `ReaderGave` for each presented document, readable or not.

    A reader with a lamp or a buzzer of its own may have `show(cue)`, as a `Signal` has: it is called between two reads.
    A cue that it did not take costs the lamp and not the reader.
    """

    def __init__(
        self, name: str, connect: Callable[[], CardReader], post: Post, *, backoff: Backoff | None = None
    ) -> None:
        super().__init__(name, connect, post, backoff=backoff)
        self._cue = LatestCue()
        self._show_at = 0.0
        self._device: CardReader | None = None

    def expect(self, text: str) -> str | None:
        """Hand a typed page to a driver that opens chips with it; from any thread, and never logged.

        Gives what is wrong with it, empty where it is taken; `None` where the driver takes none or is not connected.
        """
        take: Callable[[str], str] | None = getattr(self._device, "expect", None)
        return take(text) if take else None

    def show(self, cue: Cue) -> None:
        """Let the reader's own lamp and buzzer show this; from any thread, at once."""
        self._cue.put(cue)

    def _greet(self, device: CardReader) -> None:
        self._read_s = LIT_READ_S if hasattr(device, "show") else READ_S
        self._cue.forget_shown()
        self._show_at = 0.0
        if hasattr(device, "alive"):  # it reads for longer than a hang takes, and tells of each step
            device.alive = self._vitals.beat

    def _serve(self, device: CardReader) -> None:
        self._device = device
        try:
            super()._serve(device)
        finally:
            self._device = None

    def _before_read(self, device: CardReader) -> None:
        show: Callable[[Cue], None] | None = getattr(device, "show", None)
        if show is None or time.monotonic() < self._show_at:
            return
        try:
            self._cue.show(show)
        except (BadAnswer, DeviceTimeout, DeviceRefused) as error:
            self._vitals.count_bad()
            _log.warning("%s: its lamp: %s", self.name, error)
            self._show_at = time.monotonic() + SHOW_AGAIN_S

    def _take(self, item: object, at_mono: float) -> None:
        assert isinstance(item, Credential | CardFault)
        self._vitals.count_use()
        self._post(ReaderGave(self.name, item, at_mono))

    def _misread(self, error: DriverError) -> None:
        super()._misread(error)
        if isinstance(error, BadAnswer) and error.card_present:  # a visitor waits: tell her to present it again
            self._post(ReaderGave(self.name, CardFault(CardProblem.UNREADABLE, str(error)), time.monotonic()))


class SensorPump(_ReadingPump[PassageSensor]):
    """Posts `SensorGave` for each signal, and `SensorMissed` when one may be missing.

    A driver that can tell a dead line from a quiet one has `greet`: the sensor is up when it has spoken, not before.
    """

    def _greet(self, device: PassageSensor) -> None:
        greet = getattr(device, "greet", None)
        if greet is not None:
            greet()

    def _take(self, item: object, at_mono: float) -> None:
        assert isinstance(item, SensorSignal)
        if item.kind is SignalKind.TURNED:
            self._vitals.count_use()
        self._post(SensorGave(self.name, item, at_mono))

    def _misread(self, error: DriverError) -> None:
        super()._misread(error)
        self._post(SensorMissed(self.name, str(error)))
