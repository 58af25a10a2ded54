"""The contract that every driver of a kind keeps, on good wires and on bad ones.

A driver's test names the driver and gets all of it:

    class TestAcme(ReaderContract):
        kit = Kit("reader", "acme", tap=lambda board: board.present(CARD), lift=lambda board: board.remove())

The driver's own simulator sits at the far end of a pseudo-terminal, behind a `BadWire`. On every wire:

- `read` keeps its timeout and gives `None` when idle;
- one tap gives one credential, one turn one signal, one pulse one release, and a cue is shown;
- broken bytes give declared errors or nothing, and one frame after the wire is good again all is well;
- a pulled plug is `DeviceLost`, and a new connection works;
- `close` may be called twice and leaves no thread and no open file.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from drivers import Kind, connect, load
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError
from drivers.transport import PtyPort
from models.credential import CardFault, Credential
from models.cue import Cue
from models.passage import Direction, SensorSignal, SignalKind
from tests.bad_wire import FAULTS, PATIENCE_S, BadWire

DECLARED = (DeviceTimeout, BadAnswer, DeviceRefused)  # what a driver may say while the plug is in
IDLE_S = 0.02


@dataclass(frozen=True)
class Kit:
    """What the contract needs to know of a driver. `tap` and `lift` are for readers: a card comes, and goes.
    `shows` is for signals: whether the far end shows the first moment of a cue.

    `margin_s` is how much later than its timeout a call may return, with the driver's own retries on a bad wire.
    `looks` is how many short reads a reader needs to see that the field is empty.
    """

    kind: Kind
    driver: str
    options: str = ""
    margin_s: float = 1.5
    looks: int = 8
    tap: Callable[[Any], object] = lambda simulator: None
    lift: Callable[[Any], object] = lambda simulator: None
    shows: Callable[[Any, Cue], bool] = lambda simulator, cue: True


QUICK = ("clean",)
"""The wire of the fast run; the others are waiting for the most part."""


class Bench:
    """A driver's two halves with a wire between them."""

    def __init__(self, kit: Kit, fault: str, link: Path) -> None:
        self.kit = kit
        self.port = PtyPort(link)
        self.wire = BadWire(self.port, fault)
        self.simulator: Any = load(kit.kind, kit.driver).simulator(self.wire)

    def connect(self) -> Any:
        """The host's half. A device that needs a good wire to start with may refuse a bad one, in declared words."""
        url = f"{self.kit.driver}+serial://{self.port.path}{self.kit.options}"
        try:
            return connect(self.kit.kind, url)
        except DECLARED:
            if not self.wire.corrupts:
                raise
        self.wire.heal()
        return until(lambda: connect(self.kit.kind, url), lambda device: device is not None)


def attempt(act: Callable[[], Any]) -> Any:
    """What `act` gives, or the declared error that it raises. Other errors go on."""
    try:
        return act()
    except DECLARED as error:
        return error


def until(act: Callable[[], Any], condition: Callable[[Any], bool]) -> Any:
    """Repeat `act`, declared errors allowed, until its outcome fits."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        outcome = attempt(act)
        if not isinstance(outcome, DriverError) and condition(outcome):
            return outcome
    raise AssertionError(f"nothing that fits came in {PATIENCE_S} s")


def until_lost(act: Callable[[], Any]) -> None:
    """Repeat `act` until it raises `DeviceLost`."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            attempt(act)
        except DeviceLost:
            return
    raise AssertionError("the plug is out and nobody noticed")


def open_files() -> set[tuple[str, str]]:
    """The open files of this process: number and target."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.add((entry.name, str(entry.readlink())))
    return found


class DeviceContract:
    """What all kinds share. A subclass sets `kit`."""

    kit: Kit

    @pytest.fixture(params=[pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in FAULTS])
    def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
        """Both halves on each of the wires; afterwards nothing may be left over."""
        threads, files = set(threading.enumerate()), open_files()
        bench = Bench(self.kit, request.param, tmp_path / "device")
        stop = threading.Event()
        runner = threading.Thread(target=bench.simulator.run, args=(stop,))
        runner.start()
        try:
            yield bench
        finally:
            stop.set()
            runner.join(PATIENCE_S)
            bench.port.close()
        assert set(threading.enumerate()) == threads, "threads left over"
        assert open_files() == files, "open files left over"

    @pytest.fixture
    def device(self, bench: Bench) -> Iterator[Any]:
        """The host's half, connected."""
        device = bench.connect()
        yield device
        device.close()

    def look(self, device: Any) -> Any:
        """Have the device do the least it can."""
        return device.read(IDLE_S)

    def test_close_may_be_called_twice_and_leaves_no_thread_and_no_file(self, bench: Bench) -> None:
        """Also after some use."""
        before = threading.active_count(), open_files()
        device = bench.connect()
        attempt(lambda: self.look(device))
        device.close()
        device.close()
        assert (threading.active_count(), open_files()) == before

    def test_after_close_the_device_is_lost(self, device: Any) -> None:
        """And says so in the declared way."""
        device.close()
        with pytest.raises(DeviceLost):
            self.look(device)

    def test_a_pulled_plug_is_a_lost_device(self, bench: Bench, device: Any) -> None:
        """And stays one, until somebody connects anew."""
        attempt(lambda: self.look(device))
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        until_lost(lambda: self.look(device))
        device.close()
        with pytest.raises(DeviceLost):
            connect(self.kit.kind, f"{self.kit.driver}+serial://{bench.port.path}{self.kit.options}")

    def test_it_returns_in_time(self, bench: Bench, device: Any) -> None:
        """Good wire or bad."""
        for _ in range(2):
            began = time.monotonic()
            attempt(lambda: self.look(device))
            assert time.monotonic() - began < IDLE_S + self.kit.margin_s


