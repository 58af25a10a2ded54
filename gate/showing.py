"""What the gate lets the screens see of a person who is referred: live, or as in the document, for a limited time."""

from __future__ import annotations

import time

import cv2

from gate.live_picture import NOBODY, LivePicture, Shown, pack
from gate.portrait import PortraitUnusable, is_open
from gate.portrait_decoder import Decoding
from gate.portrait_face import read_picture
from gate.sight import Sight
from gate.vision_link import Decoder, Hide, Show

PORTRAIT_QUALITY = 92  # a chip's picture is small, and a person is to be recognised by it


class Showing:
    """The vision child's side of `Show` and `Hide`. Without a live picture nothing is ever shown."""

    def __init__(self, picture: LivePicture | None, sight: Sight, decoder: Decoder) -> None:
        self._picture, self._sight, self._decoder = picture, sight, decoder
        self._ask: Show | None = None
        self._ends_mono = 0.0
        self._portrait = b""
        self._decoding: Decoding | None = None
        self._now_shown = NOBODY

    @property
    def decoding(self) -> bool:
        """Whether a customer's decoder is at work."""
        return self._decoding is not None

    def hear(self, ask: Show | Hide) -> None:
        """Show somebody, or nobody any more."""
        if isinstance(ask, Hide):
            if self._ask is not None and self._ask.attempt == ask.attempt:
                self._end()
            return
        known, self._ends_mono = self._ask, time.monotonic() + ask.seconds
        if known is not None and (known.attempt, known.portrait) == (ask.attempt, ask.portrait):
            self._ask = ask
            return
        self._end()
        self._ask = ask
        try:
            self._begin_portrait(ask)
        except PortraitUnusable:  # then staff see that there is none
            self._portrait = b""

    def turn(self, capturing: int) -> None:
        """Let the screens see what may be seen now: `capturing` is the attempt that the camera looks at, 0 for none."""
        if self._picture is None:
            return
        if self._ask is not None and time.monotonic() >= self._ends_mono:
            self._end()
        self._decode()
        shown = self._what(capturing)
        if shown != self._now_shown:
            self._now_shown = shown
            self._picture.show(shown)
        if not shown.live and not capturing:
            self._sight.fence()

    def _what(self, capturing: int) -> Shown:
        ask = self._ask
        if capturing:
            mine = ask is not None and ask.attempt == capturing
            return Shown(capturing, live=True, portrait=self._portrait if mine else b"")
        if ask is None or not (ask.live or self._portrait):
            return NOBODY
        return Shown(ask.attempt, ask.live, self._portrait)

    def _begin_portrait(self, ask: Show) -> None:
        if not ask.portrait or self._picture is None:
            return
        if is_open(ask.portrait):
            self._portrait = _packed(ask.attempt, ask.portrait)
        else:
            self._decoding = Decoding(self._decoder.command, ask.portrait, self._decoder.seconds)

    def _decode(self) -> None:
        if self._decoding is None or self._ask is None:
            return
        try:
            picture = self._decoding.poll()
            if picture is None:
                return
            self._portrait = _packed(self._ask.attempt, picture)
        except PortraitUnusable:
            pass
        self._decoding = None

    def _end(self) -> None:
        if self._decoding is not None:
            self._decoding.stop()
        self._ask, self._decoding, self._portrait = None, None, b""


def _packed(attempt: int, portrait: bytes) -> bytes:
    """The portrait as a packet. Raises `PortraitUnusable`."""
    try:
        return pack("portrait", attempt, read_picture(portrait), PORTRAIT_QUALITY)
    except cv2.error as error:
        raise PortraitUnusable("unreadable") from error
