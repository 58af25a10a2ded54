"""Hits of lists, from the gates' lines: which entry was met, by what, what was done and by whom; never who came.

The last line of an attempt says how it ended; what its earlier lines said of the same hit is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from sync.contract import LedgerLine
from sync.server.many import among, insert_all
from sync.server.tally import minute_of
from sync.server.told import Told
from sync.server.watch_tables import watch_hit, watch_hit_count, watch_item

OURS = ""
"""In the counts, our own gates."""


def take_up(
    connection: Connection, device: str, epoch: str, told: Iterable[tuple[LedgerLine, Told]], now: float
) -> None:
    """Take up the hits in lines that are held from now on."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for line, body in told:
        for hit in body.watch:
            place = {"device": device, "epoch": epoch, "seq": line.seq, "item": hit.entry, "attempt": body.attempt}
            said = {"version": hit.version, "means": hit.means, "distance": hit.distance, "done": hit.done}
            rows[body.attempt, hit.entry] = place | said | {"by": hit.by, "at": minute_of(line.at, now) * 60.0}
    if not rows:
        return
    here = watch_hit.c.device == device, watch_hit.c.epoch == epoch
    again = among(connection, (watch_hit.c.attempt, watch_hit.c.item), sorted(rows))
    connection.execute(delete(watch_hit).where(*here, again))
    insert_all(connection, watch_hit, list(rows.values()))
    for item, at in sorted({(row["item"], row["at"]) for row in rows.values()}):
        _count(connection, item, at)


def forget_all(connection: Connection) -> None:
    """Before the lines are taken up anew. What partners counted stays."""
    connection.execute(delete(watch_hit))
    connection.execute(delete(watch_hit_count).where(watch_hit_count.c.partner == OURS))


def _count(connection: Connection, item: str, at: float) -> None:
    """How often our gates met one of our own entries on the day of `at` (UTC)."""
    entry = connection.execute(select(watch_item.c.entry).where(watch_item.c.item == item)).scalar()
    if entry is None:
        return
    day = datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    within = watch_hit.c.at.between(day.timestamp(), (day + timedelta(days=1)).timestamp() - 1e-3)
    hits = connection.execute(select(func.count()).where(watch_hit.c.item == item, within)).scalar_one()
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"entry": entry, "partner": OURS, "day": f"{day:%Y-%m-%d}", "hits": hits}
    made = dialect.insert(watch_hit_count).values(**values)
    connection.execute(
        made.on_conflict_do_update(index_elements=["entry", "partner", "day"], set_={"hits": made.excluded.hits})
    )
