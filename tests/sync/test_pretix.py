"""Pretix's API read, and its orders turned into tickets; the shapes are those of pretix 2026.8.0."""

from __future__ import annotations

from typing import Any

import pytest

from models.ids import DocumentType
from models.wire import from_json, to_json
from sync.sources.pretix_client import (
    Access,
    Checkin,
    Pretix,
    PretixAway,
    PretixDenied,
    PretixRefused,
    checked_url,
    enrol,
)
from sync.sources.pretix_reading import House, Odd, Reading, Sold, read_order
from sync.sources.pretix_shapes import Order
from tests.sync.pretix_fake import EVENT, GENERATED, TOKEN, URL, FakePretix, answer, number, order, position

HOUSE = House("gala", 1_000.0, 2_000.0, frozenset({1}))
READING = Reading(
    document="document",
    documents={"passport": DocumentType.PASSPORT},
    portrait="portrait",
    consent="consent",
    categories={"1": "invitation", "1-3": "work"},
    gates={"1-3": ("A1",)},
)


@pytest.fixture
def fake() -> FakePretix:
    return FakePretix()


def _client(fake: FakePretix, token: str = TOKEN) -> Pretix:
    return Pretix(Access(URL, "hall", "gala", "Device", token), fake.transport)


def _read(*positions: dict[str, Any], house: House = HOUSE, **changes: Any) -> list[Sold]:
    read = from_json(Order, to_json(order("YKEDF", *positions, **changes)))
    return read_order(read, READING, house)


def test_a_device_is_enrolled_by_its_code(fake: FakePretix) -> None:
    made = enrol(URL, "2o7kk8vl8mg0sbw1", fake.transport)
    assert (made.organizer, made.api_token) == ("hall", TOKEN)
    assert TOKEN not in repr(made)


def test_all_pages_come_oldest_sale_first_whatever_host_the_next_link_names(fake: FakePretix) -> None:
    for serial in range(120):
        fake.sell(f"O{serial:03d}", position(serial))
    with _client(fake) as pretix:
        pages = list(pretix.orders("2026-11-22T07:00:00Z"))
    assert [len(page) for _, page in pages] == [50, 50, 20]
    assert {generated for generated, _ in pages} == {GENERATED}
    assert {request.url.host for request in fake.requests} == {"tickets.example"}
    assert {request.url.params["ordering"] for request in fake.requests} == {"datetime"}
    assert not any(TOKEN in str(request.url) for request in fake.requests)


def test_the_token_goes_to_pretix_and_nowhere_else(fake: FakePretix) -> None:
    for url in ("https://elsewhere.example/api/v1/x", f"{URL}.evil.example/api/v1/x", f"{URL}/media/x"):
        with _client(fake) as pretix, pytest.raises(PretixRefused):
            pretix.file(url)
    assert fake.requests == []


@pytest.mark.parametrize(
    "url", ["http://tickets.example", "ftp://x", "https://u:p@tickets.example", "https://x/?a=b", "https://"]
)
def test_an_address_to_which_no_token_may_go_is_refused(url: str) -> None:
    with pytest.raises(PretixRefused):
        checked_url(url)


@pytest.mark.parametrize(
    ("status", "failure"), [(503, PretixAway), (429, PretixAway), (403, PretixDenied), (404, PretixRefused)]
)
def test_each_refusal_is_what_it_means_for_us(fake: FakePretix, status: int, failure: type[Exception]) -> None:
    fake.down = status
    with _client(fake) as pretix, pytest.raises(failure):
        pretix.items()


def test_a_wrong_token_is_denied_and_not_repeated(fake: FakePretix) -> None:
    with _client(fake, "wrong") as pretix, pytest.raises(PretixDenied) as denied:
        pretix.items()
    assert "wrong" not in str(denied.value)


def test_a_passage_is_told_by_force_with_its_time_and_nonce(fake: FakePretix) -> None:
    with _client(fake) as pretix:
        told = Checkin(1, "secret1", False, 1_780_000_000.5, "n1")
        assert pretix.check_in(told).status == "ok"
        fake.unknown.add("secret1")
        assert pretix.check_in(told).reason == "invalid"
    (sent,) = fake.checkins.values()
    assert (sent["force"], sent["lists"], sent["type"], sent["nonce"]) == (True, [1], "entry", "n1")
    assert sent["datetime"] == "2026-05-28T20:26:40.500000+00:00"
    assert not any("secret1" in str(request.url) for request in fake.requests)


