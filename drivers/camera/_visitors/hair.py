"""What grows on a head: hair and beards."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from drivers.camera._visitors.canvas import HEIGHT_PX, WIDTH_PX, Canvas, Patch, Plane, Points, moved, spline
from drivers.camera._visitors.head import darker, outline
from drivers.camera._visitors.identity import Identity


@dataclass(frozen=True, slots=True)
class Style:
    """A haircut.

    `line` is the hairline from the left temple to the right one; `back` how far hair falls behind the head.
    """

    line: tuple[tuple[float, float], ...]
    top: float = 0.09  # how far above the skull
    side: float = 0.05  # how far beside it
    back: float | None = None
    back_width: float = 0.95
    curl: float = 0.0
    strength: float = 1.0
    bun: bool = False
    spikes: bool = False


def _mirrored(*right: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """A hairline alike on both sides, given from the middle to the right."""
    return tuple((-u, v) for u, v in reversed(right) if u > 0) + right


_SHORT = _mirrored((0, -0.80), (0.30, -0.78), (0.53, -0.63), (0.62, -0.36), (0.70, -0.02))
_FRINGE = _mirrored((0, -0.45), (0.22, -0.43), (0.45, -0.40), (0.62, -0.30), (0.70, 0.04))
_CURTAIN = _mirrored((0, -0.92), (0.25, -0.72), (0.50, -0.45), (0.63, -0.05), (0.68, 0.40), (0.80, 1.05))
_LONG_FRINGE = _mirrored((0, -0.44), (0.25, -0.42), (0.52, -0.36), (0.61, -0.05), (0.67, 0.40), (0.78, 0.84))
_HIGH = _mirrored((0, -0.84), (0.15, -0.86), (0.40, -1.0), (0.60, -0.72), (0.66, -0.40), (0.72, -0.02))
_PARTED = (
    (-0.70, -0.02),
    (-0.63, -0.40),
    (-0.52, -0.66),
    (-0.30, -0.86),
    (0.05, -0.68),
    (0.38, -0.58),
    (0.62, -0.38),
    (0.70, 0.0),
)
_PARTED_LONG = (
    (-0.80, 1.05),
    (-0.67, 0.3),
    (-0.62, -0.30),
    (-0.42, -0.88),
    (-0.05, -0.66),
    (0.35, -0.52),
    (0.60, -0.25),
    (0.67, 0.3),
    (0.80, 1.05),
)

STYLES: dict[str, Style] = {
    "short": Style(_SHORT),
    "side": Style(_PARTED, top=0.15, side=0.06),
    "fringe": Style(_FRINGE, top=0.12, side=0.10),
    "buzz": Style(_SHORT, top=0.015, side=0.005, strength=0.72),
    "curly": Style(_SHORT, top=0.22, side=0.14, curl=1.0),
    "receding": Style(_HIGH, top=0.04, side=0.04),
    "spiky": Style(_SHORT, top=0.12, side=0.04, spikes=True),
    "long": Style(_CURTAIN, top=0.10, side=0.14, back=1.55, back_width=0.98),
    "parted_long": Style(_PARTED_LONG, top=0.14, side=0.14, back=1.5, back_width=0.96),
    "fringe_long": Style(_LONG_FRINGE, top=0.12, side=0.13, back=1.5, back_width=0.94),
    "bob": Style(_LONG_FRINGE, top=0.12, side=0.18, back=0.88, back_width=0.98),
    "bun": Style(_SHORT, top=0.07, side=0.03, bun=True),
    "curly_long": Style(_CURTAIN, top=0.20, side=0.26, back=1.2, back_width=1.2, curl=1.0),
}


def paint_back(canvas: Canvas, who: Identity) -> None:
    """Hair behind the head; to be painted before the head."""
    style = STYLES.get(who.style)
    if style and style.bun and not who.hat:
        turns = np.linspace(0, 2 * np.pi, 30)
        _hair(canvas, who, canvas.area(np.stack([0.33 * np.cos(turns), -1.32 + 0.27 * np.sin(turns)], 1), 0.008), style)
    if style and style.back is not None and who.hat != "scarf":
        width, low = style.back_width, style.back
        right = [
            (0.5, -1.1),
            (width * 0.86, -0.6),
            (width * 0.93, 0.1),
            (width, low * 0.75),
            (width * 0.84, low),
            (0.3, low),
        ]
        shape = spline([(0, -1.25), *right, *[(-u, v) for u, v in reversed(right)]], closed=True)
        _hair(canvas, who, canvas.area(_waved(shape, style.curl), 0.008), style, shade=0.72)


def paint_hair(canvas: Canvas, who: Identity) -> None:
    """Hair on the head."""
    style = STYLES.get(who.style)
    if style is None:
        return
    scale = who.cheek_width / 0.74
    line = spline([(u * scale, v) for u, v in style.line])
    end_u, end_v = abs(line[-1][0]), line[-1][1]
    side = who.forehead + style.side
    right = [
        (0.42, -1.10 - style.top),
        (side * 0.93, -0.82 - style.top / 2),
        (side + 0.05, -0.42),
        (max(side + 0.04, end_u + 0.02 + style.side), min(end_v, -0.05)),
        (max(side * 0.97, end_u + 0.02 + style.side * 0.6), end_v),
    ]
    crown = spline([(-u, v) for u, v in reversed(right)] + [(0.0, -1.19 - style.top), *right])
    if style.spikes:
        crown = crown * (1 + 0.05 * np.sign(np.sin(np.arange(len(crown)) * 1.3)) * (crown[:, 1] < -0.9))[:, None]
    shape = np.vstack([_waved(crown, style.curl), line[::-1]])
    patch = canvas.area(shape, 0.012)
    shadow = canvas.area(moved(shape, 0, 0.045), 0.03)
    canvas.tint((shadow[0], shadow[1], shadow[2] * 0.35), (0.6, 0.6, 0.62))
    _hair(canvas, who, (patch[0], patch[1], patch[2] * style.strength), style)
    canvas.raise_(canvas.area(shape, 0.03), 0.05)


def _waved(shape: Points, curl: float) -> Points:
    """The same edge in curls."""
    if not curl:
        return shape
    wave = 1 + 0.035 * curl * np.sin(np.arange(len(shape)) * 1.15)
    return np.asarray(shape * wave[:, None])


def _hair(canvas: Canvas, who: Identity, patch: Patch, style: Style, shade: float = 1.0) -> None:
    canvas.fill(patch, darker(who.hair, shade, 0))
    rows, columns, mask = patch
    strands = _strands(who.seed, style.curl)[rows, columns, None]
    lift = np.asarray([7, 9, 11], np.float32) * (1.3 if sum(who.hair) < 130 else 0.6)
    here = canvas.colour[rows, columns]
    here *= 1 + mask[:, :, None] * strands * (0.16 if style.curl else 0.13)
    here += mask[:, :, None] * np.clip(strands, 0, 3) * lift


def _strands(seed: int, curl: float) -> Plane:
    """Noise that runs along the hair, mean 0, deviation 1."""
    noise = np.random.default_rng(seed).standard_normal((HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    reach = (3.6, 3.6) if curl else (1.5, 24.0)
    soft = cv2.GaussianBlur(noise, (0, 0), sigmaX=reach[0], sigmaY=reach[1])
    return np.asarray(soft / soft.std(), np.float32)


def paint_beard(canvas: Canvas, who: Identity) -> None:
    """Beard and moustache, as far as there are any."""
    if not who.beard:
        return
    mouth = who.eye_height + who.nose_length + who.mouth_height
    if who.beard in ("stubble", "full"):
        strength = 0.30 if who.beard == "stubble" else 0.86
        edge = outline(who)
        jaw = edge[(edge[:, 1] > 0.12)]
        right = jaw[jaw[:, 0] >= 0][np.argsort(jaw[jaw[:, 0] >= 0][:, 1])]
        left = np.stack([-right[:, 0], right[:, 1]], 1)
        inner = spline(
            [
                (-0.56, 0.30),
                (-0.40, mouth - 0.06),
                (-0.2, mouth - 0.10),
                (0.2, mouth - 0.10),
                (0.40, mouth - 0.06),
                (0.56, 0.30),
            ]
        )
        _grow(canvas, who, canvas.area(np.vstack([right, left[::-1], inner]), 0.045), strength, mouth)
    elif who.beard == "goatee":
        turns = np.linspace(0, 2 * np.pi, 30)
        shape = np.stack([0.25 * np.cos(turns), (mouth + 0.06 + who.chin_length) / 2 + 0.21 * np.sin(turns)], 1)
        _grow(canvas, who, canvas.area(shape, 0.03), 0.8, mouth)
    if who.beard in ("moustache", "full", "goatee"):
        wide = who.mouth_width * 1.1
        lip = spline(
            [
                (-wide, mouth + 0.0),
                (-0.10, mouth - 0.115),
                (0.10, mouth - 0.115),
                (wide, mouth + 0.0),
                (0, mouth - 0.045),
            ],
            closed=True,
        )
        _grow(canvas, who, canvas.area(lip, 0.014), 0.85, None)


def _grow(canvas: Canvas, who: Identity, patch: Patch, strength: float, mouth: float | None) -> None:
    rows, columns, mask = patch
    mask = mask * strength * np.clip(1 + 0.10 * _strands(who.seed + 7, 0.0)[rows, columns], 0, 1.15)
    if mouth is not None:
        lips = canvas.blob(0, mouth + 0.01, who.mouth_width * 0.72, 0.055)
        whole = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        whole[lips[0], lips[1]] = np.clip(1.6 * lips[2], 0, 1)
        mask = mask * (1 - whole[rows, columns])
    canvas.paint((rows, columns, np.clip(mask, 0, 1)), darker(who.hair, 0.9, 0))
