"""All concerns in order. One that fails is told as such, and hides none of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from gate.check import (
    camera,
    clock,
    configuration,
    devices,
    disk,
    face,
    heat,
    keys,
    ledger,
    listed,
    manifest,
    memory,
    screens,
    site,
    sqlite,
    staff,
    units,
    version,
    wear,
)
from gate.check.around import Around
from gate.check.catalogue import Code, Finding

Concern = tuple[Callable[[Around], Any], Callable[[Any], Iterator[Finding]]]

CONCERNS: dict[str, Concern] = {
    module.__name__.rpartition(".")[2]: (module.gather, module.judge)
    for module in (
        *(configuration, version, units, sqlite, ledger, manifest, listed, keys, site, clock),
        *(disk, heat, memory, devices, camera, face, wear, staff, screens),
    )
}
"""By the names that `--only` takes."""


def check(around: Around, only: Collection[str] = ()) -> Iterator[tuple[str, tuple[Finding, ...] | None]]:
    """Each concern and what was found there; `None`: nothing to look at. Without `only`: all of them."""
    for name, concern in CONCERNS.items():
        if not only or name in only:
            yield name, _findings(name, concern, around)


def _findings(name: str, concern: Concern, around: Around) -> tuple[Finding, ...] | None:
    gather, judge = concern
    try:
        facts = gather(around)
        return None if facts is None else tuple(judge(facts))
    except Exception as error:  # whatever it is, the other concerns are still to be looked at
        return (Finding(Code.CHECK_FAILED, name, type(error).__name__),)
