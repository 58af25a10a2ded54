"""A venue on its own: centre and hub as two real programs with TLS, and a line between them that is cut."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.decision import Profile
from models.ids import DocumentType
from models.profiles import policy_of
from models.ticket import TicketStatus
from sync.holding import Holding
from sync.server import tables
from sync.server.enrolment import invite
from sync.server.hub import Hub
from sync.server.leases import give_back, lease
from sync.server.places import add_organisation, add_venue
from sync.server.publish import publish, publish_changes
from sync.server.tickets import NewEvent, make_event, put_tickets, revoke_tickets
from sync.server.upstream_papers import papers_of
from tests import postgres
from tests.sync.server.partner_world import at_gates, enlist_all, withdraw
from tests.sync.server.test_publish import holding, number
from tests.sync.server.venue_rig import ROOT, Program, VenueGate, Wan, until
from tests.sync.server.world import SHOW

pytestmark = pytest.mark.long

TICKETS = 30


class Rig:
    """Both programs, the line, and two gates."""

    def __init__(self, folder: Path, databases: tuple[str, str]) -> None:
        self.centre = Program(folder / "centre", databases[0], "--site", "centre")
        self.wan = Wan(self.centre.port)
        self._furnish(self.centre.hub)
        with self.centre.hub.begin() as connection:
            text = invite(self.centre.hub, connection, "li", "v", "H1", "hub").text
        text = text.replace(f":{self.centre.port}/", f":{self.wan.port}/")
        venue = folder / "venue"
        words = ["--state", str(venue), "enrol-upstream", text, "--as", "H1"]
        done = subprocess.run([sys.executable, "-m", "gate.cli", "hub", *words], check=True, cwd=ROOT)
        assert done.returncode == 0
        self.venue = Program(venue, databases[1], "--site", "venue")
        with self.venue.hub.begin() as connection:
            add_organisation(self.venue.hub, connection, "li", "o", "O")
            add_venue(self.venue.hub, connection, "li", "v", "V", "o")
        self.gates = [VenueGate(self.venue, folder, name) for name in ("G1", "G2")]
        papers = papers_of(self.venue.hub.settings)
        assert papers is not None
        self.hub_device = papers.device

    def _furnish(self, hub: Hub) -> None:
        policy = replace(policy_of(Profile.CARD, SHOW), claims=True)
        with hub.begin() as connection:
            add_organisation(hub, connection, "li", "o", "O")
            add_venue(hub, connection, "li", "v", "V", "o")
            make_event(hub, connection, "li", NewEvent("o", "v", "Gala", time.time(), time.time() + 9e4, policy))
            put_tickets(hub, connection, "li", SHOW, [in_show(n) for n in range(TICKETS)])

    def open(self) -> None:
        """Lease the event, publish it, and have the gates load it."""
        with self.centre.hub.begin() as connection:
            lease(self.centre.hub, connection, "li", SHOW, self.hub_device)
        until(lambda: self.count(self.centre, tables.device, tables.device.c.event == SHOW) == 2, "the gates are known")
        publish(self.centre.hub, "li", SHOW)
        for gate in self.gates:
            until(gate.pull, f"a manifest comes to {gate.name}")
        until(lambda: self.lessee() is None, "the hub answers")

    def lessee(self) -> str | None:
        """Who answers, in the hub's copy."""
        with self.venue.hub.begin() as connection:
            found: str | None = connection.execute(select(tables.event.c.lessee)).scalar_one()
        return found

    def count(self, program: Program, table: object, *where: object) -> int:
        """How many rows there are."""
        with program.hub.begin() as connection:
            chosen = select(func.count()).select_from(table).where(*where)  # type: ignore[arg-type]
            return int(connection.execute(chosen).scalar_one())

    def close(self) -> None:
        """Both end."""
        self.wan.close()
        self.venue.close()
        self.centre.close()


def in_show(serial: int) -> Holding:
    """A ticket for the show."""
    made = holding(serial)
    ticket = replace(made.ticket, entitlement=replace(made.ticket.entitlement, event=SHOW))
    return replace(made, ticket=ticket)


