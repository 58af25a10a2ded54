"""One round with one pretix: orders come in, portraits are enrolled, check-ins go back. One at a time per event."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import Connection, select, update

from sync.findings import is_child
from sync.server import tables
from sync.server.enroller import NoEngine, enrolling
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.periodic import take_turn
from sync.server.pretix_intake import NOT_WHOLLY, Portrait, TakenIn, positions_of, take_in
from sync.server.pretix_link import Link, link_of, linked, note_round
from sync.server.pretix_queue import Sent, fill_queue, send_queue
from sync.server.problems import Refused
from sync.sources.people import Enrol
from sync.sources.pretix_client import Pretix, PretixAway, PretixFailed, PretixRefused
from sync.sources.pretix_reading import House, Odd, Sold, read_order
from sync.sources.pretix_shapes import Order

OVERLAP = timedelta(seconds=60)
"""An order's time of change is written before its transaction commits: so far back it is read again."""

_LOOKED_AT_AGAIN = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to. `trouble` says in words what did not happen; the rest did."""

    orders: int = 0
    taken: TakenIn = field(default_factory=TakenIn)
    sent: Sent = field(default_factory=Sent)
    trouble: str = ""


def do_round(
    hub: Hub, event: str, *, transport: httpx.BaseTransport | None = None, enrol: Enrol | None = None
) -> Round:
    """Take in what changed, tell what happened. Raises `Refused`: 404; 409 `syncing` where somebody is at it.

    Failures of pretix are no errors of ours: they are in `trouble` and at the link. Check-ins go out even where orders
    can't be read, and the other way round.
    """
    with hub.begin() as connection:
        link = link_of(hub, connection, event)
    lock = ImportLock.of_the_dead(hub, f"pretix-{event.encode().hex()}")
    if lock is None:
        raise Refused(409, "syncing", "this event is being brought up to date at this moment")
    try:
        with Pretix(link.access, transport) as pretix:
            done = _both_ways(hub, link, pretix, enrol)
    except PretixFailed as error:  # the address itself
        done = Round(trouble=str(error))
    finally:
        lock.release()
    note_round(hub, event, done.trouble)
    return done


def do_due_rounds(hub: Hub) -> None:
    """The rounds that are due, of all links; with many workers, each round is one worker's."""
    with hub.begin() as connection:
        links = linked(connection)
    for event, period_s in links:
        with hub.begin() as connection:
            mine = take_turn(hub, connection, f"pretix|{event}", period_s)
        if mine:
            try:
                do_round(hub, event)
            except Refused as refused:
                _log.warning("pretix round of %s: %s", event, refused.code)
            except Exception:  # one link that fails keeps no other one waiting
                _log.exception("the pretix round of %s failed", event)


def _both_ways(hub: Hub, link: Link, pretix: Pretix, enrol: Enrol | None) -> Round:
    done, troubles = Round(), []
    try:
        done = _take_in(hub, link, pretix, enrol)
    except (PretixFailed, Refused) as error:
        troubles.append(str(error))
    try:
        with hub.begin() as connection:
            fill_queue(hub, connection, link)
        done = replace(done, sent=send_queue(hub, link, pretix))
    except PretixFailed as error:
        troubles.append(str(error))
    return replace(done, trouble="; ".join(dict.fromkeys(troubles)))


def _take_in(hub: Hub, link: Link, pretix: Pretix, enrol: Enrol | None) -> Round:
    orders, until = _orders(link, pretix)
    read = {order.code for order in orders}
    with hub.engine.connect() as connection:
        again = [code for code in _odd_orders(connection, link.event) if code not in read]
    orders += _orders_again(pretix, again)
    if not orders:
        return _taken(hub, link, until, [], {}, 0)
    house = _house(hub, link, pretix)
    sold = [one for order in orders for one in read_order(order, link.reading, house)]
    with hub.engine.connect() as connection:
        sold = _changed(connection, link.event, sold)
    return _taken(hub, link, until, sold, _portraits(hub, pretix, sold, enrol), len(read))


def _taken(
    hub: Hub, link: Link, until: str, sold: Sequence[Sold], portraits: Mapping[int, Portrait], orders: int
) -> Round:
    table = tables.pretix_link
    with hub.begin() as connection:
        taken = take_in(hub, connection, link.event, sold, portraits) if sold else TakenIn()
        connection.execute(update(table).where(table.c.event == link.event).values(since=until or link.since))
    return Round(orders, taken)


