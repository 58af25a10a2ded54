"""`gatectl simulate`: the far end of a device's wire, driven by lines of text.

A driver brings its far end in one of two forms:

* `simulator(port) -> Simulator`, where the wire is a stream of bytes: the far end gets a pseudo-terminal;
* `bench_simulator() -> BenchSimulator`, where it is something else (a virtual card slot, datagrams): the far end makes
  its wire itself, and says where to connect.

A driver that has both is simulated without a pseudo-terminal.
"""

from __future__ import annotations

import tempfile
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from drivers import Kind, available, load
from drivers.errors import DriverError, MissingLibrary, UnknownDevice
from drivers.transport import PtyPort
from drivers.url import did_you_mean

_KINDS: tuple[Kind, ...] = ("reader", "relay", "sensor", "signal")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a driver can't be opened without: the URL's options, and what its far end is told first.

    `{folder}` in both is a folder that lasts as long as the simulation.
    """

    options: str
    command: str = ""


_SETUPS: dict[tuple[Kind, str], Setup] = {
    ("reader", "osdp"): Setup("key={folder}/reader.key", "key {folder}/reader.key"),
    ("relay", "gpio"): Setup("line=17"),
    ("sensor", "gpio"): Setup("turn_in=22&turn_out=23&fire=24:nc&tamper=25&cabinet=26&held=27"),
    ("signal", "gpio"): Setup("red=5&green=6&yellow=13&buzzer=19"),
    ("signal", "modbus"): Setup("red=1&green=2&yellow=3&buzzer=4"),
}


class Simulator(Protocol):
    """The device's half of a driver."""

    def run(self, stop: threading.Event) -> None:
        """Serve the wire until `stop` is set."""

    def command(self, text: str) -> str:
        """Do what a line of text says, and answer in words."""


class BenchSimulator(Simulator, Protocol):
    """A device's half that brings its own wire, ready when it is made."""

    @property
    def url(self) -> str:
        """What to connect to."""

    def unplug(self) -> None:
        """Pull the plug, as far as this wire has one."""

    def replug(self) -> None:
        """Put it back."""

    def close(self) -> None:
        """Give the wire back."""


def simulated() -> dict[str, tuple[Kind, str]]:
    """The drivers that bring a simulator: `kind/driver`, and the bare driver's name where one kind alone has it."""
    found = [(kind, driver) for kind in _KINDS for driver in available(kind) if _has_simulator(kind, driver)]
    names = {f"{kind}/{driver}": (kind, driver) for kind, driver in found}
    drivers = [driver for _, driver in found]
    return names | {driver: (kind, driver) for kind, driver in found if drivers.count(driver) == 1}


def simulate(driver: str, link: Path | None, stdin: TextIO, stdout: TextIO) -> int:
    """Be the device of `driver` (`lcus`, `relay/sim`…) until `stdin` ends.

    Prints the URL to connect to first, with the options that the driver can't do without; then an answer to each line
    read: `help` asks the device what it knows, `unplug` and `replug` pull and put back the plug, `quit` ends. `link` is
    a symbolic link to make to the pseudo-terminal; without it a plug put back gets a new path, which is printed. Gives
    the exit status: 0, 1 where the device's wire can't be made, or 2 for a driver that isn't there.
    """
    known = simulated()
    if driver not in known:
        names = ", ".join(known)
        print(f"nothing simulates {driver!r}{did_you_mean(driver, known)}; there are: {names}", file=stdout, flush=True)
        return 2
    try:
        bench = _bench(*known[driver], link)
    except (DriverError, OSError) as error:
        print(f"{driver}: {error}", file=stdout, flush=True)
        return 1
    stop = threading.Event()
    with closing(bench):
        runner = threading.Thread(target=bench.run, args=(stop,), name=f"simulate-{known[driver][1]}")
        runner.start()
        try:
            print(bench.url, file=stdout, flush=True)
            _converse(bench, stdin, stdout)
        finally:
            stop.set()
            runner.join()
    return 0


class _PtyBench:
    """A simulator on a byte stream, with its pseudo-terminal."""

    def __init__(self, kind: Kind, name: str, link: Path | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="menshen-simulate-")
        self._port = PtyPort(link)
        device: Simulator = load(kind, name).simulator(self._port)
        self.run, self.command = device.run, device.command
        self.unplug, self.replug = self._port.unplug, self._port.replug
        setup = _SETUPS.get((kind, name), Setup(""))
        options = setup.options.format(folder=self._folder.name)
        self._name, self._options = name, f"?{options}" if options else ""
        if setup.command:
            self.command(setup.command.format(folder=self._folder.name))

    @property
    def url(self) -> str:
        return f"{self._name}+serial://{self._port.path}{self._options}"

    def close(self) -> None:
        self._port.close()
        self._folder.cleanup()


def _bench(kind: Kind, name: str, link: Path | None) -> BenchSimulator:
    own = getattr(load(kind, name), "bench_simulator", None)
    if own is None:
        return _PtyBench(kind, name, link)
    bench: BenchSimulator = own()
    return bench


def _converse(bench: BenchSimulator, stdin: TextIO, stdout: TextIO) -> None:
    for line in stdin:
        match line.strip():
            case "":
                continue
            case "quit":
                return
            case "unplug":
                bench.unplug()
                answer = "unplugged"
            case "replug":
                bench.replug()
                answer = bench.url
            case "help":
                answer = f"{_help(bench)}; and: unplug, replug, quit"
            case words:
                answer = bench.command(words)
        print(answer, file=stdout, flush=True)


def _help(bench: BenchSimulator) -> str:
    """What the device knows. Some say it only when they are asked for what they don't know."""
    answer = bench.command("help")
    _, told, known = answer.partition("there are: ")
    return f"commands: {known}" if answer.startswith("error") and told else answer


def _has_simulator(kind: Kind, driver: str) -> bool:
    try:
        module = load(kind, driver)
    except (MissingLibrary, UnknownDevice):
        return False  # its library isn't installed here; the others can still be simulated
    return hasattr(module, "simulator") or hasattr(module, "bench_simulator")
