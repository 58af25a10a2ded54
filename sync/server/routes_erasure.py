"""An event's persons are erased, by hand and when their time is over; and the receipt of that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, FastAPI
from pydantic import Field

from sync.server.erasure import LONGEST_WHY, PERIOD_S, Receipt, erase, erase_due, find_receipt
from sync.server.events_api import EventName
from sync.server.hub import Hub
from sync.server.periodic import every
from sync.server.permissions import check_event
from sync.server.problems import Refused
from sync.server.routes_events import ANSWERS, Organiser, TheHub, Watcher

router = APIRouter(prefix="/v1/admin/events/{event}/erasure", tags=["events"])


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Once an hour whatever is due."""
    async with every(hub, "erase_due", PERIOD_S, erase_due):
        yield


@dataclass(frozen=True, slots=True)
class ErasureWish:
    """`early`: before the time to keep is over, for which `why` is needed; it goes into the receipt."""

    why: Annotated[str, Field(max_length=LONGEST_WHY)] = ""
    early: bool = False


@router.post("", responses=ANSWERS)
def erase_event(event: EventName, body: ErasureWish, person: Organiser, hub: TheHub) -> Receipt:
    """Erase all that is kept of the event's persons, here and at its gates. Once more gives the same receipt."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    return erase(hub, person.account, event, body.why, early=body.early)


@router.get("", responses=ANSWERS)
def show_receipt(event: EventName, person: Watcher, hub: TheHub) -> Receipt:
    """The receipt of the event's erasure."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        receipt = find_receipt(hub, connection, event)
    if receipt is None:
        raise Refused(404, "not_erased", "the event's persons were not erased")
    return receipt
