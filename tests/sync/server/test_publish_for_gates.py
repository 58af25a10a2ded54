"""A gate that comes to a published event, or has new keys, holds the manifest without anybody publishing again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from models.ids import DocumentType, check_digit
from models.store.manifest_db import ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from sync.bundle import Trust, apply, verify
from sync.contract import EnrolRequest, HeldManifest, RenewRequest
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.devices import Caller
from sync.server.enrolment import assign, enrol, invite, renew
from sync.server.hub import Hub
from sync.server.offers import offers_for
from sync.server.publish import ISSUER, publish
from sync.server.tickets import put_tickets, revoke_tickets
from tests.sync.server.world import SHOW, WARD, hall

ADDRESS = "192.0.2.9"


class Box:
    """A gate by its real way in: a code, an event, and what it is offered."""

    def __init__(self, hub: Hub, folder: Path, name: str, replaces: str = "") -> None:
        self.hub, self.name, self.folder = hub, name, folder / f"{name}{replaces}"
        self.folder.mkdir()
        self.new_keys()
        with hub.begin() as connection:
            code = invite(hub, connection, "olga", "v", name, replaces=replaces).code
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
            for offer in offers:
                trust = Trust(self.name, self.key, {ISSUER: public}, event)
                apply(verify(files[offer.version], trust, writer.state(), self.hub.clock() + 1), writer, 0.0)
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

    def enrol_one(name: str, replaces: str = "") -> Box:
        return Box(hub, tmp_path, name, replaces)

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
