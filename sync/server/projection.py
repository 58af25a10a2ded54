"""What ledger lines mean for tickets: uses, claims, the tally, and conflicts where a ticket let two people in.

Everything here can be made again from the lines. Nothing of it looks at clocks: a gate's clock may be wrong, the number
of its lines is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, select, text, update

from models.decision import Verdict
from models.ledger import EntryKind
from models.link import claim_name
from models.passage import Direction, Passage
from sync.contract import LedgerLine
from sync.server import hits, tables, tally
from sync.server.claims import end_claims, free, give_back, is_hard
from sync.server.database import insert_or_ignore
from sync.server.many import among, insert_all
from sync.server.told import Told, read
from sync.server.used_codes import forget_codes, kept_step

_TICKET_LOCK, _DRAWERS = 0x6D6570, 1024

Ticket = tuple[str, str]
"""Event and ticket."""


def project(
    connection: Connection, device: str, gate: str, epoch: str, lines: Sequence[LedgerLine], now: float
) -> None:
    """Take up `lines`, which are held from now on; each line once."""
    told = [(line, read(line)) for line in lines]
    latest = max((body.attempt for line, body in told if line.kind == EntryKind.DECISION), default=0)
    denied = {body.attempt for line, body in told if body.decision.verdict == Verdict.DENY}
    released = {body.attempt for _, body in told if body.opens is not None}
    end_claims(connection, forget_codes(connection, device, epoch, latest, denied, released), now)
    touched = _open_uses(connection, device, gate, epoch, told)
    touched |= _settle_uses(connection, device, epoch, told, now)
    _give_back_left(connection, device, epoch, latest, denied, now)
    look_for_conflicts(connection, touched, now)
    tally.count(connection, device, epoch, told, now)
    hits.take_up(connection, device, epoch, told, now)


def _open_uses(
    connection: Connection, device: str, gate: str, epoch: str, told: Iterable[tuple[LedgerLine, Told]]
) -> set[Ticket]:
    rows, touched = [], set()
    for line, body in told:
        release = body.opens
        if release is None or not release.ticket:
            continue
        touched.add((body.event, release.ticket))
        rows.append(
            {
                "device": device,
                "epoch": epoch,
                "seq": line.seq,
                "event": body.event,
                "ticket": release.ticket,
                "person_key": release.person_key,
                "direction": release.direction.value,
                "passage": release.passage.value if release.passage else None,
                "at": line.at,
                "claim": claim_name(epoch, body.attempt),
                "code_step": kept_step(release.code_step),
            }
        )
    insert_all(connection, tables.use, rows)
    _take_claims(connection, gate, rows)
    return touched


def _take_claims(connection: Connection, gate: str, rows: list[dict[str, object]]) -> None:
    """Who was let in without an answer has the ticket from now on, unless another has it: then it is a conflict."""
    hard = hard_events(connection, {str(row["event"]) for row in rows})
    entries = [row for row in rows if row["event"] in hard and row["direction"] == Direction.ENTRY]
    names = "event", "ticket", "claim", "device", "at"
    first: dict[tuple[object, object], dict[str, object]] = {}
    for row in sorted(entries, key=lambda row: (str(row["event"]), str(row["ticket"]))):
        values = {name: row[name] for name in names} | {"gate": gate, "passage": "held"}
        first.setdefault((row["event"], row["ticket"]), values)
    insert_all(connection, tables.claim, list(first.values()), ignore=True)


def _settle_uses(
    connection: Connection, device: str, epoch: str, told: Iterable[tuple[LedgerLine, Told]], now: float
) -> set[Ticket]:
    ends = {body.settles.seq: body.settles.passage for _, body in told if body.settles}
    if not ends:
        return set()
    use = tables.use
    here = and_(use.c.device == device, use.c.epoch == epoch)
    for passage in set(ends.values()):
        seqs = sorted((seq,) for seq, end in ends.items() if end is passage)
        open_ones = and_(here, use.c.passage.is_(None), among(connection, (use.c.seq,), seqs))
        connection.execute(update(use).where(open_ones).values(passage=passage.value))
    those = among(connection, (use.c.seq,), sorted((seq,) for seq in ends))
    rows = connection.execute(select(use).where(here, those)).all()
    _settle_claims(connection, [(row, ends[row.seq]) for row in rows], now)
    return {(row.event, row.ticket) for row in rows}


def _settle_claims(connection: Connection, ended: Sequence[tuple[Row[Any], Passage]], now: float) -> None:
    """What these ends of uses mean for claims. In which order they are taken makes no difference."""
    entries = [(row, end) for row, end in ended if row.direction != Direction.EXIT]
    out = {(row.event, row.ticket) for row, end in ended if row.direction == Direction.EXIT and end is Passage.PASSED}
    give_back(connection, {_claim_of(row) for row, end in entries if end is Passage.NO_SHOW}, now)
    held = tables.claim
    for passage in {end for _, end in entries} - {Passage.NO_SHOW}:
        keys = sorted(_claim_of(row) for row, end in entries if end is passage)
        those = among(connection, (held.c.event, held.c.ticket, held.c.claim), keys)
        connection.execute(update(held).where(those).values(passage=passage.value))
    free(connection, out)


def _claim_of(row: Any) -> tuple[str, str, str]:
    return row.event, row.ticket, row.claim


def _give_back_left(connection: Connection, device: str, epoch: str, latest: int, denied: set[int], now: float) -> None:
    """A gate serves one person at a time: claims of those it has denied or left behind without a release are free.

    The ticket counts too: a gate that was killed between claim and ledger gives the attempt's number out again.
    """
    held, use = tables.claim, tables.use
    same = and_(use.c.device == held.c.device, use.c.claim == held.c.claim, use.c.ticket == held.c.ticket)
    rows = connection.execute(
        select(held.c.event, held.c.ticket, held.c.claim)
        .outerjoin(use, and_(same, use.c.epoch == epoch))
        .where(held.c.device == device, held.c.passage == "held", use.c.seq.is_(None))
    ).all()
    left = set()
    for row in rows:
        of, _, attempt = row.claim.rpartition(":")
        if of == epoch and attempt.isdecimal() and (int(attempt) < latest or int(attempt) in denied):
            left.add(_claim_of(row))
    give_back(connection, left, now)


def look_for_conflicts(connection: Connection, touched: set[Ticket], now: float) -> None:
    """Tickets by which more people went in than came out and one.

    Counting needs no clock. An exit that arrives late takes an open conflict back.
    """
    hard = hard_events(connection, {event for event, _ in touched})
    keys = sorted(key for key in touched if key[0] in hard)
    if not keys:
        return
    _one_after_the_other(connection, keys)
    use = tables.use
    inside = func.sum(case((use.c.direction == Direction.ENTRY.value, 1), else_=-1))
    rows = connection.execute(
        select(use.c.event, use.c.ticket, inside.label("inside"))
        .where(among(connection, (use.c.event, use.c.ticket), keys), use.c.passage == Passage.PASSED.value)
        .group_by(use.c.event, use.c.ticket)
    ).all()
    too_many = {(row.event, row.ticket): int(row.inside) for row in rows}
    for key in keys:
        if too_many.get(key, 0) > 1:
            _find(connection, key, too_many[key], now)
    conflict = tables.conflict
    here = among(connection, (conflict.c.event, conflict.c.ticket), [key for key in keys if too_many.get(key, 0) <= 1])
    _withdraw(connection, here, now)


def _find(connection: Connection, key: Ticket, inside: int, now: float) -> None:
    """The second person too many is a conflict of its own. One that came to rest begins anew with another person."""
    conflict = tables.conflict
    event, ticket = key
    here = and_(conflict.c.event == event, conflict.c.ticket == ticket)
    uses = json.dumps(_uses(connection, key), sort_keys=True)
    for nth in range(2, inside + 1):
        values = {"event": event, "ticket": ticket, "nth": nth, "found_at": now, "uses": uses}
        connection.execute(insert_or_ignore(connection, conflict).values(**values))
    fresh = {"state": "open", "stands": 1, "found_at": now, "uses": uses}
    fresh |= {"settled_by": None, "settled_at": None, "finding": "", "words": ""}
    connection.execute(update(conflict).where(here, conflict.c.nth <= inside, conflict.c.stands == 0).values(**fresh))
    _withdraw(connection, and_(here, conflict.c.nth > inside), now)


def _withdraw(connection: Connection, which: ColumnElement[bool], now: float) -> None:
    """As many have come out: these conflicts stand no more."""
    conflict = tables.conflict
    over = and_(which, conflict.c.stands == 1)
    withdrawn = {"settled_by": "server", "settled_at": now, "finding": "an exit came in later"}
    connection.execute(update(conflict).where(over, conflict.c.state == "settled").values(stands=0))
    connection.execute(
        update(conflict).where(over, conflict.c.state == "open").values(state="withdrawn", stands=0, **withdrawn)
    )


def _one_after_the_other(connection: Connection, keys: Sequence[Ticket]) -> None:
    """Of two gates whose lines come at once, the second must see the first's, or neither finds the conflict.

    On SQLite transactions follow one another anyway.
    """
    if connection.dialect.name == "postgresql":
        drawers = sorted({crc32(f"{event}\n{ticket}".encode()) % _DRAWERS for event, ticket in keys})
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock, drawer) FROM unnest(CAST(:drawers AS integer[])) AS drawer"),
            {"lock": _TICKET_LOCK, "drawers": drawers},
        )


def _uses(connection: Connection, key: Ticket) -> list[dict[str, object]]:
    use = tables.use
    rows = connection.execute(
        select(use, tables.device.c.name.label("gate"))
        .outerjoin(tables.device, tables.device.c.device == use.c.device)
        .where(use.c.event == key[0], use.c.ticket == key[1])
        .order_by(use.c.at, use.c.device, use.c.seq)
    )
    names = ("device", "gate", "epoch", "seq", "at", "direction", "passage")
    return [{name: getattr(row, name) for name in names} for row in rows]


def hard_events(connection: Connection, names: set[str]) -> set[str]:
    """Those of these events at which a ticket is good for one entry at a time."""
    event = tables.event
    rows = connection.execute(select(event.c.event, event.c.policy).where(event.c.event.in_(sorted(names))))
    return {row.event for row in rows if is_hard(row.policy)}
