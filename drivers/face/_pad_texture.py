"""What gives a picture of a face away in one frame: the lattice of a screen or a print, glare, and straight borders.

All of it is measured on the face turned upright and brought to one size. The rules were fitted on few cameras: the
texture of a face differs between cameras more than between a face and a good print. They count for little where a
network also looks, and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.interfaces import Frame

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

TILE_PX = 64
LATTICE_MOST_PX = 320  # a larger face is cut, not reduced: that would wipe out what is looked for
_AROUND_PX, _FACE_PX = 240, 72  # the reduced surroundings, and the face's width in them


@dataclass(frozen=True, slots=True)
class Texture:
    """What one frame shows."""

    lattice: float  # the strongest regular pattern, as a multiple of its neighbours in the spectrum
    glare: float  # part of the face that is burnt out and colourless
    borders: float  # sides of the face, of four, along which a long straight border runs


BESIDE = ((0.0, 0.0, 1.0), (-0.06, 0.09, 0.96), (0.09, 0.06, 1.04), (0.06, -0.09, 0.96), (-0.09, -0.06, 1.04))
"""Where else the eyes might have been seen: to the right and down, in distances of the eyes, and farther apart."""


def look(frame: Frame, eyes: Points) -> Texture:
    """`eyes` (2, 2): the centres of both eyes in the frame, in pixels, left in the picture first.

    Means over eyes beside each other: a few pixels more or less must not turn the word about.
    """
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
    middle, apart = eyes.mean(axis=0), float(np.linalg.norm(eyes[1] - eyes[0]))
    seen = []
    for right, down, larger in BESIDE:
        near = middle + apart * np.array([right, down]) + larger * (eyes - middle)
        seen.append((lattice(_face(grey, near)), glare(_face(frame, near)), borders(grey, near)))
    lattices, glares, sides = (float(np.mean(each)) for each in zip(*seen, strict=True))
    return Texture(lattices, glares, sides)


def _face(picture: npt.NDArray[np.uint8], eyes: Points) -> npt.NDArray[np.uint8]:
    """The part between brow and mouth as it is in the frame: nothing is resampled."""
    apart = max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)
    centre = eyes.mean(axis=0) + np.array([0, 0.35 * apart])
    half = min(1.0 * apart, LATTICE_MOST_PX / 2)
    low = np.maximum(centre - half, 0).astype(int)
    high = np.maximum((centre + half).astype(int), low)
    return picture[low[1] : high[1], low[0] : high[0]]


def lattice(face: Grey) -> float:
    """How far the strongest line of the averaged spectrum stands above its neighbours; 1 where nothing is regular.

    A JPEG's blocks of eight pixels are such a pattern too: their frequencies don't count.
    """
    if min(face.shape) < TILE_PX:
        return 1.0
    spectrum = _spectrum(face)
    floor = cv2.medianBlur(spectrum, 5)
    ratio = np.where(_COUNTED, spectrum / np.maximum(floor, 1e-6), 1.0)
    return float(ratio.max())


def _spectrum(face: Grey) -> npt.NDArray[np.float32]:
    """Mean power over tiles that overlap by half (Welch)."""
    step = TILE_PX // 2
    window = np.outer(np.hanning(TILE_PX), np.hanning(TILE_PX)).astype(np.float32)
    corners = [
        (row, column)
        for row in range(0, face.shape[0] - TILE_PX + 1, step)
        for column in range(0, face.shape[1] - TILE_PX + 1, step)
    ]
    high = face.astype(np.float32) - cv2.GaussianBlur(face, (0, 0), 3).astype(np.float32)
    tiles = np.stack([high[row : row + TILE_PX, column : column + TILE_PX] * window for row, column in corners])
    power = np.abs(np.fft.fft2(tiles)) ** 2
    # Each tile counts alike: else the eyes would be all that is seen.
    power /= np.maximum(power.mean(axis=(1, 2), keepdims=True), 1e-9)
    return np.fft.fftshift(power.mean(axis=0)).astype(np.float32)


def _counted() -> npt.NDArray[np.bool_]:
    """Frequencies that are neither low nor on a JPEG's lattice."""
    frequency = np.fft.fftshift(np.fft.fftfreq(TILE_PX))
    across, down = np.meshgrid(frequency, frequency)
    eighths = [np.abs(each * 8 - np.round(each * 8)) < 8 * 1.01 / TILE_PX for each in (across, down)]
    on_axis = [np.abs(each) < 1.01 / TILE_PX for each in (across, down)]
    blocks = (eighths[0] & on_axis[1]) | (eighths[1] & on_axis[0])
    return np.asarray((np.hypot(across, down) > 0.10) & ~blocks, np.bool_)


_COUNTED = _counted()


def glare(face: Frame) -> float:
    """The largest burnt-out and colourless patch, as a part of the face."""
    if not face.size:
        return 0.0
    burnt = (face.min(axis=2) > 235).astype(np.uint8)
    burnt = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(burnt)
    return float(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) / burnt.size


def borders(grey: Grey, eyes: Points) -> int:
    """How many sides of the face have a long straight border beside them: a sheet or a phone has three or four."""
    apart = max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)
    around = _surroundings(grey, eyes, _FACE_PX / (2.2 * apart))
    edges = cv2.Canny(cv2.GaussianBlur(around, (5, 5), 0), 40, 100)
    lines = cv2.HoughLinesP(edges, 1, np.pi / 180, 40, minLineLength=_FACE_PX, maxLineGap=4)
    if lines is None:
        return 0
    segments = lines.reshape(-1, 4).astype(np.float64) - _AROUND_PX / 2
    return len({side for segment in segments for side in _side(segment)})


def _surroundings(grey: Grey, eyes: Points, scale: float) -> Grey:
    """The face upright in the middle of a square, at `scale`."""
    across = eyes[1] - eyes[0]
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    centre = eyes.mean(axis=0) + 0.4 * np.array([-across[1], across[0]])
    turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
    turn[:, 2] += _AROUND_PX / 2 - centre
    return np.asarray(
        cv2.warpAffine(grey, turn, (_AROUND_PX, _AROUND_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _side(segment: Points) -> list[str]:
    """The side along which a segment runs past the face; none where it stands askew or too near."""
    x0, y0, x1, y1 = segment
    run, rise = abs(x1 - x0), abs(y1 - y0)
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    if run < 0.2 * rise and 0.55 < abs(middle_x) / _FACE_PX < 1.6 and abs(middle_y) < _FACE_PX:
        return ["left" if middle_x < 0 else "right"]
    if rise < 0.2 * run and 0.65 < abs(middle_y) / _FACE_PX < 1.6 and abs(middle_x) < _FACE_PX:
        return ["above" if middle_y < 0 else "below"]
    return []
