"""References held against each other: one face under several documents, one picture under several, two faces under one.

Everybody is compared with everybody, so chance alone finds pairs where the crowd is large: among n strangers about
n²/2 times the model's false match rate. That is why nothing follows from such a pair but a person's look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.face_models import SHIPPED_BANDS

_BLOCK = 2_048

Templates = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """A reference, and by which documents (keyed hashes) its ticket opens."""

    event: str
    ticket: str
    persons: frozenset[bytes]
    model: str
    template: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Alike:
    """Two references, and how far apart they are."""

    one: Held
    other: Held
    distance: float


def near_of(model: str) -> float | None:
    """Within this distance two references of the model are one face; `None`: nobody has measured the model."""
    bands = [one for one in SHIPPED_BANDS if one.model_version == model and not one.cohort]
    return min((one.accept for one in bands), default=None)


def far_of(model: str) -> float | None:
    """Beyond this distance two references of the model are two faces."""
    bands = [one for one in SHIPPED_BANDS if one.model_version == model and not one.cohort]
    return max((one.refuse for one in bands), default=None)


def faces_of_others(held: Sequence[Held]) -> list[list[Alike]]:
    """One face under documents that have nothing in common: groups, each as the pairs that make it."""
    pairs: list[Alike] = []
    for model, those in _by_model(held).items():
        near = near_of(model)
        if near is not None:
            pairs += [pair for pair in _within(those, near) if pair.one.persons.isdisjoint(pair.other.persons)]
    return grouped(pairs)


def pictures_of_others(held: Sequence[Held]) -> list[list[Held]]:
    """The very same template under documents that have nothing in common: the same picture was handed in."""
    by_template: dict[tuple[str, bytes], list[Held]] = defaultdict(list)
    for one in held:
        by_template[one.model, one.template].append(one)
    return [those for those in by_template.values() if len(_apart(those)) > 1]


def faces_of_one(held: Sequence[Held]) -> list[list[Alike]]:
    """Different faces under one document: for each such person the pairs that are too far apart to be one."""
    found = []
    for those in _by_person(held).values():
        pairs = [
            pair
            for model, of_model in _by_model(those).items()
            if (far := far_of(model)) is not None
            for pair in _within(of_model, float("inf"))
            if pair.distance > far
        ]
        if pairs:
            found.append(pairs)
    return found


def grouped(pairs: Sequence[Alike]) -> list[list[Alike]]:
    """Pairs that hang together, the largest group first."""
    root: dict[Held, Held] = {}

    def find(one: Held) -> Held:
        while (above := root.setdefault(one, one)) is not one:
            root[one] = one = root[above]
        return one

    for pair in pairs:
        root[find(pair.one)] = find(pair.other)
    groups: dict[Held, list[Alike]] = defaultdict(list)
    for pair in pairs:
        groups[find(pair.one)].append(pair)
    return sorted(groups.values(), key=len, reverse=True)


def _within(held: Sequence[Held], distance: float) -> Iterator[Alike]:
    """Every pair within `distance` that is not the very same picture, block by block: exact, float32."""
    usable = [one for one in held if one.template and len(one.template) % 4 == 0]
    for size in sorted({len(one.template) for one in usable}):
        of_size = [one for one in usable if len(one.template) == size]
        yield from _pairs(of_size, distance)


def _pairs(held: Sequence[Held], distance: float) -> Iterator[Alike]:
    rows: Templates = np.stack([np.frombuffer(one.template, dtype="<f4") for one in held])
    squares = np.einsum("ij,ij->i", rows, rows)
    for begin in range(0, len(held), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        squared = squares[block, None] - 2.0 * (rows[block] @ rows[begin:].T) + squares[None, begin:]
        close = np.argwhere(squared <= min(distance, 1e6) ** 2 + 1e-3)
        for row, column in close[close[:, 0] < close[:, 1]]:
            one, other = held[begin + int(row)], held[begin + int(column)]
            apart = float(np.linalg.norm(rows[begin + row] - rows[begin + column]))
            if apart <= distance and one.template != other.template:
                yield Alike(one, other, round(apart, 4))


def _by_model(held: Sequence[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        found[one.model].append(one)
    return found


def _by_person(held: Sequence[Held]) -> dict[bytes, list[Held]]:
    found: dict[bytes, list[Held]] = defaultdict(list)
    for one in held:
        for person in one.persons:
            found[person].append(one)
    return {person: those for person, those in found.items() if len(those) > 1}


def _apart(held: Sequence[Held]) -> list[Held]:
    """Some of them, no two with a document in common."""
    kept: list[Held] = []
    for one in held:
        if all(one.persons.isdisjoint(other.persons) for other in kept):
            kept.append(one)
    return kept
