"""A gate's card is copied, and the copy is started elsewhere while the gate goes on."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace

from gate.demo.cable import Cable
from gate.demo.office import HOST
from sync import enrolment
from tests.faults.evidence import Clone
from tests.faults.fast_lane import FastLane
from tests.faults.house import House

NOTICED_S = 20.0


def clone_and_watch(house: House) -> Clone:
    """Copy the first gate's things, let the gate write on, start the copy, and see whether the server marks it."""
    gate = house.gates[0]
    gate.lane.sync.stop()
    gate.lane.daemon.stop()
    copy = house.folder / "copy"
    shutil.copytree(gate.lane.state_dir, copy / "state")
    gate.lane.start()
    twin, cable = FastLane(copy, gate.name, gate.lane.daemon.command[:-3]), Cable(house.server.port)
    papers = replace(enrolment.read(twin.state_dir), server=f"https://{HOST}:{cable.port}")
    enrolment.keep(twin.state_dir, papers)
    try:
        house.wait_until_settled()
        twin.sync.start()
        met = _wait(lambda: cable.passed > 0)
        met_at = time.monotonic()
        noticed = met and _wait(lambda: _held(house, gate.lane.device)[1] == "forked")
        return Clone(gate.lane.device, met_at, time.monotonic() if noticed else None)
    finally:
        twin.close()
        cable.close()


def _held(house: House, device: str) -> tuple[int, str]:
    """The newest ledger of a device at the server: how far it reaches, and its state."""
    return max((seq, state) for of, _, seq, state in house.server.ledgers() if of == device)


def _wait(until: object) -> bool:
    assert callable(until)
    ends = time.monotonic() + NOTICED_S
    while time.monotonic() < ends:
        if until():
            return True
        threading.Event().wait(0.02)
    return False
