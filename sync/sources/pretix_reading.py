"""What an order at pretix means here: who holds which ticket, with which document; or what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from models.ids import DocumentType, mask_name, normalise_number
from models.ticket import Entitlement, Ticket, Validity
from sync.holding import Document, Holding
from sync.sources.people import wrong_number
from sync.sources.pretix_shapes import PAID, PENDING, Order, Position, Subevent
from sync.sources.table import tidy

STANDARD = "standard"
_YES = ("true", "yes")


class Odd(StrEnum):
    """Why a position that pretix sold gives no ticket yet. Each stands on the work list until it is settled."""

    NO_NUMBER = "no_number"
    BAD_NUMBER = "bad_number"
    NO_SUCH_DOCUMENT = "no_such_document"
    BAD_TIMES = "bad_times"
    IN_USE = "in_use"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Reading:
    """How pretix's words are to be read. Questions are named by their identifiers; empty: there is no such question.

    `documents` maps the options of the question `document` to kinds; without it, or without an answer, a number is of
    the kind `kind`. `categories` and `gates` are by product, `12`, or by its variation, `12-3`.
    """

    number: str = "id_number"
    document: str = ""
    documents: Mapping[str, DocumentType] = field(default_factory=dict)
    kind: DocumentType = DocumentType.RESIDENT_ID
    portrait: str = ""
    consent: str = ""
    guardian_consent: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class House:
    """The event of ours: its name, its hours in Unix seconds, the products that admit, and pretix's dates.

    With `subevent`, positions of other dates are none of ours.
    """

    event: str
    begins_at: float
    ends_at: float
    admitting: frozenset[int]
    dates: Mapping[int, Subevent] = field(default_factory=dict)
    subevent: int | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """One position, read. `holding` is there where it admits somebody and nothing is odd.

    `sells` is false where pretix admits nobody with it: cancelled, refunded, unpaid, blocked, a test, of another date.
    """

    position: int
    order: str
    place: int
    secret: str = field(repr=False)
    changed_at: float
    sells: bool
    holding: Holding | None = None
    odd: Odd | None = None
    words: str = ""
    portrait: str = field(default="", repr=False)
    consent: str = ""

    @property
    def ref(self) -> str:
        """As on the ticket that pretix prints: the order's code and the place in it."""
        return f"{self.order}-{self.place}"


def read_order(order: Order, reading: Reading, house: House) -> list[Sold]:
    """All positions of an order, those that admit nobody among them: a ticket may have been made of one before."""
    return [_sold(order, one, reading, house) for one in order.positions]


def _sold(order: Order, position: Position, reading: Reading, house: House) -> Sold:
    told = Sold(
        position.id,
        order.code,
        position.positionid,
        position.secret,
        order.last_modified.timestamp(),
        sells=_sells(order, position, house),
    )
    if not told.sells:
        return told
    answers = _Answers(position)
    odd, document, words = _document(answers, reading)
    validity = _validity(position, house)
    if odd is None and validity.not_after <= validity.not_before:
        odd, words = Odd.BAD_TIMES, "it ends before it begins"
    if odd is not None or document is None:
        return replace(told, odd=odd, words=words)
    guardian = f"pretix {told.ref}" if answers.yes(reading.guardian_consent) else ""
    ticket = _ticket(told, order, position, reading, house, validity)
    return replace(
        told,
        holding=Holding(ticket, (document,), guardian),
        portrait=answers.text(reading.portrait),
        consent=_consent(order, answers, reading),
    )


def _sells(order: Order, position: Position, house: House) -> bool:
    paid = order.status == PAID or (order.status == PENDING and order.valid_if_pending and not order.require_approval)
    ours = house.subevent is None or position.subevent == house.subevent
    admits = position.item in house.admitting and not (position.canceled or position.blocked)
    return paid and ours and admits and not order.testmode


class _Answers:
    """The answers of a position by the identifiers of their questions."""

    def __init__(self, position: Position) -> None:
        self._by = {answer.question_identifier: answer for answer in position.answers}

    def text(self, question: str) -> str:
        answer = self._by.get(question) if question else None
        return tidy(answer.answer) if answer else ""

    def options(self, question: str) -> tuple[str, ...]:
        answer = self._by.get(question) if question else None
        return answer.option_identifiers if answer else ()

    def yes(self, question: str) -> bool:
        return self.text(question).lower() in _YES


def _document(answers: _Answers, reading: Reading) -> tuple[Odd | None, Document | None, str]:
    kind, chosen = reading.kind, answers.options(reading.document)
    if chosen:
        if chosen[0] not in reading.documents:
            return Odd.NO_SUCH_DOCUMENT, None, "the kind of document that was chosen is none of the link's"
        kind = reading.documents[chosen[0]]
    number = normalise_number(answers.text(reading.number))
    if not number:
        return Odd.NO_NUMBER, None, "nobody has entered the document's number"
    expected = wrong_number(kind, number)
    if expected:
        return Odd.BAD_NUMBER, None, f"the number is no {kind} number: expected {expected}"
    return None, Document(kind, number), ""


def _validity(position: Position, house: House) -> Validity:
    date = house.dates.get(position.subevent) if position.subevent is not None else None
    begins = date.date_admission or date.date_from if date else None
    ends = date.date_to if date else None
    return Validity(
        _seconds(position.valid_from or begins, house.begins_at), _seconds(position.valid_until or ends, house.ends_at)
    )


def _seconds(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else moment.timestamp()


def _ticket(told: Sold, order: Order, position: Position, reading: Reading, house: House, validity: Validity) -> Ticket:
    keys = (f"{position.item}-{position.variation}", str(position.item))
    gates = next((reading.gates[key] for key in keys if key in reading.gates), ())
    seat = tidy(position.seat.name) if position.seat else ""
    return Ticket(
        told.ref,
        Entitlement(house.event, tuple(gates), seat=seat),
        validity,
        category=next((reading.categories[key] for key in keys if key in reading.categories), STANDARD),
        bound_at=order.datetime.timestamp(),
        masked_name=mask_name(tidy(position.attendee_name or "")),
        language=order.locale.split("-")[0] or "zh",
    )


def _consent(order: Order, answers: _Answers, reading: Reading) -> str:
    """Names the consent that stands in the order; empty where none was given."""
    return f"pretix {order.code}" if answers.yes(reading.consent) else ""
