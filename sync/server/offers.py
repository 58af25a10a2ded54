"""Which bundles a gate should fetch to hold the newest manifest of its event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from sync.contract import BundleOffer, HeldManifest
from sync.contract_hub import HeldBase
from sync.server import tables


def offers_for(
    connection: Connection, event: str, held: HeldManifest | None, device: str = ""
) -> tuple[BundleOffer, ...]:
    """The bundles to apply, in order; none where the gate holds the newest.

    Deltas on top of what is held where they lead to the newest version, else the newest base and the deltas on it.
    A base that was not made for `device`, where one is named, is not offered: one that is will be there in a moment.
    """
    bundle = tables.bundle
    rows = connection.execute(select(bundle).where(bundle.c.event == event).order_by(bundle.c.version)).all()
    made = [_offer(row) for row in rows]
    offers = plan(made, held if held and held.event == event else None)
    if device and offers and offers[0].kind == "base":
        recipients = next(json.loads(row.recipients) for row in rows if row.version == offers[0].version)
        return offers if device in recipients or not recipients else ()
    return offers


def offers_for_hub(
    connection: Connection, event: str, held: HeldManifest | None, base: HeldBase | None
) -> tuple[BundleOffer, ...]:
    """As `offers_for`, and the newest base where it was signed anew since, for the hub's gates that came late."""
    offers, bundle = offers_for(connection, event, held), tables.bundle
    bases = select(bundle).where(bundle.c.event == event, bundle.c.kind == "base")
    row = connection.execute(bases.order_by(bundle.c.version.desc()).limit(1)).first()
    if row is None or base is None or (row.version, row.issue) == (base.version, base.issue):
        return offers
    again = _offer(row)
    return offers if again in offers else (again, *offers)


def plan(made: Sequence[BundleOffer], held: HeldManifest | None) -> tuple[BundleOffer, ...]:
    """As `offers_for`, of the bundles `made`, in order of their versions."""
    if not made or (held is not None and held.version >= made[-1].version):
        return ()
    if held is not None:
        way = _deltas(made, held.version)
        if way and way[-1].version == made[-1].version:
            return way
    bases = [one for one in made if one.kind == "base"]
    if not bases:
        return ()
    return (bases[-1], *_deltas(made, bases[-1].version))


def _offer(row: Any) -> BundleOffer:
    return BundleOffer(row.event, row.version, row.kind, row.after, row.size, row.digest, row.issue)


def _deltas(made: Sequence[BundleOffer], version: int) -> tuple[BundleOffer, ...]:
    way: list[BundleOffer] = []
    for one in made:
        if one.kind == "delta" and one.after == version:
            way.append(one)
            version = one.version
    return tuple(way)
