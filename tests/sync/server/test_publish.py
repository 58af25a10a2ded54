"""From the server's tickets to what a gate finds: whole manifests, deltas, gates that come late. On both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from models.decision import Profile
from models.ids import DocumentType, check_digit
from models.profiles import policy_of
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import Entitlement, Ticket, TicketStatus, Validity
from sync.bundle import Trust, apply, verify
from sync.contract import HeldManifest
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.offers import offers_for
from sync.server.problems import Refused
from sync.server.publish import ISSUER, Published, publish, publish_again, publish_changes
from sync.server.tickets import (
    NewEvent,
    Written,
    find_ticket,
    make_event,
    put_tickets,
    remove_tickets,
    revoke_tickets,
    set_policy,
    tickets_of,
)

EVENT = "gala"


def number(serial: int) -> str:
    """A well-formed ID number of nobody."""
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def holding(serial: int, **more: object) -> Holding:
    """A ticket and the card that opens it."""
    ticket = Ticket(f"T{serial}", Entitlement(EVENT, seat=f"A{serial}"), Validity(1.0, 2.0), bound_at=0.5)
    documents = (Document(DocumentType.RESIDENT_ID, number(serial)),)
    return Holding(replace(ticket, **more), documents)  # type: ignore[arg-type]


class Gate:
    """A gate that serves the event, and takes what it is offered."""

    def __init__(self, hub: Hub, folder: Path, name: str) -> None:
        self.hub, self.name = hub, name
        (folder / name).mkdir()
        self.key = DeviceKey.make(folder / name / "device.key")
        self.writer = ManifestWriter(folder / name / "manifest.db", self.key)
        self.reader = ManifestReader(folder / name / "manifest.db", self.key)
        with hub.begin() as connection:
            values = {"device": name, "kind": "gate", "name": name, "venue": "v", "signing_key": bytes(32)}
            values |= {"device_key": self.key.public, "certificate": "", "state": "enrolled", "event": EVENT}
            connection.execute(insert(tables.device).values(**values, made_at=0.0))

    def pull(self) -> list[str]:
        """Apply all offers; their kinds."""
        state = self.writer.state()
        held = HeldManifest(state.event, state.version, state.digest, state.tickets) if state else None
        with self.hub.begin() as connection:
            offers = offers_for(connection, EVENT, held)
            bundle = tables.bundle
            rows = connection.execute(select(bundle.c.version, bundle.c.file_name)).all()
        files = {row.version: self.hub.settings.state_dir / row.file_name for row in rows}
        public = self.hub.issuer_key.public_key().public_bytes_raw()
        for offer in offers:
            trust = Trust(self.name, self.key, {ISSUER: public}, EVENT)
            verified = verify(files[offer.version], trust, self.writer.state(), self.hub.clock() + 1)
            apply(verified, self.writer, self.hub.clock() + 1)
        return [offer.kind for offer in offers]

    def finds(self, serial: int) -> list[TicketStatus]:
        """What stands behind somebody's card."""
        return [one.status for one in self.reader.find(DocumentType.RESIDENT_ID, number(serial)).tickets]


@pytest.fixture
def gate(hub: Hub, tmp_path: Path) -> Iterator[Callable[[str], Gate]]:
    """Makes gates at a hall with one event and its four tickets."""
    made: list[Gate] = []
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        make_event(
            hub,
            connection,
            "li",
            NewEvent("o", "v", "Gala", hub.clock(), hub.clock() + 1, policy_of(Profile.CARD, EVENT)),
        )
        put_tickets(hub, connection, "li", EVENT, [holding(n) for n in range(4)])

    def make(name: str) -> Gate:
        made.append(Gate(hub, tmp_path, name))
        return made[-1]

    yield make
    for each in made:
        each.reader.close()
        each.writer.close()


def _changes(hub: Hub) -> Published | None:
    with hub.begin() as connection:
        return publish_changes(hub, connection, "li", EVENT)


def test_what_is_published_is_found_at_the_gate_with_the_same_count_and_digest(
    hub: Hub, gate: Callable[[str], Gate]
) -> None:
    one = gate("G1")
    published = publish(hub, "li", EVENT)
    assert one.pull() == ["base"]
    state = one.writer.state()
    assert state is not None
    assert (state.version, state.tickets, state.digest) == (1, 4, published.digest)
    assert one.finds(2) == [TicketStatus.VALID]


