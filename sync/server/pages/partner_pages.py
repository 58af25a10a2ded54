"""Partners: this site's card and theirs, fingerprints side by side, what was agreed, and its end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from models.watch import WatchPurpose
from models.wire import to_json
from sync.server import partner_end, partner_look, partners
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, raw, sure, text
from sync.server.pages.render import page
from sync.server.partners import Terms
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.sessions_http import require

router = APIRouter(prefix="/partners", route_class=PageRoute, include_in_schema=False)

Sharer = Annotated[Person, Depends(require(Permission.WATCH_SHARE))]
PURPOSES = [one.value for one in WatchPurpose if one is not WatchPurpose.FREQUENT]
WAYS = ("gets", "gives", "may_entrust", "entrusts")
TO_REPAIR = ("no_card", "own_card", "partner_known", "bad_terms", "other_fingerprint", "partner_not_entered")
"""Refusals that are told beside the form."""


@router.get("")
def look(request: Request, hub: TheHub, person: Sharer) -> Response:
    """This site's card, all partners, and the form for another."""
    return _list(request, hub, person)


@router.post("")
def enter(request: Request, hub: TheHub, person: Sharer, fields: Fields) -> Response:
    """Enter a partner's card; then the fingerprints are compared."""
    try:
        card = partners.read_card(raw(fields, "card").strip())
        with hub.begin() as connection:
            partners.enter(hub, connection, person.account, card, _terms(fields))
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _list(request, hub, person, refused.code, raw(fields, "card")[:20_000])
    return go(address("partners", card.site))


@router.get("/{partner}")
def one(request: Request, hub: TheHub, person: Sharer, partner: str) -> Response:
    """One partner."""
    return _one(request, hub, person, partner)


@router.post("/{partner}/trust")
def trust(request: Request, hub: TheHub, person: Sharer, partner: str, fields: Fields) -> Response:
    """Both fingerprints were compared, and these are the last digits that were heard."""
    try:
        with hub.begin() as connection:
            partners.trust(hub, connection, person.account, partner, text(fields, "heard", 40))
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _one(request, hub, person, partner, refused.code)
    return go(address("partners", partner))


@router.post("/{partner}/terms")
def terms(request: Request, hub: TheHub, person: Sharer, partner: str, fields: Fields) -> Response:
    """Agree on something else."""
    try:
        with hub.begin() as connection:
            partners.change_terms(hub, connection, person.account, partner, _terms(fields))
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _one(request, hub, person, partner, refused.code)
    return go(address("partners", partner))


@router.post("/{partner}/end")
def end(hub: TheHub, person: Sharer, partner: str, fields: Fields) -> Response:
    """End the partnership."""
    sure(fields)
    with hub.begin() as connection:
        partner_end.end(hub, connection, person.account, partner)
    return go(address("partners", partner))


def _terms(fields: FormData) -> Terms:
    ways = {way: fields.get(way) == "yes" for way in WAYS}
    chosen = tuple(sorted({str(one) for one in fields.getlist("purpose")} & set(PURPOSES)))
    owners = {one.strip() for one in raw(fields, "owners")[:10_000].splitlines()} - {""}
    if any(len(owner) > 200 or not owner.isprintable() for owner in owners):
        raise Refused(422, "bad_terms", "an owner is one line of at most 200 characters")
    return Terms(**ways, purposes=() if len(chosen) == len(PURPOSES) else chosen, owners=tuple(sorted(owners)))


def _list(request: Request, hub: TheHub, person: Person, code: str = "", card: str = "") -> Response:
    with hub.begin() as connection:
        ours = partners.own_card(hub, connection)
        found = partner_look.standings(connection)
        told = partner_look.own_fingerprint(hub, connection)
    shows = {"ours": to_json(ours).decode(), "fingerprint": told, "found": found, "purposes": PURPOSES}
    return page(request, "partners.html", person, 422 if code else 200, **shows, terms=Terms(), code=code, card=card)


def _one(request: Request, hub: TheHub, person: Person, partner: str, code: str = "") -> Response:
    with hub.begin() as connection:
        found = partner_look.standing(connection, partner)
        told = partner_look.own_fingerprint(hub, connection)
    shows = {"one": found, "fingerprint": told, "purposes": PURPOSES, "terms": found.terms, "code": code}
    return page(request, "partner.html", person, 422 if code else 200, **shows)