class ReaderContract(DeviceContract):
    """For card readers."""

    def credential(self, device: Any) -> Any:
        """The next credential, whatever comes before it."""
        return until(lambda: device.read(IDLE_S), lambda outcome: isinstance(outcome, Credential))

    def outcomes(self, device: Any) -> list[Any]:
        """What comes of some reads: enough for the driver to see whether the field is empty."""
        return [attempt(lambda: device.read(IDLE_S)) for _ in range(self.kit.looks)]

    def test_without_a_card_it_gives_nothing(self, bench: Bench, device: Any) -> None:
        """Bad wires may add declared errors, but no cards."""
        outcomes = [attempt(lambda: device.read(IDLE_S)) for _ in range(5)]
        assert not [o for o in outcomes if isinstance(o, (Credential, CardFault))]
        assert bench.wire.corrupts or outcomes == [None] * 5

    def test_one_tap_gives_one_credential(self, bench: Bench, device: Any) -> None:
        """However long the card lies there; and the next tap gives the next."""
        bench.wire.heal()
        for _ in range(2):
            self.kit.tap(bench.simulator)
            assert isinstance(self.credential(device), Credential)
            assert self.outcomes(device) == [None] * self.kit.looks
            self.kit.lift(bench.simulator)
            self.outcomes(device)

    def test_broken_bytes_never_make_two_of_one_tap_and_a_good_wire_reads_on(self, bench: Bench, device: Any) -> None:
        """The card lies there while the wire is bad, and is taken away and laid back when it is good."""
        self.kit.tap(bench.simulator)
        assert len([o for o in self.outcomes(device) if isinstance(o, Credential)]) <= 1
        bench.wire.heal()
        self.kit.lift(bench.simulator)
        self.outcomes(device)
        self.kit.tap(bench.simulator)  # this one may end in what was left of a half frame
        self.outcomes(device)
        self.kit.lift(bench.simulator)
        self.outcomes(device)
        self.kit.tap(bench.simulator)
        self.credential(device)

    def test_it_reads_on_after_a_new_connection(self, bench: Bench, device: Any) -> None:
        """The plug was out, and is in again."""
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        device.close()
        bench.port.replug()
        bench.wire.heal()
        again = bench.connect()
        self.kit.tap(bench.simulator)
        self.credential(again)
        again.close()


class RelayContract(DeviceContract):
    """For relays. Pulses are counted by the simulator."""

    pulse_s = 0.02

    def look(self, device: Any) -> Any:
        """Relays are polled."""
        return device.poll()

    def settle(self, bench: Bench, device: Any) -> int:
        """Heal the wire, give the device one frame to recover, and say how many pulses there were."""
        bench.wire.heal()
        attempt(device.poll)
        device.poll()
        bench.wire.wait_until_drained()
        return int(bench.simulator.pulses)

    def test_one_pulse_is_one_release(self, bench: Bench, device: Any) -> None:
        """And the next one is another."""
        before = self.settle(bench, device)
        for n in (1, 2):
            device.pulse(self.pulse_s)
            bench.wire.wait_until_drained()
            assert bench.simulator.pulses == before + n

    def test_broken_bytes_are_survived(self, bench: Bench, device: Any) -> None:
        """A pulse on a bad wire may fail, in declared words; on a good wire the next one works."""
        failed = attempt(lambda: device.pulse(self.pulse_s))
        assert bench.wire.corrupts or failed is None
        before = self.settle(bench, device)
        device.pulse(self.pulse_s)
        bench.wire.wait_until_drained()
        assert bench.simulator.pulses == before + 1

    def test_it_releases_after_a_new_connection(self, bench: Bench, device: Any) -> None:
        """The plug was out, and is in again."""
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        device.close()
        bench.port.replug()
        bench.wire.heal()
        again = bench.connect()
        before = self.settle(bench, again)
        again.pulse(self.pulse_s)
        bench.wire.wait_until_drained()
        assert bench.simulator.pulses == before + 1
        again.close()


