"""From recorded distances to bands: what a site's own people show of a face model. Distances only, no faces.

A file of scores is CSV with the columns `distance`, `same` (1: one person, 0: strangers) and, if wanted, `group`.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from models.error_rates import Rate, Scores
from models.face import FaceBands

HOLDERS_NEARER = 0.99
"""So many of the holders are nearer than `refuse`: beyond it a steward reads "mismatch"."""

_KOLMOGOROV_1_PERCENT = 1.628


class ScoresRefused(ValueError):
    """A file that holds no scores; the words say where and why."""


@dataclass(frozen=True, slots=True)
class Score:
    """One comparison that was made. `group` is empty for pairs that belong to none, or to two."""

    distance: float
    same: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one group shows at `accept`; the first row is of everybody. `own` is the group's own threshold."""

    group: str
    genuine: int
    impostor: int
    equal_error: float
    fmr: Rate
    fnmr: Rate
    own: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """`bands` is `None` where there were too few pairs of strangers to show the wanted rate."""

    wanted_fmr: float
    bands: FaceBands | None
    rows: tuple[Row, ...]
    scores: Scores = field(repr=False)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """How far two sets of distances lie apart: `gap` is the greatest between their shares (Kolmogorov and Smirnov).

    Beyond `limit` chance alone would show it once in a hundred times.
    """

    what: str
    before: int
    after: int
    median_before: float
    median_after: float
    gap: float
    limit: float

    @property
    def moved(self) -> bool:
        """Whether this is more than chance."""
        return self.gap > self.limit


def read_scores(file: Path) -> list[Score]:
    """The scores of a file. Raises `ScoresRefused` with the line, `OSError`."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"distance", "same"} <= set(rows.fieldnames or ()):
            raise ScoresRefused(f"{file.name}: it needs the columns distance and same (1 or 0)")
        return [_score(row, f"{file.name}, line {number}") for number, row in enumerate(rows, start=2)]


def write_scores(file: Path, scores: Iterable[Score]) -> None:
    """The inverse. Raises `OSError`."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["distance", "same", "group"])
        rows.writerows([f"{each.distance:.6f}", int(each.same), each.group] for each in scores)


def sorted_scores(scores: Iterable[Score]) -> Scores:
    """Both sides from small to large."""
    known = list(scores)
    return Scores(
        sorted(each.distance for each in known if each.same), sorted(each.distance for each in known if not each.same)
    )


def calibrate(
    scores: Sequence[Score], model_version: str, population: str, wanted_fmr: float, cohort: str = ""
) -> Calibration:
    """Bands for the wanted rate of false matches, by the strictest group that has pairs enough to show its own."""
    everybody = sorted_scores(scores)
    groups = {name: sorted_scores(part) for name, part in _by_group(scores)}
    own = {name: part.threshold(wanted_fmr) for name, part in {"": everybody, **groups}.items()}
    thresholds = {name: threshold for name, threshold in own.items() if threshold is not None}
    accept = min(thresholds.values(), default=None)
    bands = None
    untold = [name for name in groups if own[name] is None]
    words = [f"too few pairs of strangers for a threshold of their own: {', '.join(untold)}"] if untold else []
    if accept is None or accept <= 0:
        accept = None
        words.append(_too_few(everybody, wanted_fmr))
    else:
        bands = FaceBands(model_version, population, accept, max(accept, _nearer(everybody.genuine)), cohort)
        strictest = min(thresholds, key=lambda name: thresholds[name])
        words += [f"accept is set by the group {strictest}"] if strictest else []
    at = accept if accept is not None else -math.inf
    rows = tuple(_row(name, part, at, own[name]) for name, part in {"": everybody, **groups}.items())
    return Calibration(wanted_fmr, bands, rows, everybody, tuple(words))


def drift(before: Sequence[Score], after: Sequence[Score]) -> list[Drift]:
    """Holders, and strangers, then and now; what one of the two has none of is left out."""
    then, now = sorted_scores(before), sorted_scores(after)
    sides = (("holders", then.genuine, now.genuine), ("strangers", then.impostor, now.impostor))
    return [_drift(what, old, new) for what, old, new in sides if len(old) and len(new)]


def _drift(what: str, before: Sequence[float], after: Sequence[float]) -> Drift:
    n, m = len(before), len(after)
    gap = max(abs(bisect_right(before, at) / n - bisect_right(after, at) / m) for at in (*before, *after))
    limit = _KOLMOGOROV_1_PERCENT * math.sqrt((n + m) / (n * m))
    return Drift(what, n, m, before[n // 2], after[m // 2], gap, limit)


def _score(row: dict[str, str], where: str) -> Score:
    try:
        distance = float(row["distance"])
    except (TypeError, ValueError):
        distance = math.nan
    if not math.isfinite(distance):
        raise ScoresRefused(f"{where}: the distance is no number")
    if row["same"] not in ("0", "1"):
        raise ScoresRefused(f"{where}: same is 1 for one person, 0 for strangers")
    return Score(distance, row["same"] == "1", row.get("group") or "")


def _by_group(scores: Sequence[Score]) -> list[tuple[str, list[Score]]]:
    ordered = sorted((each for each in scores if each.group), key=lambda each: each.group)
    return [(name, list(part)) for name, part in groupby(ordered, key=lambda each: each.group)]


def _row(name: str, scores: Scores, accept: float, own: float | None) -> Row:
    error, _ = scores.equal_error()
    return Row(name, len(scores.genuine), len(scores.impostor), error, scores.fmr(accept), scores.fnmr(accept), own)


def _nearer(genuine: Sequence[float]) -> float:
    return float(genuine[math.ceil(HOLDERS_NEARER * len(genuine)) - 1]) if len(genuine) else -math.inf


def _too_few(scores: Scores, wanted: float) -> str:
    needed = math.ceil(3 / wanted)
    people = math.ceil(math.sqrt(2 * needed)) + 1
    return (
        f"{len(scores.impostor)} pairs of strangers can't show a false match rate of {wanted:g}: "
        f"it takes {needed}, as {people} persons make, or ask for a rate that is not so small"
    )
