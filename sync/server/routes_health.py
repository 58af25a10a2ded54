"""`GET /v1/health` and `GET /v1/site`: what anybody may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sync.contract import Problem
from sync.server.hub import Hub, hub_of
from sync.server.problems import Refused
from sync.server.site import authority_of, site_name

router = APIRouter(prefix="/v1", tags=["anybody"])


@dataclass(frozen=True, slots=True)
class Health:
    """The server answers, and so does its database. `schema` is the version of the tables."""

    alive: bool
    schema: str
    time: float


@dataclass(frozen=True, slots=True)
class Site:
    """For a device's first contact: the authority's certificate (PEM), to be held against the code's fingerprint."""

    site: str
    authority: str
    fingerprint: str


@router.get("/health", responses={503: {"model": Problem, "description": "The database does not answer"}})
def health(hub: Annotated[Hub, Depends(hub_of)]) -> Health:
    """Whether the server is at work."""
    try:
        with hub.engine.connect() as connection:
            schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    except SQLAlchemyError:
        raise Refused(503, "no_database", "the database does not answer") from None
    return Health(True, schema, hub.clock())


@router.get("/site", responses={503: {"model": Problem, "description": "Not set up yet"}})
def site(hub: Annotated[Hub, Depends(hub_of)]) -> Site:
    """Who this server says it is. Believe it once the fingerprint is the one that you were told."""
    with hub.engine.connect() as connection:
        name = site_name(connection)
    return Site(name, authority_of(hub).pem, authority_of(hub).fingerprint)
