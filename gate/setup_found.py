"""Which of the things plugged in here are this lane's reader, relay, camera and sensor: candidates, and who answered.

Names made by udev (`/dev/gate-reader`) come first, for somebody decided them; then what `gate.plugged` guesses. A
candidate is opened as `gatectl devices probe` does: nothing moves. One port is given to one device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drivers import Kind
from drivers.url import parse
from gate.check.devices import Probe, probe
from gate.plugged import Plug, plugged_in

WANTED: tuple[Kind, ...] = ("reader", "relay", "camera", "sensor")
NEEDED: tuple[Kind, ...] = ("reader", "relay")

NAMED: dict[Kind, tuple[tuple[str, str], ...]] = {
    "reader": (("dev/gate-reader", "sam+serial:///dev/gate-reader?baud=115200"),),
    "relay": (("dev/gate-relay", "lcus+serial:///dev/gate-relay?channel=1"),),
    "camera": (("dev/gate-camera", "v4l2:///dev/gate-camera"),),
    "sensor": (("dev/gate-sensor", "serial+serial:///dev/gate-sensor"),),
}
PROBE_S = 1.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that may be it. `answers`: it said something that makes sense; `why`: what was wrong otherwise."""

    kind: Kind
    url: str
    about: str
    answers: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is there for one kind, the likeliest first."""

    kind: Kind
    candidates: tuple[Candidate, ...] = field(default=())

    @property
    def best(self) -> Candidate | None:
        """The first that answered; of relays that never answer, the first that could be opened."""
        silent = (one for one in self.candidates if self.kind == "relay" and not one.why)
        return next((one for one in self.candidates if one.answers), next(silent, None))


Look = Callable[[str, Kind, str], Probe]


def find(
    kinds: Iterable[Kind] = WANTED,
    root: Path = Path("/"),
    taken: Iterable[str] = (),
    look: Look | None = None,
    plugs: Callable[[Path], list[Plug]] = plugged_in,
) -> Iterator[Choice]:
    """What is there of each kind. `taken` are URLs that are given away already; their ports are left alone."""
    look = look or (lambda name, kind, url: probe(name, kind, url, PROBE_S))
    ports = {_port(url) for url in taken}
    found = plugs(root)
    for kind in kinds:
        offered = [(url, about) for url, about in _offers(kind, root, found) if _port(url) not in ports]
        choice = Choice(kind, tuple(_judged(kind, url, about, look) for url, about in offered))
        if choice.best is not None:
            ports.add(_port(choice.best.url))
        yield choice


def _offers(kind: Kind, root: Path, plugs: list[Plug]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    named = [(url, "named by udev") for path, url in NAMED.get(kind, ()) if (root / path).exists()]
    guessed = [(url, plug.about) for plug in plugs for url, of in plug.urls if of == kind and _may_be_tried(url)]
    for url, about in (*named, *guessed):
        if url not in seen:
            seen.add(url)
            yield url, about


def _may_be_tried(url: str) -> bool:
    """Pins are not guessed at: nobody knows what hangs on them. Nor is a reader that needs files of its own."""
    return parse(url).driver not in ("gpio", "emrtd")


def _judged(kind: Kind, url: str, about: str, look: Look) -> Candidate:
    probed = look(kind, kind, url)
    why = probed.unknown or probed.error
    if not why:
        why = next((sign.words for sign in probed.signs if sign.trouble not in ("none", "idle")), "")
    return Candidate(kind, url, about, answers=probed.proven and not why, why=why)


def _port(url: str) -> str:
    """What two devices can't share: a path, however it is named."""
    location = parse(url).location
    try:
        return str(Path(location).resolve()) if location.startswith("/") else location or url
    except OSError:
        return location
