"""Sites that share lists, side by side in one process; what goes between them goes as bytes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import insert, select, update

from models.ids import DocumentType, check_digit
from models.watch import WatchAction, WatchEntry, WatchPurpose, WatchState
from models.wire import from_json, to_json
from sync.contract import Contact, HeldWatch
from sync.contract_partner import EntrustedEntries, Receipts
from sync.holding import Document
from sync.server import partner_entrusted, partner_receipts, partners, tables
from sync.server.hub import Hub
from sync.server.partner_received import progress, set_progress, take, trusted_part
from sync.server.partner_shares import partners_page, share
from sync.server.partners import TOLD_DIGITS, Terms, enter, find_partner, fingerprint, own_card, seal_key_of, terms_of
from sync.server.site import ISSUER
from sync.server.watch_entries import propose_all
from sync.server.watch_items import domain_secret, project, project_all
from sync.server.watch_rules import Proposal
from sync.server.watch_tables import watch_approval, watch_entry, watch_item
from sync.watch_fetch import Fetched, Receiver, fetch
from sync.watch_page import WatchChange, open_entry

ID = DocumentType.RESIDENT_ID
DAY_S = 86_400.0


def number(serial: int) -> str:
    """A well-formed number of nobody, grown up."""
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def template(serial: int) -> bytes:
    """Somebody's face, as it could be."""
    return struct.pack("<128f", *(((serial * 31 + n * 17) % 101 - 50) / 400 for n in range(128)))


def found_site(hub: Hub, name: str) -> Hub:
    """A server begins as the site `name`, with one gate that says what it holds."""
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name=name, made_at=0.0))
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        values: dict[str, object] = {
            "device": "gate-1",
            "kind": "gate",
            "name": "G1",
            "venue": "v",
            "state": "enrolled",
        }
        values |= {"signing_key": bytes(32), "device_key": bytes(32), "certificate": "", "made_at": 0.0}
        connection.execute(insert(tables.device).values(**values))
    return hub


def gate_holds(hub: Hub, revision: int | None, device: str = "gate-1") -> None:
    """The site's gate says that it has the list so far."""
    contact = Contact(hub.clock(), watch=None if revision is None else HeldWatch(revision, 0, ""))
    with hub.begin() as connection:
        row = tables.device
        told = update(row).where(row.c.device == device).values(contact=to_json(contact).decode())
        connection.execute(told)


def befriend(one: Hub, other: Hub, ones: Terms, others: Terms) -> None:
    """Both enter each other's card, and compare."""
    for here, there, terms in ((one, other, ones), (other, one, others)):
        with there.begin() as connection:
            card = own_card(there, connection)
        with here.begin() as connection:
            enter(here, connection, "li", card, terms)
            partners.trust(here, connection, "li", card.site, fingerprint(card)[-TOLD_DIGITS:])


def enlist(hub: Hub, serial: int, owner: str = "One", **more: object) -> str:
    """Somebody comes onto the list, approved by two; the entry."""
    return enlist_all(hub, [serial], owner, **more)[0]


def enlist_all(hub: Hub, serials: Sequence[int], owner: str, **more: object) -> list[str]:
    """Likewise many at once."""
    with hub.begin() as connection:
        entries = propose_all(hub, connection, "li", "o", [proposal(hub, one, owner, **more) for one in serials])
        for account, role in (("anna", "owner"), ("bo", "supervisor")):
            given = {"version": 1, "account": account, "role": role, "at": hub.clock()}
            connection.execute(insert(watch_approval), [{"entry": entry} | given for entry in entries])
        connection.execute(update(watch_entry).where(watch_entry.c.state == "proposed").values(state="approved"))
        project_all(hub, connection, entries)
    return entries


def proposal(hub: Hub, serial: int, owner: str, **more: object) -> Proposal:
    """What is asked for."""
    made = Proposal(owner, WatchPurpose.SCALPING, WatchAction.REVIEW, "appeals office", "article 5", None)
    made = replace(made, document=Document(ID, number(serial)), template=template(serial), model_version="m1")
    made = replace(made, valid_from=hub.clock() - 1, valid_to=hub.clock() + 90 * DAY_S)
    return replace(made, **more)  # type: ignore[arg-type]


def withdraw(hub: Hub, entry: str) -> None:
    """It ends for good."""
    with hub.begin() as connection:
        connection.execute(update(watch_entry).where(watch_entry.c.entry == entry).values(state=WatchState.WITHDRAWN))
        project(hub, connection, entry)


def name_of(hub: Hub) -> str:
    with hub.begin() as connection:
        return own_card(hub, connection).site


def fetched(giver: Hub, getter: Hub, after: int = 0) -> Fetched:
    """What `getter` makes of `giver`'s pages."""
    theirs, ours = name_of(giver), name_of(getter)

    async def ask(revision: int) -> bytes:
        with giver.begin() as connection:
            return partners_page(giver, connection, ours, revision)

    with getter.begin() as connection:
        key = find_partner(connection, theirs).issuer_key
    return asyncio.run(fetch(ask, Receiver({ISSUER: key}, theirs, seal_key_of(getter), ours), after, getter.clock))


def pull(giver: Hub, getter: Hub) -> int:
    """`getter` brings itself in step; how many entries it doesn't take."""
    theirs = name_of(giver)
    with getter.begin() as connection:
        after = progress(connection, theirs)[0]
    return take_in(getter, theirs, fetched(giver, getter, after))


def take_in(getter: Hub, theirs: str, found: Fetched) -> int:
    with getter.begin() as connection:
        accept = trusted_part(terms_of(find_partner(connection, theirs)), getter.clock())
    return take(getter, theirs, found, accept)


def entrust(owner: Hub, keeper: Hub, change: Callable[[EntrustedEntries], EntrustedEntries] | None = None) -> int:
    """`owner` tells `keeper` what is new; how many were taken."""
    ours, theirs = name_of(owner), name_of(keeper)
    taken = 0
    while True:
        with owner.begin() as connection:
            share(owner, connection, theirs)
            made = partner_entrusted.to_entrust(owner, connection, theirs)
        if made is None:
            return taken
        told = from_json(EntrustedEntries, to_json(made[0]))
        with keeper.begin() as connection:
            row = find_partner(connection, ours)
            taken += partner_entrusted.take_entrusted(keeper, connection, row, change(told) if change else told)[0]
        with owner.begin() as connection:
            name = partner_entrusted.outgoing(theirs)
            set_progress(connection, name, made[1], owner.clock(), 1e11)


def receipt(holder: Hub, owner: Hub) -> int:
    """`holder` sends the receipts that are due; how many."""
    ours, theirs = name_of(holder), name_of(owner)
    with holder.begin() as connection:
        made = partner_receipts.due(holder, connection, theirs)
    if made is None:
        return 0
    told = from_json(Receipts, to_json(made))
    with owner.begin() as connection:
        key = find_partner(connection, ours).issuer_key
        new = partner_receipts.take_receipts(connection, ours, key, told)
    with holder.begin() as connection:
        partner_receipts.sent(connection, theirs, made)
    return new


def at_gates(hub: Hub) -> list[WatchEntry]:
    """What the site's gates are to hold, opened."""
    row = watch_item.c
    with hub.begin() as connection:
        rows = connection.execute(select(watch_item).where(~row.removed).order_by(row.item)).all()
        secrets = {one.domain: domain_secret(hub, connection, one.domain) for one in rows}
    changes = [WatchChange(one.item, one.version, one.domain, one.sealed) for one in rows]
    return [open_entry(change, secrets[change.domain] or b"") for change in changes]
