"""A whole site, in the manner of Jepsen: real processes, seeded visitors, a nemesis between them, and a checker.

Three gates and a centre, and in every other house a venue's hub between them; each gate's daemon and sync process
apart, every cable in our hands. In each run hundreds of ticket holders come, one in twenty of them twice, three tickets
are withdrawn, and some things break: cables, processes, disks, clocks. What was seen is judged by `tests.faults.judge`,
which knows nothing of the program.

MENSHEN_RUNS (20), MENSHEN_PEOPLE (400 in each run, so 2,000 to a house) and MENSHEN_SEED choose how many runs, how
large and which; a failure names its seed.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

from tests.faults.blows import deal
from tests.faults.cloned import clone_and_watch
from tests.faults.evidence import Evidence
from tests.faults.house import GATES, House
from tests.faults.judge import in_reach, problems
from tests.faults.storm import Storm, lasts_s

RUNS = int(os.environ.get("MENSHEN_RUNS", "20"))
SEED = int(os.environ.get("MENSHEN_SEED") or random.SystemRandom().randrange(2**32))
RUNS_IN_A_HOUSE = 5
PEOPLE = int(os.environ.get("MENSHEN_PEOPLE", "400"))
CONTROL = 100
BLOW_EVERY_S = 2.5
SHOWN = 30


@pytest.mark.slow
@pytest.mark.parametrize("number", range(-(-RUNS // RUNS_IN_A_HOUSE)))
def test_no_ticket_passes_twice_and_nothing_is_lost_whatever_breaks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    """Some storms over one house, one after the other; then one of its gates is copied."""
    runs, venue = range(number * RUNS_IN_A_HOUSE, min(RUNS, (number + 1) * RUNS_IN_A_HOUSE)), bool(number % 2)
    house, evidence = House(tmp_path, PEOPLE * len(runs), venue=venue), Evidence()
    blows = round(lasts_s(PEOPLE) / BLOW_EVERY_S)
    try:
        house.open()
        strikes: Counter[str] = Counter()
        for index, run in enumerate(runs):
            seed, people = f"{SEED} {run}", house.people[index * PEOPLE : (index + 1) * PEOPLE]
            kinds = deal(f"{SEED} {venue}", blows, index + number // 2 * RUNS_IN_A_HOUSE, venue=venue)
            storm = Storm(house, people, evidence, seed, blows=kinds)
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
    took = _withdrawals(evidence)
    _say(capfd, _figures(evidence, strikes, took))
    assert len(took) >= len(runs) * len(GATES), "the first withdrawal of each run is seen by every gate in reach"
    answers = Counter(_claims(evidence))
    assert answers["granted"] > answers["no_answer"], "a gate that asks nobody proves nothing"


@pytest.mark.slow
def test_a_server_that_counts_no_claims_is_found_out(tmp_path: Path) -> None:
    """The positive control: with the uniqueness of claims taken out, the same visitors are too much."""
    house, evidence = House(tmp_path, CONTROL, unjust=True), Evidence()
    try:
        house.open()
        storm = Storm(house, house.people, evidence, f"{SEED} control", second_share=0.4)
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


def _withdrawals(evidence: Evidence) -> list[float]:
    """How long each withdrawal took to each gate in reach."""
    return [one.took_s(gate) for one in evidence.revocations for gate in one.effective if in_reach(evidence, gate, one)]


def _starved_s(evidence: Evidence) -> float:
    return sum(sum(one.starved_s.values()) for one in evidence.revocations)


def _figures(evidence: Evidence, strikes: Counter[str], took: list[float]) -> str:
    words = Counter(visit.reason or "cut off" for visit in evidence.visits)
    longest = max((after_s for after_s in evidence.conflicts.values()), default=0.0)
    stalled_s = sum(stall.until - stall.since for stall in evidence.stalls)
    met = [one.noticed_at - one.met_at for one in evidence.clones if one.noticed_at is not None]
    claims = Counter(_claims(evidence))
    return "\n".join(
        [
            f"MENSHEN_SEED={SEED}; {len(evidence.visits)} visits: {_counts(words)}; claims {_counts(claims)}",
            f"broken: {_counts(strikes)}; the machine stalled for {stalled_s:.1f} s",
            f"conflicts {len(evidence.conflicts)}, the last {max(longest, 0.0):.1f} s after healing; "
            f"copies noticed after {', '.join(f'{one:.2f} s' for one in met)}",
            f"{len(took)} withdrawals at gates in reach: median {median(took):.2f} s, longest {max(took):.2f} s "
            f"(the machine held them up for {_starved_s(evidence):.1f} s in all)",
        ]
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{word} {number}" for word, number in counter.most_common())


def _say(capfd: pytest.CaptureFixture[str], text: str) -> None:
    with capfd.disabled():
        print(f"\n{text}", file=sys.stderr, flush=True)
