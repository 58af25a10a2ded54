"""Pictures of faces, held before a camera: prints and replays drawn from photographs or rendered visitors.

Light, medium and camera are formulas, not measurements. A rule that fails here fails; one that passes here has still to
meet a real phone. What is presented (`bona fide`) goes through the same camera.

| species | what is drawn |
|---|---|
| `paper` | a matt print in the hand: smaller gamut, halftone dots, paper's grain, a white margin |
| `photo` | the same on glossy paper: fine dots, a reflection |
| `phone` | a replay: bezel, lattice of pixels, cold light, lifted black, a reflection |
| `monitor` | a large screen that fills the view: its lattice beats with the camera's pixels |
| `cut-out` | a print cut along the head, held before the body of whoever holds it |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera import _visitors as visitors
from drivers.interfaces import Frame

SIZE = (640, 480)
FINE = 3  # the scene is drawn so many times finer than the camera sees it

Light = npt.NDArray[np.float32]
"""(height, width, 3), BGR, 0 to 1."""
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture of somebody: `eyes` (2, 2) are the centres of the eyes in it, the left in the picture first."""

    picture: Frame
    eyes: Points


@dataclass(frozen=True, slots=True)
class Shot:
    """A camera's picture, and where the eyes are in it."""

    frame: Frame
    eyes: Points


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A flat thing: light that leaves it, how opaque it is, and where the eyes are on it. In fine pixels."""

    light: Light
    opaque: npt.NDArray[np.float32]
    eyes: Points


def bona_fide(subject: Subject, rng: np.random.Generator) -> Shot:
    """The person herself, as her photograph shows her."""
    return _shoot(_hold(_spread(subject, rng), _room(rng), _sway(rng, 0.0)), rng)


def attack(species: str, subject: Subject, rng: np.random.Generator) -> Shot:
    """A picture of her. `KeyError` for a species that is not drawn here."""
    return held(species, subject, rng, frames=1)[0]


def held(species: str, subject: Subject, rng: np.random.Generator, frames: int) -> list[Shot]:
    """The same, held in a hand that tilts it a little from frame to frame."""
    sheet, room, begin = SPECIES[species](subject, rng), _room(rng), _sway(rng, 0.06)
    phase, swing = rng.uniform(0, 2 * np.pi, (4, 2)), rng.uniform(0.03, 0.06)
    sways = [begin + swing * np.sin(phase + 0.35 * number) for number in range(frames)]
    return [_shoot(_hold(sheet, room, sway), rng) for sway in sways]


def swung(species: str, subject: Subject, rng: np.random.Generator, degrees: tuple[float, ...]) -> list[Shot]:
    """The same, turned about its upright axis as somebody does who is told to turn the head and is none."""
    sheet, room, begin = SPECIES[species](subject, rng), _room(rng), _sway(rng, 0.01)
    return [_shoot(_hold(sheet, room, begin + _swing(np.radians(each))), rng) for each in degrees]


def _swing(angle: float) -> Points:
    """How far the corners move, in parts of the sheet: it is seen from about three times its width."""
    sides = np.array([-0.5, 0.5, 0.5, -0.5])
    nearer = 1 / (1 - sides * np.sin(angle) / 3)
    return np.stack([sides * (np.cos(angle) * nearer - 1), np.array([-0.5, -0.5, 0.5, 0.5]) * (nearer - 1)], axis=1)


def _paper(subject: Subject, rng: np.random.Generator) -> _Sheet:
    sheet = _sheet(subject, _apart(rng), (rng.uniform(1.6, 2.2), rng.uniform(1.8, 2.4)))
    light = _dots(_gamut(sheet.light, 0.10, 0.86, 0.75), rng.uniform(4.0, 6.5), 0.22)
    return _margin(_Sheet(_grain(light, rng, 0.02), sheet.opaque, sheet.eyes), 14 * FINE, 0.88)


def _photo(subject: Subject, rng: np.random.Generator) -> _Sheet:
    sheet = _sheet(subject, _apart(rng), (rng.uniform(1.6, 2.2), rng.uniform(1.8, 2.4)))
    light = _shine(_dots(_gamut(sheet.light, 0.06, 0.95, 0.9), 2.5, 0.05), sheet.eyes, rng, 0.5)
    return _margin(_Sheet(light, sheet.opaque, sheet.eyes), 8 * FINE, 0.92)


def _phone(subject: Subject, rng: np.random.Generator) -> _Sheet:
    sheet = _sheet(subject, _apart(rng), (rng.uniform(1.35, 1.6), rng.uniform(1.9, 2.4)))
    light = _pixels(_gamut(sheet.light, 0.05, 1.05, 1.1), rng.uniform(2.2, 3.6), 0.35) * _tint(1.08, 1.0, 0.94)
    light = _shine(np.asarray(light, np.float32), sheet.eyes, rng, 0.7)
    return _margin(_Sheet(light, sheet.opaque, sheet.eyes), 11 * FINE, 0.03)


def _monitor(subject: Subject, rng: np.random.Generator) -> _Sheet:
    sheet = _spread(subject, rng)
    light = _pixels(_gamut(sheet.light, 0.04, 1.05, 1.05), rng.uniform(3.2, 5.5), 0.5)
    return _Sheet(np.asarray(light * _tint(1.05, 1.0, 0.97), np.float32), sheet.opaque, sheet.eyes)


def _cut_out(subject: Subject, rng: np.random.Generator) -> _Sheet:
    sheet = _sheet(subject, _apart(rng), (1.5, 1.8))
    light = _grain(_dots(_gamut(sheet.light, 0.10, 0.86, 0.75), rng.uniform(4.0, 6.5), 0.2), rng, 0.02)
    rows, columns = light.shape[:2]
    apart = float(np.linalg.norm(sheet.eyes[1] - sheet.eyes[0]))
    centre = sheet.eyes.mean(axis=0) + np.array([0, 0.35 * apart])
    opaque = np.zeros((rows, columns), np.float32)
    axes = (round(1.15 * apart), round(1.6 * apart))
    cv2.ellipse(opaque, (round(centre[0]), round(centre[1])), axes, 0, 0, 360, 1.0, -1)
    return _Sheet(light, opaque, sheet.eyes)


SPECIES: dict[str, Callable[[Subject, np.random.Generator], _Sheet]] = {
    "paper": _paper,
    "photo": _photo,
    "phone": _phone,
    "monitor": _monitor,
    "cut-out": _cut_out,
}


def _apart(rng: np.random.Generator) -> float:
    """Distance between the eyes, in the camera's pixels."""
    return float(rng.uniform(52, 100))


