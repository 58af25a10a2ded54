"""Prints and replays before the camera: how many pass, and how many of the living are taken for one.

    python tests/bench/liveness.py --faces ../shared/faces [--network FOLDER] [--subjects 20] [--accept 0.8]

Words after ISO/IEC 30107-3: APCER is the part of the attacks of one species that pass as live, and the worst species
counts; BPCER the part of living faces that don't. Each with its 95 % interval; no error in n trials bounds the rate at
3/n. The attacks are drawn by `tests.bench.spoofs` from photographs, or from rendered visitors where there are none: the
figures say that the parts work and what each of them is worth, and nothing of attacks that nobody drew.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.camera import _visitors as visitors
from drivers.face import _pad_network
from drivers.face._pad_network import Network
from drivers.face._pad_watch import Points, Watch, face_box
from drivers.face._quality import Limits
from drivers.face.dlib import Engine
from drivers.interfaces import Frame
from models.pad import USUAL_ACCEPT, USUAL_DOUBT, PadBand, pad_band
from tests.bench.accuracy import Rate
from tests.bench.spoofs import SPECIES, Shot, Subject, attack, bona_fide, held

BONA_FIDE = "bona fide"
FRAMES, EVERY_S = 8, 0.15  # of a sequence
JUMP, SHIFTS = 0.04, 3  # a shifted box: at most so far, in parts of the face; so many of each picture
LEAST_EYES_PX = 50.0


@dataclass(slots=True)
class Figures:
    """Bands of each species, and how often a shifted box changes one."""

    bands: dict[str, list[PadBand]] = field(default_factory=dict)
    flips: int = 0  # live, or not
    reversals: int = 0  # from live to an attack, or back
    shifted: int = 0

    def shift(self, band: PadBand, other: PadBand) -> None:
        """The same picture with the box as it was found, and with one that is somewhat off."""
        self.shifted += 1
        self.flips += (band is PadBand.LIVE) != (other is PadBand.LIVE)
        self.reversals += {band, other} == {PadBand.LIVE, PadBand.ATTACK}

    def apcer(self, species: str) -> Rate:
        """Attacks of one species that pass as live."""
        return Rate(sum(band is PadBand.LIVE for band in self.bands[species]), len(self.bands[species]))

    def known(self, species: str) -> Rate:
        """Attacks of one species that are called one."""
        return Rate(sum(band is PadBand.ATTACK for band in self.bands[species]), len(self.bands[species]))

    def bpcer(self, band: PadBand | None = None) -> Rate:
        """Living faces that are not called live; or that fall into `band`."""
        found = self.bands[BONA_FIDE]
        return Rate(sum(each is band if band else each is not PadBand.LIVE for each in found), len(found))


class _Clock:
    """Time as the frames tell it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def still(subjects: Iterable[Subject], network: Network | None, accept: float, doubt: float, seed: int = 7) -> Figures:
    """One look at each subject, and at each species of attack made of her."""
    rng, figures = np.random.default_rng(seed), Figures()
    for subject in subjects:
        for species in (BONA_FIDE, *SPECIES):
            shot = bona_fide(subject, rng) if species == BONA_FIDE else attack(species, subject, rng)
            band = pad_band(Watch(network).score(shot.frame, *shot.eyes), accept, doubt)
            figures.bands.setdefault(species, []).append(band)
            for _ in range(SHIFTS):
                figures.shift(band, pad_band(Watch(network).score(shot.frame, *shifted(shot.eyes, rng)), accept, doubt))
    return figures


def as_they_are(subjects: Iterable[Subject], network: Network | None, accept: float, doubt: float) -> Figures:
    """Photographs that nothing was done to: living faces, as far as cameras and the web left them so."""
    scores = [Watch(network).score(subject.picture, *subject.eyes) for subject in subjects]
    return Figures({BONA_FIDE: [pad_band(score, accept, doubt) for score in scores]})


def moving(subjects: Iterable[Subject], network: Network | None, accept: float, doubt: float, seed: int = 7) -> Figures:
    """Attacks held in a hand that tilts them: the worst look of a second counts."""
    rng, figures = np.random.default_rng(seed), Figures()
    for subject in subjects:
        for species in SPECIES:
            scores = sequence(held(species, subject, rng, FRAMES), network)
            figures.bands.setdefault(species, []).append(pad_band(min(scores), accept, doubt))
    return figures


def sequence(shots: Iterable[Shot], network: Network | None, every_s: float = EVERY_S) -> list[float]:
    """The score of each look at somebody who stays."""
    clock = _Clock()
    watch, scores = Watch(network, clock), []
    for shot in shots:
        scores.append(watch.score(shot.frame, *shot.eyes))
        clock.now_s += every_s
    return scores


