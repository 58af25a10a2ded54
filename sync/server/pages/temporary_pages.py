"""The form for a temporary number, and the slip, which is shown once to be printed or written down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from sync.server.pages.event_pages import shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, reason, text
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person
from sync.server.qr import svg
from sync.server.sessions_http import require
from sync.server.temporary import Wish, issue_temporary

router = APIRouter(prefix="/events/{event}/temporary", route_class=PageRoute, include_in_schema=False)

Issuer = Annotated[Person, Depends(require(Permission.TEMPORARY_ISSUE))]


@router.get("")
def ask(request: Request, hub: TheHub, person: Issuer, event: str) -> Response:
    """The form."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
    return page(request, "temporary.html", **head, slip=None, qr="", tab="temporary")


@router.post("")
def issue(request: Request, hub: TheHub, person: Issuer, event: str, fields: Fields) -> Response:
    """The slip."""
    asked = {name: text(fields, name, 100) for name in ("ticket", "name", "department", "way")}
    with hub.begin() as connection:
        head = shown(connection, person, event)
        slip = issue_temporary(hub, connection, person.account, event, Wish(reason(fields), **asked))
    return page(request, "temporary.html", **head, slip=slip, qr=Markup(svg(slip.code)), tab="temporary")  # noqa: S704
