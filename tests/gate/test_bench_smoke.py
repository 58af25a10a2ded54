"""The bench runs, and writes figures that a program can read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_quick_run_of_two_sections_writes_their_figures(tmp_path: Path) -> None:
    out = tmp_path / "figures" / "bench.json"
    done = bench("--quick", "--only", "core,ledger", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(out.read_text(encoding="utf-8"))
    assert list(written["sections"]) == ["core", "ledger"]
    assert written["broken"] == []
    for section in written["sections"].values():
        assert section["figures"]
        assert all(figure["n"] > 0 and figure["value"] >= 0 for figure in section["figures"])
        assert all(figure["name"] in done.stdout for figure in section["figures"])
    assert written["machine"]["quick"] is True
    assert len(written["machine"]["load_at_end"]) == 3


def test_an_unknown_section_is_refused_with_those_there_are(tmp_path: Path) -> None:
    done = bench("--only", "cor", "--out", str(tmp_path / "bench.json"))
    assert done.returncode == 2
    assert "no section cor; there are lane, face" in " ".join(done.stderr.split())
    assert not (tmp_path / "bench.json").exists()
