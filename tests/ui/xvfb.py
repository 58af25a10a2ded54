"""A private display, real windows on it, and a person's fingers: Xvfb and xdotool.

The display's picture is a file that Xvfb maps: what is painted is read from memory, without asking anybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic

import numpy as np
import numpy.typing as npt

MISSING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
"""What is not installed; tests with real windows are skipped then."""

START_S = 20.0
_HEADER_SIZE, _WIDTH, _HEIGHT, _BYTES_A_LINE, _COLOURS = 0, 4, 5, 12, 19  # words of an XWD file's header

Picture = npt.NDArray[np.uint8]


class Display:
    """One screen of `width` x `height` pixels that nobody else uses. Close it, or use it in a `with`."""

    def __init__(self, width: int, height: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="menshen-x-")
        heard, told = os.pipe()
        command = ["Xvfb", "-displayfd", str(told), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
        command += ["-fbdir", self._folder.name, "-noreset"]
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen(command, pass_fds=(told,), stdout=quiet, stderr=quiet)
        os.close(told)
        with os.fdopen(heard) as names:
            number = names.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"
        self.environment = {"DISPLAY": self.name, "QT_QPA_PLATFORM": "xcb"}
        self._pixels = self._map()

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take it down."""
        self._server.terminate()
        self._server.wait()
        self._folder.cleanup()

    def picture(self) -> Picture:
        """What is painted now: (height, width, 3), red, green, blue."""
        return self._pixels[:, :, 2::-1].copy()

    def sample(self, columns: int = 20, rows: int = 12) -> npt.NDArray[np.uint8]:
        """The green of some pixels, spread evenly: (rows, columns)."""
        height, width = self._pixels.shape[:2]
        return self._pixels[height // rows // 2 :: height // rows, width // columns // 2 :: width // columns, 1].copy()

    def share(self, colour: str, area: tuple[int, int, int, int] | None = None) -> float:
        """How much of the screen, or of `area` (x, y, width, height), has exactly this colour (`#rrggbb`): 0 to 1."""
        x, y, width, height = area or (0, 0, self._pixels.shape[1], self._pixels.shape[0])
        some = self._pixels[y : y + height : 7, x : x + width : 7, 2::-1]
        wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.uint8)
        return float((some == wanted).all(axis=2).mean())

    def do(self, *words: object) -> str:
        """One xdotool command; what it says."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False, timeout=START_S
        )
        return done.stdout.strip()

    def tap(self, x: float, y: float) -> None:
        """A finger on the screen."""
        self.do("mousemove", round(x), round(y), "click", 1)

    def windows(self, pid: int) -> list[str]:
        """The visible windows of a process."""
        return self.do("search", "--onlyvisible", "--pid", pid).split()

    def _map(self) -> Picture:
        path = Path(self._folder.name, "Xvfb_screen0")
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        head = struct.unpack_from(">25I", data)
        begin = head[_HEADER_SIZE] + 12 * head[_COLOURS]
        pixels = np.frombuffer(data, np.uint8, head[_HEIGHT] * head[_BYTES_A_LINE], begin)
        return pixels.reshape(head[_HEIGHT], head[_BYTES_A_LINE] // 4, 4)[:, : head[_WIDTH]]


class Finger:
    """A finger on a display, through the X server's own test extension: down and up in a fraction of a millisecond."""

    def __init__(self, display: Display) -> None:
        self._x, self._test = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.name.encode()))

    def tap(self, x: int, y: int) -> float:
        """Touch; the moment just before, in monotonic seconds."""
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x.XSync(self._display, 0)
        began = monotonic()
        for down in (1, 0):
            self._test.XTestFakeButtonEvent(self._display, 1, down, 0)
        self._x.XSync(self._display, 0)
        return began

    def close(self) -> None:
        """Let go of the display."""
        self._x.XCloseDisplay(self._display)


class Screens:
    """`gatectl ui` on a display, as a process of its own."""

    def __init__(self, display: Display, words: Sequence[str], log: Path, count: int = 1) -> None:
        """`count` windows are waited for."""
        self.display, self._log = display, log
        source = str(Path(__file__).resolve().parents[2])
        environment = os.environ | display.environment | {"PYTHONPATH": source}
        command = [sys.executable, "-m", "gate.cli", "ui", *words]
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        wait_for(lambda: len(display.windows(self.process.pid)) >= count or not self.runs, START_S, "no window came")
        assert self.runs, self.said()

    def __enter__(self) -> Screens:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self.process.poll() is None

    def said(self) -> str:
        """What it wrote."""
        return self._log.read_text(errors="replace")

    def end(self) -> int:
        """SIGTERM; the exit status."""
        if self.runs:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(START_S)
        self.process.kill()
        return self.process.wait()


def wait_for(wanted: Callable[[], object], timeout_s: float, otherwise: str, every_s: float = 0.005) -> float:
    """Look until something is so; the seconds that it took."""
    began = monotonic()
    while not wanted():
        assert monotonic() - began < timeout_s, otherwise
        Event().wait(every_s)
    return monotonic() - began