def test_a_refusal_goes_to_its_list(fake: FakePretix) -> None:
    with _client(fake) as pretix:
        pretix.refused(Checkin(4, "secret1", True, 0.0, "n1"), "error", "refused by staff")
    assert fake.requests[-1].url.path == f"{EVENT}/checkinlists/4/failed_checkins/"
    assert (fake.failed["n1"]["error_reason"], fake.failed["n1"]["type"]) == ("error", "exit")


def test_a_position_becomes_a_ticket_with_seat_holder_and_hours() -> None:
    (sold,) = _read(position(1))
    assert sold.holding is not None
    ticket = sold.holding.ticket
    assert (ticket.ticket, ticket.masked_name, ticket.entitlement.seat) == ("YKEDF-1", "张*", "Stalls, Row A, Seat 0")
    assert (ticket.category, ticket.validity.not_before, ticket.validity.not_after) == ("invitation", 1_000.0, 2_000.0)
    assert sold.holding.documents[0].number == number(1)
    assert number(1) not in repr(sold)
    assert "secret1" not in repr(sold)


def test_a_variation_is_mapped_before_its_product() -> None:
    (sold,) = _read(position(1, variation=3))
    assert sold.holding is not None
    assert (sold.holding.ticket.category, sold.holding.ticket.entitlement.gates) == ("work", ("A1",))


def test_times_of_its_own_come_before_those_of_the_event() -> None:
    (sold,) = _read(position(1, valid_from="1970-01-01T00:20:00Z", valid_until="1970-01-01T00:25:00Z"))
    assert sold.holding is not None
    assert (sold.holding.ticket.validity.not_before, sold.holding.ticket.validity.not_after) == (1_200.0, 1_500.0)


def test_a_full_width_number_is_read_and_a_passport_is_one() -> None:
    wide = number(1).translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    passport = position(2, answer("id_number", "e 1234567"), answer("document", "Passport", "passport"))
    one, two = _read(position(1, answer("id_number", wide)), passport)
    assert one.holding is not None
    assert two.holding is not None
    assert one.holding.documents[0].number == number(1)
    assert (two.holding.documents[0].kind, two.holding.documents[0].number) == (DocumentType.PASSPORT, "E1234567")


@pytest.mark.parametrize(
    ("answers", "odd"),
    [
        ([answer("other", "x")], Odd.NO_NUMBER),
        ([answer("id_number", number(1)[:17] + "Y")], Odd.BAD_NUMBER),
        ([answer("id_number", number(1)), answer("document", "Card", "library")], Odd.NO_SUCH_DOCUMENT),
    ],
)
def test_what_is_odd_is_named_and_its_neighbour_is_sold(answers: list[dict[str, Any]], odd: Odd) -> None:
    strange, plain = _read(position(1, *answers), position(2))
    assert (strange.odd, strange.holding) == (odd, None)
    assert plain.holding is not None
    assert number(1)[:17] not in strange.words


@pytest.mark.parametrize(
    ("of_position", "of_order"),
    [
        ({"canceled": True}, {}),
        ({"blocked": ["admin"]}, {}),
        ({"item": 2}, {}),
        ({}, {"status": "c"}),
        ({}, {"status": "n"}),
        ({}, {"status": "n", "valid_if_pending": True, "require_approval": True}),
        ({}, {"testmode": True}),
    ],
)
def test_what_pretix_does_not_admit_sells_nothing(of_position: dict[str, Any], of_order: dict[str, Any]) -> None:
    (sold,) = _read(position(1, **of_position), **of_order)
    assert (sold.sells, sold.holding, sold.odd) == (False, None, None)


def test_a_pending_order_that_is_valid_all_the_same_sells() -> None:
    (sold,) = _read(position(1), status="n", valid_if_pending=True)
    assert sold.sells


def test_of_a_series_only_our_date_counts() -> None:
    house = House("gala", 1_000.0, 2_000.0, frozenset({1}), subevent=5)
    assert [one.sells for one in _read(position(1, subevent=5), position(2, subevent=6), house=house)] == [True, False]
