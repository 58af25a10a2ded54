"""Entries that one site entrusts to another's list: a hospital's on the city's, which hands them on, keyed anew.

The person travels sealed for the keeper alone; that two people of the owner's house approved it, its signature proves.
The keeper changes nothing of it but to be more careful, and takes it off as soon as its owner says so.
"""

from __future__ import annotations

import json
import os
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from models.ids import DocumentType, normalise_number
from models.store.vault import SECRET_BYTES, SealBroken, decrypt, encrypt, wrap_for
from models.watch import WatchAction, WatchState
from models.watch_domain import person_key
from models.wire import WireError, from_json, to_json
from sync.contract_partner import (
    MOST_ITEMS,
    Approval,
    Entrusted,
    EntrustedEntries,
    EntrustedPerson,
    entrusted_place,
    proof_is_good,
    sign_approvals,
)
from sync.holding import Document
from sync.server.hub import Hub, new_identifier
from sync.server.partner_received import LONGEST_TEMPLATE, LONGEST_TEXT, note_received, progress
from sync.server.partner_shares import is_as_shared
from sync.server.partners import covers, is_time, seal_key_of, terms_of
from sync.server.site import site_name
from sync.server.watch_entries import document_of
from sync.server.watch_history import WatchAct, note
from sync.server.watch_items import own_domain, person_place, project, project_all, revision, template_place
from sync.server.watch_rules import Proposal, faults_of
from sync.server.watch_tables import watch_approval, watch_entry, watch_partner, watch_shared

APPROVALS = 2
AT_ONCE = 100


def outgoing(partner: str) -> str:
    """Under which name it is kept how far our entries went there."""
    return f"to {partner}"


def incoming(partner: str) -> str:
    """Under which name it is kept what it entrusted to us."""
    return f"entrusted {partner}"


# --- the owner's side -------------------------------------------------------------------------------------------------


def to_entrust(hub: Hub, connection: Connection, partner: str) -> tuple[EntrustedEntries, int] | None:
    """What the keeper has not heard yet, and the revision up to which it then has; `None`: nothing.

    Where nothing is entrusted to it any more, it hears of withdrawals alone.
    """
    row = connection.execute(select(watch_partner).where(watch_partner.c.partner == partner)).one()
    after, shared = progress(connection, outgoing(partner))[0], watch_shared.c
    asked = select(watch_shared).where(shared.partner == partner, shared.revision > after)
    found = connection.execute(asked.order_by(shared.revision).limit(AT_ONCE)).all()
    if not found:
        return None
    live = {one.entry: one for one in found if row.entrusts and not one.removed}
    entries = connection.execute(select(watch_entry).where(watch_entry.c.entry.in_(live))).all()
    owner = site_name(connection)
    as_shared = [one for one in entries if is_as_shared(one, live[one.entry])]
    made = tuple(_entrusted(hub, connection, owner, row, one, live[one.entry].item) for one in as_shared)
    return EntrustedEntries(made, tuple(one.item for one in found if one.removed)), found[-1].revision


def _entrusted(hub: Hub, connection: Connection, owner: str, keeper: Row[Any], entry: Row[Any], item: str) -> Entrusted:
    given = watch_approval.c
    asked = select(watch_approval).where(given.entry == entry.entry, given.version == entry.version)
    approvals = tuple(Approval(one.account, one.role, one.at) for one in connection.execute(asked.order_by(given.at)))
    document = document_of(hub, entry)
    template = b"" if entry.sealed_template is None else hub.unseal(entry.sealed_template, template_place(entry.entry))
    person = EntrustedPerson(
        entry.owner,
        entry.purpose,
        entry.action,
        entry.legal_basis,
        entry.appeal,
        entry.valid_from,
        entry.valid_to,
        document.kind.value if document else "",
        document.number if document else "",
        template.hex(),
        entry.model_version,
    )
    secret, place = os.urandom(SECRET_BYTES), entrusted_place(owner, keeper.partner, item, entry.version)
    return Entrusted(
        item,
        entry.version,
        approvals,
        sign_approvals(hub.issuer_key, owner, keeper.partner, item, entry.version, approvals),
        wrap_for(keeper.seal_key, secret, place).hex(),
        encrypt(secret, to_json(person), place).hex(),
    )


