"""One probe against lists of templates: a narrow first pass that loses nobody, then the true distances of the rest.

A sheet holds the templates of one domain, model and size. It looks at them along the directions in which its people
differ most, and there at the first few coordinates only. Turning and leaving out coordinates brings nobody further
apart, so whoever is too far by these few is too far, and the others are measured in full: the answer is the one of a
plain search over everything, for a fraction of the memory that has to be read. A probe is turned by the domain's secret
(`models.watch_domain`) before it is held against the domain's sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.decision import Policy
from models.face import FaceProbe
from models.watch import HitMeans, WatchEntry, WatchHit
from models.watch_domain import turning

Array = npt.NDArray[np.float32]

SHARE = 0.65
"""The first coordinates hold so much of the variance among the listed: fewer let more through, more take longer."""
MOST_COORDINATES = 64
BLOCK_ROWS = 32_768
"""Rows that are looked at in one go: what is in between then fits into a processor's own memory."""
SAMPLED_ROWS = 20_000
ROUNDING = 2.0**-24
MOST_VALUE = 1e12
"""A template with a larger value, or with one that is no number, is of nobody."""


@dataclass(frozen=True)
class Sheet:
    """Templates of one domain, model and size, (n, d) float32, and the entries they belong to, row by row.

    `blocks` are the first k coordinates of the rows less `centre` and, as column k, minus half the square of their
    length, (rows, k + 1) each, column after column. `basis` (d, k) leads a probe there, by way of the domain's turning.
    """

    entries: tuple[WatchEntry, ...]
    templates: Array
    turning: Array | None
    basis: Array
    centre: Array
    blocks: tuple[Array, ...]
    reach: float  # the longest row, less the mean
    beyond: float  # of the length of a probe and `reach`: what rounding may have added to a distance

    def within(self, seen: Array, threshold: float) -> list[tuple[float, int]]:
        """The rows within `threshold` of a probe, each with its distance; a probe of another domain is turned first."""
        near = self._may_be_within(seen, threshold)
        if not near.size:
            return []
        turned = seen if self.turning is None else (seen @ self.turning).astype(np.float32)
        distances = np.linalg.norm(self.templates[near] - turned, axis=1)
        return [(float(d), int(row)) for d, row in zip(distances, near, strict=True) if d <= threshold]

    def _may_be_within(self, seen: Array, threshold: float) -> npt.NDArray[np.intp]:
        """All rows within `threshold`, and some others.

        |p - q|² <= T² is p·q - |p|²/2 >= (|q|² - T²)/2, so that one product of matrix and vector tells. T is widened by
        the most that rounding can do: by the projections of both sides, and by the product itself.
        """
        probe = np.empty(self.basis.shape[1] + 1, np.float32)
        probe[:-1] = seen @ self.basis - self.centre
        probe[-1] = 1.0
        squared = float(probe @ probe) - 1.0
        length = math.sqrt(float(seen @ seen))
        widened = threshold + self.beyond * (self.reach + length)
        product = 4.0 * len(probe) * ROUNDING * (self.reach + math.sqrt(max(0.0, squared)) + widened) ** 2
        least = np.float32((squared - widened * widened) / 2.0 - product)
        found = [np.flatnonzero(block @ probe >= least) for block in self.blocks]
        if len(found) == 1:
            return found[0]
        return np.concatenate([rows + at * BLOCK_ROWS for at, rows in enumerate(found)])


Index = Mapping[tuple[str, int], tuple[Sheet, ...]]
"""Sheets by model version and bytes of a template, one for each domain: a probe is only held against its own kind."""


