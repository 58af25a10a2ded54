"""A whole site, in the manner of Jepsen: real processes, seeded visitors, a nemesis between them, and a checker.

Three gates and a centre, and in every other house a venue's hub between them; each gate's daemon and sync process
apart, every cable in our hands. In each run a hundred
ticket holders come, some of them twice, two tickets are withdrawn, and a few things break: cables, processes, disks,
clocks. What was seen is judged by `tests.faults.judge`, which knows nothing of the program.

MENSHEN_RUNS (20) and MENSHEN_SEED choose how many runs and which; a failure names its seed.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.faults.cloned import clone_and_watch
from tests.faults.evidence import BEYOND, Evidence
from tests.faults.house import House
from tests.faults.judge import REVOKED_S, is_calm, problems
from tests.faults.storm import Storm

RUNS = int(os.environ.get("MENSHEN_RUNS", "20"))
SEED = int(os.environ.get("MENSHEN_SEED") or random.SystemRandom().randrange(2**32))
RUNS_IN_A_HOUSE = 5
PEOPLE = 100
SHOWN = 30


@pytest.mark.slow
@pytest.mark.parametrize("number", range(-(-RUNS // RUNS_IN_A_HOUSE)))
def test_no_ticket_passes_twice_and_nothing_is_lost_whatever_breaks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    """Some storms over one house, one after the other; then one of its gates is copied."""
    seeds = [f"{SEED} {run}" for run in range(number * RUNS_IN_A_HOUSE, min(RUNS, (number + 1) * RUNS_IN_A_HOUSE))]
    house, evidence = House(tmp_path, PEOPLE * len(seeds), venue=bool(number % 2)), Evidence()
    try:
        house.open()
        strikes: Counter[str] = Counter()
        for index, seed in enumerate(seeds):
            storm = Storm(house, house.people[index * PEOPLE : (index + 1) * PEOPLE], evidence, seed)
            storm.rage()
            storm.calm_down()
            strikes += storm.strikes
            found = [*storm.trouble, *problems(evidence)]
            if found:
                pytest.fail(
                    f"MENSHEN_SEED={SEED}, run {seed}: {dict(storm.strikes)}, {len(found)} problems\n"
                    + "\n".join(found[:SHOWN])
                )
        evidence.clones.append(clone_and_watch(house))
        assert problems(evidence) == []
    finally:
        house.close()
    _say(capfd, _figures(evidence, strikes))
    answers = Counter(_claims(evidence))
    assert answers["granted"] > answers["no_answer"], "a gate that asks nobody proves nothing"


@pytest.mark.slow
def test_a_server_that_counts_no_claims_is_found_out(tmp_path: Path) -> None:
    """The positive control: with the uniqueness of claims taken out, the same visitors are too much."""
    house, evidence = House(tmp_path, PEOPLE, unjust=True), Evidence()
    try:
        house.open()
        storm = Storm(house, house.people, evidence, f"{SEED} control", blows=0, second_share=0.4)
        storm.rage()
        storm.calm_down()
    finally:
        house.close()
    found = problems(evidence)
    assert any("was granted to 2 visits" in problem for problem in found), found
    assert any("while both reached their authority" in problem for problem in found), found


def _claims(evidence: Evidence) -> list[str]:
    bodies = [entry.body for box in evidence.boxes for entry in box.entries]
    return [body["facts"]["claim"] for body in bodies if (body.get("facts") or {}).get("claim")]


def _figures(evidence: Evidence, strikes: Counter[str]) -> str:
    words = Counter(visit.reason or "cut off" for visit in evidence.visits)
    took = [
        at - one.at
        for one in evidence.revocations
        for gate, at in one.effective.items()
        if is_calm(evidence, (gate, BEYOND), one.at, one.at + REVOKED_S)
    ]
    withdrawn = f"median {median(took):.2f} s, p99 {quantiles(took, n=100)[-1]:.2f} s" if len(took) > 1 else "none seen"
    claims = Counter(_claims(evidence))
    return "\n".join(
        [
            f"MENSHEN_SEED={SEED}; {len(evidence.visits)} visits: {_counts(words)}; claims {_counts(claims)}",
            f"broken: {_counts(strikes)}; conflicts {len(evidence.conflicts)}",
            f"withdrawn at gates in reach: {withdrawn}",
        ]
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{word} {number}" for word, number in counter.most_common())


def _say(capfd: pytest.CaptureFixture[str], text: str) -> None:
    with capfd.disabled():
        print(f"\n{text}", file=sys.stderr, flush=True)
