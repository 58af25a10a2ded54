"""Faces: probe, reference and their comparison, in the words of ISO/IEC 2382-37 and 30107.

A comparison here is a *dissimilarity* score, called `distance`: smaller is more alike, whatever the network. Engines
whose network gives a similarity convert it, so that a threshold can be read in one direction only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class FaceProblem(StrEnum):
    """Why a frame gave no usable probe; the visitor is told the first that applies."""

    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    TURNED = "turned"
    SEVERAL = "several"
    COVERED = "covered"  # a mask, a scarf, a hand
    TURN_ASKED = "turn_asked"  # nothing is wrong: the policy wants to see the head turn


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Measured on the aligned chip. `nose` is the nose's place between the outer eye corners, 0 to 1 (0.5: frontal)."""

    height_px: float = 0.0
    sharpness: float = 0.0  # variance of the Laplacian of the chip, grey levels squared
    brightness: float = 0.0  # mean grey level of the chip, 0 to 255
    nose: float = 0.5


@dataclass(frozen=True, slots=True)
class FaceProbe:
    """The best face seen in a lane. `template` is little-endian float32; empty when `problem` says why.

    `pad_score` is the presentation attack detection's estimate that the face is live, 0 to 1; `None`: not measured.
    """

    model_version: str
    template: bytes = field(default=b"", repr=False)
    quality: FaceQuality = field(default_factory=FaceQuality)
    problem: FaceProblem | None = None
    pad_score: float | None = None
    turned: bool = False  # the head turned when it was asked to
    frames: int = 0  # frames taken for this probe
    further: tuple[bytes, ...] = field(default=(), repr=False)  # templates of other frames of the same person
    eyes_at: float | None = None  # how far down the picture the eyes are, 0 (top) to 1; never recorded: it tells height


@dataclass(frozen=True, slots=True)
class FaceReference:
    """The enrolled template of a ticket holder, with the ground on which it may be held."""

    model_version: str
    template: bytes = field(repr=False)
    legal_basis: str = ""  # a consent's identifier, or the law's name


@dataclass(frozen=True, slots=True)
class Comparison:
    """One probe against one reference. `distance` is a dissimilarity score: smaller is more alike.

    Where `cohort` names one (`models.cohort`), `distance` is normalised against it, and `plain` is what it was before.
    """

    distance: float
    model_version: str
    cohort: str = ""
    plain: float | None = None


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """What the camera gave for this attempt, without template."""

    comparison: Comparison | None = None
    problem: FaceProblem | None = None
    quality: FaceQuality | None = None
    pad_score: float | None = None
    turned: bool = False  # the head turned when it was asked to
    model_version: str = ""
    tries: int = 0
    frames: int = 0  # so many good frames were compared
    held_s: float | None = None  # how old the features were that were held before the card; None: taken after it
    portrait_problem: str = ""  # the document's portrait was to be the reference, and gave none: why
    fault: str = ""  # the camera or the engine failed: its plain words


class Band(StrEnum):
    """Where a comparison falls."""

    ACCEPT = "accept"
    REFER = "refer"
    REFUSE = "refuse"  # far apart: a person is told "mismatch", and still decides


@dataclass(frozen=True, slots=True)
class FaceBands:
    """Thresholds that belong to one model and one population.

    `accept`: up to this distance the machine may admit. `refuse`: beyond this the steward reads "mismatch" instead of
    "uncertain". Between the two, and beyond, a person decides.

    `watch`: a list is searched within this plain distance; by bands without one, as the policy says.

    Bands with a `cohort` are for distances normalised against that one, those without for plain distances. `ceiling`
    then is the greatest plain distance that may be admitted.
    """

    model_version: str
    population: str
    accept: float
    refuse: float
    cohort: str = ""
    ceiling: float | None = None
    watch: float | None = None

    def fits(self, comparison: Comparison) -> bool:
        """Whether these bands speak of this kind of distance."""
        return (comparison.model_version, comparison.cohort) == (self.model_version, self.cohort)

    def place(self, comparison: Comparison) -> Band:
        """The band of `comparison`. Raises `ValueError` when it was made by another model or with another cohort."""
        if not self.fits(comparison):
            raise ValueError(
                f"bands of {self.model_version} {self.cohort} say nothing of {comparison.model_version} "
                f"{comparison.cohort}"
            )
        if comparison.distance <= self.accept and self._is_near(comparison.plain):
            return Band.ACCEPT
        # Written so that a NaN falls to the careful side.
        return Band.REFER if comparison.distance <= self.refuse else Band.REFUSE

    def wider(self, share: float) -> FaceBands:
        """These bands with room for doubt on both sides, by a `share` of the distance between them.

        Less is admitted by the machine, and less is called a mismatch: both go to a person.
        """
        room = share * max(self.refuse - self.accept, abs(self.accept) / 10)
        ceiling = None if self.ceiling is None else self.ceiling - share * abs(self.ceiling) / 10
        return replace(self, accept=self.accept - room, refuse=self.refuse + room, ceiling=ceiling)

    def _is_near(self, plain: float | None) -> bool:
        return self.ceiling is None or (plain is not None and plain <= self.ceiling)
