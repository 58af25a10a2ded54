"""From a painted head to a picture: pose, light, body, lane and camera noise."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera._visitors import hair, head, worn
from drivers.camera._visitors.canvas import MIDDLE, UNIT_PX, Canvas, Plane, spline
from drivers.camera._visitors.identity import Identity
from drivers.interfaces import Frame

LANE_SIZE = (640, 480)
PORTRAIT_SIZE = (480, 600)
LANE_UNIT_PX = 118.0  # at distance 1 in a frame 480 high; from brow to chin about 160 px
EXPRESSIONS = ("neutral", "smile", "surprised", "eyes_closed")

_PIVOT = np.float32(0.33)
"""The head turns about this depth, behind the face."""

Rotation = npt.NDArray[np.float64]


def render(
    who: Identity,
    *,
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0),
    light: tuple[float, float, float] = (-0.25, -0.45, 1.0),
    expression: str = "neutral",
    distance: float = 1.0,
    noise: float = 2.0,
    occlusion: str | None = None,
    size: tuple[int, int] = LANE_SIZE,
    seed: int = 0,
) -> Frame:
    """A picture of `who` in the lane.

    `pose` is yaw, pitch, roll in degrees: positive turns to the right of the picture, up, and clockwise. `light` comes
    from (x, y) with x to the right and y down, each -1 to 1, and has a gain (1: a well-lit lane). `distance` 1 gives a
    face about 160 px high at 480 lines, 2 half of it. `noise` is the deviation of the camera's noise in grey levels;
    `seed` makes it repeat. `occlusion` is `None`, "mask", "scarf" or "hand". Raises `ValueError` for an unknown
    expression or occlusion.
    """
    if expression not in EXPRESSIONS:
        raise ValueError(f"expression {expression!r}: expected one of {', '.join(EXPRESSIONS)}")
    unit_px = LANE_UNIT_PX * size[1] / 480 / distance
    picture = empty_lane(size).astype(np.float32) * min(light[2], 1.3)
    middle = (size[0] * 0.5, size[1] * 0.47)
    _draw_body(picture, who, middle, unit_px, light[2])
    _draw_head(picture, who, expression, occlusion or "", middle, unit_px, pose, light)
    grain = np.random.default_rng(seed)
    if noise:
        picture += noise * grain.standard_normal(picture.shape, np.float32)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def portrait(who: Identity) -> Frame:
    """The enrolment picture of `who`: frontal, evenly lit, face about 250 px high."""
    return render(who, light=(0.0, -0.35, 1.05), distance=0.78, noise=0.8, size=PORTRAIT_SIZE, seed=who.seed)


def walk(who: Identity, seed: int) -> Iterator[Frame]:
    """`who` walking up to the gate, six frames: nearer by and by, head and light a little different each time."""
    rng = np.random.default_rng((who.seed, seed))
    side_light = float(rng.uniform(-0.5, 0.5))
    for i in range(6):
        yaw, pitch, roll = (float(x) for x in rng.uniform((-9, -5, -4), (9, 5, 4)))
        light = (side_light + float(rng.uniform(-0.1, 0.1)), -0.4, float(rng.uniform(0.88, 1.1)))
        expression = "smile" if rng.random() < 0.2 else "neutral"
        pose, distance = (yaw, pitch, roll), 1.3 - 0.07 * i
        yield render(who, pose=pose, light=light, expression=expression, distance=distance, seed=seed * 10 + i)


def visit(who: Identity, seed: int) -> list[Frame]:
    """All frames of a `walk`."""
    return list(walk(who, seed))


@functools.lru_cache(maxsize=4)
def empty_lane(size: tuple[int, int] = LANE_SIZE) -> Frame:
    """The lane with nobody in it: a wall, a floor, two turnstile posts, a lamp's glow."""
    width, height = size
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    glow = np.exp(-(((columns - 0.25) / 0.9) ** 2) - ((rows - 0.2) / 0.7) ** 2)
    wall = (148 + 52 * glow)[:, :, None] * np.asarray([1.0, 0.985, 0.95], np.float32)
    picture = np.ascontiguousarray(wall, np.float32)
    floor = int(height * 0.86)
    picture[floor:] *= np.asarray([0.62, 0.62, 0.64], np.float32)
    for left, right in ((0.04, 0.13), (0.87, 0.96)):
        top = int(height * 0.58)
        cv2.rectangle(picture, (int(width * left), top), (int(width * right), height), (104, 100, 96), -1, cv2.LINE_AA)
        cv2.rectangle(picture, (int(width * left), top), (int(width * right), top + height // 60), (150, 190, 120), -1)
    soft = cv2.GaussianBlur(picture, (0, 0), height / 160)
    frame = np.clip(soft, 0, 255).astype(np.uint8)
    frame.flags.writeable = False
    return frame


@functools.lru_cache(maxsize=48)
def _painted(who: Identity, expression: str, occlusion: str) -> tuple[Plane, Plane, Plane]:
    """Colour, height and cover of the head: the costly part, the same in every pose and light."""
    canvas = Canvas()
    hair.paint_back(canvas, who)
    head.paint_head(canvas, who, expression)
    hair.paint_beard(canvas, who)
    hair.paint_hair(canvas, who)
    worn.paint_glasses(canvas, who)
    worn.paint_hat(canvas, who)
    if occlusion:
        worn.paint_cover(canvas, who, occlusion)
    head.soften(canvas)
    return canvas.colour, canvas.height, canvas.cover


def _rotation(pose: tuple[float, float, float]) -> Rotation:
    yaw, pitch, roll = np.radians(pose)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn)


def _lit(colour: Plane, height: Plane, rotation: Rotation, light: tuple[float, float, float]) -> Plane:
    """`colour` under an ambient and one directed light (Lambert); the light turns against the head."""
    slope_u = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=UNIT_PX / 8)
    slope_v = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=UNIT_PX / 8)
    source = rotation.T @ np.array([light[0], light[1], 1.0])
    source /= np.linalg.norm(source)
    x, y, z = (np.float32(part) for part in source)
    facing = (z - 0.62 * (x * slope_u + y * slope_v)) / np.sqrt(1 + 0.62**2 * (slope_u**2 + slope_v**2))
    shade = (0.50 + 0.58 * np.clip(facing, 0, 1)) * np.float32(light[2])
    shine = 16 * np.clip(facing, 0, 1) ** 14 * np.float32(light[2])
    return np.asarray(colour * shade[:, :, None] + shine[:, :, None], np.float32)


