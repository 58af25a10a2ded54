"""Where everything stands in the steward's window, for its size. Pure: rectangles that never overlap.

Places stay the same whatever is said, so that the hand learns them: the lane and its devices at the top, the reason on
the left, the faces in the middle, the last ten on the right, what can be done at the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

GAP = 8

WHO_PX = 50
"""Seat and way below each other, in the smallest letters."""


class Box(NamedTuple):
    """A rectangle in pixels, from the upper left."""

    x: int
    y: int
    width: int
    height: int

    def split_rows(self, *weights: float, gap: int = GAP) -> list[Box]:
        """Rows from the top whose heights go like `weights`; a weight of 0 has no height and no gap."""
        rows, y = [], float(self.y)
        room = self.height - gap * (sum(weight > 0 for weight in weights) - 1)
        for weight in weights:
            height = room * weight / sum(weights)
            rows.append(Box(self.x, round(y), self.width, round(y + height) - round(y)))
            y += height + (gap if weight else 0)
        return rows

    def split_columns(self, *weights: float, gap: int = GAP) -> list[Box]:
        """Columns from the left, as `split_rows`."""
        turned = Box(self.y, self.x, self.height, self.width).split_rows(*weights, gap=gap)
        return [Box(box.y, box.x, box.height, box.width) for box in turned]


@dataclass(frozen=True, slots=True)
class Plan:
    """The places. `banner`, `notes` and `faces` have no height or width while there is nothing to put there."""

    bar: Box
    banner: Box
    title: Box
    text: Box
    who: Box
    notes: Box
    faces: Box
    list: Box
    taps: Box


def plan(
    width: int, height: int, touch: int, *, banner: bool = False, notes: int = 0, who: bool = True, low: bool = False
) -> Plan:
    """The places in a window of `width` by `height` pixels; `touch` is the least side of a button.

    `notes`: how many rows of notes there are, 0 to 4. `low`: all that is touched lies at the bottom.
    """
    inner = Box(GAP, GAP, width - 2 * GAP, height - 2 * GAP)
    taps = round(max(touch * 1.15, height * 0.15))
    rows = _rows(inner, touch, taps, banner=banner, low=low)
    left, faces, right = rows["main"].split_columns(*_columns(width))
    note_px = max(34, round(height * 0.07))
    words = left.height - notes * note_px - (GAP if notes else 0)
    upper = Box(left.x, left.y, left.width, words)
    person_px = max(WHO_PX, round(words * 0.23)) if who else 0
    title, text, person = upper.split_rows(*_shares(words - person_px), person_px)
    below = Box(left.x, left.y + words + (GAP if notes else 0), left.width, notes * note_px)
    return Plan(rows["bar"], rows["banner"], title, text, person, below, faces, right, rows["taps"])


def _shares(height: int) -> tuple[float, float]:
    """Title and sentences."""
    return height * 0.45, height * 0.55


def _columns(width: int) -> tuple[float, float, float]:
    """Reason, faces, last ten: a wide screen gives more to the faces, a narrow one more to the words."""
    return (0.46, 0.30, 0.24) if width >= 1200 else (0.475, 0.255, 0.27)


def _rows(inner: Box, bar_px: int, taps_px: int, *, banner: bool, low: bool) -> dict[str, Box]:
    """Bar, banner, main part and taps from the top; with `low` the bar goes below the main part."""
    heights = {"bar": bar_px, "banner": round(bar_px * 0.8) if banner else 0, "main": 0, "taps": taps_px}
    order = ("banner", "main", "bar", "taps") if low else ("bar", "banner", "main", "taps")
    shown = [name for name in order if heights[name] or name == "main"]
    heights["main"] = inner.height - sum(heights.values()) - GAP * (len(shown) - 1)
    rows, y = {"banner": Box(inner.x, inner.y, inner.width, 0)}, inner.y
    for name in shown:
        rows[name] = Box(inner.x, y, inner.width, heights[name])
        y += heights[name] + GAP
    return rows
