"""Prints and replays before the camera, as a section of the bench: a species a line; see `tests.bench.liveness`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from drivers.face import _pad_network
from drivers.face._pad_network import Network
from drivers.face._pad_watch import Watch
from drivers.face.dlib import Engine
from gate.core.life import Turn
from models.pad import USUAL_ACCEPT, USUAL_DOUBT, PadBand, pad_band
from tests.bench import liveness
from tests.bench.accuracy import Rate
from tests.bench.figures import Figure, Section
from tests.bench.liveness import BONA_FIDE, FRAMES, SHIFTS, Figures
from tests.bench.spoofs import SPECIES, Shot, Subject, bona_fide, held, swung

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FLIPS_AT_MOST = 1.0  # per cent
WAYS = ("one look", "a second")
CHALLENGED = ("cut-out", "photo")
SWING_DEGREES = (0.0, 15.0, 30.0, 45.0, 30.0, 0.0, -30.0, -45.0, -15.0, 0.0)
"""How far a sheet is swung, one look after the other."""


def measure(count: int = 10) -> Section:
    """`count` people, photographed or drawn, and each species of attack made of them."""
    section = Section("liveness")
    faces = SHARED / "faces"
    everybody = liveness.photographed(faces) if (faces / "provenance.csv").is_file() else liveness.rendered(count)
    networks = _networks(SHARED / "models" / "minifasnet")
    people = everybody[:: max(1, len(everybody) // count)][:count]
    for name, found in _found(people, networks).items():
        for species in found.bands:
            section.add(_line(name, species, found))
        for what, changed in (("live no longer, or now", found.flips), ("an attack instead of live", found.reversals)):
            if found.shifted:
                rate = Rate(changed, found.shifted)
                section.add(_percent(f"{name}: by a shifted box {what}", rate, FLIPS_AT_MOST))
    _challenge(section, people)
    section.notes += [
        "after ISO/IEC 30107-3; APCER: attacks that pass as live, by species; BPCER: living faces that don't",
        "drawn from photographs by tests/bench/spoofs.py: no claim about attacks that nobody drew",
        f"the single look's box is shifted {SHIFTS} times by up to 4 %; a second: {FRAMES} looks, the worst one counts",
    ]
    if len(networks) == 1:
        section.notes.append("no liveness network in ../shared/models: cues alone")
    return section


def _networks(folder: Path) -> dict[str, Network | None]:
    there = (folder / "config.json").is_file()
    return {"cues alone": None} | ({"network and cues": _pad_network.open(folder)} if there else {})


def _found(people: list[Subject], networks: Mapping[str, Network | None], seed: int = 7) -> dict[str, Figures]:
    """By way of looking. Each attack is drawn once, and all ways look at it."""
    rng = np.random.default_rng(seed)
    found = {f"{name}, {way}": Figures() for name in networks for way in WAYS}
    for person in people:
        for species in (BONA_FIDE, *SPECIES):
            shots = [bona_fide(person, rng)] if species == BONA_FIDE else held(species, person, rng, FRAMES)
            for name, network in networks.items():
                _look_once(found[f"{name}, {WAYS[0]}"], species, shots[0], network, rng)
                if len(shots) > 1:
                    worst = min(liveness.sequence(shots, network))
                    bands = found[f"{name}, {WAYS[1]}"].bands.setdefault(species, [])
                    bands.append(_band(worst))
    return found


def _challenge(section: Section, people: list[Subject], seed: int = 11) -> None:
    """Sheets that pass a single look, told to turn the head: swung to both sides before the whole engine."""
    rng = np.random.default_rng(seed)
    for species in CHALLENGED:
        met = [_meets(swung(species, person, rng, SWING_DEGREES)) for person in people]
        section.add(_percent(f"told to turn the head, {species} passes", Rate(sum(met), len(met))))


def _meets(shots: list[Shot]) -> bool:
    engine, turn = Engine(), Turn()
    return any(turn.look(engine.probe(shot.frame)) for shot in shots)


def _look_once(figures: Figures, species: str, shot: Shot, network: Network | None, rng: np.random.Generator) -> None:
    band = _band(Watch(network).score(shot.frame, *shot.eyes))
    figures.bands.setdefault(species, []).append(band)
    for _ in range(SHIFTS):
        figures.shift(band, _band(Watch(network).score(shot.frame, *liveness.shifted(shot.eyes, rng))))


def _band(score: float) -> PadBand:
    return pad_band(score, USUAL_ACCEPT, USUAL_DOUBT)


def _line(name: str, species: str, found: Figures) -> Figure:
    if species == BONA_FIDE:
        return _percent(f"{name}: BPCER", found.bpcer())
    return _percent(f"{name}: APCER {species}", found.apcer(species))


def _percent(name: str, rate: Rate, at_most: float | None = None) -> Figure:
    """With the interval of 95 %, which ends at 3/n where nothing happened."""
    low, high = rate.interval
    note = f"{100 * low:.1f} to {100 * high:.1f} %"
    return Figure(name, round(100 * rate.value, 2), "%", rate.trials, at_most=at_most, note=note)
