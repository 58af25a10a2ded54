"""Choose rendered visitors whom the dlib engine keeps well apart: `python tests/bench/choose_visitors.py --people 600`.

Draws people, keeps those whose every lane frame gives a probe near to their portrait, and picks from them one by one
the person farthest from all picked before. Prints the tuple for `drivers/camera/_visitors/chosen.py`. Takes a few
minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.camera import _visitors as visitors
from drivers.face.dlib import Engine
from drivers.interfaces import Template
from models.face import FaceProbe


@click.command()
@click.option("--people", default=600, help="how many to draw")
@click.option("--wanted", default=32, help="how many to choose")
@click.option("--visits", default=3, help="visits that each must pass")
@click.option("--within", default=0.30, help="greatest distance of a lane frame from the portrait")
def main(people: int, wanted: int, visits: int, within: float) -> None:
    """Draw, weigh, choose, print."""
    engine = Engine()
    portraits = {seed: engine.enrol(visitors.portrait(visitors.identity(seed))) for seed in range(people)}
    templates = {seed: _template(probe) for seed, probe in portraits.items() if probe.problem is None}
    chosen: list[int] = []
    refused: set[int] = set()
    while len(chosen) < wanted and len(chosen) + len(refused) < len(templates):
        seed = _farthest(templates, chosen, refused)
        if _steady(engine, seed, templates[seed], visits, within):
            chosen.append(seed)
        else:
            refused.add(seed)
    least = min(_distance(templates[a], templates[b]) for a in chosen for b in chosen if a < b)
    print(f"{len(chosen)} chosen, {len(refused)} refused, nearest two {least:.3f} apart")
    print(f"CHOSEN = {tuple(chosen)}")


def _template(probe: FaceProbe) -> Template:
    return np.frombuffer(probe.template, "<f4")


def _distance(one: Template, other: Template) -> float:
    return float(np.linalg.norm(one - other))


def _farthest(templates: dict[int, Template], chosen: list[int], refused: set[int]) -> int:
    """The person whose nearest chosen neighbour is farthest away."""
    left = [seed for seed in templates if seed not in chosen and seed not in refused]
    return max(left, key=lambda seed: min((_distance(templates[seed], templates[c]) for c in chosen), default=1.0))


def _steady(engine: Engine, seed: int, portrait: Template, visits: int, within: float) -> bool:
    """Whether every frame of every visit gives a probe within reach of the portrait, and a covered face gives none."""
    who = visitors.identity(seed)
    for visit in range(visits):
        for frame in visitors.visit(who, visit):
            probe = engine.probe(frame)
            if probe.problem or _distance(_template(probe), portrait) > within:
                return False
    return all(engine.probe(visitors.render(who, occlusion=cover)).problem for cover in ("hand", "mask", "scarf"))


if __name__ == "__main__":
    main()