def index(entries: Iterable[WatchEntry], secrets: Mapping[str, bytes] | None = None) -> Index:
    """An index over the entries with a template, in memory alone; the others are found by document.

    `secrets` by domain; what is listed in a domain whose secret is missing can't be searched for.
    """
    known = secrets or {}
    kinds: dict[tuple[str, str, int], tuple[list[WatchEntry], bytearray]] = {}
    for entry in entries:
        if _is_template(entry.template) and (not entry.domain or entry.domain in known):
            kind = (entry.domain, entry.model_version, len(entry.template))
            listed, templates = kinds.setdefault(kind, ([], bytearray()))
            listed.append(replace(entry, template=b"", person_key=""))
            templates += entry.template
    made: dict[tuple[str, int], tuple[Sheet, ...]] = {}
    for (domain, model, size), (listed, templates) in kinds.items():
        sheet = _sheet(tuple(listed), templates, size // 4, known.get(domain) if domain else None)
        made[model, size] = (*made.get((model, size), ()), sheet)
    return made


def search(listed: Index, probe: FaceProbe, threshold: float) -> tuple[WatchHit, ...]:
    """The entries within `threshold` of one of the probe's frames, nearest first.

    Of the frames that are near, the farthest gives the distance, and `WatchHit.frames` counts them.
    """
    sheets = listed.get((probe.model_version, len(probe.template)), ())
    frames = [frame for frame in (probe.template, *probe.further) if sheets and _fits(frame, probe)]
    hits: list[WatchHit] = []
    for sheet in sheets:
        near: dict[int, list[float]] = {}
        for frame in frames:
            for distance, row in sheet.within(np.frombuffer(frame, dtype="<f4"), threshold):
                near.setdefault(row, []).append(distance)
        hits += [face_hit(sheet.entries[row], max(found), len(found)) for row, found in near.items()]
    return tuple(sorted(hits, key=lambda hit: (hit.distance, hit.entry)))


def within(policy: Policy, model_version: str) -> float | None:
    """How near a face has to come to an entry; `None` for a model that nobody has measured, which recognises nobody."""
    bands = next((each for each in policy.bands if each.model_version == model_version and not each.cohort), None)
    if bands is None:
        return None
    return min(bands.accept, policy.watch_distance if bands.watch is None else bands.watch)


def _fits(frame: bytes, probe: FaceProbe) -> bool:
    return len(frame) == len(probe.template) and _is_template(frame)


def _is_template(template: bytes) -> bool:
    if not template or len(template) % 4:
        return False
    values = np.frombuffer(template, dtype="<f4")
    return bool(np.abs(values).max() <= MOST_VALUE)  # not so of NaN either


def _sheet(entries: tuple[WatchEntry, ...], packed: bytearray, size: int, secret: bytes | None) -> Sheet:
    templates = np.frombuffer(packed, dtype="<f4").reshape(-1, size)
    mean, directions = _directions(templates)
    turned = turning(secret, size) if secret is not None else None
    basis = directions if turned is None else turned.astype(np.float64) @ directions
    blocks, reach = [], 0.0
    for start in range(0, len(templates), BLOCK_ROWS):
        rows = templates[start : start + BLOCK_ROWS] - mean
        reach = max(reach, math.sqrt(float(np.einsum("ij,ij->i", rows, rows, dtype=np.float64).max())))
        first = rows @ directions.astype(np.float32)
        halves = np.einsum("ij,ij->i", first, first) / -2.0
        blocks.append(np.asfortranarray(np.column_stack([first, halves]).astype(np.float32)))
    length = float(np.linalg.norm(mean))
    beyond = 8.0 * math.sqrt(directions.shape[1]) * (size + 2) * ROUNDING
    centre = (mean.astype(np.float64) @ directions).astype(np.float32)
    return Sheet(entries, templates, turned, basis.astype(np.float32), centre, tuple(blocks), reach + length, beyond)


def _directions(templates: Array) -> tuple[Array, npt.NDArray[np.float64]]:
    """The mean of some rows, (d,), and the orthonormal directions in which they differ most, (d, k)."""
    some = templates[:: max(1, len(templates) // SAMPLED_ROWS)].astype(np.float64)
    mean = some.mean(axis=0)
    variances, directions = np.linalg.eigh((some - mean).T @ (some - mean))
    shares = np.cumsum(variances[::-1]) / max(float(variances.sum()), 1e-30)
    count = min(int(np.searchsorted(shares, SHARE)) + 1, MOST_COORDINATES, len(variances))
    return mean.astype(np.float32), np.ascontiguousarray(directions[:, ::-1][:, :count])


def face_hit(entry: WatchEntry, distance: float, frames: int = 1) -> WatchHit:
    """A face's hit: a hint for a person."""
    return _hit(entry, HitMeans.FACE, distance, frames)


def document_hit(entry: WatchEntry) -> WatchHit:
    """A document's exact hit."""
    return _hit(entry, HitMeans.DOCUMENT, 0.0, 0)


def _hit(entry: WatchEntry, means: HitMeans, distance: float, frames: int) -> WatchHit:
    return WatchHit(
        entry=entry.entry,
        owner=entry.owner,
        purpose=entry.purpose,
        action=entry.action,
        means=means,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        legal_basis=entry.legal_basis,
        distance=distance,
        version=entry.version,
        appeal=entry.appeal,
        entrances=entry.entrances,
        domain=entry.domain,
        frames=frames,
    )