def _sheet(subject: Subject, apart_px: float, reach: tuple[float, float]) -> _Sheet:
    """The picture at size, as far around the face as `reach` says, in faces across and down."""
    eyes = subject.eyes
    scale = FINE * apart_px / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)
    picture = cv2.resize(subject.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    whole = np.asarray(picture, np.float32) / 255
    eyes = eyes * scale
    face = np.array([2.2, 3.0]) * FINE * apart_px
    centre = eyes.mean(axis=0) + np.array([0, 0.35 * FINE * apart_px])
    low = np.maximum(centre - face * reach / 2, 0).astype(int)
    high = np.minimum(centre + face * reach / 2, whole.shape[1::-1]).astype(int)
    part = whole[low[1] : high[1], low[0] : high[0]]
    return _Sheet(part, np.ones(part.shape[:2], np.float32), eyes - low)


def _spread(subject: Subject, rng: np.random.Generator) -> _Sheet:
    """The picture filling the view: around it goes on what is at its edges, mirrored and out of focus."""
    sheet = _sheet(subject, _apart(rng), (9.0, 9.0))
    width = 300 * FINE
    wide = cv2.copyMakeBorder(sheet.light, *[width] * 4, cv2.BORDER_REFLECT)
    inside = np.zeros(wide.shape[:2], np.float32)
    inside[width + 40 : -width - 40, width + 40 : -width - 40] = 1.0
    inside = cv2.blur(inside, (79, 79))[:, :, None]
    soft = cv2.resize(cv2.blur(cv2.resize(wide, None, fx=1 / 8, fy=1 / 8), (15, 15)), wide.shape[1::-1])
    light = np.asarray(wide * inside + soft * (1 - inside), np.float32)
    return _Sheet(light, np.ones(light.shape[:2], np.float32), sheet.eyes + width)


def _gamut(light: Light, black: float, white: float, colour: float) -> Light:
    grey = light.mean(axis=2, keepdims=True)
    return np.asarray(black + (white - black) * (grey + colour * (light - grey)), np.float32)


def _dots(light: Light, pitch: float, depth: float) -> Light:
    """Halftone: each ink on a screen of its own angle. `pitch` in fine pixels."""
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float32)
    out = light.copy()
    for ink, degrees in enumerate((15.0, 75.0, 45.0)):
        turn = np.radians(degrees)
        across, down = columns * np.cos(turn) + rows * np.sin(turn), rows * np.cos(turn) - columns * np.sin(turn)
        wave = np.cos(2 * np.pi * across / pitch) * np.cos(2 * np.pi * down / pitch)
        tone = light[:, :, ink]
        out[:, :, ink] = tone + depth * wave * 4 * tone * (1 - tone).clip(0)
    return out


