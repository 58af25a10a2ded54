"""The devices: does each answer, and if not, what is its wire's trouble?

While a gate runs, the devices are in its hands and it is asked. Otherwise each is opened, as `gatectl devices probe`
does: a relay is polled and does not move.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from drivers import Kind
from drivers.errors import DriverError, MissingLibrary, UnknownDevice
from drivers.url import parse
from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.check.ports import Elsewhere, Missed, find_elsewhere
from gate.config import Devices
from gate.doctor import Finding as Sign
from gate.doctor import Trouble
from gate.sight import STILL
from gate.watch import begin, run
from models.command import DeviceStatus, Snapshot
from models.proof import Asked, ProofBody

CODES: dict[Trouble, Code] = {
    Trouble.PORT: Code.PORT,
    Trouble.ECHO: Code.ECHO,
    Trouble.SILENT: Code.SILENT,
    Trouble.SPEED: Code.SPEED,
    Trouble.MODULE: Code.MODULE,
    Trouble.LINE: Code.LINE,
    Trouble.PLUG: Code.PLUG,
    Trouble.LATE: Code.LATE,
    Trouble.RADIO: Code.RADIO,
    Trouble.SLOW: Code.SLOW,
}
MAY_BE_ELSEWHERE = {Trouble.PORT, Trouble.SILENT, Trouble.SPEED, Trouble.LINE}


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of opening one device. `error` is the driver's last word, `unknown` that no driver takes the URL.

    `proven`: it said something that makes sense. There are boards that never say anything.
    """

    name: str
    kind: Kind
    url: str
    signs: tuple[Sign, ...] = ()
    error: str = ""
    unknown: str = ""
    proven: bool = True

    @property
    def troubles(self) -> set[Trouble]:
        """What the doctor said."""
        return {sign.trouble for sign in self.signs}


@dataclass(frozen=True, slots=True)
class Facts:
    """Probes of the lane's devices, or what a running gate says of them; and those that answered somewhere else."""

    urls: tuple[tuple[str, str], ...] = ()
    probes: tuple[Probe, ...] = ()
    running: tuple[DeviceStatus, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    asked: Asked | None = None
    proof: ProofBody | None = None
    camera_height: str = ""


def gather(around: Around) -> Facts | None:
    """Ask the gate, or each device."""
    if around.config is None or (around.gate_at_work and around.snapshot is None):
        return None
    lane = tuple(lane_devices(around.config.devices))
    urls = tuple((name, url) for name, _, url in lane)
    if around.gate_at_work or not around.probe:
        return _of_gate(urls, around.snapshot) if around.snapshot else Facts(urls)
    probes = tuple(probe(name, kind, url, around.probe_s) for name, kind, url in lane)
    return Facts(urls, probes, elsewhere=tuple(_elsewhere(probes, around)))


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with them. Who was found at another port has no trouble of his own."""
    for names in _shared(facts.urls):
        yield Finding(Code.SHARED_PORT, " and ".join(names))
    for one in facts.elsewhere:
        where = f"it answers at {one.port}, configured is {one.configured}"
        yield Finding(Code.OTHER_PORT, one.name, where if one.port else f"another device answers at {one.configured}")
    found = {one.name for one in facts.elsewhere}
    for probed in facts.probes:
        if probed.name not in found:
            yield from _of_probe(probed)
    for device in facts.running:
        if not device.up:
            code = Code.STILL if (device.name, device.why) == ("camera", STILL) else Code.DEVICE_DOWN
            yield Finding(code, device.name, device.why)
    for name in facts.asked.silent if facts.asked else ():
        yield Finding(Code.ASKED_SILENT, name)
    if facts.camera_height in ("too_low", "too_high"):
        yield Finding(Code.CAMERA_HEIGHT, "camera", facts.camera_height.replace("_", " "))
    if facts.proof is not None and not facts.proof.ok:
        yield Finding(Code.NOT_PROVED, facts.proof.step, facts.proof.why)


def _of_gate(urls: tuple[tuple[str, str], ...], told: Snapshot) -> Facts:
    """What the gate at work says of its devices, and of its last test."""
    proof = told.proof.ended if told.proof else None
    return Facts(urls, running=told.devices, asked=told.asked, proof=proof, camera_height=told.camera_height)


def _elsewhere(probes: tuple[Probe, ...], around: Around) -> list[Elsewhere]:
    serial = [(one, parse(one.url)) for one in probes if not one.unknown and parse(one.url).transport == "serial"]
    missed = [
        Missed(one.name, one.kind, url, bool(one.troubles & MAY_BE_ELSEWHERE)) for one, url in serial if not one.proven
    ]
    if not any(one.lost for one in missed):
        return []
    return find_elsewhere(missed, (one.url for one, _ in serial if one.proven), around.root, around.probe_s)


def _of_probe(probed: Probe) -> Iterator[Finding]:
    if probed.unknown:
        yield Finding(Code.DRIVER_MISSING, probed.name, probed.unknown)
        return
    told = [sign for sign in probed.signs if sign.trouble in CODES]
    for sign in told:
        words = sign.words if sign.trouble is not Trouble.PORT or not probed.error else probed.error
        yield Finding(CODES[sign.trouble], probed.name, words)
    if not told and probed.error:
        yield Finding(Code.WRONG_ANSWER, probed.name, probed.error)
    if not told and not probed.error and not probed.proven and probed.kind == "relay":
        yield Finding(Code.UNPROVEN, probed.name)


def lane_devices(devices: Devices) -> Iterator[tuple[str, Kind, str]]:
    """Name, kind and URL of everything that is configured."""
    single: tuple[tuple[str, Kind, str | None], ...] = (
        ("reader", "reader", devices.reader),
        ("exit_reader", "reader", devices.exit_reader),
        ("relay", "relay", devices.relay),
        ("sensor", "sensor", devices.sensor),
        ("camera", "camera", devices.camera),
        ("face", "face", devices.face if devices.camera else None),
    )
    yield from ((name, kind, url) for name, kind, url in single if url)
    many: tuple[tuple[str, Kind, tuple[str, ...]], ...] = (
        ("input", "sensor", devices.inputs),
        ("signal", "signal", devices.signals),
    )
    for name, kind, urls in many:
        yield from ((name if n == 1 else f"{name}-{n}", kind, url) for n, url in enumerate(urls, 1))


def probe(name: str, kind: Kind, url: str, seconds: float) -> Probe:
    """Open the device and look at it for a while; nothing is raised."""
    try:
        watch = begin(url, kind)
        for _ in run(watch, seconds, threading.Event()):
            if watch.got or watch.errors.total() > 1:
                break
    except (UnknownDevice, MissingLibrary) as error:
        return Probe(name, kind, url, unknown=str(error))
    except DriverError as error:
        return Probe(name, kind, url, error=str(error))
    signs = watch.signs()
    proven = not signs.wired or signs.frames > 0 or bool(signs.bytes_in and not signs.knows and watch.got)
    return Probe(name, kind, url, watch.findings(), watch.last_error, proven=proven)


def _shared(urls: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Devices of different drivers on one serial port: only one of them can have it."""
    ports: dict[str, dict[str, str]] = defaultdict(dict)
    for name, text in urls:
        url = parse(text)
        if url.transport == "serial":
            ports[url.location][name] = url.driver
    return [list(names) for names in ports.values() if len(set(names.values())) > 1]
