"""Devices are URLs: `driver[+wrapper…][+transport]:location[?option=value&…]`.

    sam+serial:///dev/gate-reader?baud=115200      sam+tcp://127.0.0.1:7001
    sam+spy+serial:///dev/gate-reader?tape=/tmp/monday.tape
    pcsc:///ACS%20ACR1252                          sim:

Location and option values are percent-decoded; a `+` in them stays a plus. No secret belongs in a URL, since URLs
appear in logs and on the technician's screen: give a file name instead.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, unquote

from drivers.errors import UnknownDevice

T = TypeVar("T")

_SCHEME = re.compile(r"[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)*")
_SECRET_OPTIONS = frozenset({"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key"})
_YES = frozenset({"1", "yes", "on", "true"})
_NO = frozenset({"0", "no", "off", "false"})
_KINDS = {int: "a whole number", float: "a number", bool: "yes or no (1 or 0)"}


@dataclass(frozen=True, slots=True)
class DeviceUrl:
    """A parsed device URL.

    `location` is a path (`/dev/ttyUSB0`), `host:port` or empty. `transport` is the last `+` part or empty, `wrappers`
    are the parts between driver and transport.
    """

    driver: str
    transport: str = ""
    wrappers: tuple[str, ...] = ()
    location: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def transport_name(self) -> str:
        """The same as `transport`."""
        return self.transport

    def __str__(self) -> str:
        scheme = "+".join(part for part in (self.driver, *self.wrappers, self.transport) if part)
        slashes = "//" if self.location else ""
        query = "&".join(f"{name}={quote(value, safe='/:+,')}" for name, value in self.options.items())
        return f"{scheme}:{slashes}{quote(self.location, safe='/:[]+,@')}" + (f"?{query}" if query else "")

    def option(
        self, name: str, kind: Callable[[str], T], default: T, *, low: float | None = None, high: float | None = None
    ) -> T:
        """The option `name` as `kind` (`int`, `float`, `bool`, `str`, `Path`, an enum…), or `default` if not given.

        `low` and `high` are inclusive. Raises `UnknownDevice` naming the value and what was expected.
        """
        if name not in self.options:
            return default
        text = self.options[name]
        try:
            value = _as_bool(text) if kind is bool else kind(text)
        except (ValueError, ArithmeticError) as error:
            raise self._unfit(name, _KINDS.get(kind, str(error))) from error  # type: ignore[call-overload]
        if isinstance(value, (int, float)) and not _between(value, low, high):
            raise self._unfit(name, _range_in_words(low, high))
        return value  # type: ignore[return-value]  # bool where T is bool

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """The option `name`, which must be one of `choices`."""
        known = tuple(choices)
        value = self.options.get(name, default)
        if value not in known:
            raise self._unfit(name, "one of " + ", ".join(known) + did_you_mean(value, known))
        return value

    def require_location(self, what: str) -> str:
        """The location; `UnknownDevice` saying that `what` is missing where it is empty."""
        if not self.location:
            raise UnknownDevice(f"{self}: give {what} after the colon")
        return self.location

    def check_options(self, known: Mapping[str, str]) -> None:
        """Raise `UnknownDevice` for the first option that is not among the names of `known`."""
        for name in self.options:
            if name not in known:
                listing = ", ".join(sorted(known)) or "none"
                raise UnknownDevice(
                    f"{self}: unknown option {name!r}{did_you_mean(name, known)}; {self.driver} knows: {listing}"
                )

    def _unfit(self, name: str, expectation: str) -> UnknownDevice:
        return UnknownDevice(f"{self}: {name}={self.options.get(name, '')!r} does not fit, expected {expectation}")


def parse(text: str) -> DeviceUrl:
    """Read a device URL. Raises `UnknownDevice` where it isn't one."""
    scheme, colon, rest = text.strip().partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise UnknownDevice(
            f"{_without_secret(text)!r} is no device address, expected driver[+transport]:location[?option=value]"
        )
    driver, *parts = scheme.split("+")
    location, _, query = rest.partition("?")
    location = unquote(location.removeprefix("//"))
    if re.search(r"^[^/@]*:[^/@]*@", location):
        raise UnknownDevice(f"{scheme}: a password does not belong in a device address; name a file that holds it")
    return DeviceUrl(driver, parts[-1] if parts else "", tuple(parts[:-1]), location, _parse_options(scheme, query))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'baud'?)`, or nothing where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _parse_options(scheme: str, query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name = unquote(name)
        if name.lower() in _SECRET_OPTIONS:
            raise UnknownDevice(f"{scheme}: {name} does not belong in a device address; name a file that holds it")
        if not equals or not name:
            raise UnknownDevice(f"{scheme}: option {pair!r} is not of the form name=value")
        if name in options:
            raise UnknownDevice(f"{scheme}: option {name!r} is given twice")
        options[name] = unquote(value)
    return options


def _without_secret(text: str) -> str:
    return re.sub(r"://[^/@]*@", "://…@", text.partition("?")[0])


def _as_bool(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(text)


def _between(value: float, low: float | None, high: float | None) -> bool:
    return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)


def _range_in_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return f"{high:g} or less" if high is not None else "a finite number"
