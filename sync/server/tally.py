"""How often what happened in which minute at which gate: what the live board and the reports are made of.

Counted once, when a line is taken in, so that a page never has to read a million lines. Like everything that lines
mean, it can be made again from them.

| word                    | reason                                              |
|-------------------------|-----------------------------------------------------|
| `admit`, `deny`, `refer` | the decision's                                     |
| `flag`                  | one that an admission bears: `claim_unanswered`…    |
| `red`                   | why an emergency was let in: `stretcher`… |
| `in`, `out`             | how it ended: `passed`, `unknown`, `no_show`; `free` for one whom nobody asked |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from models.decision import Verdict
from models.ledger import EntryKind
from models.passage import Direction
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.told import Told

IN, OUT, FLAG, FREE, RED = "in", "out", "flag", "free", "red"
BELIEVED_S = 40 * 86_400.0
"""A line may be uploaded this late and still count in the minute that its gate's clock said."""

_VERDICTS = frozenset(verdict.value for verdict in Verdict)


class Cell(NamedTuple):
    """What is counted together. `minute` is Unix time by 60."""

    event: str
    minute: int
    word: str
    reason: str


def count(
    connection: Connection, device: str, epoch: str, told: Iterable[tuple[LedgerLine, Told]], now: float
) -> Counter[Cell]:
    """Add lines to the tally, each line once; gives what was added."""
    told = list(told)
    event = connection.execute(select(tables.device.c.event).where(tables.device.c.device == device)).scalar() or ""
    opened = _opened(connection, device, epoch, [body.settles.seq for _, body in told if body.settles])
    cells: Counter[Cell] = Counter()
    for line, body in told:
        minute = minute_of(line.at, now)
        if body.decision.verdict in _VERDICTS:
            cells[Cell(body.event or event, minute, body.decision.verdict, body.decision.reason)] += 1
            for flag in body.decision.flags:
                cells[Cell(body.event or event, minute, FLAG, flag)] += 1
        if line.kind == EntryKind.RED:
            cells[Cell(event, minute, RED, body.urgency)] += 1
        if body.settles:
            of, way = opened.get(body.settles.seq, (event, body.direction))
            cells[Cell(of, minute, _word(way), body.settles.passage.value)] += 1
        elif line.kind == EntryKind.PASSAGE and body.opens and body.opens.passage:
            cells[Cell(event, minute, _word(body.opens.direction), FREE)] += 1
    _add(connection, device, cells)
    return cells


def minute_of(at: float, now: float) -> int:
    """The minute of a line. A gate whose clock is at 1970 or in the future counts when its line arrives."""
    return int((at if now - BELIEVED_S <= at <= now + 60 else now) // 60)


def _opened(connection: Connection, device: str, epoch: str, lines: list[int]) -> dict[int, tuple[str, Direction]]:
    """Event and direction of the releases that these lines opened, as far as they were a ticket's."""
    use = tables.use
    if not lines:
        return {}
    rows = connection.execute(
        select(use.c.seq, use.c.event, use.c.direction).where(
            use.c.device == device, use.c.epoch == epoch, use.c.seq.in_(lines)
        )
    )
    return {row.seq: (row.event, Direction(row.direction)) for row in rows}


def _word(way: Direction) -> str:
    return IN if way is Direction.ENTRY else OUT


def _add(connection: Connection, device: str, cells: Counter[Cell]) -> None:
    if not cells:
        return
    table = tables.tally
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(table)
    added = adding.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_={"number": table.c.number + adding.excluded.number}
    )
    rows = [{"device": device, "number": number} | cell._asdict() for cell, number in sorted(cells.items())]
    connection.execute(added, rows)
