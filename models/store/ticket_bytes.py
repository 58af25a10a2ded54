"""What stands inside a seal: tickets, watch entries and cohorts, behind one byte for the version of the wire."""

from __future__ import annotations

from typing import TypeVar

from models.cohort import Cohort
from models.store.errors import WrongStore
from models.ticket import Ticket
from models.watch import WatchEntry
from models.wire import VERSION, WireError, from_msgpack, to_msgpack

_PREFIX = bytes([VERSION])
T = TypeVar("T")


def ticket_to_bytes(ticket: Ticket) -> bytes:
    """The ticket with its reference, for sealing."""
    return _PREFIX + to_msgpack(ticket)


def ticket_from_bytes(plain: bytes) -> Ticket:
    """The inverse of `ticket_to_bytes`. Raises `WrongStore`."""
    return _decode(Ticket, plain)


def watch_to_bytes(entry: WatchEntry) -> bytes:
    """The watch entry with its template, for sealing."""
    return _PREFIX + to_msgpack(entry)


def watch_from_bytes(plain: bytes) -> WatchEntry:
    """The inverse of `watch_to_bytes`. Raises `WrongStore`."""
    return _decode(WatchEntry, plain)


def cohort_to_bytes(cohort: Cohort) -> bytes:
    """The cohort, for sealing."""
    return _PREFIX + to_msgpack(cohort)


def cohort_from_bytes(plain: bytes) -> Cohort:
    """The inverse of `cohort_to_bytes`. Raises `WrongStore`."""
    return _decode(Cohort, plain)


def _decode(kind: type[T], plain: bytes) -> T:
    if plain[:1] != _PREFIX:
        raise WrongStore("sealed by a program of another version: build and load the manifest again")
    try:
        return from_msgpack(kind, plain[1:])
    except WireError as error:
        raise WrongStore(f"what was sealed here can't be read ({error}): build and load the manifest again") from None
