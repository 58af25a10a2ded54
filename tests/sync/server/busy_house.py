"""A house in the middle of an evening, for pages to show: queues, a dispute, a copied card, a venue hub, a pretix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from models.decision import Profile, Verdict
from models.ids import DocumentType, check_digit
from models.profiles import policy_of
from models.ticket import Entitlement, Ticket, Validity
from models.wire import to_json
from sync.contract import Contact, HeldManifest
from sync.holding import Document, Holding
from sync.push import next_batch
from sync.server import tables
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.leases import lease
from sync.server.permissions import Role
from sync.server.pretix_link import NewLink, make_link
from sync.server.publish import publish
from sync.server.tickets import NewEvent, make_event, put_tickets
from sync.sources.pretix_client import Access
from tests.sync.server.pages_client import enrol_person
from tests.sync.server.world import GateBox

SHOW, DRAFT, LATER = "gala", "spring", "ward"
GATES = ("南门 1", "南门 2", "北门", "VIP")
MINUTES = 42


def holding(event: str, serial: int) -> Holding:
    """A ticket of nobody."""
    stem = f"11010519491{serial:06d}"
    number = stem + check_digit(stem)
    entitlement = Entitlement(event, seat=f"{serial // 20 + 1} 排 {serial % 20 + 1} 座")
    ticket = Ticket(f"T{serial:04d}", entitlement, Validity(1.0, 4e9), bound_at=0.5, masked_name="王*")
    return Holding(ticket, (Document(DocumentType.RESIDENT_ID, number),))


def furnish(hub: Hub) -> None:
    """Places, people and events."""
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="江南文化传媒有限公司"))
        connection.execute(insert(tables.organisation).values(organisation="choir", name="City Choir"))
        for venue, name in (("v", "江南体育中心体育场"), ("hall", "Old Concert Hall")):
            connection.execute(insert(tables.venue).values(venue=venue, organisation="o", name=name))
    for role in (Role.ORGANISER, Role.SUPERVISOR, Role.AUDITOR):
        enrol_person(hub, f"{role.value}.li", role, "o")
    now = hub.clock()
    with hub.begin() as connection:
        for event, name, profile in (
            (SHOW, "月光巡回演唱会 · 南京站", Profile.CARD),
            (DRAFT, "Spring Concert", Profile.CONCERT),
            (LATER, "第三人民医院门诊", Profile.HOSPITAL),
        ):
            new = NewEvent("o", "v", name, now - 1800, now + 9000, policy_of(profile, event))
            make_event(hub, connection, "organiser.li", new)
        put_tickets(hub, connection, "organiser.li", SHOW, [holding(SHOW, serial) for serial in range(400)])
        odd = [holding(DRAFT, serial) for serial in range(40)]
        odd[3] = replace(odd[3], documents=odd[4].documents)
        put_tickets(hub, connection, "organiser.li", DRAFT, odd)


class Evening:
    """Gates at work on the show."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.boxes = [GateBox(hub, folder, name, SHOW) for name in GATES]
        with hub.begin() as connection:
            connection.execute(update(tables.device).values(device_key=bytes(31) + b"\x09"))
        publish(hub, "organiser.li", SHOW)
        self._admit()
        self._dispute()
        self._send()
        self._tell()
        self._fork()

    def close(self) -> None:
        """Let go of the ledgers."""
        for box in self.boxes:
            box.ledger.close()

    def _admit(self) -> None:
        serial, now = 0, self.hub.clock()
        for minute in range(MINUTES, -1, -1):
            for place, box in enumerate(self.boxes[:3]):
                for nth in range((minute * 7 + place * 3) % 5 + (minute < 20)):
                    box.passes(f"T{serial:04d}", at=now - minute * 60 - nth)
                    serial += 1
                if minute < 12 and (minute + place) % 2:
                    box.decide(Verdict.DENY, "", at=now - minute * 60)

    def _dispute(self) -> None:
        now = self.hub.clock()
        self.boxes[1].passes("T0003", at=now - 200)
        self.boxes[2].passes("T0005", at=now - 100)

    def _send(self) -> None:
        for box in self.boxes[:3]:
            sent = 0
            while (batch := next_batch(box.ledger, sent, 500)) is not None:
                with self.hub.begin() as connection:
                    take(self.hub, connection, box.device, box.name, batch)
                sent = batch.lines[-1].seq

    def _tell(self) -> None:
        bundle, now = tables.bundle, self.hub.clock()
        with self.hub.begin() as connection:
            issued = connection.execute(bundle.select()).one()
            good = HeldManifest(SHOW, issued.version, issued.digest, issued.tickets)
            odd = replace(good, digest="ab" * 32)
            for box, silent_s, held, faults in (
                (self.boxes[0], 2, good, ()),
                (self.boxes[1], 3, odd, ("face: camera lost",)),
                (self.boxes[2], 600, good, ()),
                (self.boxes[3], 4, good, ()),
            ):
                contact = Contact(now - silent_s, manifest=held, faults=faults, mode="controlled", program="1.4.0")
                values = {"last_contact_at": now - silent_s, "contact": to_json(contact).decode()}
                connection.execute(update(tables.device).where(tables.device.c.device == box.device).values(**values))

    def _fork(self) -> None:
        box = self.boxes[2]
        line = box.batch().lines[0]
        odd = to_json(replace(line, hash="ab" * 32)).decode()
        values: dict[str, Any] = {"device": box.device, "epoch": box.ledger.epoch, "seq": line.seq}
        with self.hub.begin() as connection:
            connection.execute(insert(tables.fork).values(**values, hash=b"\xab" * 32, line=odd, at=1.0))
            ledger = tables.ledger
            connection.execute(update(ledger).where(ledger.c.device == box.device).values(state="forked"))


def link_and_lease(hub: Hub) -> None:
    """A venue hub that answers for the show, and a pretix with a wrong token."""
    device: dict[str, Any] = {
        "device": "hub-1",
        "kind": "hub",
        "name": "场馆机房",
        "venue": "v",
        "signing_key": bytes(32),
    }
    device |= {"device_key": bytes(32), "certificate": "", "state": "enrolled"}
    with hub.begin() as connection:
        times = {"made_at": hub.clock() - 90_000, "last_contact_at": hub.clock() - 5}
        connection.execute(insert(tables.device).values(**device, **times))
        lease(hub, connection, "supervisor.li", SHOW, "hub-1")
        access = Access("https://tickets.example", "jiangnan", "gala", "Device", "secret")
        make_link(hub, connection, "organiser.li", SHOW, NewLink(access, 7, period_s=86_400.0))
        trouble = "pretix does not take the credential for this (401)"
        connection.execute(update(tables.pretix_link).values(trouble=trouble, round_at=hub.clock() - 40))
        values: dict[str, Any] = {
            "event": SHOW,
            "position": 1,
            "order_code": "YKEDF",
            "place": 1,
            "sealed_secret": b"",
            "changed_at": 1.0,
        }
        values |= {"odd": "no_number", "words": "nobody has entered the document's number"}
        connection.execute(insert(tables.pretix_position).values(**values))
