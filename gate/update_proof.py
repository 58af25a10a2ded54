"""What a version shows before anybody relies on it: one synthetic visitor, from card to turnstile, on its own sockets.

The whole lane runs: the daemon as a process of its own, the vision child, the real face engine, simulated devices on
pseudo-terminals, all in a folder that is gone afterwards. Nothing of the lane at work is touched.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gate.check.around import Around
from gate.check.catalogue import Severity
from gate.check.walk import check
from gate.config import load


class ProofFailed(RuntimeError):
    """This version does not do what it is for. Says what, without anything personal."""


def prove(config_path: Path, but: Collection[str] = (), *, face: str = "dlib:") -> float:
    """Understand the lane's configuration, find nothing fatal beyond the codes in `but`, admit one visitor.

    Seconds that the admission took, with the start. Raises `ProofFailed`, `ConfigError`.
    """
    if config_path.exists():
        load(config_path)
        if found := sorted(set(fatal_codes(config_path)) - set(but)):
            raise ProofFailed(f"gatectl check finds what the version before did not: {', '.join(found)}")
    began = time.monotonic()
    for last in (False, True):  # a busy machine may be too slow for a visitor who waits
        with TemporaryDirectory(prefix="menshen-proof-") as folder:
            try:
                _admit_one(Path(folder), face)
                break
            except ProofFailed:
                if last:
                    raise
    return time.monotonic() - began


def fatal_codes(config_path: Path) -> list[str]:
    """The fatal findings of a quick check that opens no device."""
    around = Around(config_path, probe=False, thorough=False)
    return [one.code.value for _, found in check(around) for one in found or () if one.code.severity is Severity.FATAL]


def _admit_one(folder: Path, face: str) -> None:
    from gate.demo.box_office import evening_policy, sell
    from gate.demo.cast import person
    from gate.demo.night import Night
    from gate.demo.rig import Rig, Wiring
    from gate.demo.stories import rendered_looks
    from models.store.ledger_db import verify

    visitor = person(0, next(iter(rendered_looks())))
    try:
        with Rig(folder, Wiring(face=face, pace=False)) as rig:
            sell(rig, [visitor], replace(evening_policy(), capture_s=20.0, passage_s=20.0, lookup_s=10.0))
            rig.start()
            Night(rig).enters(visitor)
            status = rig.stop()
            found = verify(rig.ledger)
    except (AssertionError, TimeoutError, ConnectionError) as error:
        raise ProofFailed(f"the synthetic visitor was not admitted: {error}") from error
    if status or not found.ok:
        raise ProofFailed(f"the gate ended with status {status}, and its ledger {'is' if found.ok else 'is not'} sound")
