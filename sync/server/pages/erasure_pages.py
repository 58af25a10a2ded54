"""Erasing an event's persons: when that is due, doing it, and the receipt."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response

from sync.server.erasure import DAY_S, Receipt, erase, find_receipt
from sync.server.pages.event_pages import Looker, Maker, shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, sure
from sync.server.pages.render import page
from sync.server.permissions import check_event
from sync.server.problems import Refused

router = APIRouter(prefix="/events/{event}/erasure", route_class=PageRoute, include_in_schema=False)


@router.get("")
def look(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """The receipt; or when it is due, and the form."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        receipt = find_receipt(hub, connection, event)
    days = hub.settings.keep_days
    due_at = head["event"].ends_at + days * DAY_S if days else None
    shows: dict[str, Any] = {"days": days, "due_at": due_at, "receipt": receipt, "told": _told(receipt)}
    return page(request, "erasure.html", **head, **shows, tab="setup")


@router.post("")
def erase_persons(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """Erase them; before the time is over with a reason."""
    sure(fields)
    early = fields.get("early") == "yes"
    why = reason(fields) if early else ""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    erase(hub, person.account, event, why, early=early)
    return go(address("events", event, "erasure"))


@router.get("/receipt.json")
def download(hub: TheHub, person: Looker, event: str) -> Response:
    """The receipt as it was signed, to be kept elsewhere."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        receipt = find_receipt(hub, connection, event)
    if receipt is None:
        raise Refused(404, "not_erased", "the event's persons were not erased")
    body = json.dumps({"text": receipt.text, "signature": receipt.signature, "public_key": receipt.public_key})
    headers = {"content-disposition": 'attachment; filename="erasure.json"'}
    return Response(body, media_type="application/json", headers=headers)


def _told(receipt: Receipt | None) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(receipt.text) if receipt else {}
    return told
