"""Organisations and venues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from sync.server import places
from sync.server.permissions import Permission, Person
from sync.server.routes_accounts import CHANGE, TheHub
from sync.server.sessions_http import PEOPLE, SomePerson, require

router = APIRouter(prefix="/v1", tags=["people"])
PlacesKeeper = Annotated[Person, Depends(require(Permission.PLACES_MANAGE))]


@dataclass(frozen=True, slots=True)
class OrganisationWish:
    """What it is called."""

    name: str


@dataclass(frozen=True, slots=True)
class VenueWish:
    """What it is called, and whose it is."""

    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation or a venue; of an organisation both identifiers are the same."""

    identifier: str
    name: str
    organisation: str


@router.get("/admin/organisations", responses=PEOPLE)
def organisations(person: SomePerson, hub: TheHub) -> list[Place]:
    """The organisations that you see."""
    with hub.engine.connect() as connection:
        rows = places.list_organisations(connection, person.organisation)
    return [Place(row.organisation, row.name, row.organisation) for row in rows]


@router.post("/admin/organisations/{organisation}", status_code=201, responses=CHANGE)
def add_organisation(organisation: str, body: OrganisationWish, person: PlacesKeeper, hub: TheHub) -> Place:
    """Make an organisation."""
    with hub.begin() as connection:
        places.add_organisation(hub, connection, person.account, organisation, body.name)
    return Place(organisation, body.name, organisation)


@router.get("/admin/venues", responses=PEOPLE)
def venues(person: SomePerson, hub: TheHub) -> list[Place]:
    """The venues that you see."""
    with hub.engine.connect() as connection:
        rows = places.list_venues(connection, person.organisation)
    return [Place(row.venue, row.name, row.organisation) for row in rows]


@router.post("/admin/venues/{venue}", status_code=201, responses=CHANGE)
def add_venue(venue: str, body: VenueWish, person: PlacesKeeper, hub: TheHub) -> Place:
    """Make a venue."""
    with hub.begin() as connection:
        places.add_venue(hub, connection, person.account, venue, body.name, body.organisation)
    return Place(venue, body.name, body.organisation)
