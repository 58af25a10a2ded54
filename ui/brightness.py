"""How bright the screens are: by the panel's backlight where this process may write it, else by a veil over the window.

A panel's own light saves power and keeps the blacks; the kernel offers it as `/sys/class/backlight/*/brightness`, which
a udev rule may give to the screens' group. A screen on HDMI mostly has none, and a window on somebody's desk has no
business with the desk's panel: there a dark veil is painted over the window, which touches go through. At 0 there is
still enough light to read by.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import QEvent, QObject, Qt, QTimer
from PyQt5.QtGui import QColor, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

CLASS = Path("/sys/class/backlight")
LEAST = 0.1
"""The share of a backlight that is left at 0."""

DARKEST = 0.75
"""How much of the light a veil takes at 0."""

_log = logging.getLogger("ui.brightness")


class Backlight:
    """One panel's light, by its folder under `CLASS`. Raises `OSError` and `ValueError` for one that can't be used."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "brightness"
        self._most = int((folder / "max_brightness").read_text())
        self._before = self._file.read_text()
        if self._most < 1 or not os.access(self._file, os.W_OK):
            raise PermissionError(f"{self._file} may not be written")

    def shine(self, share: float) -> None:
        """So much of its light, from 0 to 1, and never none. Raises `OSError`."""
        self._file.write_text(str(max(1, round(self._most * (LEAST + (1 - LEAST) * share)))))

    def restore(self) -> None:
        """As it was before. Raises `OSError`."""
        self._file.write_text(self._before)


def backlights(folder: Path = CLASS) -> tuple[Backlight, ...]:
    """The panels whose light this process may set."""
    found = []
    for panel in sorted(folder.glob("*")):
        try:
            found.append(Backlight(panel))
        except (OSError, ValueError) as error:
            _log.info("no backlight: %s", error)
    return tuple(found)


class Veil(QWidget):
    """Lies over all of `window`, also over what opens there later, and lets touches through."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._share = 1.0
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.NoFocus)
        self.setGeometry(window.rect())
        self.hide()
        window.installEventFilter(self)

    def shine(self, share: float) -> None:
        """Let so much of the light through, from 0 to 1."""
        if share != self._share:
            self._share = share
            self.update()
        self.setVisible(share < 1)
        self._rise()

    def _rise(self) -> None:
        """Above the sheets."""
        if self._share < 1 and self.parentWidget().children()[-1] is not self:
            self.raise_()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """As large as the window, and over whatever opens in it."""
        if event is not None and event.type() == QEvent.Resize:
            self.setGeometry(self.parentWidget().rect())
        elif event is not None and event.type() == QEvent.ChildAdded:
            QTimer.singleShot(0, self._rise)
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Darkness."""
        shade = QColor(Qt.black)
        shade.setAlphaF(DARKEST * (1 - self._share))
        painter = QPainter(self)
        painter.fillRect(self.rect(), shade)
        painter.end()


class Dimmer:
    """Keeps `windows` as bright as the gate says: by `panels` where there are some, else by veils."""

    def __init__(self, windows: Sequence[QWidget], panels: Sequence[Backlight]) -> None:
        self._panels = panels
        self._veils = () if panels else tuple(Veil(window) for window in windows)
        self._share: float | None = None

    def dim(self, share: float) -> None:
        """From now on so bright, from 0 to 1."""
        for veil in self._veils:
            veil.shine(share)
        if share != self._share:
            self._share = share
            self._tell_panels(lambda panel: panel.shine(share))

    def restore(self) -> None:
        """Leave the panels as they were found."""
        self._tell_panels(Backlight.restore)

    def _tell_panels(self, tell: Callable[[Backlight], None]) -> None:
        for panel in self._panels:
            try:
                tell(panel)
            except OSError as error:
                _log.warning("the screen is as bright as it was: %s", error)
