"""Events whose tickets are sold at a pretix: the link, its credential (sealed), and how it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from models.wire import from_json, to_json
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.sources.pretix_client import Access
from sync.sources.pretix_reading import Reading


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a link begins as. `subevent` is needed where the event is one date of a series at pretix.

    `gate_lists` are check-in lists of single gates, by their names; all others tell `check_in_list`.
    """

    access: Access = field(repr=False)
    check_in_list: int
    reading: Reading = field(default_factory=Reading)
    subevent: int | None = None
    gate_lists: Mapping[str, int] = field(default_factory=dict)
    period_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is kept."""

    event: str
    access: Access = field(repr=False)
    check_in_list: int
    reading: Reading
    subevent: int | None
    gate_lists: Mapping[str, int]
    period_s: float
    since: str
    refusals_at: float
    round_at: float | None
    trouble: str

    def list_of(self, gate: str) -> int:
        """The check-in list that hears of a gate."""
        return self.gate_lists.get(gate, self.check_in_list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a link stands. Times are Unix seconds; counts are of positions, and of passages and refusals to tell."""

    event: str
    base_url: str
    organizer: str
    pretix_event: str
    round_at: float | None
    trouble: str
    positions: int
    odd: int
    queued: int
    told: int
    refused: int


@dataclass(frozen=True, slots=True)
class Work:
    """One thing for a person to look at. `what` is a position's oddity, `portrait`, or `check_in`."""

    what: str
    order: str
    place: int
    ticket: str
    words: str


def make_link(hub: Hub, connection: Connection, actor: str, event: str, new: NewLink) -> None:
    """Link an event, or exchange its link. Everything is read anew at the next round; what was told stays told."""
    known = select(tables.event.c.event).where(tables.event.c.event == event)
    if connection.execute(known).first() is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")
    table, access = tables.pretix_link, new.access
    values: dict[str, Any] = {
        "base_url": access.base_url,
        "organizer": access.organizer,
        "pretix_event": access.event,
        "subevent": new.subevent,
        "check_in_list": new.check_in_list,
        "gate_lists": json.dumps(dict(new.gate_lists), sort_keys=True),
        "reading": to_json(new.reading).decode(),
        "scheme": access.scheme,
        "sealed_token": hub.seal(access.token.encode(), _place(event)),
        "period_s": new.period_s,
        "since": "",
        "trouble": "",
        "made_by": actor,
        "made_at": hub.clock(),
    }
    changed = update(table).where(table.c.event == event).values(**values).returning(table.c.event)
    if connection.execute(changed).first() is None:
        connection.execute(insert(table).values(event=event, refusals_at=hub.clock(), **values))
    sold = tables.pretix_position
    connection.execute(update(sold).where(sold.c.event == event).values(changed_at=0.0))  # may mean something else now
    hub.audit(connection, actor, "pretix_linked", event, at=access.base_url, organizer=access.organizer)


def remove_link(hub: Hub, connection: Connection, actor: str, event: str) -> None:
    """Forget the link and its credential. The tickets stay as they are. Raises `Refused`: 404."""
    link_of(hub, connection, event)
    for table in (tables.pretix_checkin, tables.pretix_holder, tables.pretix_position, tables.pretix_link):
        connection.execute(delete(table).where(table.c.event == event))
    hub.audit(connection, actor, "pretix_unlinked", event)


def link_of(hub: Hub, connection: Connection, event: str) -> Link:
    """The event's link, with its credential. Raises `Refused`: 404."""
    row = _row(connection, event)
    token = hub.unseal(row.sealed_token, _place(event)).decode()
    return Link(
        event,
        Access(row.base_url, row.organizer, row.pretix_event, row.scheme, token),
        row.check_in_list,
        from_json(Reading, row.reading),
        row.subevent,
        json.loads(row.gate_lists),
        row.period_s,
        row.since,
        row.refusals_at,
        row.round_at,
        row.trouble,
    )


def find_link(hub: Hub, connection: Connection, event: str) -> Link | None:
    """As `link_of`, or `None`."""
    table = tables.pretix_link
    known = connection.execute(select(table.c.event).where(table.c.event == event)).first()
    return link_of(hub, connection, event) if known else None


def linked(connection: Connection) -> list[tuple[str, float]]:
    """All linked events, with their periods in seconds."""
    table = tables.pretix_link
    rows = connection.execute(select(table.c.event, table.c.period_s).order_by(table.c.event))
    return [(row.event, row.period_s) for row in rows]


def standing(connection: Connection, event: str) -> Standing:
    """How the event's link stands. Raises `Refused`: 404."""
    row, sold = _row(connection, event), tables.pretix_position
    positions = connection.execute(
        select(func.count(), func.count().filter(sold.c.odd != "")).where(sold.c.event == event)
    ).one()
    states = _states(connection, event)
    return Standing(
        event,
        row.base_url,
        row.organizer,
        row.pretix_event,
        row.round_at,
        row.trouble,
        positions[0],
        positions[1],
        states.get("queued", 0),
        states.get("told", 0),
        states.get("refused", 0),
    )


def work_list(connection: Connection, event: str, limit: int = 500) -> list[Work]:
    """What people have to settle, most of it at pretix: no numbers, wrong ones, portraits, check-ins refused there."""
    _row(connection, event)
    sold, told, holder = tables.pretix_position, tables.pretix_checkin, tables.pretix_holder
    rows = connection.execute(
        select(sold)
        .where(sold.c.event == event, (sold.c.odd != "") | (sold.c.portrait != ""))
        .order_by(sold.c.order_code, sold.c.place)
        .limit(limit)
    )
    found = []
    for row in rows:
        if row.odd:
            found.append(Work(row.odd, row.order_code, row.place, row.ticket, row.words))
        if row.portrait:
            found.append(Work("portrait", row.order_code, row.place, row.ticket, row.portrait))
    refused = connection.execute(
        select(told.c.ticket, told.c.answer, sold.c.order_code, sold.c.place)
        .join(holder, (holder.c.event == told.c.event) & (holder.c.ticket == told.c.ticket))
        .join(sold, (sold.c.event == holder.c.event) & (sold.c.position == holder.c.position))
        .where(told.c.event == event, told.c.answer != "")
        .order_by(told.c.at)
        .limit(limit)
    )
    return found + [Work("check_in", row.order_code, row.place, row.ticket, row.answer) for row in refused]


def note_round(hub: Hub, event: str, trouble: str) -> None:
    """Keep when the last round was, and what went wrong."""
    table = tables.pretix_link
    with hub.begin() as connection:
        connection.execute(
            update(table).where(table.c.event == event).values(round_at=hub.clock(), trouble=trouble[:500])
        )


def _states(connection: Connection, event: str) -> dict[str, int]:
    told = tables.pretix_checkin
    rows = connection.execute(select(told.c.state, func.count()).where(told.c.event == event).group_by(told.c.state))
    return {row[0]: row[1] for row in rows}


def _row(connection: Connection, event: str) -> Any:
    table = tables.pretix_link
    row = connection.execute(select(table).where(table.c.event == event)).first()
    if row is None:
        raise Refused(404, "not_linked", f"the event {event} is linked to no pretix")
    return row


def _place(event: str) -> str:
    return f"pretix|{event}"
