"""Nouns <-> bytes. The one place that knows the format.

JSON is for what is kept and for what people may have to read: ledger bodies and the lines on Unix sockets. It is
canonical: sorted keys, no spaces, the shortest form of every float, bytes as base64, so that equal nouns give equal
bytes and a hash means something. MessagePack is for the pipe to the vision child, where templates are large.

Decoding is typed. A field that is not known is passed over, since a newer peer may say more; a value that can't be what
it should be is a `WireError` that names the field. No error text repeats a value, unless it looks like one of our keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

VERSION = 1
"""Raised when a peer of the old version could no longer read what we write."""

T = TypeVar("T")

_QUOTED_VALUE = re.compile(r"(enum value) '(?![a-z_]{1,32}')[^`]*'")


class WireError(ValueError):
    """Bytes that are no such noun, or a noun that can't become bytes. Names the type and the path of the field."""


def to_json(noun: object) -> bytes:
    """Canonical JSON of a noun, or of anything made of builtins. Raises `WireError` for what JSON has no word for."""
    plain = to_builtins(noun)
    _refuse_non_finite(plain, "$", noun)
    try:
        return msgspec.json.encode(plain, order="sorted")
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"{_name(type(noun))}: can't be written: {_plain(error)}") from None


def from_json(kind: type[T], data: bytes | str) -> T:
    """The noun of type `kind` that `data` (UTF-8 JSON) holds. Raises `WireError`."""
    try:
        return _json_decoder(cast(Hashable, kind)).decode(data)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        raise WireError(f"{_name(kind)}: {_plain(error)}") from None


def to_msgpack(noun: object) -> bytes:
    """MessagePack of a noun. Raises `WireError`."""
    try:
        return msgspec.msgpack.encode(noun)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"{_name(type(noun))}: can't be written: {_plain(error)}") from None


def from_msgpack(kind: type[T], data: bytes) -> T:
    """The noun of type `kind` that `data` (MessagePack) holds. Raises `WireError`."""
    try:
        return _msgpack_decoder(cast(Hashable, kind)).decode(data)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        raise WireError(f"{_name(kind)}: {_plain(error)}") from None


def to_builtins(noun: object) -> Any:
    """A noun as dicts, lists, strings and numbers: what `to_json` writes, before it is bytes. Raises `WireError`."""
    try:
        return msgspec.to_builtins(noun, str_keys=True, order="sorted")
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"{_name(type(noun))}: can't be written: {_plain(error)}") from None


def from_builtins(kind: type[T], plain: object) -> T:
    """The noun of type `kind` that dicts, lists, strings and numbers describe. Raises `WireError`."""
    try:
        return msgspec.convert(plain, type=kind, str_keys=True)
    except (ValueError, RecursionError) as error:
        raise WireError(f"{_name(kind)}: {_plain(error)}") from None


@cache
def _json_decoder(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


@cache
def _msgpack_decoder(kind: Any) -> Any:
    return msgspec.msgpack.Decoder(kind)


def _refuse_non_finite(plain: Any, path: str, noun: object) -> None:
    # JSON has no word for NaN; msgspec would write null, and a number would have become nothing without a sound.
    if isinstance(plain, float):
        if not math.isfinite(plain):
            raise WireError(f"{_name(type(noun))}: {plain} has no place in JSON - at `{path}`")
    elif isinstance(plain, dict):
        for key, value in plain.items():
            _refuse_non_finite(value, f"{path}.{key}", noun)
    elif isinstance(plain, list | tuple):
        for index, value in enumerate(plain):
            _refuse_non_finite(value, f"{path}[{index}]", noun)


def _plain(error: BaseException) -> str:
    if isinstance(error, UnicodeError):
        return "text that is not Unicode"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return _QUOTED_VALUE.sub(r"\1 that is not ours", str(error))


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
