"""Presentation attack detection (PAD), in the words of ISO/IEC 30107: is a living face before the camera?

Several weak signs are put together: each is worth so many log odds for or against a living face, and what was not
measured is worth nothing. The score is the sum as a share, 0 to 1. It is no probability: nobody knows how many of those
who come hold up a picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

USUAL_ACCEPT, USUAL_DOUBT = 0.8, 0.3

ALONE = 1.7
"""What a face is worth that nothing speaks against, where no network looked: a little more than the usual `accept`."""

_SUREST = 0.01


class PadBand(StrEnum):
    """Where a score falls."""

    LIVE = "live"
    DOUBTFUL = "doubtful"  # once more, by a challenge where the policy asks for one; else a person looks
    ATTACK = "attack"  # a person looks at once


class PadChallenge(StrEnum):
    """When the visitor is asked to turn the head."""

    NEVER = "never"
    DOUBT = "doubt"  # a doubtful face that turned when asked counts as live
    ALWAYS = "always"  # and a live one that did not, does not


@dataclass(frozen=True, slots=True)
class PadSigns:
    """What the parts of the detection found in one look, `None` where they could not tell.

    `network` is a network's live share, 0 to 1; the others are measured as `drivers.face` describes them.
    """

    network: float | None = None
    lattice: float | None = None  # how far a regular pattern stands out; 1: not at all
    glare: float | None = None  # part of the face that is burnt out
    borders: float | None = None  # sides with a straight border, of four: the mean over boxes beside each other
    flat: bool | None = None  # moved as a flat thing does; False: moved as no flat thing can
    with_surroundings: bool | None = None  # moved as one with what is around it
    blinked: bool = False


def pad_score(signs: PadSigns) -> float:
    """The estimate that the face is live, 0 to 1."""
    odds = [_odds(signs.network), _lattice(signs.lattice), _glare(signs.glare), _borders(signs.borders)]
    odds += [_flat(signs.flat, signs.with_surroundings), 1.0 if signs.blinked else 0.0]
    return share(odds)


def share(odds: Iterable[float]) -> float:
    """The sum of log odds as a share, 0 to 1; 0 where it makes no sense."""
    total = math.fsum(odds)
    if math.isnan(total):
        return 0.0
    return 1.0 / (1.0 + math.exp(-min(max(total, -30.0), 30.0)))


def pad_band(score: float | None, accept: float, doubt: float) -> PadBand:
    """The band of `score`: live from `accept` on, an attack under `doubt`. What was not measured is doubtful."""
    if score is None:
        return PadBand.DOUBTFUL
    if score >= accept:
        return PadBand.LIVE
    # Written so that a NaN falls to the careful side.
    return PadBand.DOUBTFUL if score >= doubt else PadBand.ATTACK


def _odds(network: float | None) -> float:
    if network is None:
        return ALONE
    sure = min(max(network, _SUREST), 1 - _SUREST)
    return math.log(sure / (1 - sure)) if not math.isnan(network) else math.nan


def _lattice(ratio: float | None) -> float:
    """Real faces: up to 4.2 from a camera, 6.7 from the web."""
    return 0.0 if ratio is None else -4.0 * _ramp(ratio, 5.0, 10.0)


def _glare(part: float | None) -> float:
    """Real faces: up to 0.013. A wet forehead under a lamp shines, too: this weighs less."""
    return 0.0 if part is None else -2.5 * _ramp(part, 0.012, 0.04)


def _borders(sides: float | None) -> float:
    """A door's frame has two or three sides."""
    return 0.0 if sides is None else -3.0 * _ramp(sides, 2.0, 4.0)


def _flat(flat: bool | None, with_surroundings: bool | None) -> float:
    """A film on a screen moves as a face does: depth proves less than flatness."""
    if flat is None:
        return 0.0
    if flat:
        return -4.5 if with_surroundings else -3.5
    return 0.0 if with_surroundings else 1.0


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0) if not math.isnan(value) else math.nan
