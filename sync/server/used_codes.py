"""Codes that change: which of them were used, at any gate of the event.

A ticket's step and all before it are used up with the first release on it, unless nobody came. A gate knows its own
releases; those of the other gates are known here, from their lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, tuple_

from models.passage import Passage
from sync.contract import ClaimRequest
from sync.server import tables

_MOST = 2**63


def used_codes(connection: Connection, claims: Sequence[ClaimRequest]) -> set[tuple[str, str]]:
    """Those of `claims` (event, claim) whose code was used before, by another attempt."""
    shown = [(one, one.code_step) for one in claims if one.code_step is not None]
    keys = sorted({(one.event, one.ticket) for one, _ in shown})
    if not keys:
        return set()
    use = tables.use
    let_in = or_(use.c.passage.is_(None), use.c.passage != Passage.NO_SHOW.value)
    rows = connection.execute(
        select(use.c.event, use.c.ticket, use.c.claim, use.c.code_step).where(
            tuple_(use.c.event, use.c.ticket).in_(keys), use.c.code_step.is_not(None), let_in
        )
    ).all()
    return {
        (one.event, one.claim)
        for one, step in shown
        for row in rows
        if (row.event, row.ticket) == (one.event, one.ticket) and row.code_step >= step and row.claim != one.claim
    }


def kept_step(step: int | None) -> int | None:
    """The step as a column takes it; a number that no gate's own ledger could hold is none."""
    return step if step is not None and -_MOST <= step < _MOST else None
