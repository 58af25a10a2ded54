"""Organisations and venues, with which a new site begins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from sync.server import places
from sync.server.pages.page_route import Fields, PageRoute, TheHub, go, text
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import require

router = APIRouter(prefix="/places", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.PLACES_MANAGE))]


@router.get("")
def look(request: Request, hub: TheHub, person: Keeper) -> Response:
    """What there is, and the forms for more."""
    with hub.engine.connect() as connection:
        organisations = places.list_organisations(connection, person.organisation)
        venues = places.list_venues(connection, person.organisation)
    return page(request, "places.html", person, organisations=organisations, venues=venues)


@router.post("/organisations")
def add_organisation(hub: TheHub, person: Keeper, fields: Fields) -> Response:
    """Make an organisation."""
    identifier, name = text(fields, "identifier", 64), text(fields, "name")
    with hub.begin() as connection:
        places.add_organisation(hub, connection, person.account, identifier, name)
    return go("/places")


@router.post("/venues")
def add_venue(hub: TheHub, person: Keeper, fields: Fields) -> Response:
    """Make a venue."""
    identifier, name = text(fields, "identifier", 64), text(fields, "name")
    with hub.begin() as connection:
        places.add_venue(hub, connection, person.account, identifier, name, text(fields, "organisation", 64))
    return go("/places")
