"""What a visitor asked for by a touch: a language, larger words, the way without a face. Pure; time is handed in.

A wish is made before the card is laid down as well as after it, so it is kept for the next attempt, and for no longer
than `WISH_S`. It ends when the visitor has gone in. Somebody whose card could not be used will try again: her wishes
last another while, but a ticket's language then goes before a wish that may be a stranger's.
"""

from __future__ import annotations

from models.command import Snapshot
from models.view import LaneView, Phase

WISH_S = 30.0
"""How long a wish waits for a card."""

_IN_THE_LANE = (Phase.LOOKUP, Phase.CAPTURE, Phase.REFERRED, Phase.RELEASED)


class Wishes:
    """The wishes of the visitor before the screen. `now` is monotonic seconds throughout."""

    def __init__(self) -> None:
        self.without_face = False
        self.easier = False
        self.sent_for = 0  # the attempt that was told of the way without a face
        self._language = ""
        self._kept_over = False  # from an attempt that came to nothing
        self._attempt: int | None = None  # whose wishes these are, once there is an attempt
        self._until = 0.0
        self._went_in = False

    def speak(self, language: str, now: float) -> None:
        """Speak this language."""
        self._language, self._kept_over = language, False
        self._until = now + WISH_S

    def ask_without_face(self, wanted: bool, now: float) -> None:
        """No camera for me; or, before it was said to the gate, the camera after all."""
        self.without_face = wanted
        self._until = now + WISH_S

    def make_easier(self, wanted: bool, now: float) -> None:
        """Larger words and more contrast."""
        self.easier = wanted
        self._until = now + WISH_S

    def language(self, snapshot: Snapshot | None, usual: str) -> str:
        """The language to speak: the one asked for, else the ticket's, else the lane's, else the `usual` one."""
        if self._language and not self._kept_over:
            return self._language
        if snapshot is None:
            return self._language or usual
        if snapshot.view.ticket and snapshot.view.who.language:
            return snapshot.view.who.language
        return self._language or snapshot.settings.language or usual

    def hear(self, view: LaneView, now: float) -> bool:
        """Follow the lane. Whether the gate is to be told now that this visitor enters without a face."""
        if view.phase in _IN_THE_LANE or view.verdict is not None:
            self._serve(view, now)
        elif self._attempt is not None:
            self._end_attempt(now)
        elif now >= self._until:
            self._forget()
        wanted = self.without_face and view.phase in (Phase.LOOKUP, Phase.CAPTURE)
        if not wanted or self.sent_for == view.attempt:
            return False
        self.sent_for = view.attempt
        return True

    def _serve(self, view: LaneView, now: float) -> None:
        """Wishes belong to the attempt that comes after them; another attempt after that is another person's."""
        if self._attempt is not None and self._attempt != view.attempt:
            self._end_attempt(now)
        self._attempt = view.attempt
        self._went_in = view.phase is Phase.RELEASED

    def _end_attempt(self, now: float) -> None:
        if self._went_in:
            self._forget()
        else:
            self.without_face = self.without_face and self.sent_for != self._attempt
            self._kept_over, self._until = True, now + WISH_S
        self._attempt = None

    def _forget(self) -> None:
        self.without_face = self.easier = self._kept_over = self._went_in = False
        self._language = ""
