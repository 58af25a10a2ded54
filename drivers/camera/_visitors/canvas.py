"""The sheet on which a head is painted: colour, height above the paper, and cover (what is head and what is air).

Axes: `u` to the right and `v` down from between the ears, `z` towards the viewer, in units of which a head is about two
high.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera._visitors.identity import Colour

Plane: TypeAlias = npt.NDArray[np.float32]
"""(rows, columns), or (rows, columns, 3) for colours."""

Points: TypeAlias = "npt.NDArray[np.float64]"
"""(n, 2): u and v."""

UNIT_PX = 150
WIDTH_PX, HEIGHT_PX = 440, 540
MIDDLE = (WIDTH_PX / 2, HEIGHT_PX / 2)
_SHIFT = 4  # the drawing functions take sixteenths of a pixel

Patch: TypeAlias = tuple[slice, slice, Plane]
"""Where on the sheet, and how strongly there, 0 to 1."""


def to_px(points: Any) -> npt.NDArray[np.float64]:
    """Units to pixels of the sheet."""
    return np.asarray(points, float) * UNIT_PX + MIDDLE


def spline(points: Sequence[tuple[float, float]], *, closed: bool = False, steps: int = 10) -> Points:
    """A smooth curve (Catmull-Rom) through `points`."""
    knots = np.asarray(points, float)
    if closed:
        around = np.vstack([knots[-1:], knots, knots[:2]])
    else:
        around = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    before, start, end, after = (around[i : len(around) - 3 + i, None, :] for i in range(4))
    curve = start + 0.5 * t * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    flat = curve.reshape(-1, 2)
    return flat if closed else np.vstack([flat, knots[-1]])


def moved(points: Any, u: float, v: float) -> Points:
    """`points` shifted by (u, v)."""
    return np.asarray(np.add(points, (u, v)))


class Canvas:
    """A sheet to paint on. Colours are albedo: light comes later."""

    def __init__(self) -> None:
        self.colour: Plane = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
        self.height: Plane = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        self.cover: Plane = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
        self.u: Plane = (columns - MIDDLE[0]) / UNIT_PX
        self.v: Plane = (rows - MIDDLE[1]) / UNIT_PX

    def area(self, points: Any, soft: float = 0.0) -> Patch:
        """The inside of a polygon; `soft` (units) blurs its edge."""
        return self._draw(points, soft, 0.0)

    def line(self, points: Any, width: float, soft: float = 0.0) -> Patch:
        """A stroke `width` units wide along `points`."""
        return self._draw(points, soft, width)

    def blob(self, u: float, v: float, reach_u: float, reach_v: float, turn: float = 0.0) -> Patch:
        """A soft round spot (Gaussian) around (u, v)."""
        reach = 2.6 * max(reach_u, reach_v)
        rows, columns = _window(to_px([(u - reach, v - reach), (u + reach, v + reach)]), 0)
        across, down = self.u[rows, columns] - u, self.v[rows, columns] - v
        cos, sin = np.cos(turn), np.sin(turn)
        along, athwart = (cos * across + sin * down) / reach_u, (cos * down - sin * across) / reach_v
        return rows, columns, np.exp(-0.5 * (along**2 + athwart**2)).astype(np.float32)

    def paint(self, patch: Patch, colour: Colour, strength: float = 1.0) -> None:
        """Lay `colour` over what is there."""
        rows, columns, mask = patch
        part = (mask * strength)[:, :, None]
        here = self.colour[rows, columns]
        here += part * (np.asarray(colour, np.float32) - here)

    def tint(self, patch: Patch, factor: Colour) -> None:
        """Multiply what is there by `factor` where the mask is full."""
        rows, columns, mask = patch
        self.colour[rows, columns] *= 1 + mask[:, :, None] * (np.asarray(factor, np.float32) - 1)

    def raise_(self, patch: Patch, by: float) -> None:
        """Lift the surface (or press it, when negative)."""
        rows, columns, mask = patch
        self.height[rows, columns] += mask * np.float32(by)

    def fill(self, patch: Patch, colour: Colour) -> None:
        """Lay `colour` and make the place solid."""
        rows, columns, mask = patch
        self.paint(patch, colour)
        np.maximum(self.cover[rows, columns], mask, out=self.cover[rows, columns])

    def _draw(self, points: Any, soft: float, width: float) -> Patch:
        px = to_px(points)
        soft_px = soft * UNIT_PX
        rows, columns = _window(px, int(3 * soft_px + width * UNIT_PX) + 2)
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        sixteenths = np.round((px - (columns.start, rows.start)) * (1 << _SHIFT)).astype(np.int32)
        if width:
            thick = max(1, round(width * UNIT_PX))
            cv2.polylines(mask, [sixteenths], False, 255, thick, cv2.LINE_AA, _SHIFT)
        else:
            cv2.fillPoly(mask, [sixteenths], 255, cv2.LINE_AA, _SHIFT)
        if soft_px > 0.3:
            mask = cv2.GaussianBlur(mask, (0, 0), soft_px).astype(np.uint8, copy=False)
        return rows, columns, mask.astype(np.float32) / np.float32(255)


def both(inner: Patch, outer: Patch) -> Patch:
    """`inner` where `outer` allows it."""
    rows, columns, mask = inner
    whole = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    whole[outer[0], outer[1]] = outer[2]
    return rows, columns, np.asarray(mask * whole[rows, columns], np.float32)


def _window(px: npt.NDArray[np.float64], margin: int) -> tuple[slice, slice]:
    low, high = px.min(0) - margin, px.max(0) + margin + 1
    left, right = (int(np.clip(x, 0, WIDTH_PX)) for x in (low[0], high[0]))
    top, bottom = (int(np.clip(y, 0, HEIGHT_PX)) for y in (low[1], high[1]))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
