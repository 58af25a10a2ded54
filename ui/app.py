"""The screens' process: one link to the gate, and a window on each screen that it was told to fill.

It holds no key, opens no database and no network, and knows no rule: it paints what the gate says. Ending it, or
killing it, changes nothing at the lane.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, QSocketNotifier, Qt, QtFatalMsg, QTimer, qInstallMessageHandler
from PyQt5.QtGui import QScreen
from PyQt5.QtWidgets import QApplication, QWidget

from models.command import Snapshot
from ui.announcer import Announcer
from ui.brightness import Dimmer, backlights
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.sounds import Sounds, find_player
from ui.theme import Look
from ui.view import steward_screen, visitor_screen

if TYPE_CHECKING:
    from ui.visitor import VisitorWindow

NICE = 5
"""The gate comes first: where both want the processor, a picture may be late, and a decision not."""

_log = logging.getLogger("ui.app")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown. Neither `visitor` nor `steward`: both where there are two screens, else the steward's.

    `windowed`: windows of so many pixels in place of full screens. `swapped`: the visitor looks at the first screen.
    `pointer`: full screens show the mouse's arrow, which under fingers is only in the way.
    """

    socket: Path
    visitor: bool = False
    steward: bool = False
    language: str = "zh"
    look: Look = field(default_factory=Look)
    windowed: tuple[int, int] | None = None
    swapped: bool = False
    voices: Path | None = None
    pointer: bool = False


class TooFewScreens(RuntimeError):
    """Two full-screen windows, and one screen."""


def start(arguments: Sequence[str], no_display: Callable[[str], None]) -> QApplication:
    """The application. Where there is no display Qt would abort the process: `no_display` is told why, and ends it."""

    def tell(kind: int, context: object, message: str) -> None:
        if kind == QtFatalMsg:
            no_display(message)
        _log.debug("Qt: %s", message)

    os.environ.setdefault("QT_ENABLE_HIGHDPI_SCALING", "0")  # sizes are in millimetres here already
    qInstallMessageHandler(tell)
    return QApplication(list(arguments))


def run(app: QApplication, wanted: Wanted) -> int:
    """Show the windows until the last is closed or a signal ends it. Raises `TooFewScreens`."""
    os.nice(NICE)
    link = GateLink(wanted.socket)
    mirror = MirrorFeed(link)
    link.snapshot.connect(lambda snapshot: _follow_camera(mirror, snapshot))
    link.silent.connect(mirror.stop)
    windows = Windows(app, wanted, link, mirror)
    windows.show()
    announce(windows, link, Sounds(find_player(), wanted.voices))
    dimmer = Dimmer(windows.all, () if wanted.windowed else backlights())
    link.snapshot.connect(lambda snapshot: dimmer.dim(snapshot.settings.brightness))
    link.start()
    with Signals(app):
        status = int(app.exec())
    dimmer.restore()
    mirror.stop()
    link.stop()
    return status


def announce(windows: Windows, link: GateLink, sounds: Sounds) -> Announcer:
    """Say aloud what the visitor's window shows, in its language; without one, what the steward's does."""
    if windows.visitor is None:
        return Announcer(link, steward_screen, sounds)
    announcer = Announcer(link, visitor_screen, sounds)
    windows.visitor.spoken.connect(announcer.speak)
    announcer.speak(windows.visitor.language)
    return announcer


def _follow_camera(mirror: MirrorFeed, snapshot: Snapshot) -> None:
    if snapshot.mirror:
        mirror.start(Path(snapshot.mirror))
    else:
        mirror.stop()


class Windows(QObject):
    """The windows, each on its screen, also when screens come and go."""

    def __init__(self, app: QApplication, wanted: Wanted, link: GateLink, mirror: MirrorFeed) -> None:
        super().__init__(app)
        self._app, self._wanted = app, wanted
        neither = not (wanted.visitor or wanted.steward)
        two = len(app.screens()) > 1 or wanted.windowed is not None
        if wanted.visitor and wanted.steward and not two:
            only = app.primaryScreen()
            raise TooFewScreens(f"two windows need two screens, and there is one ({_about(only)})")
        self.steward = _steward(wanted, link, mirror) if wanted.steward or neither else None
        self.visitor = _visitor(wanted, link, mirror) if wanted.visitor or (neither and two) else None
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(300)  # a screen that comes tells its size in several steps
        self._settling.timeout.connect(self.show)
        for changed in (app.screenAdded, app.screenRemoved, app.primaryScreenChanged):
            changed.connect(lambda _: self._settling.start())

    @property
    def all(self) -> tuple[QWidget, ...]:
        """Those that there are."""
        return tuple(window for window in (self.steward, self.visitor) if window is not None)

    def show(self) -> None:
        """Put each window where it belongs."""
        screens = self._screens()
        for number, window in enumerate((self.steward, self.visitor)):
            if window is None:
                continue
            if self._wanted.windowed is not None:
                _show_windowed(window, self._wanted.windowed, number)
            else:
                both = self.steward is not None and self.visitor is not None
                if not self._wanted.pointer:
                    window.setCursor(Qt.BlankCursor)
                _show_full(window, screens[min(number if both else 0, len(screens) - 1)])

    def _screens(self) -> list[QScreen]:
        """The primary one first, unless it was asked for otherwise."""
        primary = self._app.primaryScreen()
        screens = [primary, *(each for each in self._app.screens() if each is not primary)]
        return screens[::-1] if self._wanted.swapped else screens


def _steward(wanted: Wanted, link: GateLink, mirror: MirrorFeed) -> QWidget:
    from ui.operator import OperatorWindow

    return OperatorWindow(link, mirror, wanted.language, look=wanted.look)


def _visitor(wanted: Wanted, link: GateLink, mirror: MirrorFeed) -> VisitorWindow:
    from ui.visitor import VisitorWindow

    return VisitorWindow(link, mirror, wanted.language, look=wanted.look)


def _show_windowed(window: QWidget, size: tuple[int, int], number: int) -> None:
    """Beside each other where they fit, else the second below the first."""
    if window.isVisible():
        return
    width, height = size
    window.resize(width, height)
    room = QApplication.primaryScreen().availableGeometry()
    if number and 2 * width <= room.width():
        window.move(room.left() + width, room.top())
    elif number:
        window.move(room.left(), max(room.top(), min(room.top() + height, room.bottom() - height)))
    else:
        window.move(room.left(), room.top())
    window.show()


def _show_full(window: QWidget, screen: QScreen) -> None:
    """Also without a window manager, as on a kiosk: there nobody but ourselves makes it large."""
    window.setWindowFlag(Qt.FramelessWindowHint)
    window.setGeometry(screen.geometry())
    window.showFullScreen()
    window.setGeometry(screen.geometry())


def _about(screen: QScreen) -> str:
    size = screen.size()
    return f"{screen.name()}, {size.width()} x {size.height()}"


class Signals:
    """SIGTERM and SIGINT end the application in good order, also while Qt waits."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._heard, self._told = socket.socketpair()
        for end in (self._heard, self._told):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Read)  # type: ignore[arg-type]
        self._notifier.activated.connect(self._wake)

    def __enter__(self) -> Signals:
        signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._app.quit())
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._notifier.setEnabled(False)
        self._heard.close()
        self._told.close()

    def _wake(self) -> None:
        """Python calls a handler as soon as some of its code runs; this is some."""
        self._heard.recv(64)
