"""Which pictures there are, which are compared with which, and what they are normalised against."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from gate.core.compare import centres_of, compare
from models.cohort import Cohort
from models.face import FaceBands, FaceReference
from sync.cohort import make_cohort

COHORTS = ("auto", "event", "others", "none")
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
BLOCK = 1000
NEAREST = 20

Array: TypeAlias = npt.NDArray[np.float32]
Pairs: TypeAlias = list[tuple[str, str, bool]]
"""Two files, and whether they show one person."""
Add: TypeAlias = Callable[[Array, list[str], npt.NDArray[np.intp], npt.NDArray[np.intp]], Array]
"""What is added to the distances between rows and rows: templates, their identities, the rows of both sides."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """How distances are normalised, in `words`; and the bands, where it brings some."""

    add: Add
    words: str
    bands: FaceBands | None = None


Normal: TypeAlias = Normaliser | None


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph of one person."""

    file: str
    identity: str
    source: str
    tags: frozenset[str]


def read_folder(folder: Path) -> list[Picture]:
    """The pictures of a list, or of a folder with one folder an identity."""
    if (folder / "provenance.csv").is_file():
        with (folder / "provenance.csv").open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["kind"] == "face"]
        return [Picture(row["file"], row["identity"], row["source"], frozenset(row["tags"].split(";"))) for row in rows]
    files = sorted(each for each in folder.glob("*/*") if each.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"{folder} has neither a provenance.csv nor folders of pictures, one an identity")
    return [Picture(str(each.relative_to(folder)), each.parent.name, "", frozenset()) for each in files]


def read_pairs(file: Path, folder: Path) -> Pairs:
    """LFW's pairs, or lines of two paths and 1 or 0. Ends the program at a line that is neither."""
    found: Pairs = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.replace(",", " ").split()
        match words:
            case [] | [_] | [_, _]:
                if words and not all(word.isdigit() for word in words):
                    raise SystemExit(f"{file}, line {number}: no pair")
            case [name, one, other] if one.isdigit() and other.isdigit():
                found.append((_lfw(folder, name, one), _lfw(folder, name, other), True))
            case [one, other, same] if same in ("0", "1"):
                found.append((one, other, same == "1"))
            case [name, one, stranger, other] if one.isdigit() and other.isdigit():
                found.append((_lfw(folder, name, one), _lfw(folder, stranger, other), False))
            case _:
                raise SystemExit(f"{file}, line {number}: no pair")
    return found


def _lfw(folder: Path, name: str, number: str) -> str:
    stem = f"{name}/{name}_{int(number):04d}"
    endings = (ending for ending in SUFFIXES if (folder / (stem + ending)).is_file())
    return stem + next(endings, ".jpg")


def all_pairs(
    good: Sequence[Picture], templates: Array, pairs: Pairs | None, normal: Normal
) -> tuple[Array, Array, int]:
    """Distances of the same and of different people, from small to large; and pairs of the list that were lost."""
    names = [each.identity for each in good]
    if len(good) < 2:
        return np.empty(0, np.float32), np.empty(0, np.float32), len(pairs or ())
    if pairs is not None:
        return _listed(good, names, templates, pairs, normal)
    identity = np.unique(names, return_inverse=True)[1]
    genuine, impostor = [], []
    for start in range(0, len(good), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(good)))
        columns = np.arange(start, len(good))
        apart = _apart(templates[rows], templates[columns])
        if normal:
            apart = _moved(apart, normal, normal.add(templates, names, rows, columns))
        once, same = columns[None, :] > rows[:, None], identity[rows][:, None] == identity[columns][None, :]
        genuine.append(apart[once & same])
        impostor.append(apart[once & ~same])
    return np.sort(np.concatenate(genuine)), np.sort(np.concatenate(impostor)), 0


def _listed(
    good: Sequence[Picture], names: list[str], templates: Array, pairs: Pairs, normal: Normal
) -> tuple[Array, Array, int]:
    place = {each.file: row for row, each in enumerate(good)}
    kept = [(place[one], place[other], same) for one, other, same in pairs if one in place and other in place]
    found: dict[bool, list[float]] = {True: [], False: []}
    for one, other, same in kept:
        apart = np.linalg.norm(templates[one] - templates[other]).reshape(1, 1)
        if normal:
            apart = _moved(apart, normal, normal.add(templates, names, np.array([one]), np.array([other])))
        found[same].append(float(apart[0, 0]))
    return (
        np.sort(np.array(found[True], np.float32)),
        np.sort(np.array(found[False], np.float32)),
        len(pairs) - len(kept),
    )