def test_a_revocation_and_a_resale_go_out_as_a_delta(hub: Hub, gate: Callable[[str], Gate]) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    with hub.begin() as connection:
        assert revoke_tickets(hub, connection, "li", EVENT, ["T2"]) == Written(revoked=1)
        assert put_tickets(hub, connection, "li", EVENT, [holding(9)]) == Written(new=1)
    assert _changes(hub) is not None
    assert one.pull() == ["delta"]
    assert (one.finds(2), one.finds(9), one.finds(0)) == (
        [TicketStatus.REVOKED],
        [TicketStatus.VALID],
        [TicketStatus.VALID],
    )


def test_without_changes_nothing_is_published(hub: Hub, gate: Callable[[str], Gate]) -> None:
    gate("G1")
    assert _changes(hub) is None
    publish(hub, "li", EVENT)
    with hub.begin() as connection:
        assert put_tickets(hub, connection, "li", EVENT, [holding(1)]) == Written(same=1)


def test_a_change_made_while_the_house_was_being_sealed_follows_at_once(hub: Hub, gate: Callable[[str], Gate]) -> None:
    one = gate("G1")

    def meanwhile(done: int, of: int) -> None:
        with hub.begin() as connection:
            revoke_tickets(hub, connection, "li", EVENT, ["T0"])

    last = publish(hub, "li", EVENT, meanwhile)
    assert (last.kind, last.version) == ("delta", 2)
    assert one.pull() == ["base", "delta"]
    assert one.finds(0) == [TicketStatus.REVOKED]


def test_a_gate_that_comes_late_gets_everything_and_the_others_nothing_wrong(
    hub: Hub, gate: Callable[[str], Gate]
) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", EVENT, ["T1"])
    _changes(hub)
    late = gate("G2")
    with hub.begin() as connection:
        publish_again(hub, connection, "li", EVENT)
    assert late.pull() == ["base", "delta"]
    one.pull()
    assert one.writer.state() == late.writer.state()
    assert one.finds(1) == late.finds(1) == [TicketStatus.REVOKED]


def test_an_erased_ticket_is_gone_everywhere(hub: Hub, gate: Callable[[str], Gate]) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    with hub.begin() as connection:
        assert remove_tickets(hub, connection, "li", EVENT, ["T3", "nobody's"]) == Written(removed=1)
        assert tickets_of(hub, connection, EVENT, DocumentType.RESIDENT_ID, number(3)) == []
    _changes(hub)
    one.pull()
    assert one.finds(3) == []


def test_an_erased_ticket_may_come_back(hub: Hub, gate: Callable[[str], Gate]) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    with hub.begin() as connection:
        remove_tickets(hub, connection, "li", EVENT, ["T3"])
        put_tickets(hub, connection, "li", EVENT, [holding(3)])
    _changes(hub)
    one.pull()
    assert one.finds(3) == [TicketStatus.VALID]


def test_new_rules_go_out_like_tickets(hub: Hub, gate: Callable[[str], Gate]) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    with hub.begin() as connection:
        set_policy(hub, connection, "li", replace(policy_of(Profile.CARD, EVENT), claims=True))
    _changes(hub)
    one.pull()
    policy = one.reader.policy()
    assert policy is not None
    assert policy.claims


def test_a_person_is_found_by_the_document_and_sealed_at_rest(hub: Hub, gate: Callable[[str], Gate]) -> None:
    gate("G1")
    with hub.begin() as connection:
        (found,) = tickets_of(hub, connection, EVENT, DocumentType.RESIDENT_ID, number(1))
        assert found == holding(1) == find_ticket(hub, connection, EVENT, "T1")
        for table in (tables.ticket, tables.ticket_document, tables.event, tables.audit):
            for row in connection.execute(select(table)):
                assert number(1) not in str(tuple(row))
                assert not any(number(1).encode() in bytes(cell) for cell in row if isinstance(cell, bytes))


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda hub, c: find_ticket(hub, c, EVENT, "T77"), "no_such_ticket"),
        (lambda hub, c: put_tickets(hub, c, "li", "elsewhere", []), "no_such_event"),
        (lambda hub, c: publish_again(hub, c, "li", EVENT), "never_published"),
        (lambda hub, c: publish_changes(hub, c, "li", "elsewhere"), "no_such_event"),
    ],
)
def test_what_is_not_there_is_named(
    hub: Hub, gate: Callable[[str], Gate], act: Callable[..., object], code: str
) -> None:
    with pytest.raises(Refused) as refused, hub.begin() as connection:
        act(hub, connection)
    assert refused.value.code == code


def test_without_a_gate_nothing_is_published(hub: Hub, gate: Callable[[str], Gate]) -> None:
    with pytest.raises(Refused, match="no gate serves"):
        publish(hub, "li", EVENT)
