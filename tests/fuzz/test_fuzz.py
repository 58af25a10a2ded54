"""Every parser of what strangers send, against inputs that a search makes up: no crash, no hang, no deaf decoder.

`MENSHEN_FUZZ_S` is how long each is searched (2 seconds). A finding shows its traceback and the input's file; make a
regression test of it beside the parser's own.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.targets import LONGEST, TARGETS, Deaf, Slow, Target, resyncs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("MENSHEN_FUZZ_S", "2"))
HAS_ATHERIS = importlib.util.find_spec("atheris") is not None


@pytest.mark.skipif(not HAS_ATHERIS, reason="atheris has no wheel for this machine; the plain search ran")
@pytest.mark.parametrize("name", TARGETS)
def test_a_search_finds_nothing(name, tmp_path):
    words = [sys.executable, "-m", "tests.fuzz", name, str(SECONDS), str(tmp_path / "corpus")]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 60)
    assert told.returncode == 0, (told.stdout + told.stderr)[-3000:]


@pytest.mark.parametrize("name", TARGETS)
def test_good_examples_and_their_near_relatives_raise_nothing_undeclared(name):
    """A plain search, for every machine: bytes changed, taken out, doubled, cut off."""
    chance = random.Random(name)
    for seed in (*TARGETS[name].seeds, b""):
        TARGETS[name](seed)
        for _ in range(60):
            TARGETS[name](_relative(seed, chance))


def _relative(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = data[: chance.randint(1, 16)]
            case _:
                data[at:] = chance.randbytes(chance.randint(0, 32))
    return bytes(data[:LONGEST])


def test_planted_findings_are_found():
    """A target can fail in each of its ways."""
    with pytest.raises(IndexError):
        Target(lambda data: data[0], (ValueError,))(b"")
    Target(lambda data: data[0], (IndexError,))(b"")
    with pytest.raises(Slow):
        Target(_spin)(b"")
    with pytest.raises(Deaf):
        resyncs(lambda data: [], b"", b"good", lambda found: found == b"good")


def _spin(data: bytes) -> None:
    ends = time.thread_time() + 0.06
    while time.thread_time() < ends:
        pass


@pytest.mark.skipif(not HAS_ATHERIS, reason="atheris has no wheel for this machine")
def test_the_search_ends_with_a_failure_at_a_planted_finding(tmp_path):
    """A whole run, on a target that can't bear one byte."""
    planted = (
        "import sys; import tests.fuzz.__main__ as fuzz; from tests.fuzz.targets import Target\n"
        "fuzz.TARGETS['planted'] = Target(lambda data: 1 // (data[:1] != b'!'))\n"
        f"sys.argv = ['x']; fuzz.main('planted', '20', {str(tmp_path / 'corpus')!r})"
    )
    told = subprocess.run([sys.executable, "-c", planted], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode != 0
    assert "ZeroDivisionError" in told.stdout + told.stderr
