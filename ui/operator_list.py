"""The right side: the last ten visitors at a glance, or, after a tap on the devices, how each of them is.

Nobody can leaf through people here: these ten are all there is, with as much of a name as helps to find one again.
"""

from __future__ import annotations

from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QWidget

from models.command import Snapshot
from ui import operator_says as says
from ui.operator_cell import CellView
from ui.operator_ink import Inked
from ui.operator_plan import Box
from ui.operator_says import Cell
from ui.theme import ToneLook
from ui.words import Words

STACKED_PX = 38
"""From this height on a row has room for two lines, one below the other."""

ROWS = 10
"""The gate sends as many visitors and no more."""


class SideList(Inked):
    """Counts above, ten rows below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shows_devices = False
        self.head = CellView(self)
        self._said: list[Cell] = []
        self.rows = [CellView(self, beside=True) for _ in range(ROWS)]

    def say(self, snapshot: Snapshot, words: Words) -> None:
        """What the gate told last."""
        self.head.say(says.today(snapshot, words))
        self._said = self._cells(snapshot, words)
        for row, cell in zip(self.rows, self._said, strict=False):
            row.say(cell)
        self._arrange()

    def turn(self) -> None:
        """From the visitors to the devices, and back."""
        self.shows_devices = not self.shows_devices

    def _cells(self, snapshot: Snapshot, words: Words) -> list[Cell]:
        if self.shows_devices:
            ill_first = sorted(snapshot.devices, key=lambda device: (device.up, -says.wear(device)))
            return [says.device(device, words) for device in ill_first[:ROWS]]
        return [says.recent(one, words) for one in snapshot.recent[:ROWS]] or [Cell("", words("operator.nobody_yet"))]

    def set_tone(self, tone: ToneLook) -> None:
        """Ink, ground and panel from now on, for all of it."""
        super().set_tone(tone)
        for cell in (self.head, *self.rows):
            cell.set_tone(tone)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share the height anew."""
        self._arrange()

    def _arrange(self) -> None:
        """Ten rows of one height for visitors; devices share the height, and one that is down has more to say."""
        head = min(90, max(42, round(self.height() * 0.15)))
        self.head.setGeometry(0, 0, self.width(), head)
        below = Box(0, head + 4, self.width(), self.height() - head - 4)
        shares = [1.0] * ROWS
        if self.shows_devices:
            shares = [2.4 if cell.look and cell.detail else 1.0 for cell in self._said]
        boxes = below.split_rows(*shares, gap=0) if shares else []
        for row, box in zip(self.rows, boxes, strict=False):
            row.setGeometry(*box)
            row.largest_px = max(15, round(self.width() * 0.075))
            row.beside = box.height < STACKED_PX or not self.shows_devices
        for number, row in enumerate(self.rows):
            row.setVisible(number < len(self._said))
