"""Conflicts, forked ledgers, the seat check, and leases to venue hubs: what supervisors and the office decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from sync.contract import Problem
from sync.server.conflict_desk import SeatCheck, reopen_conflict, seat_check
from sync.server.conflicts import Conflict, Finding, list_conflicts, settle_conflict
from sync.server.events_api import EventName, Line
from sync.server.fork_choice import believe_the_other
from sync.server.forks import Pair, pairs_of, trust_ledger
from sync.server.hub import Hub, hub_of
from sync.server.leases import give_back, lease
from sync.server.permissions import Permission, Person, check_device, check_event
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1/admin", tags=["conflicts"])

TheHub = Annotated[Hub, Depends(hub_of)]
Looker = Annotated[Person, Depends(require(Permission.CONFLICTS_SEE))]
Settler = Annotated[Person, Depends(require(Permission.CONFLICTS_SETTLE))]
Keeper = Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Words = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
ANSWERS: dict[int | str, dict[str, Any]] = PEOPLE | {
    404: {"model": Problem, "description": "Nothing of that name that is yours to see, or not in that state"},
    409: {"model": Problem, "description": "Not as things stand"},
    422: {"model": Problem, "description": "Not as documented"},
}


@dataclass(frozen=True, slots=True)
class FindingTold:
    """What somebody found out, from the closed list, and what there is to add."""

    finding: Finding
    words: Words = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why."""

    why: Words


@dataclass(frozen=True, slots=True)
class Belief:
    """Which box wrote the truth: the one whose lines were `held` first, or the `other`."""

    side: Literal["held", "other"]
    why: Words


@dataclass(frozen=True, slots=True)
class LeaseWanted:
    """The venue hub that is to answer."""

    device: Line


@dataclass(frozen=True, slots=True)
class Return:
    """`force` takes the event back although the hub may still be answering; then a reason is needed."""

    force: bool = False
    why: Words = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many lines were moved aside."""

    lines: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Whether the centre answers from now on; if not, once the hub has passed everything on."""

    done: bool


@router.get("/events/{event}/conflicts", responses=ANSWERS)
def conflicts(
    event: EventName,
    person: Looker,
    hub: TheHub,
    state: Literal["open", "closed"] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[Conflict]:
    """Tickets that let somebody in once too often."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return list_conflicts(connection, event, is_open=state == "open", limit=limit)


@router.post("/events/{event}/conflicts/{conflict}/settle", status_code=204, responses=ANSWERS)
def settle(event: EventName, conflict: Number, body: FindingTold, person: Settler, hub: TheHub) -> None:
    """Close a conflict with what was found."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        settle_conflict(hub, connection, person.account, event, conflict, body.finding, body.words)


@router.post("/events/{event}/conflicts/{conflict}/reopen", status_code=204, responses=ANSWERS)
def reopen(event: EventName, conflict: Number, body: Reason, person: Settler, hub: TheHub) -> None:
    """Take a settled conflict up once more."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        reopen_conflict(hub, connection, person.account, event, conflict, body.why)


@router.get("/events/{event}/tickets/{ticket}/seat-check", responses=ANSWERS)
def check_seat(event: EventName, ticket: Name, person: Looker, hub: TheHub) -> SeatCheck:
    """Whose seat it is, and who passed a gate by its ticket first."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return seat_check(connection, event, ticket)


@router.get("/devices/{device}/forks", responses=ANSWERS)
def forks(device: Name, person: Looker, hub: TheHub) -> list[Pair]:
    """Lines of the device's ledgers that contradict each other."""
    with hub.engine.connect() as connection:
        check_device(connection, person, device)
        return pairs_of(connection, device)


@router.post("/devices/{device}/ledgers/{epoch}/believe", responses=ANSWERS)
def believe(device: Name, epoch: Name, body: Belief, person: Keeper, hub: TheHub) -> Moved:
    """Settle a forked ledger; the lines of the side that is not believed stay kept beside it."""
    with hub.begin() as connection:
        check_device(connection, person, device)
        if body.side == "held":
            trust_ledger(hub, connection, person.account, device, epoch)
            return Moved(0)
        return Moved(believe_the_other(hub, connection, person.account, device, epoch, body.why))


@router.post("/events/{event}/lease", status_code=204, responses=ANSWERS)
def make_lease(event: EventName, body: LeaseWanted, person: Keeper, hub: TheHub) -> None:
    """Let a venue hub answer for the event, also while it is cut off from here."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        check_device(connection, person, body.device)
        lease(hub, connection, person.account, event, body.device)


@router.post("/events/{event}/lease/return", responses=ANSWERS)
def return_lease(event: EventName, body: Return, person: Keeper, hub: TheHub) -> Returned:
    """Ask the hub to give the event back, or take it."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        done = give_back(hub, connection, person.account, event, force=body.force, why=body.why)
        return Returned(done)
