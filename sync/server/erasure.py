"""An event's persons are erased: when its time to keep them is over, or when somebody says so.

Tickets go with all that is sealed in them, what was imported, what came from pretix, bundles, and the event's secret,
without which the keyed hashes in the ledger's lines lead to nobody any more. Lines, uses, counts and conflicts stay:
there is no number and no name in them. What was done is signed, so that it can be shown to whoever asks.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Table, delete, func, insert, select, text, update

from models.store.vault import SECRET_BYTES
from sync.server import tables
from sync.server.devices import directory
from sync.server.frequent import forget_event
from sync.server.hub import Hub
from sync.server.imports import CLOSED
from sync.server.leases import find_lease, give_back
from sync.server.problems import Refused
from sync.server.publish import event_row
from sync.server.site import site_name
from sync.server.ticket_rows import event_place
from sync.server.watch_tables import seen, seen_exempt

DAY_S = 86_400.0
PERIOD_S = 3600.0
LOOKS = 25
"""So often in a row an event is found due before it is erased: a day of looks, with the clock agreeing all the time."""

SERVER = "server"
SIGNED = b"menshen erasure\0"
LONGEST_WHY = 500

PERSONAL: tuple[Table, ...] = (
    tables.ticket_document,
    tables.ticket,
    tables.removed_ticket,
    tables.import_job,
    tables.pretix_checkin,
    tables.pretix_holder,
    tables.pretix_position,
    tables.pretix_link,
    tables.claim,
    tables.ended_claim,
    seen,
    seen_exempt,
    tables.code_claim,
    tables.bundle,
)
"""What goes, in an order that foreign keys allow; each has a column `event`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """That an event was erased. `signature` (Ed25519 by the raw `public_key`) covers `SIGNED` and `text`."""

    event: str
    at: float
    actor: str
    text: str
    signature: str
    public_key: str


def erase(hub: Hub, actor: str, event: str, why: str = "", *, early: bool = False) -> Receipt:
    """Erase the persons of `event`; once more gives the first receipt again.

    Raises `Refused`: 404; 409 `too_early` before its time to keep is over, unless `early`; 422 that without a reason.
    """
    if early and not why.strip():
        raise Refused(422, "no_reason", "say why the event is erased before its time")
    with hub.begin() as connection:
        row, jobs = event_row(connection, event, lock=True), _jobs(connection, event)
        receipt = find_receipt(hub, connection, event)
        if receipt is None:
            _refuse_early(hub, row, early)
            receipt = _erase(hub, connection, actor, row, why.strip()[:LONGEST_WHY], early)
    _clear_disk(hub, event, jobs)
    _clear_database(hub)
    return receipt


def erase_due(hub: Hub) -> None:
    """Look whose time to keep its persons is over, and erase whoever was in `LOOKS` looks in a row.

    A look is an hour: a clock that jumps ahead and is set right within a day erases nobody.
    """
    if hub.settings.upstream:
        return
    with hub.begin() as connection:
        events = _look(hub, connection)
    for event in events:
        erase(hub, SERVER, event)
        _log.info("an event's persons were erased, %d days after its end", hub.settings.keep_days)


def _look(hub: Hub, connection: Connection) -> list[str]:
    """Count this look, begin anew for whoever is not due now, and give those with enough of them."""
    row, due, days = tables.event, tables.erasure_due, hub.settings.keep_days
    ended = hub.clock() - days * DAY_S if days else 0.0
    over = select(row.c.event).where(row.c.ends_at < ended, row.c.event.not_in(select(tables.erasure.c.event)))
    connection.execute(delete(due).where(due.c.event.not_in(over)))
    connection.execute(update(due).values(looks=due.c.looks + 1))
    for event in connection.execute(over.where(row.c.event.not_in(select(due.c.event)))).scalars().all():
        connection.execute(insert(due).values(event=event, looks=1))
    return sorted(connection.execute(select(due.c.event).where(due.c.looks >= LOOKS)).scalars())


