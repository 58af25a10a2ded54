"""What sits on a head: glasses, hats, and what hides a face."""

from __future__ import annotations

import numpy as np

from drivers.camera._visitors.canvas import HEIGHT_PX, WIDTH_PX, Canvas, Patch, moved, spline
from drivers.camera._visitors.head import SIDES, darker, outline
from drivers.camera._visitors.identity import CLOTHES, Colour, Identity


def paint_glasses(canvas: Canvas, who: Identity) -> None:
    """A frame before each eye, a bridge and two temples."""
    if not who.glasses:
        return
    wide, high = 0.225, 0.185 if who.glasses == "round" else 0.15
    thick = 0.034 if who.glasses == "square" else 0.020
    turns = np.linspace(0, 2 * np.pi, 49)
    squareness = 1.0 if who.glasses == "round" else 0.55
    cos, sin = np.cos(turns), np.sin(turns)
    ring = np.stack(
        [np.sign(cos) * np.abs(cos) ** squareness * wide, np.sign(sin) * np.abs(sin) ** squareness * high], 1
    )
    level = who.eye_height + 0.015
    for side in SIDES:
        lens = moved(ring, side * who.eye_gap, level)
        canvas.paint(canvas.area(lens), (255, 250, 246), 0.07)
        rim = lens if who.glasses != "half" else lens[24:]
        canvas.tint(canvas.line(moved(rim, 0, 0.03), thick, 0.012), (0.84, 0.84, 0.86))
        canvas.paint(canvas.line(rim, thick), who.glasses_colour, 0.95)
        temple = np.array(
            [(side * (who.eye_gap + wide), level - 0.04), (side * (who.cheek_width + 0.02), level - 0.06)]
        )
        canvas.paint(canvas.line(temple, 0.026), who.glasses_colour, 0.9)
    inner = who.eye_gap - wide
    bridge = spline([(-inner, level - 0.03), (0, level - 0.06), (inner, level - 0.03)])
    canvas.paint(canvas.line(bridge, 0.024), who.glasses_colour, 0.95)


def paint_hat(canvas: Canvas, who: Identity) -> None:
    """A cap, a knitted hat or a headscarf."""
    colour = CLOTHES[(CLOTHES.index(who.clothes) + 3) % len(CLOTHES)]
    wide = who.forehead + 0.12
    if who.hat == "scarf":
        _headscarf(canvas, who, colour)
    elif who.hat:
        low = -0.56 if who.hat == "cap" else -0.50
        dome = spline(
            [(-wide, low), (-wide, -0.85), (-0.45, -1.28), (0, -1.38), (0.45, -1.28), (wide, -0.85), (wide, low)]
        )
        shape = np.vstack([dome, spline([(wide, low), (0, low - 0.10), (-wide, low)])])
        canvas.fill(canvas.area(shape, 0.006), colour)
        _dome(canvas, canvas.area(shape, 0.02), wide, low)
        band = spline([(-wide, low), (0, low - 0.10), (wide, low)])
        if who.hat == "cap":
            brim = np.vstack([band, spline([(wide * 0.95, low + 0.03), (0, low + 0.09), (-wide * 0.95, low + 0.03)])])
            canvas.fill(canvas.area(brim, 0.006), darker(colour, 0.7, 0))
            canvas.tint(canvas.area(moved(brim, 0, 0.09), 0.035), (0.72, 0.72, 0.74))
        else:
            canvas.paint(canvas.line(moved(band, 0, -0.09), 0.19, 0.004), darker(colour, 0.82, 0))
            for u in np.linspace(-wide * 0.9, wide * 0.9, 17):
                v = low - 0.09 * (1 - (u / wide) ** 2)
                canvas.paint(
                    canvas.line(np.array([(u, v - 0.18), (u, v - 0.01)]), 0.012, 0.004), darker(colour, 0.62, 0), 0.7
                )


def _dome(canvas: Canvas, patch: Patch, wide: float, low: float) -> None:
    """Give a hat a form of its own in place of the skull's."""
    rows, columns, mask = patch
    around = (canvas.u[rows, columns] / (wide * 1.08)) ** 2 + ((canvas.v[rows, columns] - low) / 0.92) ** 2
    here = canvas.height[rows, columns]
    here += mask * (0.95 * np.sqrt(np.clip(1 - around, 0, 1)) - here)


