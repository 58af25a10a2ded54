"""At a venue hub: the centre's list of persons, passed on to the hub's gates as it is, under the same names."""

from __future__ import annotations

from sqlalchemy import Connection, select

from models.store.vault import DeviceKey
from sync.client import read_all
from sync.contract import VERSION, HeldWatch, Standing
from sync.enrolment import Enrolment
from sync.server.hub import Hub
from sync.server.partner_receipts import passed
from sync.server.partner_received import THE_CENTRE, progress, take
from sync.server.upstream_client import CentreClient
from sync.server.upstream_papers import folder_of
from sync.server.watch_tables import watch_source
from sync.watch_fetch import LARGEST_PAGE, Fetched, Receiver, fetch
from sync.watch_puller import REFRESH_S


def is_wanted(hub: Hub, connection: Connection, standing: Standing) -> bool:
    """Whether the centre has another list than the one that is held here, or should confirm it."""
    cursor, issued_at = progress(connection, THE_CENTRE)
    if standing.watch_revision == 0 and cursor == 0:
        return False
    return standing.watch_revision != cursor or not 0 <= hub.clock() - issued_at < REFRESH_S


async def bring(hub: Hub, papers: Enrolment, client: CentreClient, after: int) -> Fetched:
    """What is new at the centre. Raises `BundleRefused`, `SyncFailed`, `UnsafeKey`."""

    async def ask(revision: int) -> bytes:
        async with client.stream("GET", f"/{VERSION}/gate/watch?after={revision}") as response:
            return await read_all(response, LARGEST_PAGE)

    key = DeviceKey.load(folder_of(hub.settings) / "device.key")
    return await fetch(ask, Receiver(papers.issuer_keys, papers.site, key), after, hub.clock)


def keep(hub: Hub, fetched: Fetched) -> None:
    """Let our gates hold it. Raises `BundleRefused`."""
    take(hub, THE_CENTRE, fetched, lambda entry: entry)


def told(connection: Connection, before: int) -> HeldWatch | None:
    """What the centre is told: up to which revision of its list all our gates are; `before` is what it was told last.

    `None` while nothing of its list was ever here.
    """
    source = connection.execute(select(watch_source).where(watch_source.c.source == THE_CENTRE)).first()
    if source is None:
        return None
    through = source.cursor if passed(connection).revision >= source.revision else min(before, source.cursor)
    return HeldWatch(through, 0, "")
