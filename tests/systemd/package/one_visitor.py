"""One synthetic visitor on an emulated processor: the whole lane, real face engine, only with more patience.

`gatectl update prove` does the same at the pace of a gate, which an emulator does not keep: a look at a face takes
seconds there, and the lane rightly takes a vision child that is silent for 1.2 s for lost.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gate.demo import night, rig
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import person
from gate.demo.stories import rendered_looks
from models.store.ledger_db import verify


class PatientRig(rig.Rig):
    """Waits half a minute for a look."""

    def _settings(self) -> str:
        return super()._settings() + "\n[vision]\nsilence_s = 30\n"


def main() -> None:
    """Say in seconds how long it took, or fail."""
    rig.START_S = night.VERDICT_S = 150.0
    visitor = person(0, next(iter(rendered_looks())))
    policy = replace(evening_policy(), capture_s=90.0, passage_s=90.0, lookup_s=30.0)
    with TemporaryDirectory() as folder, PatientRig(Path(folder), rig.Wiring(pace=False)) as lane:
        sell(lane, [visitor], policy)
        began = time.monotonic()
        lane.start()
        ready = time.monotonic()
        try:
            night.Night(lane).enters(visitor)
        except BaseException:
            print(lane.log())
            raise
        print(f"ready after {ready - began:.1f} s, admitted and through {time.monotonic() - ready:.1f} s later")
        assert lane.stop() == 0
        assert verify(lane.ledger).ok


if __name__ == "__main__":
    main()
