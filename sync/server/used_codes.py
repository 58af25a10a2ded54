"""Codes that change: which of them were used, at any gate of the event.

A ticket's step and all before it are used up with the first release on it, unless nobody came. A gate knows its own
releases; those of the other gates are known here, from their lines. From the claim to the line the step is held in
`code_claim`, by whoever's row comes first, so that two lanes that are shown one code at once don't both let it in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, or_, select

from models.passage import Passage
from sync.contract import ClaimRequest
from sync.server import tables
from sync.server.many import among, insert_all

_MOST = 2**63
LOWEST = -_MOST


@dataclass(frozen=True, slots=True)
class Shown:
    """A claim that brings a step, and the device it came from."""

    claim: ClaimRequest
    step: int
    device: str


def take_codes(
    connection: Connection, shown: Sequence[Shown], ended: Collection[tuple[str, str]], now: float
) -> set[tuple[str, str]]:
    """Take each claim's step for it, in order; those (event, claim) whose step another attempt has or had.

    Claims that have `ended` (event, claim) take nothing any more.
    """
    if not shown:
        return set()
    _insert(connection, [one for one in shown if (one.claim.event, one.claim.claim) not in ended], now)
    used = _held_by_others(connection, shown)
    used |= _used(connection, shown)  # after it: a step goes from being held to being used in one transaction
    spent = sorted(used & {(one.claim.event, one.claim.claim) for one in shown})
    if spent:
        code = tables.code_claim
        connection.execute(delete(code).where(among(connection, (code.c.event, code.c.claim), spent)))
    return used


def forget_codes(
    connection: Connection, device: str, epoch: str, latest: int, denied: Collection[int], released: Collection[int]
) -> list[tuple[str, str]]:
    """The lines of `device` tell of these attempts: what they held is in their lines, or free.

    Gives the claims (event, claim) that came to nothing.
    """
    code = tables.code_claim
    rows = connection.execute(select(code).where(code.c.device == device).order_by(code.c.event, code.c.claim)).all()
    over: list[tuple[str, str]] = []
    nothing: list[tuple[str, str]] = []
    for row in rows:
        of, _, attempt = row.claim.rpartition(":")
        number = int(attempt) if of == epoch and attempt.isdecimal() else latest + 1
        if number < latest or number in denied or number in released:
            over.append((row.event, row.claim))
        if (number < latest or number in denied) and number not in released:
            nothing.append((row.event, row.claim))
    if over:
        connection.execute(delete(code).where(among(connection, (code.c.event, code.c.claim), over)))
    return nothing


def _insert(connection: Connection, shown: Sequence[Shown], now: float) -> None:
    first: dict[tuple[str, str, int], Shown] = {}
    for one in shown:
        first.setdefault((one.claim.event, one.claim.ticket, one.step), one)
    # Always in the same order, as with claims: two workers wait for each other and don't lock up.
    rows: list[dict[str, Any]] = [
        {
            "event": event,
            "ticket": ticket,
            "step": step,
            "claim": one.claim.claim,
            "device": one.device,
            "at": now,
        }
        for (event, ticket, step), one in sorted(first.items())
    ]
    insert_all(connection, tables.code_claim, rows, ignore=True)


def _held_by_others(connection: Connection, shown: Sequence[Shown]) -> set[tuple[str, str]]:
    """An attempt that comes later in the same batch takes nothing from one before it."""
    code, order = tables.code_claim, {one.claim.claim: place for place, one in reversed(list(enumerate(shown)))}
    rows = connection.execute(
        select(code.c.event, code.c.ticket, code.c.step, code.c.claim).where(
            among(connection, (code.c.event, code.c.ticket), _tickets(shown))
        )
    ).all()
    return _beaten(shown, rows, order)


def _used(connection: Connection, shown: Sequence[Shown]) -> set[tuple[str, str]]:
    use = tables.use
    let_in = or_(use.c.passage.is_(None), use.c.passage != Passage.NO_SHOW.value)
    rows = connection.execute(
        select(use.c.event, use.c.ticket, use.c.code_step.label("step"), use.c.claim).where(
            among(connection, (use.c.event, use.c.ticket), _tickets(shown)), use.c.code_step.is_not(None), let_in
        )
    ).all()
    return _beaten(shown, rows, {})


def _tickets(shown: Sequence[Shown]) -> list[tuple[str, str]]:
    return sorted({(one.claim.event, one.claim.ticket) for one in shown})


def _beaten(shown: Sequence[Shown], rows: Sequence[Any], order: dict[str, int]) -> set[tuple[str, str]]:
    """Those whose step, or a later one, is in `rows` by another claim that was not after them in `order`."""
    by_ticket: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        by_ticket.setdefault((row.event, row.ticket), []).append(row)
    return {
        (one.claim.event, one.claim.claim)
        for place, one in enumerate(shown)
        for row in by_ticket.get((one.claim.event, one.claim.ticket), ())
        if row.step >= one.step and row.claim != one.claim.claim and order.get(row.claim, -1) < place
    }


def kept_step(step: int | None) -> int | None:
    """The step as a column takes it; a number that no gate's own ledger could hold is none."""
    return step if step is not None and LOWEST <= step < _MOST else None