def find_receipt(hub: Hub, connection: Connection, event: str) -> Receipt | None:
    """The receipt of the event's erasure."""
    row = connection.execute(select(tables.erasure).where(tables.erasure.c.event == event)).first()
    if row is None:
        return None
    public = json.loads(row.receipt)["public_key"]
    return Receipt(row.event, row.at, row.actor, row.receipt, bytes(row.signature).hex(), public)


def is_genuine(receipt: Receipt, public_key: bytes) -> bool:
    """Whether the holder of the raw `public_key` signed it as it stands."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(receipt.signature), SIGNED + receipt.text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def is_erased(connection: Connection, event: str) -> bool:
    """Whether `event` was erased: whoever holds its manifest still has to destroy that."""
    return connection.execute(select(tables.erasure.c.event).where(tables.erasure.c.event == event)).first() is not None


def _refuse_early(hub: Hub, row: Any, early: bool) -> None:
    days = hub.settings.keep_days
    if not early and (not days or hub.clock() < row.ends_at + days * DAY_S):
        raise Refused(
            409, "too_early", f"the event's persons are kept for {days} days after its end: say why it is to be sooner"
        )


def _jobs(connection: Connection, event: str) -> list[str]:
    job = tables.import_job
    return list(connection.execute(select(job.c.job).where(job.c.event == event)).scalars())


def _erase(hub: Hub, connection: Connection, actor: str, row: Any, why: str, early: bool) -> Receipt:
    event = row.event
    if find_lease(connection, event) is not None:
        give_back(hub, connection, actor, event, force=True, why="the event is erased")
    erased = {table.name: _delete(connection, table, event) for table in PERSONAL}
    secret = hub.seal(os.urandom(SECRET_BYTES), event_place(event))  # nobody has it: hashes by the old one are dumb
    of = tables.event.c.event == event
    connection.execute(update(tables.event).where(of).values(sealed_secret=secret, state=CLOSED, lessee=None))
    connection.execute(update(tables.conflict).where(tables.conflict.c.event == event).values(words=""))
    forget_event(hub, connection, event)
    _send_gates_home(hub, connection, event)
    return _sign(hub, connection, actor, event, {"erased": erased, "why": why, "early": early})


def _delete(connection: Connection, table: Table, event: str) -> int:
    here = table.c.event == event
    number = int(connection.execute(select(func.count()).select_from(table).where(here)).scalar_one())
    connection.execute(delete(table).where(here))
    return number


def _send_gates_home(hub: Hub, connection: Connection, event: str) -> None:
    device = tables.device
    gates = connection.execute(
        update(device).where(device.c.event == event).values(event=None).returning(device.c.device)
    )
    for gate in sorted(gates.scalars()):
        hub.ring(connection, device=gate)
        directory(hub).forget(gate)


def _sign(hub: Hub, connection: Connection, actor: str, event: str, what: dict[str, Any]) -> Receipt:
    now, public = hub.clock(), hub.issuer_key.public_key().public_bytes_raw().hex()
    told = what | {"site": site_name(connection), "event": event, "at": now, "actor": actor, "public_key": public}
    receipt = json.dumps(told, ensure_ascii=False, sort_keys=True)
    signature = hub.issuer_key.sign(SIGNED + receipt.encode())
    values = {"event": event, "at": now, "actor": actor, "receipt": receipt, "signature": signature}
    connection.execute(insert(tables.erasure).values(**values))
    hub.audit(connection, actor, "event_erased", event, erased=what["erased"], early=what["early"])
    return Receipt(event, now, actor, receipt, signature.hex(), public)


def _clear_disk(hub: Hub, event: str, jobs: list[str]) -> None:
    root = hub.settings.state_dir
    shutil.rmtree(root / "bundles" / event.encode().hex(), ignore_errors=True)
    for job in jobs:
        shutil.rmtree(root / "imports" / job, ignore_errors=True)


def _clear_database(hub: Hub) -> None:
    """What was deleted is to be in no page and no log any more. SQLite overwrites it; its log has to be cut."""
    with hub.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            for table in PERSONAL:
                connection.execute(text(f'VACUUM "{table.name}"'))
        else:
            connection.exec_driver_sql("COMMIT")  # our engine begins every use with a transaction
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
