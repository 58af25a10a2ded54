"""One probe against a list of templates, exactly: a matrix product, then the true distances of the nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.watch import HitMeans, WatchEntry, WatchHit


@dataclass(frozen=True)
class Index:
    """The templates of the entries that have one, (n, d) float32, opened in memory alone."""

    entries: tuple[WatchEntry, ...]
    templates: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]


def index(entries: tuple[WatchEntry, ...]) -> Index:
    """An index over the entries with a template. Entries without one are found by document alone."""
    seen = tuple(entry for entry in entries if entry.template)
    rows = [np.frombuffer(entry.template, dtype="<f4") for entry in seen]
    templates = np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)
    return Index(seen, templates, np.einsum("ij,ij->i", templates, templates))


def search(listed: Index, template: bytes, threshold: float) -> tuple[WatchHit, ...]:
    """The entries within `threshold` of the probe's template, nearest first."""
    probe = np.frombuffer(template, dtype="<f4")
    if not listed.entries or probe.shape != listed.templates.shape[1:]:
        return ()
    squared = listed.squares - 2.0 * (listed.templates @ probe) + probe @ probe
    near = np.flatnonzero(squared <= threshold * threshold + 1e-3)
    distances = np.linalg.norm(listed.templates[near] - probe, axis=1)
    found = sorted((float(d), int(row)) for d, row in zip(distances, near, strict=True) if d <= threshold)
    return tuple(face_hit(listed.entries[row], distance) for distance, row in found)


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