# --- the keeper's side ------------------------------------------------------------------------------------------------


def take_entrusted(hub: Hub, connection: Connection, row: Row[Any], told: EntrustedEntries) -> tuple[int, int]:
    """Put a partner's entries on our list, and take off those that it withdraws; how many were taken, how many not."""
    taken, left, kept = 0, 0, dict[str, Entrusted]()
    for item in told.withdrawn[:MOST_ITEMS]:
        taken += take_off(hub, connection, row.partner, item)
    for entrusted in told.entries[:MOST_ITEMS]:
        proposal = _proposal(hub, connection, row, entrusted)
        if proposal is None:
            left += 1
            take_off(hub, connection, row.partner, entrusted.item)
        elif (entry := _keep(hub, connection, row.partner, entrusted, proposal)) is not None:
            kept[entry] = entrusted
    project_all(hub, connection, kept)
    source, now = incoming(row.partner), revision(connection)
    for entry, one in kept.items():
        note_received(hub, connection, source, one.item, one.version, entry, now)
    return taken + len(kept), left


def take_off(hub: Hub, connection: Connection, partner: str, item: str) -> bool:
    """Withdraw what a partner entrusted under this name; whether it was there."""
    row = watch_entry.c
    asked = select(watch_entry).where(row.partner == partner, row.their_entry == item).with_for_update()
    entry = connection.execute(asked).first()
    if entry is None or entry.state == WatchState.WITHDRAWN:
        return False
    state = WatchState.WITHDRAWN
    values = {"state": state, "told": state, "changed_at": hub.clock()}
    connection.execute(update(watch_entry).where(row.entry == entry.entry).values(**values))
    note(hub, connection, partner, entry.entry, entry.version, WatchAct.WITHDRAWN, state, "")
    project(hub, connection, entry.entry)
    now = revision(connection)
    note_received(hub, connection, incoming(partner), item, entry.version, entry.entry, now, removed=True)
    return True


def take_all_off(hub: Hub, connection: Connection, partner: str) -> int:
    """Nothing that it entrusted to us stays; how many there were."""
    row = watch_entry.c
    there = select(row.their_entry).where(row.partner == partner, row.state != WatchState.WITHDRAWN)
    return sum(take_off(hub, connection, partner, item) for item in connection.execute(there).scalars().all())


def take_unagreed_off(hub: Hub, connection: Connection) -> int:
    """What partners entrusted to us and is no longer agreed on leaves our list; how many there were."""
    row, taken = watch_entry.c, 0
    for partner in connection.execute(select(watch_partner).order_by(watch_partner.c.partner)).all():
        terms = terms_of(partner)
        theirs = select(row.their_entry, row.purpose, row.owner).where(row.partner == partner.partner)
        for one in connection.execute(theirs.where(row.state != WatchState.WITHDRAWN)).all():
            if not (terms.may_entrust and covers(terms, one.purpose, one.owner)):
                taken += take_off(hub, connection, partner.partner, one.their_entry)
    return taken


