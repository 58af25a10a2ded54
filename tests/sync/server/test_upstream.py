"""A venue hub's papers, its shelf, and what it does at its centre's word. On both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from models.decision import Policy
from models.wire import from_json
from sync.bundle import look
from sync.contract import BundleOffer, ClaimAnswer, ClaimRequest, Contact, HeldManifest, Issuer
from sync.contract_hub import GateTask, HubEvent, HubGates, HubStanding
from sync.enrolment import Enrolment, keep
from sync.refusals import BundleRefused
from sync.server import tables
from sync.server.contact import meet
from sync.server.devices import Caller
from sync.server.erasure import erase
from sync.server.hub import Hub
from sync.server.newcomers import publish_for_gates
from sync.server.offers import offers_for, offers_for_hub
from sync.server.publish import publish
from sync.server.site import ISSUER, authority_of, issuers
from sync.server.tickets import put_tickets
from sync.server.upstream import Beyond
from sync.server.upstream_bundles import shelve, wipe
from sync.server.upstream_mirror import answered_here, begin_to_answer, copy_event, gates_to_tell, take_standing
from sync.server.upstream_papers import BadCode, folder_of, read_invitation
from tests.sync.server.test_venue import in_show
from tests.sync.server.venue_world import Line, enrol_hub, furnish, gate_at
from tests.sync.server.world import SHOW, hall

FINGERPRINT = "ab" * 32


def test_a_code_says_where_and_whom() -> None:
    invited = read_invitation(f" menshen://hub.example:8443/7K3M-9QTV-X0D2-HWEN?ca={FINGERPRINT}\n")
    assert invited.server == "https://hub.example:8443"
    assert (invited.code, invited.fingerprint) == ("7K3M-9QTV-X0D2-HWEN", FINGERPRINT)
    assert read_invitation(f"menshen://[::1]:1/C?ca={FINGERPRINT}").server == "https://[::1]:1"
    assert "7K3M" not in repr(invited)


@pytest.mark.parametrize(
    "text",
    [
        "7K3M-9QTV-X0D2-HWEN",
        "https://hub.example:8443/7K3M?ca=" + FINGERPRINT,
        "menshen://hub.example/7K3M?ca=" + FINGERPRINT,
        "menshen://hub.example:8443/7K3M",
        "menshen://hub.example:8443/7K3M?ca=abc",
        "menshen://a/b:1/7K3M?ca=" + FINGERPRINT,
    ],
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadCode, match="whole text"):
        read_invitation(text)


@pytest.fixture
def offer(hub: Hub, venue: Hub, tmp_path: Path) -> BundleOffer:
    """A manifest that the centre has published."""
    hall(hub)
    furnish(venue)
    gate_at(hub, tmp_path, "G1")
    with hub.begin() as connection:
        event = tables.event
        connection.execute(update(event).values(sealed_secret=hub.seal(bytes(range(32)), f"event|{SHOW}")))
        put_tickets(hub, connection, "li", SHOW, [in_show(n) for n in range(3)])
    publish(hub, "li", SHOW)
    with hub.begin() as connection:
        (made,) = offers_for(connection, SHOW, None)
        return made


EVENT = HubEvent(SHOW, "Gala", 1.0, 2.0, leased=True)


def _fetched(hub: Hub, tmp_path: Path) -> Path:
    with hub.begin() as connection:
        name = connection.execute(select(tables.bundle.c.file_name)).scalar_one()
    path = tmp_path / "fetched"
    path.write_bytes((hub.settings.state_dir / name).read_bytes())
    return path


def _keys(hub: Hub) -> dict[str, bytes]:
    return {ISSUER: hub.issuer_key.public_key().public_bytes_raw()}


def test_a_bundle_is_shelved_as_it_came_and_its_rules_are_known(
    hub: Hub, venue: Hub, offer: BundleOffer, tmp_path: Path
) -> None:
    path = _fetched(hub, tmp_path)
    sent = path.read_bytes()
    shelve(venue, _keys(hub), offer, EVENT, path)
    with venue.begin() as connection:
        row = connection.execute(select(tables.bundle)).one()
        event = connection.execute(select(tables.event)).one()
        assert offers_for(connection, SHOW, None) == (offer,)
        assert connection.execute(select(tables.change.c.event)).scalars().all() == [SHOW]
    assert (venue.settings.state_dir / row.file_name).read_bytes() == sent
    assert from_json(Policy, event.policy).event == SHOW
    assert event.lessee == "centre"


def test_a_base_that_was_signed_anew_for_a_late_gate_takes_the_place_of_the_first(
    hub: Hub, venue: Hub, offer: BundleOffer, tmp_path: Path
) -> None:
    shelve(venue, _keys(hub), offer, EVENT, _fetched(hub, tmp_path))
    gate_at(hub, tmp_path, "G2")
    with hub.begin() as connection:
        publish_for_gates(hub, connection, "li", [(SHOW, "gate-G2")])
    with venue.begin() as connection:
        told = gates_to_tell(connection)
    with hub.begin() as connection:
        (again,) = offers_for_hub(connection, SHOW, told.held[0], told.bases[0])
    assert (again.version, again.digest, again.issue) == (offer.version, offer.digest, 2)
    shelve(venue, _keys(hub), again, EVENT, _fetched(hub, tmp_path))
    with venue.begin() as connection:
        assert offers_for(connection, SHOW, None) == (again,)
        row, told = connection.execute(select(tables.bundle)).one(), gates_to_tell(connection)
    assert len(look(venue.settings.state_dir / row.file_name, _keys(hub)).recipients) == 2
    with hub.begin() as connection:
        assert offers_for_hub(connection, SHOW, told.held[0], told.bases[0]) == ()


@pytest.mark.parametrize("harm", ["cut", "changed", "other", "issuer"])
def test_a_bundle_that_is_not_what_was_offered_is_not_kept(
    hub: Hub, venue: Hub, offer: BundleOffer, tmp_path: Path, harm: str
) -> None:
    path, keys = _fetched(hub, tmp_path), _keys(hub)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "changed":
        path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    elif harm == "other":
        offer = replace(offer, version=offer.version + 1)
    else:
        keys = {ISSUER: venue.issuer_key.public_key().public_bytes_raw()}
    with pytest.raises(BundleRefused):
        shelve(venue, keys, offer, EVENT, path)
    assert not path.exists()
    with venue.begin() as connection:
        assert connection.execute(select(tables.bundle)).all() == []


def test_a_hub_that_is_revoked_forgets_its_manifests_and_answers_nobody(
    hub: Hub, venue: Hub, offer: BundleOffer, tmp_path: Path
) -> None:
    shelve(venue, _keys(hub), offer, EVENT, _fetched(hub, tmp_path))
    with venue.begin() as connection:
        begin_to_answer(venue, connection, SHOW, ())
        assert answered_here(connection) == {SHOW}
        file = venue.settings.state_dir / connection.execute(select(tables.bundle.c.file_name)).scalar_one()
    wipe(venue)
    wipe(venue)
    assert not file.exists()
    with venue.begin() as connection:
        assert connection.execute(select(tables.bundle)).all() == []
        assert answered_here(connection) == set()


def test_what_the_centre_erased_is_erased_at_the_hub_and_its_gates(
    hub: Hub, venue: Hub, offer: BundleOffer, tmp_path: Path
) -> None:
    caller = enrol_hub(hub)
    shelve(venue, _keys(hub), offer, EVENT, _fetched(hub, tmp_path))
    line = Line(hub, venue, caller)
    assert line.meet().erased == ()
    erase(hub, "li", SHOW, "asked for", early=True)
    assert line.meet().erased == (SHOW,)
    erase(venue, "centre", SHOW, "erased at the centre", early=True)  # as `Work.meet` does at this word
    assert line.meet().erased == ()
    assert not list((venue.settings.state_dir / "bundles").rglob("*.bundle"))
    gate = gate_at(venue, tmp_path / "venue", "G9")
    with venue.begin() as connection:
        held = HeldManifest(SHOW, 1, "d", 3)
        told = meet(venue, connection, Caller(gate.device, "gate", "G9", "v", "", 1), Contact(1.0, manifest=held))
    assert told.wipe


def test_gates_change_their_event_and_are_revoked_at_the_centres_word(venue: Hub, tmp_path: Path) -> None:
    furnish(venue)
    one, two = gate_at(venue, tmp_path, "G1", event="old"), gate_at(venue, tmp_path, "G2")
    standing = HubStanding((GateTask(one.device, SHOW), GateTask(two.device, SHOW, revoked=True)))
    with venue.begin() as connection:
        take_standing(venue, connection, HubGates(()), standing)
        device = tables.device
        rows = connection.execute(select(device.c.event, device.c.state).order_by(device.c.device)).all()
        rung = connection.execute(select(tables.change.c.device)).scalars().all()
    assert [tuple(row) for row in rows] == [(SHOW, "enrolled"), (SHOW, "revoked")]
    assert sorted(rung) == [one.device, two.device]


def test_new_rules_are_taken_and_who_answers_stays(hub: Hub, venue: Hub) -> None:
    hall(hub)
    furnish(venue)
    with hub.begin() as connection:
        policy = connection.execute(select(tables.event.c.policy).where(tables.event.c.event == SHOW)).scalar_one()
    with venue.begin() as connection:
        copy_event(venue, connection, EVENT, policy)
        begin_to_answer(venue, connection, SHOW, ())
        copy_event(venue, connection, replace(EVENT, name="Gala II"), policy)
        row = connection.execute(select(tables.event)).one()
    assert (row.name, row.lessee) == ("Gala II", None)


def test_without_a_centre_there_is_no_answer_at_once(venue: Hub) -> None:
    claim, answer = ClaimRequest("a", SHOW, "T1"), ClaimAnswer("a", "no_answer")
    beyond = Beyond(venue)
    assert asyncio.run(beyond.complete([claim], [answer])) == [answer]


def test_a_hub_believes_its_centre_beside_itself(hub: Hub) -> None:
    own = hub.issuer_key.public_key().public_bytes_raw().hex()
    assert issuers(hub) == (Issuer(ISSUER, own),)
    folder = folder_of(hub.settings)
    folder.mkdir()
    centre = Issuer(ISSUER, "cd" * 32)
    keep(folder, Enrolment("https://c", "centre", "hub-7", authority_of(hub).pem, "", (centre,)))
    assert issuers(hub) == (Issuer("hub-7", own), centre)
