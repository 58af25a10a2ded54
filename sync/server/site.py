"""What this installation is: its name, which is part of every signature, its authority, and who signs its bundles."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from sync.contract import Issuer
from sync.server import tables
from sync.server.authority import Authority
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.upstream_papers import papers_of

ISSUER = "centre"
"""Under this name the server signs bundles."""


def ensure_site(hub: Hub, name: str) -> str:
    """The site's name; `name` becomes it at the first start and never changes afterwards."""
    with hub.begin() as connection:
        found: str | None = connection.execute(select(tables.site.c.name)).scalar()
        if found is None:
            connection.execute(insert(tables.site).values(one=1, name=name, made_at=hub.clock()))
            hub.audit(connection, "server", "site.made", name)
    return found or name


def site_name(connection: Connection) -> str:
    """The site's name. Raises `Refused`: 503 before the first start was complete."""
    found: str | None = connection.execute(select(tables.site.c.name)).scalar()
    if found is None:
        raise Refused(503, "no_site", "this server was not set up yet: start it with gatectl hub")
    return found


def authority_of(hub: Hub) -> Authority:
    """The hub's authority; read once in each process, made with the first one."""
    kept: Authority | None = hub.memory.get("authority")
    if kept is None:
        kept = hub.memory["authority"] = Authority.open(hub.settings.state_dir, hub.clock())
    return kept


def issuers(hub: Hub) -> tuple[Issuer, ...]:
    """Whose bundles, and whose time, the devices of this site may believe; at a venue hub the centre's as well."""
    key = hub.issuer_key.public_key().public_bytes_raw().hex()
    papers = papers_of(hub.settings)
    return (Issuer(ISSUER, key),) if papers is None else (Issuer(papers.device, key), *papers.issuers)
