"""A centre and a venue hub beside each other, and what goes between them, without the network."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import insert, select, update

from models.wire import from_json, to_json
from sync.contract import LedgerBatch, LedgerReceipt
from sync.contract_hub import HeldClaim, HubGates, HubStanding
from sync.failures import RefusedBy
from sync.server import tables, upstream_lines, upstream_mirror
from sync.server.devices import Caller
from sync.server.hub import Hub
from sync.server.hub_gates import meet_hub
from sync.server.ingest import Forked, keep_fork, take
from sync.server.leases import claims_of
from sync.server.problems import Refused
from tests.sync.server.world import SHOW, GateBox

HUB = "hub-1"
HUB_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def enrol_hub(centre: Hub, device: str = HUB, name: str = "H1") -> Caller:
    """A venue hub's row at the centre."""
    key = HUB_KEY if device == HUB else Ed25519PrivateKey.generate()
    values: dict[str, object] = {
        "device": device,
        "kind": "hub",
        "name": name,
        "venue": "v",
        "device_key": bytes(32),
        "certificate": "",
    }
    values |= {"signing_key": key.public_key().public_bytes_raw(), "state": "enrolled", "made_at": 0.0}
    with centre.begin() as connection:
        connection.execute(insert(tables.device).values(**values))
    return Caller(device, "hub", name, "v", "", 1)


def furnish(venue: Hub) -> None:
    """A venue hub's own folder, with a place for its gates."""
    with venue.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall venue", made_at=0.0))
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))


class Line:
    """Between a hub and its centre: everything goes over as JSON, as on the wire."""

    def __init__(self, centre: Hub, venue: Hub, caller: Caller) -> None:
        self.centre, self.venue, self.caller = centre, venue, caller
        self.batches: list[LedgerBatch] = []

    def meet(self) -> HubStanding:
        """Tell of the gates, take what the centre wants, begin to answer what is leased."""
        with self.venue.begin() as connection:
            told = from_json(HubGates, to_json(upstream_mirror.gates_to_tell(connection)))
        with self.centre.begin() as connection:
            standing = meet_hub(self.centre, connection, self.caller, told)
        standing = from_json(HubStanding, to_json(standing))
        with self.venue.begin() as connection:
            upstream_mirror.take_standing(self.venue, connection, told, standing)
            wanted = upstream_mirror.to_open(connection, standing)
        for event in wanted:
            claims = self._claims(event)
            with self.venue.begin() as connection:
                upstream_mirror.begin_to_answer(self.venue, connection, event, claims)
        return standing

    def know_rules(self) -> None:
        """The hub has the rules of the centre's events, as if their manifests had come."""
        standing = self.meet()
        with self.centre.begin() as connection:
            policies = {row.event: row.policy for row in connection.execute(select(tables.event))}
        with self.venue.begin() as connection:
            for event in standing.events:
                upstream_mirror.copy_event(self.venue, connection, event, policies[event.event])
        self.meet()

    def pass_on(self, most: int = 1_000_000) -> int:
        """Pass on up to so many batches; how many went."""
        went = 0
        while went < most:
            with self.venue.begin() as connection:
                pending = upstream_lines.pending(connection, self.venue.clock())
                batch = upstream_lines.batch_for(connection, pending[0]) if pending else None
            if batch is None:
                return went
            self.hand_over(batch)
            went += 1
        return went

    def hand_over(self, batch: LedgerBatch, heard: bool = True) -> None:
        """One batch to the centre; not `heard`: the answer is lost on the way back."""
        self.batches.append(batch)
        try:
            receipt = self._take(batch)
        except Refused as refused:
            why = RefusedBy(refused.status, refused.code, str(refused))
            with self.venue.begin() as connection:
                upstream_lines.refused(connection, batch, why, self.venue.clock())
            return
        if heard:
            with self.venue.begin() as connection:
                upstream_lines.acknowledge(connection, batch, receipt)

    def _take(self, batch: LedgerBatch) -> LedgerReceipt:
        device = tables.device
        with self.centre.begin() as connection:
            chosen = select(device.c.name).where(device.c.device == batch.device, device.c.hub == self.caller.device)
            gate = connection.execute(chosen).scalar()
        if gate is None:
            raise Refused(404, "no_such_gate", "tell it first")
        try:
            with self.centre.begin() as connection:
                return take(self.centre, connection, batch.device, gate, from_json(LedgerBatch, to_json(batch)))
        except Forked as fork:
            with self.centre.begin() as connection:
                refused = keep_fork(self.centre, connection, fork)
            raise refused from None

    def _claims(self, event: str) -> list[HeldClaim]:
        found: list[HeldClaim] = []
        while True:
            with self.centre.begin() as connection:
                page = claims_of(connection, self.caller.device, event, found[-1].ticket if found else "").claims
            if not page:
                return found
            found += page


def gate_at(venue: Hub, folder: Path, name: str, event: str = SHOW) -> GateBox:
    """A gate that is enrolled at the venue hub, with a device key of its own."""
    box = GateBox(venue, folder, name, event)
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    with venue.begin() as connection:
        connection.execute(update(tables.device).where(tables.device.c.device == box.device).values(device_key=key))
    return box