@pytest.fixture
def rig(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[Rig]:
    """The whole venue, on each engine."""
    own = postgres.new_database(request.getfixturevalue("cluster")) if database else ""
    made = Rig(tmp_path, (database, own))
    made.open()
    yield made
    made.close()


def test_the_centres_list_reaches_the_venues_gates_and_its_withdrawals_too(rig: Rig) -> None:
    def listed() -> list[str]:
        return [entry.entry for entry in at_gates(rig.venue.hub)]

    stays, goes = enlist_all(rig.centre.hub, [1, 2], "One")
    until(lambda: set(listed()) == {stays, goes}, "the list is at the venue")
    before = rig.gates[0].contact().watch_revision
    assert before > 0
    began = time.monotonic()
    withdraw(rig.centre.hub, goes)
    until(lambda: listed() == [stays], "who was taken off is off")
    assert time.monotonic() - began < 5.0
    assert rig.gates[0].contact().watch_revision > before


def test_a_venue_goes_on_alone_and_everything_arrives_once(rig: Rig) -> None:
    one, two = rig.gates
    assert one.reader.find(DocumentType.RESIDENT_ID, number(3)).tickets[0].status is TicketStatus.VALID
    assert one.claims("T0").answer == "granted"
    one.passes("T0")
    one.push()
    until(lambda: rig.count(rig.centre, tables.entry) == 2, "the lines come to the centre")

    rig.wan.cut()
    assert two.claims("T0").answer == "refused"
    for n in range(1, 10):
        gate = rig.gates[n % 2]
        assert gate.claims(f"T{n}").answer == "granted"
        gate.passes(f"T{n}")
        gate.push()
    rig.venue.kill()
    one.passes("T10")  # the gate itself goes on without a hub
    rig.venue.start()
    one.push()
    assert two.claims("T10").answer == "refused"
    assert two.claims("T11").answer == "granted"
    two.passes("T11")
    two.ledger.checkpoint(time.time())
    assert one.push() + two.push() == 24
    assert rig.count(rig.centre, tables.entry) == 2

    rig.wan.heal()
    until(lambda: rig.count(rig.centre, tables.entry) == 24, "every line comes to the centre")
    with rig.centre.hub.begin() as connection:
        uses = connection.execute(select(tables.use.c.ticket, tables.use.c.passage)).all()
        conflicts = connection.execute(select(tables.conflict)).all()
    assert sorted(row.ticket for row in uses) == sorted(f"T{n}" for n in range(12))
    assert {row.passage for row in uses} == {"passed"}
    assert conflicts == []
    until(lambda: rig.count(rig.centre, tables.checkpoint) == 1, "the seal comes to the centre")


def test_a_revocation_is_at_the_gates_within_seconds(rig: Rig) -> None:
    hub = rig.centre.hub
    (gate, other) = rig.gates
    took = []
    for n in range(5):
        began = time.monotonic()
        with hub.begin() as connection:
            revoke_tickets(hub, connection, "li", SHOW, [f"T{n}"])
            publish_changes(hub, connection, "li", SHOW)
        until(gate.pull, "the delta comes", 10)
        took.append(time.monotonic() - began)
        assert gate.reader.find(DocumentType.RESIDENT_ID, number(n)).tickets[0].status is TicketStatus.REVOKED
    assert sorted(took)[2] < 3.0
    until(other.pull, "the deltas come")
    assert other.writer.state() == gate.writer.state()


def test_a_gate_that_comes_late_holds_the_manifest_and_the_others_fetch_nothing(rig: Rig, tmp_path: Path) -> None:
    one, _ = rig.gates
    late = VenueGate(rig.venue, tmp_path, "G3")
    held = until(lambda: late.pull() and late.writer.state(), "a manifest comes to the late gate")
    assert held == one.writer.state()
    assert one.pull() == []


def test_an_event_that_is_given_back_is_answered_by_the_centre(rig: Rig) -> None:
    one, two = rig.gates
    assert one.claims("T0").answer == "granted"
    one.passes("T0")
    one.push()
    with rig.centre.hub.begin() as connection:
        assert not give_back(rig.centre.hub, connection, "li", SHOW)
    until(lambda: rig.count(rig.centre, tables.lease) == 0, "the hub gives the event back")
    assert two.claims("T0").answer == "refused"
    assert two.claims("T1").answer == "granted"
    assert rig.count(rig.centre, tables.claim, tables.claim.c.device == two.device) == 1
    rig.wan.cut()
    began = time.monotonic()
    assert two.claims("T2").answer == "no_answer"
    assert time.monotonic() - began < 2.0


def test_a_gate_believes_the_centre_and_its_hub(rig: Rig) -> None:
    names = [issuer.name for issuer in rig.gates[0].papers.issuers]
    assert names == [rig.hub_device, "centre"]
    assert rig.gates[0].papers.site == "venue"
