"""Kinds of values that a configuration file may hold: what is expected, and how it is read.

A dataclass whose fields are made by `setting` is its own schema: names, kinds, defaults and the sample's words.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from gate.region import LEAST, Region

_DEVICE_URL = re.compile(r"[a-z0-9_]+(\+[a-z0-9_]+)*:\S*", re.ASCII)
# The name of a file that holds a key is no secret.
_SECRET_IN_URL = re.compile(r"//[^/?]*@|[?&][^=&]*(pass|secret|token|pin|key)[^=&]*=(?!/[a-z])", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"-----BEGIN|\n|^(?![/.])[0-9A-Za-z+/=_-]{32,}$")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value. `read` gives the value for the program, or raises `ValueError`; `words` is a closed list."""

    expected: str
    read: Callable[[Any], Any]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field's metadata tells of it. `example` is its value in the sample, as TOML writes it."""

    kind: Kind
    about: str
    example: str


def setting(kind: Kind, example: str, about: str, default: Any = MISSING) -> Any:
    """A dataclass field read from the file. Without `default` the file must name it."""
    return field(default=default, metadata={"setting": Setting(kind, about, example)})


def setting_of(declared: Field[Any]) -> Setting:
    """The setting that `declared` was made from."""
    found: Setting = declared.metadata["setting"]
    return found


def text(pattern: str, expected: str) -> Kind:
    """A string that `pattern` matches from end to end."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(expected)
        return value

    return Kind(expected, read)


def choice(words: type[Enum]) -> Kind:
    """One member of an enumeration, by its name in lower case."""
    members = {member.name.lower(): member for member in words}
    expected = "one of " + ", ".join(members)

    def read(value: Any) -> Enum:
        if not isinstance(value, str) or value not in members:
            raise ValueError(expected)
        return members[value]

    return Kind(expected, read, words=tuple(members))


def choices(words: type[Enum]) -> Kind:
    """A list of members of an enumeration, each by its name in lower case."""
    one = choice(words)
    expected = f"a list with some of {', '.join(one.words)}"

    def read(value: Any) -> tuple[Enum, ...]:
        if not isinstance(value, list) or not all(word in one.words for word in value):
            raise ValueError(expected)
        return tuple(one.read(word) for word in value)

    return Kind(expected, read, words=one.words)


def number(low: float, high: float) -> Kind:
    """A finite number from `low` to `high`."""
    expected = f"a number from {low:g} to {high:g}"

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(expected)
        if not low <= value <= high:
            raise ValueError(expected)
        return float(value)

    return Kind(expected, read)


def whole(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`."""
    expected = f"a whole number from {low} to {high}"

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(expected)
        return value

    return Kind(expected, read)


def _read_short_line(value: Any) -> str:
    if not isinstance(value, str) or value != value.strip() or not value.isprintable():
        raise ValueError(SHORT_LINE.expected)
    if sum(2 if east_asian_width(character) in "WF" else 1 for character in value) > 60:
        raise ValueError(SHORT_LINE.expected)
    return value


def _read_switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(SWITCH.expected)
    return value


def _read_folder(value: Any) -> Path:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError(ABSOLUTE_PATH.expected)
    return Path(value)


def _read_file_name(value: Any) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(FILE_NAME.expected)
    return Path(value)


def _read_file_names(value: Any) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise ValueError(FILE_NAMES.expected)
    return tuple(_read_file_name(name) for name in value)


def _read_optional_path(value: Any) -> Path | None:
    return None if value == "" else _read_folder(value)


def _read_secret_file(value: Any) -> Path:
    if not isinstance(value, str) or not value or _LOOKS_SECRET.search(value):
        raise ValueError(SECRET_FILE.expected)
    return _read_file_name(value)


def _read_device(value: Any) -> str:
    if not isinstance(value, str) or not _DEVICE_URL.fullmatch(value) or _SECRET_IN_URL.search(value):
        raise ValueError(DEVICE.expected)
    return value


def _read_devices(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(DEVICES.expected)
    return tuple(_read_device(url) for url in value)


def _read_ratings(value: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict):
        raise ValueError(RATINGS.expected)
    rating = whole(1, 1_000_000_000)
    return tuple((device, rating.read(operations)) for device, operations in value.items())


def _read_optional_device(value: Any) -> str | None:
    return None if value == "" else _read_device(value)


def _read_command(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(COMMAND.expected)
    match tuple(shlex.split(value)):
        case () | ("library", _, _, "buffers" | "file") as words if not words or words[1].startswith("/"):
            return words
        case (program, *_) as words if program.startswith("/"):
            return words
    raise ValueError(COMMAND.expected)


def _read_zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError, TypeError, AttributeError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(ZONE.expected) from error


def _read_distances(value: Any) -> Mapping[str, float]:
    if not isinstance(value, dict):
        raise ValueError(DISTANCES.expected)
    distance = number(0, 10)
    return {model: distance.read(ceiling) for model, ceiling in value.items()}


def _read_region(value: Any) -> Region:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(REGION.expected)
    part = number(0, 1)
    left, top, right, bottom = (part.read(one) for one in value)
    if right - left < LEAST or bottom - top < LEAST:
        raise ValueError(REGION.expected)
    return left, top, right, bottom


def looks_secret(value: Any) -> bool:
    """Whether `value` had better not be repeated in a message."""
    if isinstance(value, list):
        return any(looks_secret(one) for one in value)
    return isinstance(value, str) and bool(_LOOKS_SECRET.search(value) or _SECRET_IN_URL.search(value))


SHORT_LINE = Kind("one line of at most 60 letters; a Chinese character counts as two", _read_short_line)
SWITCH = Kind("true or false", _read_switch)
ABSOLUTE_PATH = Kind("an absolute path", _read_folder)
OPTIONAL_PATH = Kind('an absolute path, or "" for the usual one', _read_optional_path)
FILE_NAME = Kind("a file name", _read_file_name)
FILE_NAMES = Kind('a list of file names, as in ["issuers/hall.pub"]', _read_file_names)
SECRET_FILE = Kind("the name of the file that holds the secret, never the secret itself", _read_secret_file)
DEVICE = Kind("a device URL without a secret, as in sam+serial:///dev/gate-reader", _read_device)
OPTIONAL_DEVICE = Kind('a device URL without a secret, or "" for none', _read_optional_device)
DEVICES = Kind('a list of device URLs without secrets, as in ["modbus+serial:///dev/gate-lamp"]', _read_devices)
RATINGS = Kind("a table of device = operations, as in { relay = 100000 }", _read_ratings)
COMMAND = Kind(
    'an absolute path with its arguments, or "library /path/name.so FUNCTION buffers" (or file), or "" for none',
    _read_command,
)
ZONE = Kind("a time zone's name, as in Asia/Shanghai", _read_zone)
REGION = Kind("[left, top, right, bottom] from 0 to 1, a tenth of the picture or more", _read_region)
DISTANCES = Kind('a table of model = distance (0 to 10), as in { "dlib-resnet" = 0.45 }', _read_distances)
