"""The bench runs, and writes figures that a program can read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bench.__main__ import main
from tests.bench.figures import Figure, Section, spread
from tests.bench.sections import SECTIONS

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


@pytest.mark.parametrize(
    ("targets", "verdict"),
    [((None, None), ""), ((2.0, 5.0), "met"), ((2.0, None), "met"), ((1.9, 5.0), "missed"), ((2.0, 4.9), "missed")],
)
def test_a_target_is_met_when_both_median_and_tail_keep_to_theirs(
    targets: tuple[float | None, float | None], verdict: str
) -> None:
    figure: Figure = spread("walk", [2.0] * 98 + [5.0, 5.0], "s", targets)
    assert (figure.value, figure.p99, figure.n) == (2.0, 5.0, 100)
    assert figure.verdict == verdict


def test_a_section_that_breaks_is_named_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(quick: bool) -> Section:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(SECTIONS, "lane", breaks)
    monkeypatch.setitem(SECTIONS, "core", lambda quick: Section("core", [Figure("step", 1.0, "µs", 1)]))
    out = tmp_path / "bench.json"
    done = CliRunner().invoke(main, ["--only", "lane,core", "--out", str(out)])
    assert done.exit_code == 1
    assert "planted" in done.output
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["broken"] == ["lane"]
    assert written["sections"]["core"]["figures"][0]["name"] == "step"
