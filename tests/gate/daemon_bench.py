"""The real daemon on the demo's rig, with a face engine that reads marks: it starts in a second and knows everybody."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from drivers.face.sim import MODEL_VERSION, marked
from gate.demo.box_office import evening_policy
from gate.demo.cast import Looks, Person, person
from gate.demo.rig import Rig, Wiring
from models.command import Snapshot
from models.decision import Policy
from models.face import FaceBands, FaceProblem
from models.ledger import Entry, EntryKind
from models.store.ledger_db import read_ledger
from models.view import Phase

WIRING = Wiring(face="sim:", pace=False)
HEAL_S = 10.0
LONG_S = 20.0


def marked_policy(**more: Any) -> Policy:
    """The evening's rules, for the engine that reads marks."""
    return replace(evening_policy(), bands=(FaceBands(MODEL_VERSION, "any", 0.4, 0.6),), **more)


def marked_looks(folder: Path, count: int) -> list[Looks]:
    """`count` people whose pictures say who they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), marked(number))
    return [Looks(pictures=(path,)) for path in paths]


def marked_people(folder: Path, count: int) -> list[Person]:
    """Holders of tickets; the `index`-th bears the mark `index`."""
    return [person(index, looks) for index, looks in enumerate(marked_looks(folder, count))]


def turns_away(rig: Rig, index: int) -> None:
    """The visitor with the mark `index` stands there and looks aside: the camera goes on looking."""
    rig.stage.show([marked(index, problem=FaceProblem.TURNED)])


def is_well(snapshot: Snapshot) -> bool:
    """At rest, and every device works."""
    return snapshot.view.phase is Phase.IDLE and all(device.up for device in snapshot.devices)


def heals(rig: Rig) -> None:
    """The lane is well again within ten seconds."""
    rig.link.wait(is_well, HEAL_S)


def entries(rig: Rig, kind: EntryKind | None = None, after: int = 0) -> list[Entry]:
    """What is in the ledger beyond line `after`."""
    with read_ledger(rig.ledger) as ledger:
        return [entry for entry in ledger.entries(after, 5000) if kind in (None, entry.kind)]


def last_seq(rig: Rig) -> int:
    with read_ledger(rig.ledger) as ledger:
        return ledger.last_seq()


def children(pid: int) -> list[int]:
    """The child processes, of all its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def vision_child(rig: Rig) -> int:
    """The process that has the camera."""
    (child,) = [pid for pid in children(rig.process.pid) if _runs_vision(pid)]
    return child


def _runs_vision(pid: int) -> bool:
    return b"gate.vision_child" in Path(f"/proc/{pid}/cmdline").read_bytes()


def is_alive(pid: int) -> bool:
    """Whether the process is there at all."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
