"""Who a rendered visitor is: the measures of an invented face. Nobody's likeness; every number is drawn from a seed.

Lengths are in units of which a head is about two high; see `canvas` for the axes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Colour: TypeAlias = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""

SKINS: tuple[Colour, ...] = (
    (184, 204, 232),
    (168, 194, 228),
    (158, 190, 228),
    (140, 176, 218),
    (120, 158, 204),
    (98, 136, 186),
    (74, 108, 158),
    (58, 86, 130),
    (46, 66, 102),
)
HAIRS: tuple[Colour, ...] = (
    (22, 20, 22),
    (30, 28, 34),
    (28, 36, 52),
    (36, 54, 86),
    (50, 84, 128),
    (90, 150, 196),
    (40, 70, 150),
)
GREYS: tuple[Colour, ...] = ((150, 150, 152), (206, 208, 210))
FRAMES: tuple[Colour, ...] = ((30, 28, 30), (40, 60, 100), (150, 150, 156))
IRISES: tuple[Colour, ...] = ((28, 40, 58), (30, 54, 88), (60, 92, 90), (130, 110, 78), (70, 110, 70))
CLOTHES: tuple[Colour, ...] = (
    (96, 62, 40),
    (60, 60, 64),
    (72, 92, 46),
    (58, 56, 150),
    (190, 180, 170),
    (150, 116, 60),
    (60, 120, 190),
    (120, 70, 110),
    (212, 214, 216),
)
LONG_STYLES = ("long", "bob", "fringe_long", "bun", "curly_long", "parted_long")
SHORT_STYLES = ("short", "side", "fringe", "buzz", "curly", "receding", "bald", "spiky")


@dataclass(frozen=True, slots=True)
class Identity:
    """The measures of one invented person."""

    seed: int
    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    style: str  # of the hair
    age: float  # 0 young, 1 old: folds, wrinkles, sagging
    cheek_width: float
    jaw_width: float
    chin_width: float
    chin_length: float
    forehead: float  # half width
    depth: float  # of the head: how strongly it is rounded
    eye_gap: float  # from the middle line to an eye's centre
    eye_height: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    lid: float  # heaviness of the upper lid
    lash: float
    socket: float
    brow_height: float
    brow_thick: float
    brow_arch: float
    brow_tilt: float
    brow_width: float
    nose_length: float
    nose_width: float
    nose_bridge: float
    nose_tip: float
    mouth_height: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    lip_red: float
    mouth_curve: float
    cheekbone: float
    ear: float
    glasses: str  # "", "round", "square", "half"
    glasses_colour: Colour
    beard: str  # "", "stubble", "full", "goatee", "moustache"
    hat: str  # "", "cap", "beanie", "scarf"
    freckles: float
    mole: tuple[float, float] | None
    blush: float


class _Dice:
    """Draws that stay the same over versions: only `random()` is promised by the language to do so."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed).random  # noqa: S311 - a drawing, not a secret

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._draw()

    def about(self, middle: float, reach: float) -> float:
        """More often near the middle than at the ends."""
        return middle + reach * (self._draw() + self._draw() - 1)

    def one(self, things: Sequence[T]) -> T:
        return things[min(int(self._draw() * len(things)), len(things) - 1)]

    def chance(self, part: float) -> bool:
        return self._draw() < part


def identity(seed: int) -> Identity:
    """The invented person of `seed`: always the same one."""
    dice = _Dice(seed)
    soft = dice.chance(0.5)  # softer features and longer hair, or harder ones and perhaps a beard
    age = dice.between(0, 1) ** 1.3
    skin = dice.one(SKINS)
    dark = sum(skin) < 400
    grey = age > 0.72 and dice.chance(0.7)
    hair = dice.one(GREYS) if grey else dice.one(HAIRS[:3] if dark else HAIRS)
    styles = LONG_STYLES if soft else SHORT_STYLES
    beards = ("stubble", "full", "goatee", "moustache")
    frames = ("round", "square", "half")
    hats = ("cap", "beanie") if not soft else ("beanie", "scarf")
    return Identity(
        seed=seed,
        skin=skin,
        hair=hair,
        iris=IRISES[0] if dark else dice.one(IRISES),
        clothes=dice.one(CLOTHES),
        style=dice.one(styles),
        age=age,
        cheek_width=dice.about(0.74, 0.09),
        jaw_width=dice.about(0.55 if soft else 0.63, 0.10),
        chin_width=dice.about(0.24 if soft else 0.31, 0.09),
        chin_length=dice.about(0.97 if soft else 1.02, 0.11),
        forehead=dice.about(0.66, 0.07),
        depth=dice.about(0.80, 0.15),
        eye_gap=dice.about(0.335, 0.055),
        eye_height=dice.about(-0.10, 0.05),
        eye_width=dice.about(0.165, 0.03),
        eye_open=dice.about(0.078 if soft else 0.068, 0.028),
        eye_tilt=dice.about(0.10, 0.22),
        lid=dice.between(0, 1),
        lash=dice.between(0.5, 1.0) if soft else dice.between(0, 0.4),
        socket=dice.between(0.1, 1),
        brow_height=dice.about(0.215, 0.06),
        brow_thick=dice.about(0.026 if soft else 0.044, 0.018),
        brow_arch=dice.about(0.05 if soft else 0.025, 0.035),
        brow_tilt=dice.about(0.0, 0.16),
        brow_width=dice.about(0.22, 0.045),
        nose_length=dice.about(0.40, 0.10),
        nose_width=dice.about(0.135 if soft else 0.16, 0.05),
        nose_bridge=dice.about(0.17, 0.12),
        nose_tip=dice.about(0.25, 0.11),
        mouth_height=dice.about(0.245, 0.05),
        mouth_width=dice.about(0.245, 0.06),
        lip_upper=dice.about(0.050 if soft else 0.036, 0.022),
        lip_lower=dice.about(0.070 if soft else 0.055, 0.028),
        lip_red=dice.between(0.45, 1.0) if soft else dice.between(0.1, 0.45),
        mouth_curve=dice.about(0.018, 0.03),
        cheekbone=dice.between(0, 1),
        ear=dice.about(1.0, 0.25),
        glasses=dice.one(frames) if dice.chance(0.28) else "",
        glasses_colour=dice.one(FRAMES),
        beard=dice.one(beards) if not soft and dice.chance(0.45) else "",
        hat=dice.one(hats) if dice.chance(0.14) else "",
        freckles=dice.between(0.4, 1) if not dark and dice.chance(0.15) else 0.0,
        mole=(dice.between(-0.45, 0.45), dice.between(0.2, 0.7)) if dice.chance(0.2) else None,
        blush=dice.between(0.1, 0.8) if soft else dice.between(0, 0.4),
    )
