"""The head itself: skull, cheeks, eyes, brows, nose, mouth, ears and what age does to them."""

from __future__ import annotations

import cv2
import numpy as np

from drivers.camera._visitors.canvas import Canvas, Patch, Points, both, moved, spline
from drivers.camera._visitors.identity import Colour, Identity

SIDES = (-1, 1)


def outline(who: Identity) -> Points:
    """The face's edge, from the crown down the right side and back up the left."""
    side = [
        (0.36, -1.10),
        (who.forehead * 0.93, -0.80),
        (who.forehead + 0.02, -0.45),
        (who.cheek_width, -0.05),
        (who.cheek_width * 0.97, 0.20),
        (who.jaw_width, 0.55),
        ((who.jaw_width + who.chin_width) * 0.51, 0.76 * who.chin_length),
        (who.chin_width, 0.93 * who.chin_length),
    ]
    left = [(-u, v) for u, v in reversed(side)]
    return spline([(0.0, -1.2), *side, (0.0, who.chin_length), *left], closed=True)


def paint_head(canvas: Canvas, who: Identity, expression: str) -> Patch:
    """Paint the bare head on `canvas`; returns the face's area."""
    for side in SIDES:
        _ear(canvas, who, side)
    face = canvas.area(outline(who), soft=0.004)
    canvas.fill(face, who.skin)
    _round(canvas, who)
    _relief(canvas, who)
    _complexion(canvas, who)
    for side in SIDES:
        _eye(canvas, who, side, expression)
        _brow(canvas, who, side, expression)
    _nose(canvas, who)
    _mouth(canvas, who, expression)
    _folds(canvas, who, expression)
    return face


def darker(colour: Colour, factor: float, warmth: float = 0.06) -> Colour:
    """A shade of `colour`; shadows on skin are redder than the skin."""
    blue, green, red = colour
    return (blue * factor * (1 - warmth), green * factor * (1 - warmth / 2), min(255.0, red * factor * (1 + warmth)))


def _round(canvas: Canvas, who: Identity) -> None:
    """The head as a rounded form: steep at its edges, flat in front."""
    edge = outline(who)
    right = edge[(edge[:, 0] >= 0)]
    right = right[np.argsort(right[:, 1])]
    # Not below the chin's breadth: crown and chin are round, not ridges.
    half = np.maximum(np.interp(canvas.v[:, 0], right[:, 1], right[:, 0]), 0.52)
    across = np.clip(np.abs(canvas.u) / (half[:, None] * 1.03), 0, 1) ** 2.2
    down = np.clip(np.abs(canvas.v + 0.05) / 1.22, 0, 1) ** 2.4
    canvas.height[:] = who.depth * np.sqrt(np.clip(1 - across, 0, 1)) * np.sqrt(np.clip(1 - 0.85 * down, 0, 1))


def _relief(canvas: Canvas, who: Identity) -> None:
    """Sockets, cheekbones, brow ridge, chin and the mound of the mouth."""
    mouth_v = _mouth_v(who)
    for side in SIDES:
        eye_u = side * who.eye_gap
        canvas.raise_(canvas.blob(eye_u, who.eye_height - 0.02, 0.17, 0.10), -0.06 - 0.05 * who.socket)
        canvas.raise_(canvas.blob(eye_u, who.eye_height + 0.01, 0.10, 0.07), 0.045)
        canvas.raise_(canvas.blob(side * 0.46, 0.20, 0.16, 0.11, side * -0.5), 0.03 + 0.06 * who.cheekbone)
        canvas.raise_(canvas.blob(side * 0.50, 0.50, 0.13, 0.16), -0.02 - 0.05 * who.cheekbone * (0.4 + who.age))
        canvas.raise_(canvas.blob(eye_u, who.eye_height - who.brow_height, 0.20, 0.05, side * 0.1), 0.05 * (who.socket))
    canvas.raise_(canvas.blob(0, mouth_v, 0.22, 0.15), 0.06)
    canvas.raise_(canvas.blob(0, who.chin_length - 0.14, 0.16, 0.09), 0.05)
    canvas.raise_(canvas.blob(0, mouth_v + 0.15, 0.13, 0.035), -0.025)
    canvas.raise_(canvas.blob(0, mouth_v - 0.11, 0.022, 0.05), -0.012)