def _orders_again(pretix: Pretix, codes: Sequence[str]) -> list[Order]:
    """Orders by their codes; one that is gone at pretix (a test order) is left out."""
    found = []
    for code in codes:
        try:
            found.append(pretix.order(code))
        except PretixRefused as error:
            if error.status != 404:
                raise
    return found


def _orders(link: Link, pretix: Pretix) -> tuple[list[Order], str]:
    """What changed, and the time from which the next round asks: that of the first page."""
    orders: list[Order] = []
    until = ""
    for generated, page in pretix.orders(_a_little_before(link.since)):
        until = until or generated
        orders += page
    return orders, until


def _a_little_before(since: str) -> str:
    if not since:
        return ""
    return (datetime.fromisoformat(since).astimezone(UTC) - OVERLAP).isoformat()


def _odd_orders(connection: Connection, event: str) -> list[str]:
    """Orders kept out by what may have changed here (another's ticket, the event's rules), or not wholly read."""
    sold = tables.pretix_position
    ours = sold.c.odd.in_((Odd.RULE.value, Odd.IN_USE.value)) | (sold.c.changed_at == NOT_WHOLLY)
    rows = connection.execute(
        select(sold.c.order_code).where(sold.c.event == event, ours).distinct().limit(_LOOKED_AT_AGAIN)
    )
    return list(rows.scalars())


def _changed(connection: Connection, event: str, sold: Sequence[Sold]) -> list[Sold]:
    """Without those that are as they were, and those of others that never concerned us."""
    known = positions_of(connection, event, [one.position for one in sold])
    return [one for one in sold if _is_news(one, known.get(one.position))]


def _is_news(one: Sold, row: object) -> bool:
    if row is None:
        return one.sells
    return bool(getattr(row, "odd", "") or getattr(row, "changed_at", 0.0) != one.changed_at)


def _house(hub: Hub, link: Link, pretix: Pretix) -> House:
    table = tables.event
    with hub.engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.event == link.event)).one()
    admitting = frozenset(item.id for item in pretix.items().values() if item.admission)
    return House(link.event, row.begins_at, row.ends_at, admitting, pretix.subevents(), link.subevent)


def _portraits(hub: Hub, pretix: Pretix, sold: Sequence[Sold], enrol: Enrol | None) -> dict[int, Portrait]:
    """A reference for each portrait that may be kept and will do; words for each of the others."""
    wanted = [one for one in sold if one.portrait and one.holding is not None]
    if not wanted:
        return {}
    made = {one.position: Portrait(words=words) for one in wanted if (words := _forbidden(hub, one))}
    with ExitStack() as stack:
        try:
            engine = enrol or (stack.enter_context(enrolling(hub.settings.face)) if hub.settings.face else None)
        except NoEngine:
            engine = None
        folder = Path(stack.enter_context(_room()))
        for one in wanted:
            if one.position not in made:
                made[one.position] = _portrait(pretix, one, engine, folder / "portrait")
    return made


def _forbidden(hub: Hub, one: Sold) -> str:
    assert one.holding is not None
    if not one.consent:
        return "there is a portrait without consent: it was not fetched"
    today = datetime.fromtimestamp(hub.clock(), UTC).date()
    if is_child(one.holding, today) and not one.holding.guardian_consent:
        return "there is a child's portrait without a guardian's consent: it was not fetched"
    return ""


def _portrait(pretix: Pretix, one: Sold, engine: Enrol | None, path: Path) -> Portrait:
    if engine is None:
        return Portrait(words="no face engine is there to enrol the portrait")
    try:
        path.write_bytes(pretix.file(one.portrait))
    except PretixAway as error:
        return Portrait(words=str(error), again=True)
    except PretixRefused as error:
        return Portrait(words=str(error))
    try:
        answer = engine(path)
    finally:
        path.unlink(missing_ok=True)
    if isinstance(answer, str):
        return Portrait(words=f"another portrait is needed: this is {answer}")
    return Portrait(replace(answer, legal_basis=one.consent))


@contextmanager
def _room() -> Iterator[str]:
    """A folder for a portrait at a time, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="menshen-portrait-") as folder:
        yield folder