def filmed(film: Path, network: Network | None, accept: float, doubt: float) -> Figures:
    """Every third frame of a film of people, through the engine: the looks that it found good enough."""
    clock, figures, reader = _Clock(), Figures({BONA_FIDE: []}), cv2.VideoCapture(str(film))
    engine = Engine(pad=Watch(network, clock))
    a_second = reader.get(cv2.CAP_PROP_FPS) or 30.0
    for number in range(int(reader.get(cv2.CAP_PROP_FRAME_COUNT))):
        there, frame = reader.read()
        if there and number % 3 == 0:
            clock.now_s = number / a_second
            probe = engine.probe(np.asarray(frame, np.uint8))
            if probe.pad_score is not None:
                figures.bands[BONA_FIDE].append(pad_band(probe.pad_score, accept, doubt))
    return figures


def shifted(eyes: Points, rng: np.random.Generator) -> Points:
    """Where somebody else would have seen the eyes: the face's box is shifted and as much larger or smaller."""
    box, middle = face_box(eyes), eyes.mean(axis=0)
    away = rng.uniform(-JUMP, JUMP, 2) * (box.width, box.height)
    return np.asarray(middle + away + (eyes - middle) * (1 + rng.uniform(-JUMP, JUMP)), np.float64)


def photographed(folder: Path) -> list[Subject]:
    """Frontal faces of the list in `folder`; dlib finds their eyes."""
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "face"]
    frontal = [row["file"] for row in rows if not {"left", "right"} & set(row["tags"].split(";"))]
    return list(_subjects(cv2.imread(str(folder / file), cv2.IMREAD_COLOR) for file in frontal))


def rendered(count: int) -> list[Subject]:
    """People who do not exist, for where there are no photographs."""
    return list(_subjects(visitors.portrait(visitors.identity(seed)) for seed in visitors.CHOSEN[:count]))


def _subjects(pictures: Iterable[Frame | None]) -> Iterator[Subject]:
    seen = _Eyes()
    engine = Engine(pad=seen, follow=False)
    for picture in pictures:
        subject = None if picture is None else _subject(np.asarray(picture, np.uint8), engine, seen)
        if subject is not None and np.linalg.norm(subject.eyes[1] - subject.eyes[0]) >= LEAST_EYES_PX:
            yield subject


def _samples(folder: Path) -> dict[str, Subject]:
    """The few real attacks that there are, by file name, and a living face beside them."""
    seen, found = _Eyes(), {}
    engine = Engine(Limits(max_nose=1.0, min_nose=0.0, max_tone_gap=99.0), pad=seen, follow=False)
    for file in sorted((folder / "pad").rglob("*.jpg")):
        subject = _subject(np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR), np.uint8), engine, seen)
        if subject is not None:
            found[file.name] = subject
    return found


class _Eyes(Watch):
    """Notes where an engine sees the eyes."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes: Points | None = None

    def score(self, frame: Frame, one_eye: Points, other_eye: Points) -> float:
        """The eyes, the left in the picture first."""
        self.eyes = np.array(sorted((tuple(one_eye), tuple(other_eye))))
        return 1.0


def _subject(picture: Frame, engine: Engine, seen: _Eyes) -> Subject | None:
    seen.eyes = None
    engine.probe(picture)
    return None if seen.eyes is None else Subject(picture, seen.eyes)


@click.command()
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), help="photographs; else drawn")
@click.option("--network", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--subjects", default=20, show_default=True)
@click.option("--accept", default=USUAL_ACCEPT, show_default=True)
@click.option("--doubt", default=USUAL_DOUBT, show_default=True)
def main(faces: Path | None, folder: Path | None, subjects: int, accept: float, doubt: float) -> None:
    """Measure and print."""
    everybody = photographed(faces) if faces else rendered(subjects)
    people = everybody[:: max(1, len(everybody) // subjects)][:subjects]
    network = _pad_network.open(folder) if folder else None
    for name, used in (("cues alone", None), *((("network and cues", network),) if network else ())):
        click.echo(report(f"{name}, photographs as they are", as_they_are(everybody, used, accept, doubt)))
        samples = _samples(faces) if faces else {}
        for file, subject in samples.items():
            click.echo(f"{name}, {file}: {Watch(used).score(subject.picture, *subject.eyes):.3f}")
        click.echo(report(f"{name}, one look", still(people, used, accept, doubt)))
        click.echo(report(f"{name}, moving for a second", moving(people[::2], used, accept, doubt)))
        for film in sorted((faces or Path("/nowhere")).glob("video/**/*.mp4")):
            click.echo(report(f"{name}, {film.name}", filmed(film, used, accept, doubt)))


def report(title: str, figures: Figures) -> str:
    """The figures in words."""
    lines = [title]
    for species in figures.bands:
        if species == BONA_FIDE:
            lines.append(f"  BPCER {figures.bpcer()}; called an attack {figures.bpcer(PadBand.ATTACK)}")
        else:
            lines.append(f"  APCER {species} {figures.apcer(species)}; called one {figures.known(species)}")
    if figures.shifted:
        lines.append(f"  by a shifted box live no longer, or now {Rate(figures.flips, figures.shifted)}")
        lines.append(f"  by a shifted box an attack instead of live {Rate(figures.reversals, figures.shifted)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
