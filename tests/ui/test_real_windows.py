"""`gatectl ui` as a process, its windows on a real display, and a stand-in for the gate at the other end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from models.command import Snapshot
from models.decision import Reason, Verdict
from models.view import LaneView, Phase, Who
from tests.ui.stand_in import Gate, said, snapshot
from tests.ui.xvfb import MISSING, Display, Screens, wait_for
from ui import theme
from ui.view import Tone, steward_screen, visitor_screen
from ui.words import load

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screens"
SIZES = ((800, 480), (1024, 600), (1280, 800))
PAINT_S = 5.0


def ground(tone: Tone) -> str:
    return theme.tone(tone).background


def shows(display: Display, tone: Tone) -> bool:
    return display.share(ground(tone)) > 0.2


def said_of(reason: Reason, verdict: Verdict, attempt: int) -> Snapshot:
    """A snapshot of a lane that has just decided."""
    phase = {Verdict.ADMIT: Phase.RELEASED, Verdict.REFER: Phase.REFERRED, Verdict.DENY: Phase.IDLE}[verdict]
    who = Who(masked_name="张**", seat="A12-30", way="B2")
    view = LaneView("G1", phase, attempt, verdict, reason, ticket="T1", who=who, settleable=verdict is Verdict.REFER)
    return replace(snapshot(attempt), view=view)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate.sock")
    yield gate
    gate.dies()


def ends_with(words: Sequence[str], **environment: str) -> tuple[int, str]:
    """`gatectl ui` that is not to come up: its exit status, and what it wrote."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "ui", *words],
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def test_the_window_fills_its_screen_tells_silence_in_time_and_is_right_again_after_one_line(
    gate: Gate, tmp_path: Path
) -> None:
    with (
        Display(800, 480) as display,
        Screens(display, ["--visitor", "--socket", str(gate.path)], tmp_path / "ui.log") as screens,
    ):
        gate.takes().says(said())
        wait_for(lambda: shows(display, Tone.CALM), PAINT_S, "an idle lane is not shown")
        (window,) = display.windows(screens.process.pid)
        assert "WIDTH=800\nHEIGHT=480" in display.do("getwindowgeometry", "--shell", window)
        gate.says(said())
        assert wait_for(lambda: shows(display, Tone.OUT), PAINT_S, "silence is not shown") < 2.2
        gate.says(said(2))
        assert wait_for(lambda: shows(display, Tone.CALM), PAINT_S, "one line did not make it right") < 1.0
        assert screens.end() == 0


def test_without_a_display_it_says_so_and_ends_with_5() -> None:
    for environment in ({}, {"DISPLAY": ":4711"}):
        status, words = ends_with(["--socket", "/nowhere"], **environment)
        assert status == 5
        assert "display" in words
        assert "Traceback" not in words


def test_without_pyqt5_it_says_what_to_install_and_ends_with_5(tmp_path: Path) -> None:
    (tmp_path / "PyQt5").mkdir()
    (tmp_path / "PyQt5" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'PyQt5'\")\n")
    status, words = ends_with(["--socket", "/nowhere"], PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert status == 5
    assert "python3-pyqt5" in words
    assert "systemd/bootstrap.sh screens" in words
    assert "Traceback" not in words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--language", "tlh"], "--language"),
        (["--windowed", "800"], "--windowed"),
        (["--demo", "--socket", "/nowhere"], "--demo"),
    ],
)
def test_wrong_words_are_told_and_end_with_2(words: list[str], told: str) -> None:
    status, answer = ends_with(words)
    assert status == 2
    assert told in answer


def test_two_windows_and_one_screen_are_told_and_end_with_2() -> None:
    with Display(800, 480) as display:
        status, words = ends_with(["--both", "--socket", "/nowhere"], **display.environment)
    assert status == 2
    assert "800 x 480" in words


def test_a_configuration_with_problems_ends_with_3(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[gate]\nname = 3\n")
    status, words = ends_with(["--config", str(config)], QT_QPA_PLATFORM="offscreen")
    assert status == 3
    assert "line 2" in words


VERDICTS = [
    (reason, verdict)
    for verdict in Verdict
    for reason in Reason
    if (verdict is Verdict.ADMIT) == (reason in (Reason.OK, Reason.OK_WITHOUT_FACE, Reason.OK_BY_STEWARD))
]


@pytest.mark.long
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("whose", ["visitor", "steward"])
def test_every_verdict_is_painted_in_its_colour_in_every_size_and_language(
    gate: Gate, tmp_path: Path, whose: str, size: tuple[int, int], language: str
) -> None:
    """A picture of each is left in `build/screens`, to be looked at."""
    screen_of = visitor_screen if whose == "visitor" else steward_screen
    words = [f"--{whose}", "--language", language, "--still", "--socket", str(gate.path)]
    with Display(*size) as display, Screens(display, words, tmp_path / "ui.log"):
        gate.takes()
        for attempt, (reason, verdict) in enumerate(VERDICTS, start=1):
            gate.says(said(replace(snapshot(), view=LaneView("G1", Phase.IDLE, 0))))
            wait_for(lambda: shows(display, Tone.CALM), PAINT_S, "the lane at rest is not shown")
            told = said_of(reason, verdict, attempt)
            told = replace(told, view=replace(told.view, who=replace(told.view.who, language=language)))
            gate.says(said(told))
            tone = screen_of(told, load(language)).tone
            wait_for(lambda tone=tone: shows(display, tone), PAINT_S, f"{verdict} {reason} is not shown as {tone}")
            keep(display, f"{whose}-{size[0]}x{size[1]}-{language}-{verdict}-{reason}")


def keep(display: Display, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(SHOTS / f"{name}.png"), display.picture()[:, :, ::-1])
