"""Temporary numbers: for a person without a document, a supervisor issues one that is good for a day.

It is an 18-character number of a region that does not exist (00), the day of issue in the birthday's place, seven
random digits around it, and a right check digit: the lane's screen for temporary IDs takes it as it is, and so does
a slip's QR code. At the gate a person looks at whoever brings it, as at everybody without a chip. It belongs to an
appointment there is, or to a new one made for the day.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from sqlalchemy import Connection, select

from models.code import SignedCode
from models.decision import Policy
from models.ids import DocumentType, check_digit, mask_name
from models.store.code_signature import sign_code
from models.ticket import Entitlement, Ticket, TicketStatus, Validity
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.publish import PUBLISHED, publish_changes
from sync.server.rules import findings_of_change, refuse_errors
from sync.server.tickets import find_ticket, find_tickets, policy_of_event, put_tickets

CATEGORY = "temporary"
REGION = "00"
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom: an appointment there is, or a new one. `name` is kept masked; `why` goes into the audit."""

    why: str
    ticket: str = ""
    name: str = field(default="", repr=False)
    department: str = ""
    way: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    """What is handed out: the number to write down, the code to print. Told once and kept nowhere in clear."""

    ticket: str
    number: str = field(repr=False)
    code: str = field(repr=False)
    day: date
    masked_name: str = ""
    department: str = ""
    way: str = ""


def issue_temporary(hub: Hub, connection: Connection, actor: str, event: str, wish: Wish) -> Slip:
    """Issue a number for today, and send it to the gates where the event is published.

    Raises `Refused`: 404; 409 `event_closed`, `ticket_revoked`, `not_today`, `rules_broken`; 422 `no_reason`.
    """
    if not wish.why.strip():
        raise Refused(422, "no_reason", "why this person has no document")
    row = tables.event.c
    state = connection.execute(select(row.state).where(row.event == event).with_for_update()).scalar()
    if state == "closed":
        raise Refused(409, "event_closed", f"the event {event} is closed: its tickets stay as they are")
    policy = policy_of_event(connection, event)
    today, ends = _today(hub.clock(), policy)
    number = new_number(today)
    held = _held(hub, connection, event, wish, (hub.clock(), ends))
    code = f"{CATEGORY}-{secrets.token_hex(8)}"
    opens = Document(DocumentType.TEMPORARY_ID, number, today), Document(DocumentType.TICKET_CODE, code.upper(), today)
    holding = replace(held, documents=(*held.documents, *opens))
    put_tickets(hub, connection, actor, event, [holding], source=CATEGORY)
    if state == PUBLISHED:
        refuse_errors(findings_of_change(hub, connection, event, [holding]))
        publish_changes(hub, connection, actor, event)
    ticket = holding.ticket
    hub.audit(connection, actor, "temporary.issued", event, ticket=ticket.ticket, why=wish.why[:LONGEST])
    signed = SignedCode(event, code.upper(), math.floor(hub.clock()), math.ceil(ends))
    holds = ticket.entitlement
    text = sign_code(signed, hub.issuer_key)
    return Slip(ticket.ticket, number, text, today, ticket.masked_name, holds.department, holds.way)


def new_number(day: date) -> str:
    """A number that nobody was born with, and that nobody guesses within a day at the few tries a lane takes."""
    digits = f"{secrets.randbelow(10_000_000):07d}"
    stem = f"{REGION}{digits[:4]}{day:%Y%m%d}{digits[4:]}"
    return stem + check_digit(stem)


def _held(hub: Hub, connection: Connection, event: str, wish: Wish, times: tuple[float, float]) -> Holding:
    now, ends = times
    if not wish.ticket:
        name = f"N-{secrets.token_hex(4).upper()}"
        if find_tickets(hub, connection, event, [name]):
            raise Refused(409, "ticket_exists", "this name was drawn before: once more, please")
        holds = Entitlement(event, department=wish.department, way=wish.way)
        ticket = Ticket(name, holds, Validity(now, ends), category=CATEGORY, bound_at=now)
        return Holding(replace(ticket, masked_name=mask_name(wish.name)), ())
    held = find_ticket(hub, connection, event, wish.ticket)
    if held.ticket.status is not TicketStatus.VALID:
        raise Refused(409, "ticket_revoked", f"the appointment {wish.ticket} was cancelled")
    if not held.ticket.validity.not_before < ends or held.ticket.validity.not_after < now:
        raise Refused(409, "not_today", f"the appointment {wish.ticket} is not today's")
    kept = (one for one in held.documents if one.kind not in (DocumentType.TEMPORARY_ID,))
    return replace(held, documents=tuple(kept))


def _today(now: float, policy: Policy) -> tuple[date, float]:
    """The day at the venue, and the moment at which it ends."""
    zone = timezone(timedelta(seconds=policy.utc_offset_s)) if policy.utc_offset_s else UTC
    day = datetime.fromtimestamp(now, zone).date()
    return day, datetime.combine(day + timedelta(days=1), time.min, zone).timestamp() - 1.0
