"""At a venue hub: manifests fetched from the centre, verified as far as one can who may not open them, and shelved."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

from sqlalchemy import select, update

from models.wire import to_json
from sync.bundle import look_through
from sync.bundle_format import Header
from sync.contract import BundleOffer
from sync.contract_hub import HubEvent, HubStanding
from sync.download import download, forget_others
from sync.enrolment import Enrolment
from sync.refusals import PartsChanged
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.upstream_client import CentreClient
from sync.server.upstream_mirror import CENTRE, copy_event
from sync.server.upstream_papers import folder_of


async def fetch(hub: Hub, client: CentreClient, papers: Enrolment, standing: HubStanding) -> bool:
    """Take all offers, in order; whether anything came. Raises `SyncFailed`, `BundleRefused`, `TooLarge`, `OSError`."""
    parts = folder_of(hub.settings) / "parts"
    events = {one.event: one for one in standing.events}
    await asyncio.to_thread(forget_others, parts, standing.offers)
    came = False
    for offer in standing.offers:
        if offer.event in events and not await asyncio.to_thread(_have, hub, offer):
            path = await download(client, offer, parts)
            await asyncio.to_thread(shelve, hub, papers.issuer_keys, offer, events[offer.event], path)
            came = True
    return came


def shelve(hub: Hub, issuers: dict[str, bytes], offer: BundleOffer, event: HubEvent, path: Path) -> None:
    """Verify what was fetched, keep it as it is, and call the gates. Raises `BundleRefused`; the file is gone then."""
    try:
        header, policy = look_through(path, issuers)
        _refuse_another(offer, header)
    except ValueError:
        path.unlink(missing_ok=True)
        raise
    out = _folder(hub, offer.event) / f"{offer.version}-{offer.issue}.bundle"
    out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sync(path)
    path.replace(out)
    with hub.begin() as connection:
        copy_event(hub, connection, event, to_json(policy).decode())
        values = {
            "event": header.event,
            "version": header.version,
            "issue": offer.issue,
            "kind": header.kind,
            "after": header.after,
            "revision": 0,
            "digest": header.digest,
            "tickets": header.tickets,
            "size": offer.size,
            "file_name": str(out.relative_to(hub.settings.state_dir)),
            "issued_at": header.issued_at,
            "expires_at": header.expires_at,
            "made_by": CENTRE,
            "recipients": json.dumps(dict.fromkeys(header.recipients, "")),
        }
        bundle = tables.bundle
        connection.execute(insert_or_ignore(connection, bundle).values(**values))
        again = update(bundle).where(bundle.c.event == header.event, bundle.c.version == header.version)
        connection.execute(again.values({name: values[name] for name in ("issue", "size", "file_name", "recipients")}))
        hub.audit(connection, CENTRE, "bundle.fetched", header.event, version=header.version, kind=header.kind)
        hub.ring(connection, event=header.event)


def wipe(hub: Hub) -> None:
    """The centre has revoked this hub: nothing of its events stays here but what the gates wrote."""
    bundle, event = tables.bundle, tables.event
    with hub.begin() as connection:
        ours = select(event.c.event).where(event.c.organisation == CENTRE)
        names = set(connection.execute(select(bundle.c.event).where(bundle.c.event.in_(ours))).scalars())
        if not names:
            return
        connection.execute(bundle.delete().where(bundle.c.event.in_(ours)))
        connection.execute(update(event).where(event.c.organisation == CENTRE).values(lessee=CENTRE, state="closed"))
        hub.audit(connection, CENTRE, "hub.wiped")
    for name in names:
        shutil.rmtree(_folder(hub, name), ignore_errors=True)  # with issues that were replaced


def _folder(hub: Hub, event: str) -> Path:
    return hub.settings.state_dir / "bundles" / event.encode().hex()


def _have(hub: Hub, offer: BundleOffer) -> bool:
    bundle = tables.bundle
    with hub.engine.connect() as connection:
        chosen = select(bundle.c.issue).where(bundle.c.event == offer.event, bundle.c.version == offer.version)
        return connection.execute(chosen).scalar() == offer.issue


def _refuse_another(offer: BundleOffer, header: Header) -> None:
    told = (offer.event, offer.version, offer.kind, offer.after, offer.digest)
    if told != (header.event, header.version, header.kind, header.after, header.digest):
        raise PartsChanged("the centre sent another bundle than the one it offered")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