def _headscarf(canvas: Canvas, who: Identity, colour: Colour) -> None:
    right = [(0.55, -1.12), (0.90, -0.55), (0.92, 0.2), (0.86, 0.85), (1.05, 1.6)]
    rows, columns, mask = canvas.area(
        spline([(0, -1.32), *right, *[(-u, v) for u, v in reversed(right)]], closed=True), 0.006
    )
    opening = moved(outline(who) * (0.93, 0.945), 0, 0.03)
    opening[:, 1] = np.maximum(opening[:, 1], -0.66 - 0.06 * np.cos(opening[:, 0] * 4))
    inner = canvas.area(opening, 0.008)
    hole = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    hole[inner[0], inner[1]] = inner[2]
    patch = (rows, columns, mask * (1 - hole[rows, columns]))
    canvas.fill(patch, colour)
    canvas.raise_(patch, 0.07)
    canvas.tint(canvas.line(np.vstack([opening, opening[:1]]), 0.05, 0.02), (0.75, 0.75, 0.78))
    for side in SIDES:
        for i in range(3):
            fold = spline(
                [
                    (side * (0.82 - 0.07 * i), -0.5 + 0.3 * i),
                    (side * 0.80, 0.5 + 0.1 * i),
                    (side * (0.45 - 0.12 * i), 1.15),
                ]
            )
            canvas.paint(canvas.line(fold, 0.016, 0.012), darker(colour, 0.6, 0), 0.6)


def paint_cover(canvas: Canvas, who: Identity, cover: str) -> None:
    """Hide the face behind a `mask`, a `scarf` or a `hand`. Raises `ValueError` for anything else."""
    painters = {"mask": _mask, "scarf": _wrap, "hand": _hand}
    if cover not in painters:
        raise ValueError(f"occlusion {cover!r}: expected one of {', '.join(painters)}")
    painters[cover](canvas, who)


def _mask(canvas: Canvas, who: Identity) -> None:
    """A surgical mask from under the eyes to the chin, with its loops."""
    wide, top = who.cheek_width * 0.93, who.eye_height + 0.17
    right = [(0.20, top + 0.05), (wide, top + 0.16), (wide * 0.88, 0.62), (0.30, who.chin_length + 0.03)]
    shape = spline([(0, top), *right, *[(-u, v) for u, v in reversed(right)]], closed=True)
    white = (226, 222, 204)
    canvas.fill(canvas.area(shape, 0.006), white)
    canvas.raise_(canvas.area(shape, 0.05), 0.07)
    for i in range(4):
        v = top + 0.25 + 0.14 * i
        pleat = spline([(-wide * 0.84, v + 0.02), (0, v), (wide * 0.84, v + 0.02)])
        canvas.paint(canvas.line(pleat, 0.014, 0.008), darker(white, 0.7, 0), 0.7)
    for side in SIDES:
        canvas.paint(
            canvas.line(np.array([(side * wide, top + 0.18), (side * (who.cheek_width + 0.05), 0.0)]), 0.014), white
        )


def _wrap(canvas: Canvas, who: Identity) -> None:
    """A thick scarf up to the eyes, with a cap's shade over them."""
    colour = CLOTHES[who.seed % len(CLOTHES)]
    top = who.eye_height + 0.10
    right = [(0.5, top + 0.02), (0.92, top + 0.10), (0.98, 0.7), (0.9, 1.3)]
    shape = spline([(0, top), *right, *[(-u, v) for u, v in reversed(right)]], closed=True)
    canvas.fill(canvas.area(shape, 0.006), colour)
    for i in range(5):
        v = top + 0.14 + 0.2 * i
        fold = spline([(-0.86, v - 0.04), (-0.2, v + 0.07), (0.4, v + 0.02), (0.88, v - 0.08)])
        canvas.paint(canvas.line(fold, 0.03, 0.015), darker(colour, 0.6, 0), 0.8)


def _hand(canvas: Canvas, who: Identity) -> None:
    """A hand held before the face, palm inwards."""
    skin = darker(who.skin, 0.94)
    palm = spline([(-0.52, 0.1), (0.50, 0.02), (0.52, 0.62), (0.34, 1.1), (-0.30, 1.1), (-0.55, 0.66)], closed=True)
    fingers = [
        ((-0.42, 0.3), (-0.50, -0.45)),
        ((-0.15, 0.2), (-0.18, -0.68)),
        ((0.13, 0.2), (0.16, -0.66)),
        ((0.40, 0.3), (0.47, -0.45)),
    ]
    for root, tip in fingers:
        canvas.fill(canvas.line(np.array([root, tip]), 0.275), darker(skin, 0.62))
        canvas.fill(canvas.line(np.array([root, tip]), 0.255), skin)
        nail = canvas.blob(tip[0], tip[1] - 0.02, 0.045, 0.06)
        canvas.paint(nail, darker(skin, 1.12, 0), 0.8)
        for part in (0.35, 0.66):
            knuckle = np.add(root, np.multiply(np.subtract(tip, root), part))
            canvas.paint(canvas.line(np.add([(-0.08, 0), (0.08, 0)], knuckle), 0.014, 0.008), darker(skin, 0.6), 0.6)
    canvas.fill(canvas.area(palm, 0.006), skin)
    canvas.fill(canvas.line(np.array([(0.48, 0.75), (0.74, 0.25)]), 0.24), skin)
    canvas.height[:] = np.maximum(canvas.height, 0.9)