def _draw_head(
    picture: Plane,
    who: Identity,
    expression: str,
    occlusion: str,
    middle: tuple[float, float],
    unit_px: float,
    pose: tuple[float, float, float],
    light: tuple[float, float, float],
) -> None:
    colour, height, cover = _painted(who, expression, occlusion)
    rotation = _rotation(pose)
    lit = _lit(colour, height, rotation, light)
    reach_x, reach_y = int(1.5 * unit_px), int(1.85 * unit_px)
    left, top = max(int(middle[0]) - reach_x, 0), max(int(middle[1]) - reach_y, 0)
    region = picture[top : int(middle[1]) + reach_y, left : int(middle[0]) + reach_x]
    solid = np.maximum(height, _PIVOT)  # the sheet has no sides: what lies behind the middle stays in its place
    across, down = _look_up(solid, rotation, region.shape[:2], (middle[0] - left, middle[1] - top), unit_px)
    if unit_px < UNIT_PX * 0.7:
        lit, cover = (
            np.asarray(cv2.GaussianBlur(p, (0, 0), 0.4 * UNIT_PX / unit_px), np.float32) for p in (lit, cover)
        )
    seen = cv2.remap(lit, across, down, cv2.INTER_LINEAR)
    part = cv2.remap(cover, across, down, cv2.INTER_LINEAR)[:, :, None]
    region += part * (seen - region)


def _look_up(
    height: Plane, rotation: Rotation, shape: Any, middle: tuple[float, float], unit_px: float
) -> tuple[Plane, Plane]:
    """For every pixel of the picture the place on the sheet that is seen there.

    Where a point (u, v, z) lands is plain; the way back needs its z, found by looking it up a few times.
    """
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    x, y = (columns - middle[0]) / unit_px, (rows - middle[1]) / unit_px
    back = np.linalg.inv(rotation[:2, :2]).astype(np.float32)
    push = (back @ rotation[:2, 2]).astype(np.float32)
    flat_u, flat_v = back[0, 0] * x + back[0, 1] * y, back[1, 0] * x + back[1, 1] * y
    z = np.full(shape, 0.4, np.float32)
    for _ in range(5):
        across = (flat_u - push[0] * (z - _PIVOT)) * UNIT_PX + np.float32(MIDDLE[0])
        down = (flat_v - push[1] * (z - _PIVOT)) * UNIT_PX + np.float32(MIDDLE[1])
        z = cv2.remap(height, across, down, cv2.INTER_LINEAR).astype(np.float32, copy=False)
    return across, down


def _draw_body(picture: Plane, who: Identity, middle: tuple[float, float], unit_px: float, gain: float) -> None:
    """Neck, shoulders and a collar, in the same light."""

    def place(points: Any) -> Any:
        return np.round((np.asarray(points) * unit_px + middle) * 16).astype(np.int32)

    skin = np.multiply(head.darker(who.skin, 0.80), gain)
    cloth = np.multiply(who.clothes, gain * 0.95)
    neck = 0.40 + 0.25 * (who.jaw_width - 0.5)
    right = [(neck + 0.04, 1.22), (0.9, 1.42), (1.45, 1.66), (1.72, 2.3), (1.8, 4.5)]
    left = [(-u, v) for u, v in reversed(right)]
    body = spline([*left, *right])
    cv2.fillPoly(picture, [place(body)], tuple(cloth), cv2.LINE_AA, 4)
    throat = spline(
        [
            (-neck, 0.55),
            (-neck * 0.96, 1.1),
            (-neck - 0.1, 1.30),
            (0, 1.52),
            (neck + 0.1, 1.30),
            (neck * 0.96, 1.1),
            (neck, 0.55),
        ]
    )
    cv2.fillPoly(picture, [place(throat)], tuple(skin), cv2.LINE_AA, 4)
    shadow = spline([(-neck, 0.6), (-neck * 0.97, 1.02), (0, 1.20), (neck * 0.97, 1.02), (neck, 0.6)])
    cv2.fillPoly(picture, [place(shadow)], tuple(skin * 0.74), cv2.LINE_AA, 4)
    collar = spline([(-neck - 0.13, 1.27), (0, 1.55), (neck + 0.13, 1.27)])
    cv2.polylines(picture, [place(collar)], False, tuple(cloth * 0.75), max(1, round(0.05 * unit_px)), cv2.LINE_AA, 4)