class SensorContract(DeviceContract):
    """For passage sensors."""

    def signal(self, device: Any) -> SensorSignal:
        """The next signal, whatever comes before it."""
        found = until(lambda: device.read(IDLE_S), lambda outcome: outcome is not None)
        assert isinstance(found, SensorSignal)
        return found

    def outcomes(self, device: Any, acts: Sequence[Callable[[], None]]) -> list[Any]:
        """What `device` gives while `acts` happen at the far end and until it has no more: signals and errors."""
        runner = threading.Thread(target=lambda: [act() for act in acts])
        runner.start()
        found: list[Any] = []
        while runner.is_alive() or not found or found[-1] is not None:
            found.append(attempt(lambda: device.read(IDLE_S)))
        runner.join()
        return [outcome for outcome in found if outcome is not None]

    def test_without_a_passage_it_gives_nothing(self, bench: Bench, device: Any) -> None:
        """Bad wires may add declared errors, but no passages."""
        outcomes = [attempt(lambda: device.read(IDLE_S)) for _ in range(5)]
        assert not [o for o in outcomes if isinstance(o, SensorSignal)]
        assert bench.wire.corrupts or outcomes == [None] * 5

    def test_one_turn_gives_one_signal(self, bench: Bench, device: Any) -> None:
        """In the order in which they came."""
        bench.wire.heal()
        turns = [partial(bench.simulator.turn, direction) for direction in Direction]
        assert self.outcomes(device, turns) == [SensorSignal(SignalKind.TURNED, direction) for direction in Direction]

    def test_broken_bytes_invent_no_passage_and_a_good_wire_reads_on(self, bench: Bench, device: Any) -> None:
        """Ten turns inwards on a bad wire are at most ten, all inwards."""
        outcomes = self.outcomes(device, [bench.simulator.turn] * 10)
        signals = [outcome for outcome in outcomes if isinstance(outcome, SensorSignal)]
        assert set(signals) <= {SensorSignal(SignalKind.TURNED)}
        assert len(signals) <= 10
        bench.wire.heal()
        bench.simulator.turn(Direction.EXIT)  # the one frame that may be lost to a half one
        bench.simulator.turn(Direction.EXIT)
        # On a late wire an inward turn may still be under way.
        assert until(lambda: device.read(IDLE_S), lambda seen: seen == SensorSignal(SignalKind.TURNED, Direction.EXIT))

    def test_it_sees_on_after_a_new_connection(self, bench: Bench, device: Any) -> None:
        """The plug was out, and is in again."""
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        device.close()
        bench.port.replug()
        bench.wire.heal()
        again = bench.connect()
        for _ in range(2):  # the first may end in what was left of a half line
            bench.simulator.turn()
        assert self.signal(again).kind is SignalKind.TURNED
        again.close()


class SignalContract(DeviceContract):
    """For signals. What the far end shows, the kit can tell."""

    @pytest.fixture(autouse=True)
    def _cues(self) -> None:
        self._next = cycle((Cue.WELCOME, Cue.REFUSED))

    def look(self, device: Any) -> Any:
        """Signals are shown something else, so that there is something to say."""
        device.show(next(self._next))
        device.poll()

    def expect(self, bench: Bench, device: Any, cue: Cue) -> None:
        """Show `cue` on a good wire and see it at the far end."""
        device.show(cue)
        bench.wire.wait_until_drained()
        assert self.kit.shows(bench.simulator, cue), f"{cue} isn't shown"

    def test_every_cue_is_shown_and_shown_again(self, bench: Bench, device: Any) -> None:
        """Each takes the place of the one before."""
        bench.wire.heal()
        until(lambda: self.look(device), lambda outcome: True)
        for cue in (*Cue, Cue.WELCOME, Cue.WELCOME):
            self.expect(bench, device, cue)

    def test_no_two_of_welcome_refused_and_fault_look_alike(self, bench: Bench, device: Any) -> None:
        """Else the kit could nod to everything."""
        bench.wire.heal()
        until(lambda: self.look(device), lambda outcome: True)
        for cue, other in ((Cue.WELCOME, Cue.REFUSED), (Cue.REFUSED, Cue.WELCOME), (Cue.FAULT, Cue.WELCOME)):
            self.expect(bench, device, cue)
            assert not self.kit.shows(bench.simulator, other)

    def test_broken_bytes_are_survived(self, bench: Bench, device: Any) -> None:
        """A cue on a bad wire may fail, in declared words; on a good wire the next one is shown."""
        failed = attempt(lambda: device.show(Cue.WAIT))
        assert bench.wire.corrupts or failed is None
        bench.wire.heal()
        attempt(lambda: device.show(Cue.REFUSED))  # may end in what was left of a half frame
        self.expect(bench, device, Cue.WELCOME)

    def test_it_shows_on_after_a_new_connection(self, bench: Bench, device: Any) -> None:
        """The plug was out, and is in again."""
        bench.port.unplug()
        until_lost(lambda: self.look(device))
        device.close()
        bench.port.replug()
        bench.wire.heal()
        again = bench.connect()
        self.expect(bench, again, Cue.WELCOME)
        again.close()
