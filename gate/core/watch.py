"""One probe against a list of templates, exactly: a matrix product, then the true distances of the nearest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.face import FaceProbe
from models.watch import HitMeans, WatchEntry, WatchHit


@dataclass(frozen=True)
class Sheet:
    """Templates of one model and one size, (n, d) float32, and the entries they belong to, row by row."""

    entries: tuple[WatchEntry, ...]
    templates: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]


Index = Mapping[tuple[str, int], Sheet]
"""Sheets by model version and bytes of a template: a probe is only held against its own kind."""


def index(entries: tuple[WatchEntry, ...]) -> Index:
    """An index over the entries with a template, in memory alone. The others are found by document."""
    kinds: dict[tuple[str, int], list[WatchEntry]] = {}
    for entry in entries:
        if entry.template and len(entry.template) % 4 == 0:
            kinds.setdefault((entry.model_version, len(entry.template)), []).append(entry)
    return {kind: _sheet(tuple(of_kind)) for kind, of_kind in kinds.items()}


def search(listed: Index, probe: FaceProbe, threshold: float) -> tuple[WatchHit, ...]:
    """The entries within `threshold` of the probe, nearest first."""
    sheet = listed.get((probe.model_version, len(probe.template)))
    if sheet is None:
        return ()
    seen = np.frombuffer(probe.template, dtype="<f4")
    squared = sheet.squares - 2.0 * (sheet.templates @ seen) + seen @ seen
    near = np.flatnonzero(squared <= threshold * threshold + 1e-3)
    distances = np.linalg.norm(sheet.templates[near] - seen, axis=1)
    found = sorted((float(d), int(row)) for d, row in zip(distances, near, strict=True) if d <= threshold)
    return tuple(face_hit(sheet.entries[row], distance) for distance, row in found)


def _sheet(entries: tuple[WatchEntry, ...]) -> Sheet:
    templates = np.stack([np.frombuffer(entry.template, dtype="<f4") for entry in entries])
    return Sheet(entries, templates, np.einsum("ij,ij->i", templates, templates))


def face_hit(entry: WatchEntry, distance: float) -> WatchHit:
    """A face's hit: a hint for a person."""
    return _hit(entry, HitMeans.FACE, distance)


def document_hit(entry: WatchEntry) -> WatchHit:
    """A document's exact hit."""
    return _hit(entry, HitMeans.DOCUMENT, 0.0)


def _hit(entry: WatchEntry, means: HitMeans, distance: float) -> WatchHit:
    return WatchHit(
        entry.entry,
        entry.owner,
        entry.purpose,
        entry.action,
        means,
        entry.valid_from,
        entry.valid_to,
        entry.legal_basis,
        distance,
    )