def _apart(some: Array, others: Array) -> Array:
    a, b = some.astype(float), others.astype(float)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    distances: Array = np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)
    return distances


def _moved(apart: Array, normal: Normaliser, shift: Array) -> Array:
    """The normalised distances. What the gate admits to nobody for its plain distance is put beyond `accept`."""
    moved: Array = apart + shift
    if normal.bands is None or normal.bands.ceiling is None:
        return moved
    just_beyond = np.nextafter(np.float32(normal.bands.accept), np.float32(np.inf))
    return np.where(apart > normal.bands.ceiling, np.maximum(moved, just_beyond), moved)


def as_scores(distances: Array) -> Sequence[float]:
    """An array searches as a sequence does, in a tenth of its memory."""
    return cast(Sequence[float], distances)


def normaliser(wanted: str, good: Sequence[Any], plain: FaceBands | None = None) -> Normal:
    """The normalisation that `wanted` asks for, if there are persons enough. `good` have a template each.

    With the `plain` bands of the model, an event's cohort brings its own, as it does at the gate.
    """
    first = {each.identity: FaceReference(each.probe.model_version, each.probe.template) for each in reversed(good)}
    cohort = make_cohort(list(first.values()), 1) if wanted in ("auto", "event") else None
    if cohort is not None:
        words = f"normalised against the event's cohort: {cohort.count} centres of {cohort.persons} persons"
        _check(cohort, good)
        return Normaliser(_by_event(cohort), words, cohort.bands(plain) if plain else None)
    if wanted in ("auto", "others") and len(first) > 3:
        words = f"normalised against the single faces of the others ({len(first)} identities are too few for a cohort)"
        return Normaliser(_by_others(good), words)
    return None


def _by_event(cohort: Cohort) -> Add:
    def add(templates: Array, names: list[str], rows: Any, columns: Any) -> Array:
        shares = [
            np.sort(_apart(templates[side], centres_of(cohort).astype(np.float32)), axis=1)[:, : cohort.nearest]
            for side in (rows, columns)
        ]
        one, other = (side.mean(axis=1) for side in shares)
        moved: Array = (cohort.level - (one[:, None] + other[None, :]) / 2).astype(np.float32)
        return moved

    return add


def _by_others(good: Sequence[Any]) -> Add:
    people = sorted({each.identity for each in good})
    own = {
        name: [np.frombuffer(each.probe.template, "<f4") for each in good if each.identity == name] for name in people
    }
    middles = np.array([np.mean(own[name], axis=0) for name in people], np.float32)
    nearest = min(NEAREST, len(people) - 2)

    def add(templates: Array, names: list[str], rows: Any, columns: Any) -> Array:
        apart = _apart(templates, middles)
        place = np.array([people.index(name) for name in names])
        moved = np.empty((len(rows), len(columns)), np.float32)
        for a, row in enumerate(rows):
            for b, column in enumerate(columns):
                others = np.delete(apart[[row, column]], [place[row], place[column]], axis=1)
                moved[a, b] = -np.sort(others, axis=1)[:, :nearest].mean()
        return moved + np.float32(np.sort(apart, axis=1)[:, 1 : nearest + 1].mean())

    return add


def _check(cohort: Cohort, good: Sequence[Any]) -> None:
    """The figures are of the product's own comparison: its distance and ours are the same."""
    templates = np.array([np.frombuffer(each.probe.template, "<f4") for each in good[:20]], np.float32)
    add = _by_event(cohort)
    ours = _apart(templates[:1], templates) + add(templates, [], np.array([0]), np.arange(len(templates)))
    for column, each in enumerate(good[:20]):
        reference = FaceReference(each.probe.model_version, each.probe.template)
        theirs = compare(good[0].probe, reference, cohort).distance
        assert abs(theirs - float(ours[0, column])) < 1e-3, "the bench and the gate compare differently"