def _complexion(canvas: Canvas, who: Identity) -> None:
    for side in SIDES:
        canvas.tint(canvas.blob(side * 0.44, 0.24, 0.17, 0.12), (1 - 0.13 * who.blush, 1 - 0.12 * who.blush, 1.0))
        canvas.tint(canvas.blob(side * who.eye_gap, who.eye_height, 0.19, 0.11), (0.93, 0.92, 0.94))
    canvas.tint(canvas.blob(0, _nose_v(who), 0.12, 0.08), (0.94, 0.94, 1.0))
    canvas.tint(canvas.blob(0, -0.70, 0.5, 0.18), (1.03, 1.03, 1.01))
    if who.freckles:
        rng = np.random.default_rng(who.seed)
        for u, v in rng.normal((0, 0.16), (0.28, 0.09), (int(46 * who.freckles), 2)):
            canvas.paint(canvas.blob(float(u), float(v), 0.009, 0.009), darker(who.skin, 0.62, 0.12), 0.6)
    if who.mole:
        canvas.paint(canvas.blob(*who.mole, 0.014, 0.014), darker(who.skin, 0.35), 0.9)


def _ear(canvas: Canvas, who: Identity, side: int) -> None:
    u, size = side * (who.cheek_width + 0.035), who.ear
    turns = np.linspace(0, 2 * np.pi, 24)
    shape = np.stack([u + 0.085 * size * np.cos(turns), 0.06 + 0.21 * size * np.sin(turns)], 1)
    canvas.fill(canvas.area(shape, soft=0.004), darker(who.skin, 0.93))
    canvas.paint(canvas.blob(u + side * 0.01, 0.04, 0.028 * size, 0.10 * size), darker(who.skin, 0.66), 0.8)
    canvas.raise_(canvas.blob(u, 0.06, 0.09, 0.16), 0.05)


def lids(who: Identity, side: int, expression: str) -> tuple[Points, Points]:
    """The upper and the lower lid's edge, from the inner to the outer corner."""
    opening = {"surprised": 1.35, "eyes_closed": 0.06, "smile": 0.86}.get(expression, 1.0) * who.eye_open
    t = np.linspace(-1, 1, 21)
    u = side * (who.eye_gap + who.eye_width * t)
    base = who.eye_height - who.eye_tilt * who.eye_width * t
    upper = base - opening * (1 - np.abs(t) ** 2.3) * (1 + 0.16 * t)
    lower = base + 0.62 * opening * (1 - np.abs(t) ** 2.0) * (1 + 0.2 * t)
    return np.stack([u, upper], 1), np.stack([u, lower], 1)


def _eye(canvas: Canvas, who: Identity, side: int, expression: str) -> None:
    upper, lower = lids(who, side, expression)
    shut = expression == "eyes_closed"
    opening = canvas.area(np.vstack([upper, lower[::-1]]))
    if not shut:
        canvas.paint(opening, (206, 212, 218))
        _iris(canvas, who, side, opening)
        canvas.paint(both(canvas.line(moved(upper, 0, 0.012), 0.045, 0.012), opening), (40, 44, 56), 0.5)
    crease = moved(upper, 0, -0.028 - 0.022 * (1 - who.lid))
    canvas.paint(canvas.line(crease[2:], 0.012, 0.006), darker(who.skin, 0.58), 0.25 + 0.5 * (1 - who.lid))
    canvas.tint(canvas.line(moved(upper, 0, -0.02), 0.05, 0.014), (0.84, 0.82, 0.86))
    lash: Colour = (24, 24, 30)
    canvas.paint(canvas.line(upper, 0.014 + 0.014 * who.lash, 0.002), lash, 0.92)
    if who.lash > 0.5:
        wing = np.array([upper[-3], np.add(upper[-1], (side * 0.035, -0.03 * who.lash))])
        canvas.paint(canvas.line(wing, 0.012, 0.002), lash, 0.9)
    canvas.paint(canvas.line(lower, 0.009, 0.003), darker(who.skin, 0.45), 0.7)
    canvas.paint(
        canvas.blob(side * (who.eye_gap - who.eye_width * 0.98), float(upper[0, 1]) + 0.004, 0.014, 0.009),
        (130, 130, 190),
        0.8,
    )
    bag = moved(lower[3:-2], 0, 0.055)
    canvas.paint(canvas.line(bag, 0.014, 0.010), darker(who.skin, 0.62), 0.2 + 0.55 * who.age)


