"""Which bundles a gate should fetch to hold the newest manifest of its event."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from sync.contract import BundleOffer, HeldManifest
from sync.server import tables


def offers_for(connection: Connection, event: str, held: HeldManifest | None) -> tuple[BundleOffer, ...]:
    """The bundles to apply, in order; none where the gate holds the newest.

    Deltas on top of what is held where they lead to the newest version, else the newest base and the deltas on it.
    """
    bundle = tables.bundle
    rows = connection.execute(select(bundle).where(bundle.c.event == event).order_by(bundle.c.version)).all()
    made = [BundleOffer(event, row.version, row.kind, row.after, row.size, row.digest) for row in rows]
    return plan(made, held if held and held.event == event else None)


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


def _deltas(made: Sequence[BundleOffer], version: int) -> tuple[BundleOffer, ...]:
    way: list[BundleOffer] = []
    for one in made:
        if one.kind == "delta" and one.after == version:
            way.append(one)
            version = one.version
    return tuple(way)
