"""A lane that is killed at each system call by which it writes, and one whose disk answers with errors.

`MENSHEN_RUNS=200`, as in `make faults`, strikes at every call of the scenes in `small_lane`; fewer are spread over all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.small_lane import GUESTS, SCENES, SmallLane, act_out, nothing, one_comes, problems
from tests.faults.struck import SYNCS, WRITES

ROOT = Path(__file__).resolve().parents[2]
ALL = 10_000
EVERY = int(os.environ.get("MENSHEN_RUNS", "20")) >= 200
KILLS, ERRORS, LASTING = (ALL, ALL, ALL) if EVERY else (62, 10, 5)

scenes = pytest.mark.parametrize("scene", list(SCENES))


@scenes
def test_a_lane_killed_at_any_write_has_lost_nothing_and_goes_on(
    scene: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was told to be on the disk is there, nobody got in without a line, the next start lets the next one in."""
    told = strike(tmp_path, scene, WRITES, "signal=KILL", KILLS)
    say(capfd, f"{scene}: killed at {told['struck']} of {told['points']} writes, {told['pulses']} were let in")
    assert told["wrong"] == []
    assert told["struck"] >= min(50, told["points"])
    assert told["pulses"] > 0, "no kill came after anybody was let in"


@scenes
def test_a_disk_that_fails_once_lets_nobody_in_unwritten_and_the_lane_recovers(
    scene: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """EIO at one sync: within two seconds the lane stands at an answer; the one after the next is let in as ever."""
    told = strike(tmp_path, scene, SYNCS, "error=EIO", ERRORS)
    slowest_s = told["slowest_s"]
    say(capfd, f"{scene}: EIO at {told['struck']} of {told['points']} syncs, an answer within {slowest_s:.2f} s")
    assert told["wrong"] == []
    assert told["struck"] >= min(6, told["points"])


@scenes
def test_a_disk_that_is_full_for_one_write_lets_nobody_in_unwritten_and_the_lane_recovers(
    scene: str, tmp_path: Path
) -> None:
    told = strike(tmp_path, scene, ("pwrite64", "ftruncate"), "error=ENOSPC", ERRORS)
    assert told["wrong"] == []
    assert told["struck"] >= 6


@scenes
def test_a_disk_that_fails_from_some_moment_on_lets_nobody_in_any_more(scene: str, tmp_path: Path) -> None:
    told = strike(tmp_path, scene, SYNCS, "error=EIO", LASTING, lasting=True)
    assert told["wrong"] == []
    assert told["refused"] > 0, "the lane says that its stores don't open or close"


def strike(folder: Path, scene: str, calls: Sequence[str], stroke: str, most: int, *, lasting: bool = False) -> Any:
    """What became of it, as `struck.Told`. Skips where there is no strace."""
    if shutil.which("strace") is None:
        why = "strace is not installed: apt-get install strace"
        if os.environ.get("MENSHEN_REAL_STACK") == "required":
            pytest.fail(why)
        pytest.skip(why)
    task = {"folder": str(folder / "struck"), "scene": scene, "calls": calls, "stroke": stroke, "most": most}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.struck"],
        input=json.dumps(task | {"lasting": lasting}),
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def say(capfd: pytest.CaptureFixture[str], text: str) -> None:
    with capfd.disabled():
        print(f"\n{text}", file=sys.stderr, flush=True)


# --- the checks themselves --------------------------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What a lane left that came to its end in good order."""
    nothing(tmp_path)
    act_out(tmp_path, one_comes)
    return tmp_path


def test_the_checks_find_nothing_in_what_ended_well(left: Path) -> None:
    assert problems(left) == []


def test_the_checks_find_a_line_that_was_told_and_is_lost(left: Path) -> None:
    add(left, f"written 99 {'00' * 32}")
    assert problems(left)[0] == "line 99 was written and is lost or another"


def test_the_checks_find_a_line_that_is_another_one(left: Path) -> None:
    add(left, f"written 4 {'00' * 32}")
    assert problems(left)[0] == "line 4 was written and is lost or another"


def test_the_checks_find_who_was_let_in_without_a_line(left: Path) -> None:
    add(left, f"pulse {GUESTS[1].ticket}")
    assert problems(left)[0] == f"{GUESTS[1].ticket} was let in without a line"


def test_the_checks_find_a_contact_that_moved_twice_for_one_line(left: Path) -> None:
    add(left, f"pulse {GUESTS[0].ticket}")
    assert problems(left)[0] == f"{GUESTS[0].ticket} was let in without a line"


def test_the_checks_find_a_ledger_that_is_gone(left: Path) -> None:
    (left / "ledger.db").unlink()
    assert problems(left)[0].startswith("lines were written, and ")


def test_the_checks_find_who_was_not_let_in_afterwards(left: Path) -> None:
    async def comes(lane: SmallLane) -> None:
        await lane.visit(GUESTS[20])

    act_out(left, comes)
    assert "the next one was not let in" in " ".join(problems(left))


def add(folder: Path, line: str) -> None:
    """Something more left the process."""
    with (folder / "seen").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