def _iris(canvas: Canvas, who: Identity, side: int, opening: Patch) -> None:
    centre = (side * who.eye_gap, who.eye_height - 0.012)
    reach = 0.068
    turns = np.linspace(0, 2 * np.pi, 28)
    ring = np.stack([np.cos(turns), np.sin(turns)], 1)
    canvas.paint(both(canvas.area(centre + ring * reach), opening), darker(who.iris, 0.55, 0))
    canvas.paint(both(canvas.area(centre + ring * reach * 0.82), opening), who.iris)
    canvas.paint(both(canvas.blob(centre[0], centre[1] + 0.03, 0.03, 0.02), opening), darker(who.iris, 1.5, 0), 0.5)
    canvas.paint(both(canvas.area(centre + ring * reach * 0.42), opening), (10, 10, 12))
    canvas.paint(both(canvas.area(np.add(centre, (0.018, -0.022)) + ring * 0.016), opening), (250, 250, 250))


def _brow(canvas: Canvas, who: Identity, side: int, expression: str) -> None:
    lift = 0.05 if expression == "surprised" else 0.0
    t = np.linspace(-1, 1, 17)
    u = side * (who.eye_gap + 0.015 + who.brow_width * t)
    arch = who.brow_arch * (1 - (t - 0.3) ** 2) + who.brow_tilt * who.brow_width * t
    middle = who.eye_height - who.brow_height - lift - arch
    half = who.brow_thick * np.interp(t, [-1, -0.7, 0.2, 1], [0.62, 1.0, 0.85, 0.16])
    shape = np.vstack([np.stack([u, middle - half], 1), np.stack([u, middle + half], 1)[::-1]])
    colour = darker(who.hair, 0.8, 0) if sum(who.hair) < 380 else darker(who.hair, 0.62, 0)
    canvas.paint(canvas.area(shape, 0.012), colour, 0.88)
    rng = np.random.default_rng((who.seed, side + 1))
    for i in rng.integers(1, 15, 9):
        root = np.array([u[i], middle[i] + half[i] * 0.9])
        hair = np.array([root, np.add(root, (side * 0.035, -1.9 * half[i]))])
        canvas.paint(canvas.line(hair, 0.008, 0.002), darker(colour, 0.7, 0), 0.5)


def _nose_v(who: Identity) -> float:
    return who.eye_height + who.nose_length


def _nose(canvas: Canvas, who: Identity) -> None:
    tip, wide = _nose_v(who), who.nose_width
    ridge = [(0, who.eye_height - 0.12 + i * (tip - who.eye_height + 0.08) / 5) for i in range(6)]
    for i, (u, v) in enumerate(ridge):
        canvas.raise_(canvas.blob(u, v, 0.055 + 0.006 * i, 0.075), (who.nose_bridge * (0.35 + 0.13 * i)) * 0.55)
    canvas.raise_(canvas.blob(0, tip - 0.02, 0.075 + 0.15 * wide, 0.075), who.nose_tip * 0.72)
    for side in SIDES:
        canvas.raise_(canvas.blob(side * wide * 0.82, tip + 0.015, 0.05, 0.05), 0.085)
        wing = spline(
            [(side * wide * 0.98, tip - 0.07), (side * wide * 1.14, tip + 0.01), (side * wide * 0.92, tip + 0.065)]
        )
        canvas.paint(canvas.line(wing, 0.014, 0.008), darker(who.skin, 0.55), 0.65)
        nostril = canvas.blob(side * wide * 0.50, tip + 0.058, wide * 0.24, 0.017, side * -0.25)
        canvas.paint(nostril, darker(who.skin, 0.22), 0.95)
    under = spline([(-wide * 0.62, tip + 0.072), (0.0, tip + 0.092), (wide * 0.62, tip + 0.072)])
    canvas.paint(canvas.line(under, 0.018, 0.012), darker(who.skin, 0.55), 0.7)
    canvas.paint(canvas.blob(0, tip - 0.035, 0.03, 0.024), (250, 250, 250), 0.13)


def _mouth_v(who: Identity) -> float:
    return _nose_v(who) + who.mouth_height


