"""A gate of a larger site: the lane of `rig`, its sync process, and the cable to its server."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from gate.demo.cable import Cable
from gate.demo.cast import Person
from gate.demo.night import Night, NotAsTold
from gate.demo.office import Office
from gate.demo.program import GATECTL, Program
from gate.demo.rig import Rig, Wiring
from models.decision import Reason
from models.ledger import EntryKind
from models.store.errors import StoreError
from models.store.ledger_db import read_ledger, verify
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from models.view import LaneView, Phase

ONLINE_S = 30.0
TRIES = 3
UNANSWERED = "claim_unanswered"


class Gatehouse:
    """Everything of one gate. `device` is its identifier at the server, once it is enrolled."""

    def __init__(self, folder: Path, name: str, office: Office) -> None:
        folder.mkdir(parents=True)
        self.name, self.device = name, ""
        self.cable = Cable(office.port)
        self.rig = Rig(folder, Wiring(name=name, camera=False, exit_reader=False, pace=False, poll_ms=20))
        self.night = Night(self.rig)
        self.sync = Program([*GATECTL, "sync", "--config", str(self.rig.config)], folder / "sync.log")

    def start(self) -> None:
        """Lane and sync process, until the server is reached and the manifest is there."""
        self.rig.issuer_key = self.rig.state_dir / "issuers" / "centre.pub"
        self.rig.start()
        self.sync.start()
        self.rig.link.wait(lambda snapshot: snapshot.reach == "online", ONLINE_S, since=0)

    def turns_away(self, one: Person, reason: Reason) -> LaneView:
        """The person is refused, for this reason. Raises `NotAsTold`.

        On a machine that is too busy a claim may get no answer in its 300 ms, and the rule for that admits: then nobody
        walks through, and the person comes once more.
        """
        for _ in range(TRIES):
            view = self.night.comes(one)
            self.night.leaves()
            if view.reason is reason:
                return view
            if UNANSWERED not in self.flags():
                break
            self.rig.link.wait_view(lambda later: later.phase is Phase.IDLE, ONLINE_S)
        raise NotAsTold(f"{self.name} said {view.verdict} ({view.reason}) instead of {reason}")

    def flags(self) -> tuple[str, ...]:
        """What the latest decision was flagged with."""
        bodies = self._decisions()
        return tuple(bodies[-1]["decision"].get("flags", ())) if bodies else ()

    def granted(self) -> int:
        """How many of the decisions so far stand on a granted claim."""
        return sum(body["facts"].get("claim") == "granted" for body in self._decisions())

    def version(self) -> int:
        """Of the manifest by which this lane judges; 0 for none."""
        folder = self.rig.state_dir
        try:
            reader = ManifestReader(folder / "manifest.db", DeviceKey.load(folder / "device.key"))
        except (StoreError, OSError):
            return 0
        try:
            state = reader.state()
        except StoreError:
            return 0
        finally:
            reader.close()
        return state.version if state else 0

    def _decisions(self) -> list[dict[str, Any]]:
        with read_ledger(self.rig.ledger) as ledger:
            return [entry.body for entry in ledger.entries(limit=100_000) if entry.kind is EntryKind.DECISION]

    def last_seq(self) -> int:
        """How many lines the ledger has."""
        with read_ledger(self.rig.ledger) as ledger:
            return ledger.last_seq()

    def end(self) -> int:
        """Stop both in good order and look at the ledger; its number of lines. Raises `NotAsTold`."""
        status = self.rig.stop(), self.sync.stop()
        found = verify(self.rig.ledger)
        if status != (0, 0) or not found.ok:
            raise NotAsTold(f"{self.name} ended with {status}; its ledger: {'; '.join(found.problems) or 'whole'}")
        return found.entries

    def close(self) -> None:
        """Take it down, whatever state it is in."""
        self.sync.stop()
        self.cable.close()
        try:
            self.rig.close()
        except subprocess.TimeoutExpired:
            self.rig.kill()
