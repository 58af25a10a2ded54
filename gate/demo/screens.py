"""`gatectl ui --demo`: the demo's lane behind the real screens, with a panel to play everybody by hand.

Three kinds of processes, as at a real lane: the gate, the screens (`gatectl ui`), and this one, which is the hardware's
far end and the visitors. The folder with everything in it is gone when this process is, however it ends.
"""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QApplication

from gate.demo import guard
from gate.demo.evening import tell
from gate.demo.hand import STAFF, Hand
from gate.demo.link import GateSilent
from gate.demo.night import Night, NotAsTold
from gate.demo.outcome import Outcome, Told
from gate.demo.panel import Deed, Panel
from gate.demo.program import GATECTL, Program
from gate.demo.readers import Wire
from gate.demo.rig import Rig, Wiring
from gate.demo.stories import Story

SIZE = (800, 480)
PACE_S = 1.5


def main(app: QApplication, words: Sequence[str], windowed: tuple[int, int] | None) -> int:
    """Play until the panel is closed or a signal ends it. `words` go to `gatectl ui`. The exit status."""
    with tempfile.TemporaryDirectory(prefix="menshen-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        watching = guard.watch(folder)
        try:
            return _play(app, folder, list(words), windowed or SIZE)
        finally:
            guard.clean(folder)
            watching.communicate()


def _play(app: QApplication, folder: Path, words: list[str], size: tuple[int, int]) -> int:
    width, height = size
    showing = [*GATECTL, "ui", "--socket", str(folder / "gate.sock"), "--windowed", f"{width}x{height}", *words]
    screens = Program(showing, folder / "screens.log")
    screens.start()
    with Rig(folder, Wiring(staff=True)) as rig:
        demo = Demo(Hand(rig), screens)
        demo.panel.closed.connect(app.quit)
        demo.begin(size[1])
        try:
            return int(app.exec())
        finally:
            demo.end()
            screens.stop()


class Demo(QObject):
    """Panel, lane and screens together. Deeds are done in a thread of their own, one after the other."""

    said = pyqtSignal(str)
    ready = pyqtSignal(bool)

    def __init__(self, hand: Hand, screens: Program) -> None:
        super().__init__()
        self._hand, self._screens = hand, screens
        self._deeds: queue.Queue[tuple[str, Deed] | None] = queue.Queue()
        self._stops = threading.Event()
        self._worker = threading.Thread(target=self._work, name="demo", daemon=True)
        self.panel = Panel(hand.parts, [f"{name} ({role}) {actor}, PIN {pin}" for actor, name, role, pin in STAFF])
        self.said.connect(self.panel.say)
        self.ready.connect(self.panel.enable)
        self._fill()

    def begin(self, windows_px: int) -> None:
        """Show the panel below windows of that height, sell the tickets, start the lane."""
        self.panel.enable(False)
        self.panel.show_below(windows_px)
        self._worker.start()
        self._do("opening the lane", self._open)

    def end(self) -> None:
        """Let no further deed begin."""
        self._stops.set()
        self._deeds.put(None)
        self._worker.join(5.0)

    def _fill(self) -> None:
        panel, hand = self.panel, self._hand
        for title, key, deed in (
            ("Show to the reader", "Return", lambda: hand.show(panel.part, panel.chosen_face, panel.chosen_card)),
            ("Stand before the camera", "F", lambda: hand.stand(panel.part, panel.chosen_face)),
            ("Walk through", "W", hand.walk),
            ("Take the card and leave", "Esc", hand.leave),
            ("Unplug the camera", "U", hand.unplug_camera),
            ("Plug it in", "P", hand.plug_camera),
            ("Cut the power", "K", hand.cut_power),
            ("Power is back", "R", hand.restore_power),
            ("Kill the screens", "S", self._screens.kill),
            ("Start them again", "T", self._screens.start),
        ):
            panel.add(title, key, lambda title=title, deed=deed: self._do(title.lower(), deed))  # type: ignore[misc]
        panel.add("Play the whole evening", "E", self._play_evening)

    def _do(self, what: str, deed: Deed) -> None:
        self._deeds.put((what, deed))

    def _work(self) -> None:
        while (next_one := self._deeds.get()) is not None and not self._stops.is_set():
            what, deed = next_one
            self.said.emit(f"{what}…")
            try:
                deed()
            except (GateSilent, NotAsTold, OSError, subprocess.SubprocessError) as error:
                self.said.emit(f"{what}: {error}")
            else:
                self.said.emit(f"{what}: done")

    def _open(self) -> None:
        self._hand.sell(lambda done, of: self.said.emit(f"enrolling and sealing: {done} of {of}"))
        self.said.emit("starting the lane")
        self._hand.open()
        self.ready.emit(True)

    def _play_evening(self) -> None:
        """Story after story. Those who came by hand before have used their tickets: that is told, and no failure."""
        night, board = Night(self._hand.rig, PACE_S), _Says(self)
        for story in self._hand.stories:
            self._do(story.name, lambda story=story: self._stops.is_set() or tell(night, story, board))  # type: ignore[misc]


class _Says:
    """A board of one line."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    def say(self, text: str) -> None:
        """See `Board`."""
        self._demo.said.emit(text)

    note = say

    def progress(self, done: int, of: int) -> None:
        """See `Board`."""

    def opens(self, wire: Wire, left_out: dict[str, str]) -> None:
        """See `Board`."""

    def begins(self, story: Story) -> None:
        """See `Board`."""
        self.say(f"the evening: {story.name}")

    def ends(self, told: Told) -> None:
        """See `Board`."""
        if told.problem:
            raise NotAsTold(told.problem)

    def close(self, outcome: Outcome) -> None:
        """See `Board`."""
