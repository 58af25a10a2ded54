"""Photographs become templates in a process of their own: a picture that breaks the engine breaks nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from models.face import FaceReference
from models.words import FACE_PROBLEMS
from sync.sources.people import Enrol

START_S = 60.0
PICTURE_S = 30.0

PIXEL_LIMIT = 100_000_000
"""A picture can be small packed and huge unpacked."""

_engine: Any = None  # of the child process


class NoEngine(Exception):
    """The face engine can't be opened; the words say why."""


@contextmanager
def enrolling(url: str) -> Iterator[Enrol]:
    """Enrol with the face engine at `url` until the end. Raises `NoEngine`."""
    enroller = _Enroller(url)
    try:
        enroller.open()
        yield enroller
    finally:
        enroller.close()


class _Enroller:
    """One child with an engine, and another one after it when it has died or hung."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None

    def open(self) -> Connection:
        """The pipe to the child, which is started where there is none. Raises `NoEngine`."""
        if self._pipe is None:
            context = get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._child = context.Process(target=_serve, args=(self._url, theirs), name="enroller", daemon=True)
            self._child.start()
            theirs.close()
            if trouble := self._answer(START_S, "the engine's process died", "the engine did not start in time"):
                raise NoEngine(str(trouble))
        return self._pipe

    def __call__(self, picture: Path) -> FaceReference | str:
        self.open().send(picture)
        return self._answer(PICTURE_S, "a picture at which the engine died", "a picture at which the engine hung")

    def _answer(self, within_s: float, died: str, hung: str) -> FaceReference | str:
        assert self._pipe is not None
        try:
            if self._pipe.poll(within_s):
                answer: FaceReference | str = self._pipe.recv()
                return answer
            died = hung
        except (EOFError, OSError):
            pass
        self.close()
        return died

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._pipe is not None and self._child is not None:
            self._pipe.close()
            self._child.kill()
            self._child.join()
        self._pipe = self._child = None


def _serve(url: str, pipe: Connection) -> None:
    """The child: connect the engine, say what is wrong with it or nothing, and answer every picture."""
    pipe.send(_open(url))
    with suppress(EOFError):
        while True:
            pipe.send(_enrol(pipe.recv()))


def _open(url: str) -> str:
    """In the child: connect the engine; what is wrong, or empty."""
    global _engine
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(PIXEL_LIMIT)  # read when cv2 is imported
    from drivers import connect

    try:
        _engine = connect("face", url)
    except Exception as error:  # it goes back to the parent as words; drivers raise of many kinds
        return str(error)
    return ""


def _enrol(picture: Path) -> FaceReference | str:
    """In the child: the picture's reference, or what is wrong with it."""
    import cv2
    import numpy as np

    try:
        frame = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    except cv2.error:  # too many pixels
        frame = None
    if frame is None:
        return "a file that holds no picture"
    try:
        probe = _engine.enrol(np.asarray(frame, np.uint8))
    except Exception as error:  # one picture must not end the whole import
        return f"a picture that the engine does not take: {error}"
    if probe.problem is not None:
        return f"a picture where {FACE_PROBLEMS[probe.problem]}"
    return FaceReference(probe.model_version, probe.template)