def _proposal(hub: Hub, connection: Connection, row: Row[Any], entrusted: Entrusted) -> Proposal | None:
    """What it asks for, as we do it; `None` where it is not what was agreed, or not lawful here."""
    owner, keeper, approvals = row.partner, site_name(connection), entrusted.approvals
    by_two = len({one.account for one in approvals}) >= APPROVALS and len({one.role for one in approvals}) >= APPROVALS
    if not (by_two and proof_is_good(entrusted, row.issuer_key, owner, keeper)):
        return None
    person = _open(hub, entrusted, entrusted_place(owner, keeper, entrusted.item, entrusted.version))
    if person is None or not covers(terms_of(row), person.purpose, person.owner):
        return None
    try:
        document = Document(DocumentType(person.document), person.number) if person.number else None
        action, template = WatchAction(person.action), bytes.fromhex(person.template)
    except ValueError:
        return None
    if not (is_time(person.valid_from) and is_time(person.valid_to)) or len(template) > LONGEST_TEMPLATE:
        return None
    if any(len(one) > LONGEST_TEXT for one in (person.owner, person.legal_basis, person.appeal, person.model_version)):
        return None
    if action is WatchAction.REFUSE_UNLESS_CLEARED and not (document and person.legal_basis.strip()):
        action = WatchAction.REVIEW
    proposal = Proposal(
        person.owner,
        person.purpose,
        action,
        person.appeal,
        person.legal_basis,
        document,
        person.valid_from,
        person.valid_to,
        (),
        (),
        template,
        person.model_version,
    )
    return None if faults_of(proposal, hub.clock()) else proposal


def _open(hub: Hub, entrusted: Entrusted, place: bytes) -> EntrustedPerson | None:
    try:
        secret = seal_key_of(hub).unwrap(bytes.fromhex(entrusted.envelope), place)
        return from_json(EntrustedPerson, decrypt(secret, bytes.fromhex(entrusted.sealed), place))
    except (SealBroken, WireError, ValueError):
        return None


def _keep(hub: Hub, connection: Connection, partner: str, entrusted: Entrusted, proposal: Proposal) -> str | None:
    """The entry; `None` where it was there already."""
    row, now = watch_entry.c, hub.clock()
    asked = select(watch_entry).where(row.partner == partner, row.their_entry == entrusted.item).with_for_update()
    there = connection.execute(asked).first()
    if there is not None and there.version > entrusted.version:
        return None  # an older one, sent again
    if there is not None and there.version == entrusted.version and there.state == WatchState.APPROVED:
        return None
    entry = there.entry if there else new_identifier("watch")
    values = _columns(hub, connection, entry, proposal) | {"version": entrusted.version, "changed_at": now}
    values |= {"state": WatchState.APPROVED, "told": WatchState.ACTIVE, "proposed_by": partner}
    if there is None:
        names = {"entry": entry, "partner": partner, "their_entry": entrusted.item, "made_at": now}
        connection.execute(insert(watch_entry).values(**names, **values))
    else:
        connection.execute(update(watch_entry).where(row.entry == entry).values(**values))
    given = watch_approval.c
    connection.execute(delete(watch_approval).where(given.entry == entry, given.version == entrusted.version))
    for one in {one.account: one for one in entrusted.approvals}.values():
        who = {"account": f"{one.account[:64]}@{partner}", "role": one.role[:32], "at": one.at}
        connection.execute(insert(watch_approval).values(entry=entry, version=entrusted.version, **who))
    note(hub, connection, partner, entry, entrusted.version, WatchAct.APPROVED, WatchState.ACTIVE, "")
    return entry


def _columns(hub: Hub, connection: Connection, entry: str, proposal: Proposal) -> dict[str, Any]:
    columns: dict[str, Any] = {"owner": proposal.owner, "purpose": proposal.purpose, "action": proposal.action}
    columns |= {"legal_basis": proposal.legal_basis, "appeal": proposal.appeal, "model_version": proposal.model_version}
    begins, ends = proposal.term(hub.clock())
    columns |= {"valid_from": begins, "valid_to": ends, "sealed_person": None, "person_key": None}
    columns |= {"sealed_template": hub.seal(proposal.template, template_place(entry)) if proposal.template else None}
    if proposal.document is not None:
        kind, number = proposal.document.kind, normalise_number(proposal.document.number)
        columns["sealed_person"] = hub.seal(json.dumps([kind, number]).encode(), person_place(entry))
        columns["person_key"] = bytes.fromhex(person_key(own_domain(hub, connection)[1], kind, number))
    return columns
