"""A device that does not answer where it should: does it answer at a port where another is missed, or at a free one?

Asked is what connecting asks, which moves nothing. Ports of devices that gave proof of themselves are left alone. A
relay's board that never answers gives none, so its port is tried; if another device answers there, the relay is not
where it should be. Where such a board is instead, only its click tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from drivers import Kind
from drivers.errors import DriverError
from drivers.url import DeviceUrl, parse
from gate.plugged import plugged_in
from gate.watch import begin, understood

MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class Missed:
    """A device on a serial port that gave no proof of itself. `lost`: there is trouble; else it may be well."""

    name: str
    kind: Kind
    url: DeviceUrl
    lost: bool

    @property
    def port(self) -> Path:
        """Where it should be, behind all links."""
        return Path(self.url.location).resolve()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A device that answered at `port` instead of where it was configured; empty: at its own port another one did."""

    name: str
    configured: str
    port: str


def find_elsewhere(missed: Iterable[Missed], proven: Iterable[str], root: Path, seconds: float) -> list[Elsewhere]:
    """Those of the `missed` that answer at another port; `proven` are the URLs of devices that are well."""
    devices = list(missed)
    taken = {Path(parse(url).location).resolve() for url in proven}
    ports = dict.fromkeys([one.url.location for one in devices] + _plugged(root))
    search = _Search([port for port in ports if Path(port).exists()], taken, seconds)
    found = list(search.of(one for one in devices if one.lost))
    displaced = [one for one in devices if one.port in search.taken and one.name not in {each.name for each in found}]
    found += search.of(displaced)
    known = {each.name for each in found}
    return found + [Elsewhere(one.name, one.url.location, "") for one in displaced if one.name not in known]


class _Search:
    """Tries ports, each device at each of those that nobody has shown to be his."""

    def __init__(self, ports: list[str], taken: set[Path], seconds: float) -> None:
        self.taken = taken
        self._ports, self._seconds, self._tries = ports, seconds, 0

    def of(self, devices: Iterable[Missed]) -> Iterator[Elsewhere]:
        """Those that were found."""
        for one in devices:
            port = next(filter(self._is_at(one), self._ports), None)
            if port is not None:
                self.taken.add(Path(port).resolve())
                yield Elsewhere(one.name, one.url.location, port)

    def _is_at(self, one: Missed) -> Callable[[str], bool]:
        def answers(port: str) -> bool:
            there = Path(port).resolve()
            if there == one.port or there in self.taken or self._tries >= MOST_TRIES:
                return False
            self._tries += 1
            try:
                return understood(begin(str(replace(one.url, location=port)), one.kind), self._seconds)
            except DriverError:
                return False

        return answers


def _plugged(root: Path) -> list[str]:
    return [plug.path for plug in plugged_in(root) if any("+serial:" in url for url, _ in plug.urls)]
