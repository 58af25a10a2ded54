"""Tickets as the database keeps them: sealed, with the keys that find them. Needs no database itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.store.vault import lookup_key
from models.wire import to_json
from sync.holding import Holding
from sync.server.hub import Hub


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be written, but for the revision. `fresh` and `other` are the names of new and of changed tickets."""

    fresh: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    same: int = 0
    tickets: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    documents: tuple[dict[str, Any], ...] = field(default=(), repr=False)


def rows_of(
    hub: Hub, event: str, secret: bytes, before: Mapping[str, bytes], holdings: Sequence[Holding], source: str
) -> Rows:
    """The rows of those of `holdings` that are new or not as `before` (ticket → JSON) has them.

    In the order of their keys: so they go into the database's trees faster, and others wait less.
    """
    fresh = [one for one in holdings if one.ticket.ticket not in before]
    other = [one for one in holdings if before.get(one.ticket.ticket, b"") not in (b"", to_json(one))]
    written = sorted((*fresh, *other), key=lambda one: one.ticket.ticket)
    documents = [document for one in written for document in _documents(event, secret, one)]
    return Rows(
        tuple(one.ticket.ticket for one in fresh),
        tuple(one.ticket.ticket for one in other),
        len(holdings) - len(written),
        tuple(_row(hub, event, one, source) for one in written),
        tuple(sorted(documents, key=lambda one: bytes(one["lookup_key"]))),
    )


def unsealed(hub: Hub, event: str, sealed: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """The JSON of sealed tickets, by name."""
    return {name: hub.unseal(holding, ticket_place(event, name)) for name, holding in sealed}


def event_place(event: str) -> str:
    """Where an event's secret is sealed to."""
    return f"event|{event}"


def ticket_place(event: str, ticket: str) -> str:
    """Where a ticket is sealed to."""
    return f"ticket|{event}|{ticket}"


def _row(hub: Hub, event: str, holding: Holding, source: str) -> dict[str, Any]:
    ticket = holding.ticket
    return {
        "event": event,
        "ticket": ticket.ticket,
        "status": ticket.status.value,
        "category": ticket.category,
        "seat": ticket.entitlement.seat,
        "masked_name": ticket.masked_name,
        "bound_at": ticket.bound_at,
        "has_reference": ticket.reference is not None,
        "sealed_holding": hub.seal(to_json(holding), ticket_place(event, ticket.ticket)),
        "source": source,
        "source_ref": "",
        "changed_at": hub.clock(),
    }


def _documents(event: str, secret: bytes, holding: Holding) -> Iterable[dict[str, Any]]:
    keys = {lookup_key(secret, document.kind, document.number) for document in holding.documents}
    return [{"event": event, "lookup_key": key, "ticket": holding.ticket.ticket} for key in keys]
