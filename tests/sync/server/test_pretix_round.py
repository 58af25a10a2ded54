"""Rounds with a pretix: tickets in, check-ins out, whatever happens between. On both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from models.decision import Profile, Reason
from models.face import FaceReference
from models.passage import Direction, Passage
from models.profiles import policy_of
from models.ticket import TicketStatus
from sync.server import tables
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.pretix_link import NewLink, link_of, make_link, remove_link, standing, work_list
from sync.server.pretix_queue import told_reason
from sync.server.pretix_round import Round, do_due_rounds, do_round
from sync.server.problems import Refused
from sync.server.tickets import NewEvent, find_tickets, make_event
from sync.sources.people import Enrol
from sync.sources.pretix_client import Access
from sync.sources.pretix_reading import Reading
from tests.peers.pretix_gate import Gate
from tests.sync.pretix_fake import TOKEN, URL, FakePretix, answer, number, position

EVENT = "gala"
GOOD = FaceReference("sim-1", b"\0\0\0\0")


@pytest.fixture
def fake(hub: Hub) -> FakePretix:
    """A pretix, and an event of ours that is linked to it."""
    made = FakePretix()
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        new = NewEvent("o", "v", "Gala", hub.clock(), hub.clock() + 3600, policy_of(Profile.CONCERT, EVENT))
        make_event(hub, connection, "li", new)
        reading = Reading(portrait="portrait", consent="consent")
        make_link(hub, connection, "li", EVENT, NewLink(Access(URL, "hall", "gala", "Device", TOKEN), 1, reading))
    return made


@pytest.fixture
def go(hub: Hub, fake: FakePretix) -> Callable[..., Round]:
    """Does a round."""

    def round_(enrol: Enrol | None = None) -> Round:
        return do_round(hub, EVENT, transport=fake.transport, enrol=enrol)

    return round_


def _tickets(hub: Hub) -> dict[str, TicketStatus]:
    table = tables.ticket
    with hub.begin() as connection:
        rows = connection.execute(select(table.c.ticket, table.c.status).order_by(table.c.ticket))
        return {row.ticket: TicketStatus(row.status) for row in rows}


def _work(hub: Hub) -> list[tuple[str, str]]:
    with hub.begin() as connection:
        return [(each.what, each.order) for each in work_list(connection, EVENT)]


def _gate(hub: Hub, tmp_path: Path) -> Gate:
    return Gate(hub, tmp_path, "A1", EVENT)


def test_the_token_is_sealed(hub: Hub, fake: FakePretix) -> None:
    with hub.begin() as connection:
        assert link_of(hub, connection, EVENT).access.token == TOKEN
        for table in (tables.pretix_link, tables.audit):
            for row in connection.execute(select(table)):
                assert TOKEN not in str(tuple(row))
        assert TOKEN not in repr(link_of(hub, connection, EVENT))


def test_what_is_odd_waits_for_a_person_and_the_others_come_in(
    hub: Hub, fake: FakePretix, go: Callable[..., Round]
) -> None:
    fake.sell("AAAAA", position(1))
    fake.sell("BBBBB", position(2, answer("other", "x")))
    assert (go().taken.new, _work(hub)) == (1, [("no_number", "BBBBB")])
    fake.sell("BBBBB", position(2), minute=40)
    assert (go().taken.new, _work(hub)) == (1, [])
    assert _tickets(hub) == {"AAAAA-1": "valid", "BBBBB-1": "valid"}


def test_what_was_read_before_is_not_written_again(hub: Hub, fake: FakePretix, go: Callable[..., Round]) -> None:
    fake.sell("AAAAA", position(1))
    go()
    done = go()
    assert (done.orders, done.taken.new, done.taken.changed) == (1, 0, 0)  # read again for the overlap alone
    with hub.begin() as connection:
        revision = connection.execute(select(tables.event.c.revision)).scalar_one()
    assert revision == 1


def test_a_seat_that_changes_hands_is_a_revocation_and_a_new_ticket(
    hub: Hub, fake: FakePretix, go: Callable[..., Round]
) -> None:
    fake.sell("AAAAA", position(1))
    go()
    fake.sell("AAAAA", position(1, answer("id_number", number(7))), minute=40)
    assert go().taken.revoked == 1
    assert _tickets(hub) == {"AAAAA-1": "revoked", "AAAAA-1.2": "valid"}
    with hub.begin() as connection:
        found = find_tickets(hub, connection, EVENT, ["AAAAA-1.2"])["AAAAA-1.2"]
    assert found.documents[0].number == number(7)


def test_a_refunded_ticket_is_revoked_and_good_again_when_the_order_is(
    hub: Hub, fake: FakePretix, go: Callable[..., Round]
) -> None:
    fake.sell("AAAAA", position(1))
    go()
    fake.sell("AAAAA", position(1), status="c", minute=40)
    go()
    assert _tickets(hub) == {"AAAAA-1": "revoked"}
    fake.sell("AAAAA", position(1), minute=41)
    go()
    assert _tickets(hub) == {"AAAAA-1": "valid"}


def test_a_second_ticket_for_one_identity_waits_until_the_first_is_given_back(
    hub: Hub, fake: FakePretix, go: Callable[..., Round]
) -> None:
    fake.sell("AAAAA", position(1))
    fake.sell("BBBBB", position(2, answer("id_number", number(1))))
    assert (go().taken.new, _work(hub)) == (1, [("rule", "BBBBB")])
    fake.sell("AAAAA", position(1), status="c", minute=40)
    go()
    go()
    assert _tickets(hub) == {"AAAAA-1": "revoked", "BBBBB-1": "valid"}
    assert _work(hub) == []


def test_nobody_buys_a_seat_on_which_somebody_sits(
    hub: Hub, fake: FakePretix, go: Callable[..., Round], tmp_path: Path
) -> None:
    fake.sell("AAAAA", position(1))
    go()
    gate = _gate(hub, tmp_path)
    gate.passes("AAAAA-1")
    gate.upload()
    fake.sell("AAAAA", position(1, answer("id_number", number(7))), minute=40)
    go()
    assert (_tickets(hub), _work(hub)) == ({"AAAAA-1": "valid"}, [("in_use", "AAAAA")])
    gate.close()


@pytest.mark.parametrize(
    ("consent", "picture", "enrolled", "words"),
    [
        ("True", b"p", GOOD, ""),
        ("False", b"p", GOOD, "without consent"),
        ("True", b"p", "a picture with two faces", "two faces"),
        ("True", None, GOOD, "refused what was asked"),
    ],
)
def test_a_portrait_becomes_a_reference_or_words(
    hub: Hub,
    fake: FakePretix,
    go: Callable[..., Round],
    consent: str,
    picture: bytes | None,
    enrolled: FaceReference | str,
    words: str,
) -> None:
    url = f"{URL}/api/v1/organizers/hall/events/gala/orderpositions/1/answers/4/"
    if picture:
        fake.files[url] = picture
    fake.sell(
        "AAAAA",
        position(1, answer("id_number", number(1)), answer("portrait", url), answer("consent", consent)),
    )
    assert go(lambda path: enrolled).taken.new == 1
    with hub.begin() as connection:
        ticket = find_tickets(hub, connection, EVENT, ["AAAAA-1"])["AAAAA-1"].ticket
        told = [each.words for each in work_list(connection, EVENT)]
    assert (ticket.reference is not None) == (not words)
    assert [words in each for each in told] == ([True] if words else [])
    if not words:
        assert ticket.reference is not None
        assert ticket.reference.legal_basis == "pretix AAAAA"


def test_passages_and_refusals_are_told_once_whatever_gets_lost(
    hub: Hub, fake: FakePretix, go: Callable[..., Round], tmp_path: Path, clock: Callable[[], float]
) -> None:
    for serial in range(1, 5):
        fake.sell(f"AAAA{serial}", position(serial))
    go()
    gate = _gate(hub, tmp_path)
    gate.passes("AAAA1-1")
    gate.passes("AAAA1-1", Direction.EXIT)
    gate.end(gate.admit("AAAA2-1"), Passage.NO_SHOW)
    gate.admit("AAAA3-1")  # still in the lane
    gate.refuse("AAAA4-1", Reason.WATCHLISTED, hub.clock())
    gate.passes("of another system")
    gate.upload()
    fake.lose = 2
    for _ in range(4):
        go()
        clock.now += 700  # type: ignore[attr-defined]
    assert [(each["type"], each["secret"]) for each in fake.checkins.values()] == [
        ("entry", "secret1"),
        ("exit", "secret1"),
    ]
    assert [(each["error_reason"], each["raw_barcode"]) for each in fake.failed.values()] == [("error", "secret4")]
    assert "watch" not in str(fake.failed)
    with hub.begin() as connection:
        stands = standing(connection, EVENT)
    assert (stands.told, stands.queued, stands.refused, stands.trouble) == (3, 0, 0, "")
    gate.close()


def test_a_check_in_that_pretix_never_takes_is_shown_on_both_sides(
    hub: Hub, fake: FakePretix, go: Callable[..., Round], tmp_path: Path
) -> None:
    fake.sell("AAAAA", position(1))
    go()
    gate = _gate(hub, tmp_path)
    gate.passes("AAAAA-1")
    gate.upload()
    fake.unknown.add("secret1")
    go()
    go()
    assert _work(hub) == [("check_in", "AAAAA")]
    assert [each["error_reason"] for each in fake.failed.values()] == ["canceled"]
    gate.close()


def test_while_pretix_is_away_nothing_is_lost_and_it_is_said(
    hub: Hub, fake: FakePretix, go: Callable[..., Round]
) -> None:
    fake.sell("AAAAA", position(1))
    fake.down = 503
    assert "can't answer now" in go().trouble
    with hub.begin() as connection:
        assert "can't answer now" in standing(connection, EVENT).trouble
    fake.down = 0
    assert (go().trouble, _tickets(hub)) == ("", {"AAAAA-1": "valid"})


def test_two_rounds_at_once_are_one_too_many(hub: Hub, go: Callable[..., Round]) -> None:
    lock = ImportLock(hub, f"pretix-{EVENT.encode().hex()}")
    with pytest.raises(Refused) as refused:
        go()
    assert refused.value.code == "syncing"
    lock.release()


def test_a_due_round_is_done_by_whoever_comes_first(hub: Hub, fake: FakePretix) -> None:
    with hub.begin() as connection:
        access = Access("http://127.0.0.1:9", "hall", "gala", "Token", TOKEN)  # nobody listens there
        make_link(hub, connection, "li", EVENT, NewLink(access, 1))
    do_due_rounds(hub)
    with hub.begin() as connection:
        assert "not reached" in standing(connection, EVENT).trouble
        connection.execute(tables.pretix_link.update().values(trouble=""))
    do_due_rounds(hub)  # it is not due again
    with hub.begin() as connection:
        assert standing(connection, EVENT).trouble == ""


def test_without_its_link_an_event_keeps_its_tickets(hub: Hub, fake: FakePretix, go: Callable[..., Round]) -> None:
    fake.sell("AAAAA", position(1))
    go()
    with hub.begin() as connection:
        remove_link(hub, connection, "li", EVENT)
    assert _tickets(hub) == {"AAAAA-1": "valid"}
    with pytest.raises(Refused) as refused:
        go()
    assert refused.value.code == "not_linked"


@pytest.mark.parametrize("reason", list(Reason))
def test_only_reasons_about_the_ticket_are_told(reason: Reason) -> None:
    theirs, words = told_reason(reason)
    private = any(word in reason for word in ("face", "watch", "live", "reference", "guardian", "duplicate"))
    assert not private or (theirs, words) == ("error", "refused by staff")
