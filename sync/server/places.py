"""Organisations and their venues: whose devices and events they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.problems import Refused

_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def add_organisation(hub: Hub, connection: Connection, actor: str, organisation: str, name: str) -> None:
    """Make an organisation. Raises `Refused`: 409 where it is there, 422 for a name that is none."""
    _refuse_bad(organisation, name)
    table = tables.organisation
    fresh = insert_or_ignore(connection, table).values(organisation=organisation, name=name)
    if connection.execute(fresh.returning(table.c.organisation)).first() is None:
        raise Refused(409, "organisation_there", "there is an organisation of this identifier: take another one")
    hub.audit(connection, actor, "organisation.made", organisation)


def add_venue(hub: Hub, connection: Connection, actor: str, venue: str, name: str, organisation: str) -> None:
    """Make a venue of `organisation`. Raises `Refused`: 404, 409 where it is there, 422 for a name that is none."""
    _refuse_bad(venue, name)
    held = tables.organisation.c.organisation
    if connection.execute(select(held).where(held == organisation)).first() is None:
        raise Refused(404, "no_such_organisation", "there is no such organisation: make it first")
    fresh = insert_or_ignore(connection, tables.venue).values(venue=venue, organisation=organisation, name=name)
    if connection.execute(fresh.returning(tables.venue.c.venue)).first() is None:
        raise Refused(409, "venue_there", "there is a venue of this identifier: take another one")
    hub.audit(connection, actor, "venue.made", venue, organisation=organisation)


def list_venues(connection: Connection, organisation: str | None = None) -> Sequence[Row[Any]]:
    """All venues, or those of one organisation."""
    venue = tables.venue
    found = select(venue).order_by(venue.c.venue)
    return connection.execute(
        found if organisation is None else found.where(venue.c.organisation == organisation)
    ).all()


def list_organisations(connection: Connection, organisation: str | None = None) -> Sequence[Row[Any]]:
    """All organisations, or just this one."""
    table = tables.organisation
    found = select(table).order_by(table.c.organisation)
    return connection.execute(
        found if organisation is None else found.where(table.c.organisation == organisation)
    ).all()


def _refuse_bad(identifier: str, name: str) -> None:
    if not _IDENTIFIER.fullmatch(identifier):
        raise Refused(422, "bad_identifier", "an identifier has 1 to 64 of a–z, 0–9, '.', '_' and '-'")
    if not (name.strip() == name and 0 < len(name) <= 200 and name.isprintable()):
        raise Refused(422, "bad_name", "a name has 1 to 200 printable characters and no blanks around")
