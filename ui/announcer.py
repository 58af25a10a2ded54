"""Says aloud what a screen shows, once each time that it changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt5.QtCore import QObject, QTimer

from models.command import Snapshot
from ui import words
from ui.link import GateLink
from ui.sounds import MELODIES, Sounds, tone
from ui.view import Screen
from ui.words import Words

View = Callable[[Snapshot | None, Words], Screen]


class Announcer(QObject):
    """Follows `link` with the ears of one screen: `view` is `visitor_screen` or `steward_screen`.

    The first snapshot after a silence is not sounded: what it shows may have happened long ago.
    """

    def __init__(self, link: GateLink, view: View, sounds: Sounds) -> None:
        super().__init__(link)
        self._view, self._sounds = view, sounds
        self._said: tuple[int, str] | None = None
        self._language = ""
        link.snapshot.connect(self._hear)
        link.silent.connect(self._forget)
        for at, name in enumerate(MELODIES):  # made before they are wanted, when the windows stand
            QTimer.singleShot(1000 + 200 * at, partial(tone, name))

    def speak(self, language: str) -> None:
        """Speak as the window does from now on: its visitor may have chosen by a touch what no snapshot tells."""
        self._language = language

    def _hear(self, snapshot: Snapshot) -> None:
        language = self._language or _language_of(snapshot)
        screen = self._view(snapshot, words.load(language))
        before, self._said = self._said, (snapshot.view.attempt, screen.key)
        if before is not None and before != self._said and screen.sound:
            self._sounds.play(screen.sound, snapshot.settings.volume, key=screen.key, language=language)

    def _forget(self) -> None:
        self._said = None


def _language_of(snapshot: Snapshot) -> str:
    return snapshot.view.who.language if snapshot.view.verdict else snapshot.settings.language
