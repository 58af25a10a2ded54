"""The acceptance of a lane: what is looked at, what came of it, and the signed report.

The report is JSON; its signature is Ed25519 by the key that signs the lane's ledger, over `FORM` and the report's
canonical text (RFC 8785 for what stands in here: sorted names, no blanks, UTF-8). Nothing in it is of a person but the
names of those who accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models import wire
from models.wire import WireError

FORM = b"menshen acceptance 1\n"
MOST_BYTES = 1 << 20


class Result(StrEnum):
    """What came of one thing."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # somebody decided not to look, and said why
    NOT_THERE = "not_there"  # the lane has none


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was looked at. `why` is empty where it passed; `facts` are what was measured or answered."""

    name: str
    result: Result
    why: str = ""
    facts: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `at` is Unix seconds; `devices` are the URLs as configured; `by` who was there."""

    gate: str
    at: float
    by: str
    program: str
    items: tuple[Item, ...]
    devices: Mapping[str, str] = field(default_factory=dict)
    clock_trusted: bool = True
    remarks: str = ""
    rehearsal: bool = False  # nobody was asked: what only eyes can tell counts as seen

    @property
    def accepted(self) -> bool:
        """Whether nothing failed. What was skipped or isn't there stands in it for whoever reads it."""
        return all(item.result is not Result.FAILED for item in self.items)


@dataclass(frozen=True, slots=True)
class Signed:
    """A report with its signature; key and signature are raw bytes in hexadecimal."""

    report: Report
    key: str
    signature: str


class NotGenuine(ValueError):
    """The file is no report, or was changed after it was signed."""


def sign(report: Report, key: Ed25519PrivateKey) -> bytes:
    """The file: one JSON object, to be read by people as well."""
    signature = key.sign(FORM + _canonical(wire.to_builtins(report)))
    told = {
        "report": wire.to_builtins(report),
        "key": key.public_key().public_bytes_raw().hex(),
        "signature": signature.hex(),
    }
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def verify(content: bytes) -> Signed:
    """The report in a file, once its signature is right. Whose key that is, is for the caller to ask.

    Raises `NotGenuine`.
    """
    try:
        raw: dict[str, Any] = json.loads(content[:MOST_BYTES], object_pairs_hook=_once)
        signed = wire.from_builtins(Signed, raw)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.key))
        # What is read must be what was signed: the raw object, and not our own writing of it.
        public.verify(bytes.fromhex(signed.signature), FORM + _canonical(raw["report"]))
    except InvalidSignature:
        raise NotGenuine("it was changed after it was signed, or was signed for something else") from None
    except (WireError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotGenuine(f"it is no acceptance report: {type(error).__name__}") from None
    return signed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names stand in it once: a person might read the other one."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return made


def _canonical(report: object) -> bytes:
    return json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
