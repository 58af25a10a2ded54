"""`gatectl ui --demo`, played by hand on a real display, and ended in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest

from gate.demo.guard import clean, users_of
from tests.ui.xvfb import MISSING, Display, wait_for
from ui import theme
from ui.view import Tone

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

ROOT = Path(__file__).resolve().parents[2]
OPEN_S, DEED_S = 120.0, 20.0


class Demo:
    """The demo on a display of its own, with its folder where we find it."""

    def __init__(self, display: Display, room: Path) -> None:
        self.display, self.room = display, room
        environment = os.environ | display.environment | {"PYTHONPATH": str(ROOT), "TMPDIR": str(room)}
        self.process = subprocess.Popen([sys.executable, "-m", "gate.cli", "ui", "--demo", "--still"], env=environment)

    def presses(self, key: str) -> None:
        """A key in the demo's own panel."""
        (panel,) = self.display.windows(self.process.pid)
        self.display.do("windowfocus", "--sync", panel, "key", key)

    def shows(self, tone: Tone, patience_s: float = DEED_S) -> float:
        """Both windows, which fill most of the display's upper half."""
        area, colour = (0, 0, 1600, 480), theme.tone(tone).background
        return wait_for(lambda: self.display.share(colour, area) > 0.3, patience_s, f"{tone} is not shown", 0.05)

    def left(self) -> list[object]:
        """Processes and folders that are still there, but for an empty one that Qt makes for itself."""
        return [*users_of(self.room), *(path for path in self.room.iterdir() if path.name != f"runtime-{getuser()}")]


@pytest.fixture
def demo() -> Iterator[Demo]:
    room = Path(tempfile.mkdtemp(prefix="menshen-room-"))
    with Display(1600, 900) as display:
        demo = Demo(display, room)
        yield demo
        demo.process.kill()
        demo.process.wait()
    clean(room)


def test_the_evening_can_be_played_by_hand_and_ends_without_a_trace(demo: Demo) -> None:
    wait_for(lambda: demo.display.do("search", "--onlyvisible", "--name", "demo: ready"), OPEN_S, "no panel", 0.2)
    demo.shows(Tone.CALM)
    demo.presses("Return")
    demo.shows(Tone.GO)
    demo.presses("w")
    demo.shows(Tone.CALM)
    demo.presses("k")
    demo.shows(Tone.OUT)
    demo.presses("r")
    demo.shows(Tone.CALM)
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(30) == 0
    assert demo.left() == []


def test_killed_it_leaves_nothing_behind(demo: Demo) -> None:
    demo.shows(Tone.CALM, OPEN_S)
    assert len(users_of(demo.room)) >= 3, "gate, screens and guard"
    demo.process.kill()
    wait_for(lambda: demo.left() == [], DEED_S, "something is left behind", 0.1)
