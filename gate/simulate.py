"""`gatectl simulate`: the far end of a device's wire, driven by lines of text."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol, TextIO

from drivers import Kind, available, load
from drivers.errors import MissingLibrary, UnknownDevice
from drivers.transport import PtyPort
from drivers.url import did_you_mean

_KINDS: tuple[Kind, ...] = ("reader", "relay", "sensor")


class Simulator(Protocol):
    """The device's half of a driver."""

    def run(self, stop: threading.Event) -> None:
        """Serve the wire until `stop` is set."""

    def command(self, text: str) -> str:
        """Do what a line of text says, and answer in words."""


def simulated() -> dict[str, tuple[Kind, str]]:
    """The drivers that bring a simulator: `kind/driver`, and the bare driver's name where one kind alone has it."""
    found = [(kind, driver) for kind in _KINDS for driver in available(kind) if _has_simulator(kind, driver)]
    names = {f"{kind}/{driver}": (kind, driver) for kind, driver in found}
    drivers = [driver for _, driver in found]
    return names | {driver: (kind, driver) for kind, driver in found if drivers.count(driver) == 1}


def simulate(driver: str, link: Path | None, stdin: TextIO, stdout: TextIO) -> int:
    """Be the device of `driver` (`lcus`, `relay/sim`…) at the far end of a pseudo-terminal until `stdin` ends.

    Prints the URL to connect to first, then an answer to each line read: `help` asks the device what it knows, `unplug`
    and `replug` pull and put back the plug, `quit` ends. `link` is a symbolic link to make to the terminal; without it
    a plug put back gets a new path, which is printed. Gives the exit status: 0, or 2 for a driver that isn't there.
    """
    known = simulated()
    if driver not in known:
        names = ", ".join(known)
        print(f"nothing simulates {driver!r}{did_you_mean(driver, known)}; there are: {names}", file=stdout, flush=True)
        return 2
    kind, name = known[driver]
    stop = threading.Event()
    with PtyPort(link) as port:
        device: Simulator = load(kind, name).simulator(port)
        runner = threading.Thread(target=device.run, args=(stop,), name=f"simulate-{name}")
        runner.start()
        try:
            print(f"{name}+serial://{port.path}", file=stdout, flush=True)
            _converse(device, port, name, stdin, stdout)
        finally:
            stop.set()
            runner.join()
    return 0


def _converse(device: Simulator, port: PtyPort, name: str, stdin: TextIO, stdout: TextIO) -> None:
    for line in stdin:
        match line.strip():
            case "":
                continue
            case "quit":
                return
            case "unplug":
                port.unplug()
                answer = "unplugged"
            case "replug":
                port.replug()
                answer = f"{name}+serial://{port.path}"
            case "help":
                answer = f"{device.command('help')}; and: unplug, replug, quit"
            case words:
                answer = device.command(words)
        print(answer, file=stdout, flush=True)


def _has_simulator(kind: Kind, driver: str) -> bool:
    try:
        return hasattr(load(kind, driver), "simulator")
    except (MissingLibrary, UnknownDevice):
        return False  # its library isn't installed here; the others can still be simulated
