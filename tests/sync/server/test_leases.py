"""Who answers for an event: the centre or a venue hub, never both. On both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from models.passage import Passage
from sync.contract import ClaimRequest, EnrolRequest
from sync.server import tables
from sync.server.claims import Asked, settle
from sync.server.enrolment import enrol, invite, revoke
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.leases import claims_of, give_back, lease
from sync.server.problems import Refused
from tests.sync.server.venue_world import HUB, Line, enrol_hub, furnish, gate_at
from tests.sync.server.world import SHOW, WARD, GateBox, hall


@pytest.fixture
def line(hub: Hub, venue: Hub) -> Line:
    """A centre with a show and a ward, and a venue hub that is enrolled there."""
    hall(hub)
    furnish(venue)
    return Line(hub, venue, enrol_hub(hub))


def _lease(hub: Hub, event: str = SHOW, device: str = HUB) -> None:
    with hub.begin() as connection:
        lease(hub, connection, "li", event, device)


def _back(hub: Hub, **how: object) -> bool:
    with hub.begin() as connection:
        return give_back(hub, connection, "li", SHOW, **how)  # type: ignore[arg-type]


def _ask(hub: Hub, claim: str, ticket: str = "T1", device: str = "gate-A") -> str:
    with hub.begin() as connection:
        return settle(connection, [Asked(ClaimRequest(claim, SHOW, ticket, gate="A"), device)], 5.0)[0].answer


def _acts(hub: Hub) -> list[str]:
    with hub.begin() as connection:
        acts = connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars()
        return [act for act in acts if act.startswith("lease.")]


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def test_one_of_both_answers_and_never_both(line: Line) -> None:
    assert (_ask(line.centre, "a"), _ask(line.venue, "a")) == ("granted", "no_answer")
    _lease(line.centre)
    assert (_ask(line.centre, "b", "T2"), _ask(line.venue, "b", "T2")) == ("no_answer", "no_answer")
    line.know_rules()
    assert (_ask(line.centre, "c", "T3"), _ask(line.venue, "c", "T3")) == ("no_answer", "granted")
    assert not _back(line.centre)
    assert (_ask(line.centre, "d", "T4"), _ask(line.venue, "d", "T4")) == ("no_answer", "granted")
    line.meet()
    assert (_ask(line.centre, "e", "T5"), _ask(line.venue, "e", "T5")) == ("no_answer", "no_answer")
    line.meet()
    assert (_ask(line.centre, "f", "T6"), _ask(line.venue, "f", "T6")) == ("granted", "no_answer")
    assert _acts(line.centre) == ["lease.made", "lease.asked_back", "lease.given_back"]
    assert _acts(line.venue) == ["lease.begun", "lease.ended"]


def test_what_was_used_before_the_lease_stays_used(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.server.leases.CLAIMS_PAGE", 3)
    for n in range(10):
        assert _ask(line.centre, f"c{n}", f"T{n}") == "granted"
    _lease(line.centre)
    line.know_rules()
    assert [_ask(line.venue, f"x{n}", f"T{n}") for n in range(12)] == ["refused"] * 10 + ["granted"] * 2
    assert _ask(line.venue, "c4", "T4") == "granted"


def test_what_the_hub_has_not_passed_on_yet_stays_used_too(line: Line, tmp_path: Path) -> None:
    """Its gates let somebody in while the centre answered and could not be reached."""
    gate = gate_at(line.venue, tmp_path, "G1")
    _lease(line.centre)
    line.know_rules()
    _back(line.centre)
    line.meet()
    line.meet()
    gate.passes("T1")
    with line.venue.begin() as connection:
        take(line.venue, connection, gate.device, gate.name, gate.batch())
    assert _ask(line.centre, "z", "T2") == "granted"
    _lease(line.centre)
    line.meet()
    line.meet()
    assert [_ask(line.venue, f"y{n}", f"T{n}") for n in range(4)] == ["granted", "refused", "refused", "granted"]


def test_what_is_free_at_the_centre_is_free_at_the_hub(line: Line) -> None:
    """A use that an old lease left behind does not lock anybody out of the next one."""
    _lease(line.centre)
    line.know_rules()
    assert _ask(line.venue, "a") == "granted"
    _back(line.centre)
    line.meet()
    line.meet()
    _lease(line.centre)
    line.meet()
    line.meet()
    assert _ask(line.venue, "b") == "granted"


def test_a_lease_does_not_come_back_before_the_last_line(line: Line, tmp_path: Path) -> None:
    gate = gate_at(line.venue, tmp_path, "G1")
    _lease(line.centre)
    line.know_rules()
    gate.passes("T1")
    with line.venue.begin() as connection:
        take(line.venue, connection, gate.device, gate.name, gate.batch())
    _back(line.centre)
    for _ in range(3):
        line.meet()
    assert _ask(line.centre, "b", "T2") == "no_answer"
    line.pass_on()
    line.meet()
    assert (_ask(line.centre, "b", "T1"), _ask(line.centre, "c", "T2")) == ("refused", "granted")


def test_force_needs_a_reason_and_stands_in_the_audit(line: Line) -> None:
    _lease(line.centre)
    line.know_rules()
    assert _refused(lambda: _back(line.centre, force=True, why=" ")) == "no_reason"
    assert _back(line.centre, force=True, why="the hub burns")
    assert _ask(line.centre, "a") == "granted"
    with line.centre.begin() as connection:
        detail = connection.execute(
            select(tables.audit.c.detail).where(tables.audit.c.act == "lease.taken_back")
        ).scalar_one()
    assert "the hub burns" in detail
    line.meet()
    assert _ask(line.venue, "b", "T2") == "no_answer"


def test_a_lease_that_was_asked_back_may_be_left_to_the_hub(line: Line) -> None:
    _lease(line.centre)
    line.know_rules()
    _back(line.centre)
    _lease(line.centre)
    line.meet()
    line.meet()
    assert (_ask(line.centre, "a"), _ask(line.venue, "a")) == ("no_answer", "granted")


def test_what_can_not_be_leased_is_named(line: Line, tmp_path: Path) -> None:
    enrol_hub(line.centre, "hub-2", "H2")
    gate = GateBox(line.centre, tmp_path, "G1")
    assert _refused(lambda: _lease(line.centre, event="elsewhere")) == "no_such_event"
    assert _refused(lambda: _lease(line.centre, device="hub-9")) == "no_such_hub"
    assert _refused(lambda: _lease(line.centre, device=gate.device)) == "no_such_hub"
    assert _refused(lambda: _back(line.centre)) == "not_leased"
    _lease(line.centre)
    assert _refused(lambda: _lease(line.centre, device="hub-2")) == "leased_already"
    with line.centre.begin() as connection:
        connection.execute(update(tables.device).where(tables.device.c.device == "hub-2").values(state="revoked"))
    assert _refused(lambda: _lease(line.centre, event=WARD, device="hub-2")) == "no_such_hub"


def test_only_the_lessee_hears_who_is_inside(line: Line) -> None:
    enrol_hub(line.centre, "hub-2", "H2")
    _lease(line.centre)
    with line.centre.begin() as connection:
        with pytest.raises(Refused, match="not leased"):
            claims_of(connection, "hub-2", SHOW, "")
        assert claims_of(connection, HUB, SHOW, "").claims == ()


def test_a_hub_that_starts_without_its_centre_goes_on_answering(line: Line) -> None:
    """Nothing but its own database says so."""
    _lease(line.centre)
    line.know_rules()
    line.venue.memory.clear()
    line.venue.engine.dispose()
    assert _ask(line.venue, "a") == "granted"
    assert _ask(line.venue, "b") == "refused"


def test_the_bell_rings_for_the_hub_that_leases(line: Line) -> None:
    _lease(line.centre)
    with line.centre.begin() as connection:
        rows = connection.execute(select(tables.change.c.event, tables.change.c.device)).all()
        assert [tuple(row) for row in rows] == [(SHOW, ""), ("", HUB)]
        connection.execute(insert(tables.change).values(at=1.0, event=SHOW))


def test_a_release_that_nobody_used_is_free_at_the_hub(line: Line, tmp_path: Path) -> None:
    gate = gate_at(line.venue, tmp_path, "G1")
    _lease(line.centre)
    line.know_rules()
    gate.end(gate.admit("T1"), Passage.NO_SHOW)
    assert _ask(line.venue, gate.claim, device=gate.device) == "granted"
    with line.venue.begin() as connection:
        take(line.venue, connection, gate.device, gate.name, gate.batch())
    assert _ask(line.venue, "other") == "granted"


def test_a_hub_that_is_revoked_has_no_leases_and_the_centre_answers(line: Line) -> None:
    _lease(line.centre)
    assert _ask(line.centre, "a") == "no_answer"
    with line.centre.begin() as connection:
        revoke(line.centre, connection, "li", HUB)
    assert [_ask(line.centre, "a"), _ask(line.centre, "b", device="gate-B")] == ["granted", "refused"]
    assert _ask(line.centre, "c", ticket="T2", device=HUB) == "granted"
    assert _acts(line.centre)[-1] == "lease.taken_back"
    with line.centre.begin() as connection:
        assert connection.execute(select(tables.lease)).all() == []
        assert SHOW in connection.execute(select(tables.change.c.event)).scalars().all()


def test_a_hub_whose_place_another_takes_has_no_leases(line: Line) -> None:
    _lease(line.centre)
    with line.centre.begin() as connection:
        code = invite(line.centre, connection, "li", "v", "H1", "hub", replaces=HUB).code
    wish = EnrolRequest(code, "H1", "17" * 32, "18" * 32, kind="hub")
    enrol(line.centre, wish, "192.0.2.1")
    assert _ask(line.centre, "a") == "granted"
