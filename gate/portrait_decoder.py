"""The customer's own program that opens a closed picture format: chip picture on stdin, JPEG, PNG or BMP on stdout.

The picture of a resident card is in such a format (WLT), and its decoders are not ours to ship. The program runs in a
process of its own with little: no environment, no file of ours, no shell, no terminal, some memory, some seconds. It is
started with the rights of the gate's user and within its unit's sandbox, which has no network. Both pictures stay in
memory (`memfd_create`); frames never reach a disk.

What it is given may be hostile and what it gives may be: its answer is checked like any other portrait.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gate.portrait import MOST_BYTES, UNREADABLE, PortraitUnusable
from gate.portrait_child import FOLDER_PREFIX, MEMORY_FOLDER

DECODER = "decoder"
"""Why a portrait was not usable: the decoder failed, whatever was in the picture."""

LIBRARY = "library"
"""As a command's first word: a shared library is called, by `gate.portrait_child`."""

MOST_MEMORY = 256 << 20
MOST_FILES = 64
KILLED_WITHIN_S = 1.0

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_libc = ctypes.CDLL(None, use_errno=True)


class Decoding:
    """One run of the program. `poll` until it gives the picture or raises; `stop` in any case."""

    def __init__(self, command: tuple[str, ...], portrait: bytes, seconds: float) -> None:
        self._ends_mono = time.monotonic() + seconds
        self._seconds = seconds
        if not command:
            raise PortraitUnusable(UNREADABLE)
        sweep()
        self._out = os.memfd_create("decoded")
        self._process: subprocess.Popen[bytes] | None = None
        given = os.memfd_create("portrait")
        try:
            os.write(given, portrait)
            os.lseek(given, 0, os.SEEK_SET)
            self._process = _start(argv(command), given, self._out, seconds)
        except (OSError, subprocess.SubprocessError) as error:
            os.close(self._out)
            self._out = -1
            raise PortraitUnusable(DECODER, f"can't be started: {_plain(error)}") from error
        finally:
            os.close(given)

    def poll(self) -> bytes | None:
        """What the program gave, or `None` while it works. Raises `PortraitUnusable` when it failed or is too slow."""
        if self._process is None:
            raise PortraitUnusable(DECODER, "it was stopped")
        status = self._process.poll()
        if status is None and time.monotonic() < self._ends_mono:
            return None
        picture = os.pread(self._out, MOST_BYTES + 1, 0)
        self.stop()
        if status is None:
            raise PortraitUnusable(DECODER, f"not done within {self._seconds:g} s")
        if status:
            ended = f"died of signal {-status}" if status < 0 else f"ended with {status}"
            raise PortraitUnusable(DECODER, ended)
        if not picture:
            raise PortraitUnusable(DECODER, "gave nothing")
        return picture

    def stop(self) -> None:
        """End the program and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(KILLED_WITHIN_S)
        os.close(self._out)
        sweep()


def sweep(memory: Path = MEMORY_FOLDER) -> None:
    """Remove what killed children have left in the memory folder."""
    for folder in memory.glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX)
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def argv(command: tuple[str, ...]) -> list[str]:
    """The command as it is started: `library PATH FUNCTION SHAPE` is a child of ours that calls a shared library."""
    if command[0] != LIBRARY:
        return list(command)
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("portrait_child.py")), *command[1:]]


def _start(arguments: list[str], given: int, out: int, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the technician's word, no shell
        arguments,
        stdin=given,
        stdout=out,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        close_fds=True,
        start_new_session=True,
        preexec_fn=_confinement(seconds),  # whoever starts it is a process of one thread
    )


def _confinement(seconds: float) -> Callable[[], None]:
    """What the new process does to itself before it becomes the program."""
    cpu_s = math.ceil(seconds) + 1
    limits = (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, MOST_BYTES),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    )

    def confine() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        for which, most in limits:
            resource.setrlimit(which, (most, most))

    return confine


def _plain(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