def _pixels(light: Light, pitch: float, depth: float) -> Light:
    """A screen's lattice: three stripes a pixel, dark between the rows. `pitch` in fine pixels."""
    rows, columns = (np.arange(size, dtype=np.float32) for size in light.shape[:2])
    row = 1 + depth * np.cos(2 * np.pi * rows / pitch)
    out = np.empty_like(light)
    for stripe in range(3):
        column = 1 + depth * np.cos(2 * np.pi * (columns / pitch - stripe / 3))
        out[:, :, stripe] = light[:, :, stripe] * np.outer(row, column)
    return out


def _shine(light: Light, eyes: Points, rng: np.random.Generator, strength: float) -> Light:
    """A lamp's reflection somewhere on the face: two times out of three."""
    if rng.random() < 1 / 3:
        return light
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    centre = eyes.mean(axis=0) + rng.uniform((-0.9, -0.6), (0.9, 1.4)) * apart
    lamp = np.zeros(light.shape[:2], np.float32)
    axes = (round(apart * rng.uniform(0.15, 0.35)), round(apart * rng.uniform(0.1, 0.25)))
    cv2.ellipse(lamp, (round(centre[0]), round(centre[1])), axes, rng.uniform(0, 180), 0, 360, 1.0, -1)
    return np.asarray(light + strength * cv2.GaussianBlur(lamp, (0, 0), apart / 30)[:, :, None], np.float32)


def _grain(light: Light, rng: np.random.Generator, depth: float) -> Light:
    grain = rng.normal(0, depth, light.shape[:2]).astype(np.float32)
    return np.asarray(light * (1 + cv2.GaussianBlur(grain, (0, 0), 1.5) * 3)[:, :, None], np.float32)


def _tint(blue: float, green: float, red: float) -> Light:
    return np.array([blue, green, red], np.float32)


def _margin(sheet: _Sheet, width: int, tone: float) -> _Sheet:
    light = cv2.copyMakeBorder(sheet.light, *[width] * 4, cv2.BORDER_CONSTANT, value=(tone,) * 3)
    opaque = cv2.copyMakeBorder(sheet.opaque, *[width] * 4, cv2.BORDER_CONSTANT, value=1.0)
    return _Sheet(np.asarray(light, np.float32), np.asarray(opaque, np.float32), sheet.eyes + width)


def _room(rng: np.random.Generator) -> Light:
    """Behind it: somebody in the lane, whose own face is hidden, or nobody."""
    seed = visitors.CHOSEN[int(rng.integers(len(visitors.CHOSEN)))]
    scene = visitors.render(visitors.identity(seed), size=SIZE)
    size = (SIZE[0] * FINE, SIZE[1] * FINE)
    return np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_CUBIC), np.float32) / 255


def _sway(rng: np.random.Generator, tilt: float) -> Points:
    """Where the four corners (4, 2) are, beside where they would be upright: in parts of the sheet."""
    return np.asarray(rng.uniform(-0.02, 0.02, (1, 2)) + rng.uniform(-tilt, tilt, (4, 2)), np.float64)


def _hold(sheet: _Sheet, room: Light, sway: Points) -> tuple[Light, Points]:
    """The scene in fine pixels: the sheet before the room, its face about in the middle of the view."""
    rows, columns = sheet.light.shape[:2]
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    moved = corners - sheet.eyes.mean(axis=0) + np.array([SIZE[0] / 2, SIZE[1] / 2 - 20]) * FINE
    moved = moved + sway * np.minimum((columns, rows), np.array(SIZE) * FINE)
    place = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    size = (SIZE[0] * FINE, SIZE[1] * FINE)
    light = cv2.warpPerspective(sheet.light, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    opaque = cv2.warpPerspective(sheet.opaque, place, size, flags=cv2.INTER_LINEAR)[:, :, None]
    eyes = cv2.perspectiveTransform(sheet.eyes[None].astype(np.float64), place)[0]
    return np.asarray(light * opaque + room * (1 - opaque), np.float32), eyes


def _shoot(scene: tuple[Light, Points], rng: np.random.Generator) -> Shot:
    """A camera's picture: its optics, its sensor's noise, its JPEG."""
    light, eyes = scene
    sharp = cv2.GaussianBlur(light, (0, 0), FINE * 0.45)
    seen = np.asarray(cv2.resize(sharp, SIZE, interpolation=cv2.INTER_AREA), np.float32) * 255
    seen = seen * rng.uniform(0.85, 1.1) + rng.normal(0, 2.0, seen.shape)
    _, packed = cv2.imencode(".jpg", seen.clip(0, 255).astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, 88))
    return Shot(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8), eyes / FINE)
