"""What evidence says of an entry on a list: how it came about, who approved it, what it did, who had it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from sync import evidence
from sync.evidence import Attached
from sync.server.evidence_lines import Place
from sync.server.hub import Hub
from sync.server.permissions import Person
from sync.server.watch_entries import document_of, find_entry
from sync.server.watch_evidence import read_evidence
from sync.server.watch_items import state_of
from sync.server.watch_tables import (
    watch_approval,
    watch_evidence,
    watch_history,
    watch_hit,
    watch_hit_count,
    watch_item,
    watch_shared,
)

_TOLD = ("entry", "owner", "purpose", "action", "legal_basis", "appeal", "version", "valid_from", "valid_to")


def entry_case(
    hub: Hub, connection: Connection, person: Person, entry: str, *, with_person: bool
) -> tuple[dict[str, Any], dict[Attached, bytes], list[Place]]:
    """Facts, files and the lines of the hits. Raises `Refused`: 404."""
    row = find_entry(connection, person, entry)
    hits = _hits(connection, entry)
    facts = {name: getattr(row, name) for name in _TOLD}
    facts |= {"state": state_of(row, hub.clock()), "sites": json.loads(row.sites), "by_face": bool(row.model_version)}
    facts |= {"entrances": json.loads(row.entrances), "proposed_by": row.proposed_by}
    facts |= {
        "approvals": _rows(connection, watch_approval, entry, "version", "account", "role", "at"),
        "history": _rows(connection, watch_history, entry, "version", "at", "actor", "act", "state", "why"),
        "shared_with": _rows(connection, watch_shared, entry, "partner", "version", "removed", "receipt"),
        "hits_by_day": _rows(connection, watch_hit_count, entry, "partner", "day", "hits"),
        "hits": [_hit(hit) for hit in hits],
    }
    document = document_of(hub, row) if with_person else None
    if document is not None:
        facts["document"] = {"kind": document.kind, "number": document.number}
    return facts, _files(hub, connection, person, entry), [Place(hit.device, hit.epoch, hit.seq) for hit in hits]


def _hits(connection: Connection, entry: str) -> list[Row[Any]]:
    ours = select(watch_item.c.item).where(watch_item.c.entry == entry)
    found = select(watch_hit).where(watch_hit.c.item.in_(ours)).order_by(watch_hit.c.at)
    return list(connection.execute(found).all())


def _hit(hit: Row[Any]) -> dict[str, Any]:
    names = ("device", "epoch", "seq", "version", "means", "distance", "done", "by", "at")
    return {name: getattr(hit, name) for name in names}


def _rows(connection: Connection, table: Any, entry: str, *names: str) -> list[dict[str, Any]]:
    columns = [table.c[name] for name in names]
    order = table.c.seq if "seq" in table.c else columns[0]
    found = connection.execute(select(*columns).where(table.c.entry == entry).order_by(order))
    return [dict(row) for row in found.mappings()]


def _files(hub: Hub, connection: Connection, person: Person, entry: str) -> dict[Attached, bytes]:
    """What was attached and is still kept; what was erased is named in the history."""
    kept = watch_evidence.c
    there = connection.execute(
        select(kept.number).where(kept.entry == entry, kept.sealed.is_not(None)).order_by(kept.number)
    )
    files: dict[Attached, bytes] = {}
    for number in there.scalars().all():
        row, content = read_evidence(hub, connection, person, entry, number)
        files[evidence.attach(number, row.name, row.media_type, content, f"attached by {row.by}")] = content
    return files
