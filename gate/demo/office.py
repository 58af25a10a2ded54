"""A site's server as a process of its own, and the hands of its organiser, who works on its folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from sqlalchemy import select

from gate.demo.program import GATECTL, Program
from models.decision import Policy
from models.store.keys import load_or_make_signing_key
from models.store.vault import DeviceKey
from sync.contract import LedgerLine
from sync.enrol import enrol, read_invitation
from sync.enrolment import keep
from sync.server import tables
from sync.server.conflicts import Conflict, list_conflicts
from sync.server.enrolment import assign, invite
from sync.server.hub import Hub, open_hub
from sync.server.import_commit import Imported, commit_import
from sync.server.imports import State, Upload, job_row, new_folder, start_import
from sync.server.leases import lease
from sync.server.live import GateRow, gates_of
from sync.server.places import add_organisation, add_venue
from sync.server.publish import Published, publish, publish_changes
from sync.server.settings import Settings
from sync.server.tickets import NewEvent, make_event, revoke_tickets

ORGANISER, HOUSE = "organiser", "house"
HOST = "127.0.0.1"
START_S = 30.0
IMPORT_S = 120.0


@dataclass(frozen=True, slots=True)
class Used:
    """A release that the server knows of: by which ticket, where, which way and how it ended."""

    ticket: str
    gate: str
    direction: str
    passage: str | None
    claim: str


class Office:
    """`gatectl hub` on `folder`, always on the same free port. `gatectl` is how the program is called."""

    def __init__(
        self,
        folder: Path,
        gatectl: Sequence[str] = GATECTL,
        environment: dict[str, str] | None = None,
        upstream: str = "",
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        words = ["hub", "--state", str(folder), "--port", str(self.port), "--name", HOST, "--site", HOUSE]
        words += ["--upstream", upstream] if upstream else []
        self.program = Program([*gatectl, *words], folder.with_suffix(".log"), environment)
        self._hub: Hub | None = None

    @property
    def hub(self) -> Hub:
        """The server's folder and database, opened beside the program as its operator's commands do."""
        if self._hub is None:
            self._hub = open_hub(Settings(self.folder, port=self.port, names=(HOST,)))
        return self._hub

    def start(self) -> None:
        """Start it, or start it again, and wait until it serves. Raises `NotStarted`."""
        self.program.start()
        self.program.wait_for(lambda: "authority" in self.program.said(), START_S)

    def close(self) -> None:
        """End the program, and let go of the folder."""
        self.program.stop()
        if self._hub is not None:
            self._hub.engine.dispose()
            self._hub = None

    # --- the organiser ------------------------------------------------------------------------------------------

    def found(self) -> None:
        """The house and its hall."""
        with self.hub.begin() as connection:
            add_organisation(self.hub, connection, ORGANISER, HOUSE, HOUSE)
            add_venue(self.hub, connection, ORGANISER, HOUSE, HOUSE, HOUSE)

    def announce(self, policy: Policy, ends_in_s: float = 86_400.0) -> None:
        """The event of `policy`, in a house of its own."""
        self.found()
        now = time.time()
        with self.hub.begin() as connection:
            event = NewEvent(HOUSE, HOUSE, policy.event, now - 3600, now + ends_in_s, policy)
            make_event(self.hub, connection, ORGANISER, event)

    def load_table(self, event: str, table: Path) -> Imported:
        """Read a table of ticket holders, and write it as it was previewed."""
        folder = new_folder(self.hub)
        copy = folder / table.name
        copyfile(table, copy)
        job = start_import(self.hub, ORGANISER, Upload(event, table.name, copy), folder)
        ends = time.monotonic() + IMPORT_S
        while (row := self._job(job)).state == State.READING and time.monotonic() < ends:
            threading.Event().wait(0.02)
        if row.state != State.READY:
            raise RuntimeError(f"the table was not taken ({row.state}): {row.problems[:500]}")
        return commit_import(self.hub, ORGANISER, job)

    def publish(self, event: str) -> Published:
        """Seal everything and call the gates."""
        return publish(self.hub, ORGANISER, event)

    def revoke(self, event: str, ticket: str) -> Published:
        """Withdraw a ticket; the delta goes out at once."""
        with self.hub.begin() as connection:
            revoke_tickets(self.hub, connection, ORGANISER, event, [ticket])
            made = publish_changes(self.hub, connection, ORGANISER, event)
        assert made is not None, "a revocation of a published event is a change"
        return made

    def invite(self, name: str, kind: str = "gate") -> str:
        """An enrolment code, as it is shown."""
        with self.hub.begin() as connection:
            return invite(self.hub, connection, ORGANISER, HOUSE, name, kind).text

    def enrol(self, name: str, state_dir: Path, event: str = "", by: int = 0) -> str:
        """Make the box that keeps its things in `state_dir` the gate `name`, and have it serve `event`, if any.

        It will reach the server by the port `by`. Gives the device's identifier.
        """
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_file = state_dir / "device.key"
        device_key = DeviceKey.load(key_file) if key_file.exists() else DeviceKey.make(key_file)
        signing_key = load_or_make_signing_key(state_dir / "signing.key").public_key().public_bytes_raw()
        invitation = replace(read_invitation(self.invite(name)), port=by or self.port)
        enrolment = enrol(invitation, name, signing_key, device_key.public, "demo")
        keep(state_dir, enrolment)
        if event:
            with self.hub.begin() as connection:
                assign(self.hub, connection, ORGANISER, enrolment.device, event)
        return enrolment.device

    def lease(self, event: str, device: str) -> None:
        """From now on the venue hub `device` answers the event's claims."""
        with self.hub.begin() as connection:
            lease(self.hub, connection, ORGANISER, event, device)

    # --- what it knows ------------------------------------------------------------------------------------------

    def gates(self, event: str) -> list[GateRow]:
        """The gates beside what was issued."""
        with self.hub.engine.connect() as connection:
            return gates_of(connection, event, self.hub.clock())

    def conflicts(self, event: str) -> list[Conflict]:
        """The double entries that wait for a person."""
        with self.hub.engine.connect() as connection:
            return list_conflicts(connection, event, is_open=True)

    def answered(self) -> list[str]:
        """The events whose claims this server answers itself."""
        event = tables.event
        with self.hub.engine.connect() as connection:
            return list(connection.execute(select(event.c.event).where(event.c.lessee.is_(None))).scalars())

    def uses(self, event: str) -> list[Used]:
        """Every release that has arrived."""
        use, device = tables.use, tables.device
        columns = use.c.ticket, device.c.name, use.c.direction, use.c.passage, use.c.claim
        with self.hub.engine.connect() as connection:
            rows = connection.execute(
                select(*columns).join_from(use, device, use.c.device == device.c.device).where(use.c.event == event)
            )
            return [Used(*row) for row in rows]

    def lines(self, device: str) -> list[LedgerLine]:
        """What it holds of a device's ledgers."""
        entry = tables.entry
        with self.hub.engine.connect() as connection:
            rows = connection.execute(select(entry).where(entry.c.device == device).order_by(entry.c.seq))
            return [LedgerLine(r.seq, r.version, r.at, r.kind, r.body, r.hash.hex()) for r in rows]

    def ledgers(self) -> list[tuple[str, str, int, str]]:
        """Device, epoch, last entry held and state of every ledger."""
        ledger = tables.ledger
        with self.hub.engine.connect() as connection:
            rows = connection.execute(select(ledger.c.device, ledger.c.epoch, ledger.c.seq, ledger.c.state))
            return [(row.device, row.epoch, row.seq, row.state) for row in rows]

    def _job(self, job: str) -> Any:
        with self.hub.engine.connect() as connection:
            return job_row(connection, job)


def free_port() -> int:
    """A TCP port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