def _mouth(canvas: Canvas, who: Identity, expression: str) -> None:
    v, half = _mouth_v(who), who.mouth_width * (1.12 if expression == "smile" else 1.0)
    curve = who.mouth_curve + (0.05 if expression == "smile" else 0.0)
    gap = {"surprised": 0.08, "smile": 0.012}.get(expression, 0.0)
    t = np.linspace(-1, 1, 25)
    u, seam = half * t, v - curve * t**2 + curve * 0.4
    bow = 1 - 0.28 * np.exp(-((t / 0.16) ** 2))
    top = seam - gap * (1 - t**2) - who.lip_upper * (1 - np.abs(t) ** 1.7) * bow - 0.002
    bottom = seam + gap * (1 - t**2) + who.lip_lower * (1 - np.abs(t) ** 2.2) + 0.002
    upper_edge, lower_edge = seam - gap * (1 - t**2), seam + gap * (1 - t**2)
    lip = _lip_colour(who)
    canvas.paint(canvas.area(_between(u, top, upper_edge), 0.006), darker(lip, 0.84, 0), 0.9)
    canvas.paint(canvas.area(_between(u, lower_edge, bottom), 0.008), lip, 0.88)
    canvas.raise_(canvas.area(_between(u, top, upper_edge), 0.018), 0.02)
    canvas.raise_(canvas.area(_between(u, lower_edge, bottom), 0.02), 0.03)
    if gap:
        canvas.paint(canvas.area(_between(u, upper_edge, lower_edge)), (36, 30, 70))
        teeth = np.minimum(lower_edge, upper_edge + 0.035)
        canvas.paint(canvas.area(_between(u * 0.8, upper_edge, teeth), 0.004), (214, 222, 228), 0.9)
    canvas.paint(canvas.line(np.stack([u, upper_edge], 1), 0.013, 0.004), darker(lip, 0.30, 0), 0.85)
    canvas.paint(
        canvas.blob(0, float(seam[12]) + gap + 0.45 * who.lip_lower, half * 0.35, 0.012), (245, 245, 250), 0.16
    )
    canvas.paint(canvas.blob(0, v + who.lip_lower + 0.045, half * 0.5, 0.018), darker(who.skin, 0.62), 0.45)
    for side in SIDES:
        canvas.paint(canvas.blob(side * half, float(seam[0]), 0.022, 0.018), darker(who.skin, 0.45), 0.55)


def _lip_colour(who: Identity) -> Colour:
    natural, red = darker(who.skin, 0.80, 0.16), (86.0, 72.0, 176.0)
    part = 0.15 + 0.62 * who.lip_red
    mixed = np.add(np.multiply(natural, 1 - part), np.multiply(red, part * (0.5 + sum(who.skin) / 1300)))
    return (float(mixed[0]), float(mixed[1]), float(mixed[2]))


def _between(u: Points, top: Points, bottom: Points) -> Points:
    return np.vstack([np.stack([u, top], 1), np.stack([u, bottom], 1)[::-1]])


def _folds(canvas: Canvas, who: Identity, expression: str) -> None:
    """Folds beside the mouth and, with age, lines on the forehead and at the eyes."""
    tip, mouth = _nose_v(who), _mouth_v(who)
    shade = darker(who.skin, 0.60)
    smiling = 0.35 if expression == "smile" else 0.0
    for side in SIDES:
        start, end = (side * (who.nose_width + 0.05), tip - 0.01), (side * (who.mouth_width + 0.075), mouth - 0.02)
        fold = spline([start, (side * (who.mouth_width + 0.045), (tip + mouth) / 2 - 0.02), end])
        canvas.paint(canvas.line(fold, 0.018, 0.012), shade, 0.10 + 0.6 * who.age + smiling)
        if who.age > 0.45:
            for i in range(3):
                corner = (side * (who.eye_gap + who.eye_width + 0.05), who.eye_height + 0.02)
                ray = spline([corner, (corner[0] + side * 0.09, corner[1] + 0.05 * (i - 1))])
                canvas.paint(canvas.line(ray, 0.009, 0.005), shade, 0.55 * who.age)
    if who.age > 0.4:
        for i in range(3):
            v = -0.50 - 0.10 * i
            line = spline([(-0.36, v + 0.02), (-0.12, v - 0.015), (0.12, v - 0.01), (0.36, v + 0.025)])
            canvas.paint(canvas.line(line, 0.012, 0.007), shade, 0.7 * (who.age - 0.3))


def soften(canvas: Canvas) -> None:
    """Blur the relief a little: no skin has a crease as sharp as a drawing's."""
    canvas.height = cv2.GaussianBlur(canvas.height, (0, 0), 3.0).astype(np.float32, copy=False)
