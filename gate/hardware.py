"""What the lane needs of its hardware, in its own words; `gate.pump` and `gate.vision` are made to fit."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol


class Barrier(Protocol):
    """The relay as the lane needs it."""

    def pulse(self, seconds: float) -> Future[None]:
        """One person may pass; the future ends when the contact has closed."""

    def hold(self, closed: bool) -> Future[None]:
        """Free passage, or its end."""


class Eyes(Protocol):
    """The camera as the lane needs it."""

    def opens(self, portrait: bytes) -> str:
        """The face model that can make a template of a document's `portrait` here; empty when none can."""

    def shows(self, portrait: bytes) -> bool:
        """Whether the screens can be shown a document's `portrait`."""

    def watch(self, seconds: float, frames: int, apart: dict[str, float]) -> None:
        """Hold the features of who stands in the lane for so many seconds before anybody asks; 0: hold none.

        `frames` good frames of one person make an answer, whose templates lie no farther than `apart` (by model) from
        each other.
        """

    def capture(self, attempt: int, timeout_s: float, portrait: bytes = b"", turn: bool = False) -> None:
        """Look for a usable face; one `FaceProbed`, `PortraitRefused` or `FaceFailed` follows.

        With `turn` only a head that turned when asked is usable.
        """

    def cancel(self, attempt: int) -> None:
        """Look no longer."""

    def show(self, attempt: int, seconds: float, *, live: bool, portrait: bytes = b"") -> None:
        """Let the screens see this person, for so long at most: the camera's picture, the portrait, or both."""

    def hide(self, attempt: int) -> None:
        """Let the screens see this person no longer."""
