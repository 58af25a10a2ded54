"""What the live board is made of: an event's rows, read with few queries and kept for a moment for all who look on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from models.decision import Verdict
from models.passage import Direction, Passage
from models.ticket import TicketStatus
from models.wire import WireError, from_json
from sync.contract import Contact, HeldManifest
from sync.server import board, tables
from sync.server.board import Alarm, Forecast, Standing, Tallied
from sync.server.hub import Hub

SHOWN_MIN = 60
KEPT_S = 2.0  # as often as a page asks; with 800,000 lines counted a board takes a sixth of a second
COUNTED_EVERY_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate beside what was issued. `agrees` is `agrees`, `behind`, `differs` or `holds_none`."""

    device: str
    name: str
    standing: Standing
    contact_at: float | None
    held: HeldManifest | None
    held_since: float | None
    agrees: str
    contact: Contact
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Board:
    """All that the live page shows."""

    at: float
    minutes: list[tuple[int, int]]
    inside: int
    admitted: int
    attempts: int
    refused: float
    unknown: float
    alarms: list[Alarm]
    recent_reasons: list[tuple[str, int]]
    all_reasons: dict[str, int]
    forecast: Forecast
    gates: list[GateRow]

    @property
    def per_minute(self) -> int:
        """Persons admitted in the last whole minute."""
        return self.minutes[-2][1]

    @property
    def dead(self) -> list[str]:
        """The gates that can't be heard."""
        return [gate.name for gate in self.gates if gate.standing is Standing.DEAD]

    @property
    def mute(self) -> list[GateRow]:
        """The gates at which nobody comes, and a device does not answer."""
        return [gate for gate in self.gates if gate.standing is Standing.MUTE]


def board_of(hub: Hub, event: str) -> Board:
    """The event's board; the same one for everybody within `KEPT_S`."""
    return _kept(hub, f"board|{event}", KEPT_S, lambda: _make(hub, event))


def _make(hub: Hub, event: str) -> Board:
    now = hub.clock()
    minute = int(now // 60)
    with hub.engine.connect() as connection:
        rows = tallied(connection, event, minute - SHOWN_MIN - board.RECENT_MIN)
        sums = totals(connection, event)
        gates = gates_of(connection, event, now, rows)
    late = board.recent(rows, minute)
    waiting = [gate.name for gate in gates if gate.standing is Standing.QUIET and gate.agrees == "agrees"]
    return Board(
        at=now,
        minutes=board.admissions(rows, minute, SHOWN_MIN),
        inside=board.inside(sums),
        admitted=sum(row.number for row in sums if row.word == Verdict.ADMIT),
        attempts=board.attempts(late),
        refused=board.refused_share(late),
        unknown=board.unknown_share(late),
        alarms=board.alarms(rows, minute),
        recent_reasons=board.reasons(late),
        all_reasons=dict(board.reasons(sums)),
        forecast=board.forecast(outstanding(hub, event), board.rates(rows, minute), waiting),
        gates=gates,
    )


def tallied(connection: Connection, event: str, since_minute: int) -> list[Tallied]:
    """The event's cells from a minute on."""
    table = tables.tally
    rows = connection.execute(
        select(table.c.minute, table.c.device, table.c.word, table.c.reason, table.c.number)
        .where(table.c.event == event, table.c.minute >= since_minute)
        .order_by(table.c.minute)
    )
    return [Tallied(*row) for row in rows]


def totals(connection: Connection, event: str) -> list[Tallied]:
    """The event's cells of all minutes, put together by device, word and reason."""
    table = tables.tally
    rows = connection.execute(
        select(table.c.device, table.c.word, table.c.reason, func.sum(table.c.number))
        .where(table.c.event == event)
        .group_by(table.c.device, table.c.word, table.c.reason)
        .order_by(table.c.device, table.c.word, table.c.reason)
    )
    return [Tallied(0, device, word, reason, int(number)) for device, word, reason, number in rows]


def gates_of(connection: Connection, event: str, now: float, rows: Sequence[Tallied] = ()) -> list[GateRow]:
    """The gates that serve the event, and what each of them holds."""
    device = tables.device
    made = _bundles(connection, event)
    lasts, speeds = board.last_minutes(rows), board.rates(rows, int(now // 60))
    found = connection.execute(
        select(device)
        .where(device.c.event == event, device.c.state == "enrolled", device.c.kind == "gate")
        .order_by(device.c.name)
    )
    return [_gate(row, event, made, lasts.get(row.device), speeds.get(row.device, 0.0), now) for row in found]


def newest_bundle(connection: Connection, event: str) -> Any:
    """What was issued last: the row, or `None`."""
    bundle = tables.bundle
    newest = select(bundle).where(bundle.c.event == event).order_by(bundle.c.version.desc()).limit(1)
    return connection.execute(newest).first()


def outstanding(hub: Hub, event: str) -> int:
    """Valid tickets by which nobody has come in yet."""
    return _kept(hub, f"outstanding|{event}", COUNTED_EVERY_S, lambda: _count_outstanding(hub, event))


def contact_of(text: str) -> Contact:
    """What a device last said of itself; an empty one where that can't be read."""
    try:
        return from_json(Contact, text)
    except WireError:
        return Contact(0.0)


def admitted_tickets(connection: Connection, event: str) -> int:
    """Tickets by which somebody came in, each once."""
    use = tables.use
    came = use.c.passage.in_((Passage.PASSED.value, Passage.UNKNOWN.value))
    counted = select(func.count(use.c.ticket.distinct())).where(
        use.c.event == event, use.c.direction == Direction.ENTRY.value, came
    )
    return int(connection.execute(counted).scalar_one())


def valid_tickets(connection: Connection, event: str) -> int:
    """Tickets that admit."""
    ticket = tables.ticket
    valid = select(func.count()).where(ticket.c.event == event, ticket.c.status == TicketStatus.VALID.value)
    return int(connection.execute(valid).scalar_one())


def _count_outstanding(hub: Hub, event: str) -> int:
    with hub.engine.connect() as connection:
        return max(0, valid_tickets(connection, event) - admitted_tickets(connection, event))


def _bundles(connection: Connection, event: str) -> dict[int, Any]:
    bundle = tables.bundle
    columns = bundle.c.version, bundle.c.digest, bundle.c.tickets, bundle.c.issued_at
    rows = connection.execute(select(*columns).where(bundle.c.event == event).order_by(bundle.c.version))
    return {row.version: row for row in rows}


def _gate(row: Any, event: str, made: dict[int, Any], last: int | None, rate: float, now: float) -> GateRow:
    contact = contact_of(row.contact)
    held = contact.manifest if contact.manifest and contact.manifest.event == event else None
    standing = board.standing(row.last_contact_at, last, now, contact.silent)
    since = made[held.version].issued_at if held and held.version in made else None
    agrees = _agrees(held, made)
    return GateRow(row.device, row.name, standing, row.last_contact_at, held, since, agrees, contact, rate)


def _agrees(held: HeldManifest | None, made: dict[int, Any]) -> str:
    if held is None:
        return "holds_none"
    issued = made.get(held.version)
    if issued is None or (held.digest, held.tickets) != (issued.digest, issued.tickets):
        return "differs"
    return "agrees" if held.version == max(made) else "behind"


def _kept(hub: Hub, name: str, for_s: float, make: Callable[[], T]) -> T:
    """What `make` gave less than `for_s` ago in this process, or now."""
    now = hub.clock()
    at, value = hub.memory.get(name, (None, None))
    if at is None or not 0 <= now - at < for_s:
        value = make()
        hub.memory[name] = (now, value)
    return value  # type: ignore[no-any-return]
