"""A gate that comes to a published event, or has new keys, holds the manifest without anybody publishing again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select, update

from models.ids import DocumentType, check_digit
from models.store.manifest_db import ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.wire import to_json
from sync.bundle import Trust, apply, verify
from sync.contract import Contact, EnrolRequest, HeldManifest, RenewRequest
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.devices import Caller
from sync.server.enrolment import assign, enrol, invite, renew
from sync.server.hub import Hub
from sync.server.offers import offers_for
from sync.server.publish import ISSUER, publish, publish_changes
from sync.server.tickets import put_tickets, revoke_tickets
from tests.sync.server.conftest import Clock
from tests.sync.server.world import SHOW, WARD, hall

ADDRESS = "192.0.2.9"


class Box:
    """A gate by its real way in: a code, an event, and what it is offered."""

    def __init__(self, hub: Hub, folder: Path, name: str, replaces: str = "", venue: str = "v") -> None:
        self.hub, self.name, self.folder = hub, name, folder / f"{name}{replaces}{venue}"
        self.took: list[str] = []
        self.folder.mkdir()
        self.new_keys()
        with hub.begin() as connection:
            code = invite(hub, connection, "olga", venue, name, replaces=replaces).code
        self.device = enrol(hub, EnrolRequest(code, name, self.signing, self.key.public.hex()), ADDRESS).device

    def new_keys(self) -> None:
        self.signing = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        (self.folder / "device.key").unlink(missing_ok=True)
        self.key = DeviceKey.make(self.folder / "device.key")
        (self.folder / "manifest.db").unlink(missing_ok=True)

    def assign(self, event: str) -> None:
        with self.hub.begin() as connection:
            assign(self.hub, connection, "olga", self.device, event)

    def renew(self) -> None:
        """As a gate does whose device key is not to be believed any more: what it held is gone."""
        self.new_keys()
        with self.hub.begin() as connection:
            caller = Caller(self.device, "gate", self.name, "v", SHOW, 1)
            renew(self.hub, connection, caller, RenewRequest(self.signing, self.key.public.hex()))

    def tells(self, state: ManifestState | None) -> None:
        """A sign of life."""
        held = HeldManifest(state.event, state.version, state.digest, state.tickets) if state else None
        told, device = to_json(Contact(self.hub.clock(), manifest=held)).decode(), tables.device
        with self.hub.begin() as connection:
            connection.execute(update(device).where(device.c.device == self.device).values(contact=told))

    def pull(self, event: str = SHOW) -> ManifestState | None:
        """Take what is offered; what it holds then."""
        writer = ManifestWriter(self.folder / "manifest.db", self.key)
        try:
            state = writer.state()
            held = HeldManifest(state.event, state.version, state.digest, state.tickets) if state else None
            bundle = tables.bundle
            with self.hub.engine.connect() as connection:
                offers = offers_for(connection, event, held)
                rows = connection.execute(select(bundle).where(bundle.c.event == event)).all()
            files = {row.version: self.hub.settings.state_dir / row.file_name for row in rows}
            public = self.hub.issuer_key.public_key().public_bytes_raw()
            self.took = [offer.kind for offer in offers]
            for offer in offers:
                trust = Trust(self.name, self.key, {ISSUER: public}, event, device=self.device)
                apply(verify(files[offer.version], trust, writer.state(), self.hub.clock() + 1), writer, 0.0)
            self.tells(writer.state())
            return writer.state()
        finally:
            writer.close()


def _holding(serial: int, event: str) -> Holding:
    stem = f"11010519491{serial:06d}"
    document = Document(DocumentType.RESIDENT_ID, stem + check_digit(stem))
    return Holding(Ticket(f"T{serial}", Entitlement(event), Validity(1.0, 2.0)), (document,))


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Callable[..., Box]:
    """Enrols boxes in a hall with two events of four tickets each."""
    hall(hub)
    event = tables.event
    with hub.begin() as connection:
        for name in (SHOW, WARD):
            sealed = hub.seal(bytes(range(32)), f"event|{name}")
            connection.execute(update(event).where(event.c.event == name).values(sealed_secret=sealed))
            put_tickets(hub, connection, "li", name, [_holding(serial, name) for serial in range(4)])

    def enrol_one(name: str, replaces: str = "", venue: str = "v") -> Box:
        return Box(hub, tmp_path, name, replaces, venue)

    return enrol_one


def _version(hub: Hub) -> int:
    with hub.engine.connect() as connection:
        return max(connection.execute(select(tables.bundle.c.version).where(tables.bundle.c.event == SHOW)).scalars())


def test_a_gate_that_is_assigned_late_holds_what_the_others_hold(hub: Hub, box: Callable[..., Box]) -> None:
    first, late = box("G1"), box("G2")
    first.assign(SHOW)
    publish(hub, "li", SHOW)
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", SHOW, ["T1"])
    first.pull()
    late.assign(SHOW)
    held = late.pull()
    assert held is not None
    assert (held.tickets, held.version) == (4, _version(hub))
    assert first.pull() == held


def test_two_gates_of_one_name_at_two_venues_both_hold_the_manifest(hub: Hub, box: Callable[..., Box]) -> None:
    with hub.begin() as connection:
        connection.execute(insert(tables.venue).values(venue="w", organisation="o", name="W"))
    one, other = box("G1"), box("G1", venue="w")
    one.assign(SHOW)
    other.assign(SHOW)
    publish(hub, "li", SHOW)
    held = one.pull()
    assert held is not None
    assert other.pull() == held


def test_the_others_fetch_nothing_for_a_gate_that_comes_late(hub: Hub, box: Callable[..., Box]) -> None:
    first = box("G1")
    first.assign(SHOW)
    publish(hub, "li", SHOW)
    held = first.pull()
    with hub.engine.connect() as connection:
        rung = connection.execute(select(tables.change.c.cursor)).scalars().all()
    for name in ("G2", "G3"):
        late = box(name)
        late.assign(SHOW)
        assert late.pull() == held
        assert late.took == ["base"]
    assert first.pull() == held
    assert first.took == []
    assert len(list((hub.settings.state_dir / "bundles").rglob("*.bundle"))) == 2  # with the one being fetched
    with hub.engine.connect() as connection:
        after = select(tables.change).where(tables.change.c.cursor > max(rung))
        assert [row.event for row in connection.execute(after) if row.event] == []


def test_deltas_go_on_at_the_first_gates_and_at_those_that_came_late(hub: Hub, box: Callable[..., Box]) -> None:
    first, late = box("G1"), box("G2")
    first.assign(SHOW)
    publish(hub, "li", SHOW)
    first.pull()
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", SHOW, ["T1"])
        publish_changes(hub, connection, "li", SHOW)
    late.assign(SHOW)
    assert late.pull() == first.pull()
    assert (late.took, first.took) == (["base", "delta"], ["delta"])
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", SHOW, ["T2"])
        publish_changes(hub, connection, "li", SHOW)
    assert late.pull() == first.pull()
    assert (late.took, first.took) == (["delta"], ["delta"])


def test_a_gate_that_comes_back_from_another_event_holds_the_manifest_again(hub: Hub, box: Callable[..., Box]) -> None:
    first, other = box("G1"), box("G2")
    first.assign(SHOW)
    other.assign(WARD)
    publish(hub, "li", SHOW)
    publish(hub, "li", WARD)
    first.pull()
    first.assign(WARD)
    first.pull(WARD)
    first.assign(SHOW)
    held = first.pull()
    assert held is not None
    assert (held.event, held.version) == (SHOW, 2)


def test_a_gate_that_was_sent_away_for_a_moment_costs_nobody_anything(hub: Hub, box: Callable[..., Box]) -> None:
    first = box("G1")
    first.assign(SHOW)
    publish(hub, "li", SHOW)
    first.pull()
    first.assign("")
    first.assign(SHOW)
    assert _version(hub) == 1


def test_a_base_that_has_run_out_is_published_as_a_new_version(hub: Hub, box: Callable[..., Box], clock: Clock) -> None:
    first, late = box("G1"), box("G2")
    first.assign(SHOW)
    publish(hub, "li", SHOW)
    clock.now += 10 * 86_400
    late.assign(SHOW)
    held = late.pull()
    assert held is not None
    assert held.version == 2


def test_a_gate_that_goes_to_another_published_event_holds_that_one(hub: Hub, box: Callable[..., Box]) -> None:
    first, other = box("G1"), box("G2")
    first.assign(SHOW)
    other.assign(WARD)
    publish(hub, "li", SHOW)
    publish(hub, "li", WARD)
    other.assign(SHOW)
    held = other.pull(SHOW)
    assert held is not None
    assert held.event == SHOW


def test_a_gate_with_new_keys_holds_the_manifest_by_them(hub: Hub, box: Callable[..., Box]) -> None:
    gate = box("G1")
    gate.assign(SHOW)
    publish(hub, "li", SHOW)
    gate.pull()
    gate.renew()
    held = gate.pull()
    assert held is not None
    assert held.version == _version(hub) > 1


def test_a_box_that_takes_the_place_of_another_holds_what_that_one_served(hub: Hub, box: Callable[..., Box]) -> None:
    old = box("G1")
    old.assign(SHOW)
    publish(hub, "li", SHOW)
    held = box("G1", replaces=old.device).pull()
    assert held is not None
    assert held.tickets == 4


def test_nothing_goes_out_of_a_draft_or_a_closed_event_and_nothing_twice(hub: Hub, box: Callable[..., Box]) -> None:
    first, late = box("G1"), box("G2")
    first.assign(SHOW)
    assert first.pull() is None
    publish(hub, "li", SHOW)
    first.assign(SHOW)
    assert _version(hub) == 1
    with hub.begin() as connection:
        connection.execute(update(tables.event).values(state="closed"))
    late.assign(SHOW)
    assert _version(hub) == 1
    with hub.engine.connect() as connection:
        assert set(connection.execute(select(tables.event.c.state)).scalars()) == {"closed"}


def test_a_gate_that_leaves_takes_nothing_along(hub: Hub, box: Callable[..., Box]) -> None:
    gate = box("G1")
    gate.assign(SHOW)
    publish(hub, "li", SHOW)
    gate.assign("")
    assert _version(hub) == 1
