"""What pretix's API says, as far as we read it (REST API v1, pretix 2026.8). Unknown fields are passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime as Moment  # noqa: N812  pretix calls a field of its orders "datetime"

PAID, PENDING = "p", "n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, by the identifiers that an organiser gives to questions and options."""

    question_identifier: str
    answer: str = field(repr=False)
    option_identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seat:
    """A place of a seating plan; `name` is how it is shown."""

    name: str = ""
    seat_guid: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """One thing sold. `id` stays for ever, `positionid` counts within the order, `secret` is what its code says."""

    id: int
    positionid: int
    item: int
    secret: str = field(repr=False)
    variation: int | None = None
    attendee_name: str | None = field(default=None, repr=False)
    addon_to: int | None = None
    subevent: int | None = None
    answers: tuple[Answer, ...] = ()
    seat: Seat | None = None
    canceled: bool = False
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    blocked: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order and all that was sold with it, cancelled positions among them."""

    code: str
    status: str
    datetime: Moment
    last_modified: Moment
    testmode: bool = False
    require_approval: bool = False
    valid_if_pending: bool = False
    locale: str = "zh"
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A product. Only one with `admission` lets somebody in."""

    id: int
    admission: bool = False


@dataclass(frozen=True, slots=True)
class Subevent:
    """One date of a series."""

    id: int
    date_from: Moment
    date_to: Moment | None = None
    date_admission: Moment | None = None


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """A page of orders."""

    results: tuple[Order, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """A page of items."""

    results: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SubeventsPage:
    """A page of dates."""

    results: tuple[Subevent, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Initialized:
    """A device that was enrolled at pretix."""

    organizer: str
    device_id: int
    api_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedeemedPosition:
    """The part of a redeemed position that tells whether pretix would have said no."""

    canceled: bool = False


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The answer to a check-in: `ok`, or `error` with a reason."""

    status: str
    reason: str | None = None
    position: RedeemedPosition | None = None
