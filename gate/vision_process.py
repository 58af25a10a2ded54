"""The vision child as a process: how it is started, how it ended, how it is ended."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.vision_link import Answer, Link, Setup, gate_end

_log = logging.getLogger("gate.vision")

MOST_PATIENCE = 3
"""However little of the processor a child gets, after so many times its patience it counts as lost."""

OVERWRITE_FREED = "glibc.malloc.perturb=170:glibc.malloc.tcache_count=0"
"""No picture and no template is left in freed memory. What went to a thread's cache would not be overwritten: none."""


@dataclass(frozen=True, slots=True)
class Child:
    """One run of the child process."""

    process: subprocess.Popen[bytes]
    link: Link[Answer]


def spawn(setup: Setup) -> Child:
    """Start the child. Called from the minding thread: the child dies with the thread that started it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    overwrites_freed = {"GLIBC_TUNABLES": OVERWRITE_FREED}
    handed = [theirs.fileno(), *([setup.mirror_fd] if setup.mirror_fd >= 0 else [])]
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "gate.vision_child", str(theirs.fileno()), str(os.getpid())],
            pass_fds=handed,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **one_thread, **overwrites_freed, "PYTHONPATH": path},
        )
    link = gate_end(ours)
    link.send(setup)
    return Child(process, link)


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """The end of a child that has hung up, in words."""
    with suppress(subprocess.TimeoutExpired):
        status = process.wait(0.5)
        return f"the vision child died of signal {-status}" if status < 0 else f"the vision child ended with {status}"
    return "the vision child hung up"


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill without asking: the child owns nothing that needs tidying, and may be past listening."""
    process.kill()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:  # stuck in the kernel, by a camera's driver for instance
        _log.error("the vision child %d can't be killed now; it is left behind", process.pid)


class Silence:
    """How long a child may say nothing, seconds.

    While the machine is busy and others have the processor, it can't speak: that time is not held against it, up to
    `MOST_PATIENCE` times what it may be silent. A child that sleeps, is stopped or has the processor gets no more.
    """

    def __init__(self, pid: int, patience_s: float, kept_waiting_s: Callable[[int], float] | None = None) -> None:
        self._pid, self.patience_s = pid, patience_s
        self._kept_waiting_s = kept_waiting_s or kept_waiting_for_processor_s
        self._began_mono, self._waited_s = time.monotonic(), self._kept_waiting_s(pid)

    def broken(self, patience_s: float) -> None:
        """It spoke, and may be silent for `patience_s` from now on."""
        self.patience_s = patience_s
        self._began_mono, self._waited_s = time.monotonic(), self._kept_waiting_s(self._pid)

    def left_s(self) -> float:
        """How long it may still be silent as things stand."""
        waited = max(0.0, self._kept_waiting_s(self._pid) - self._waited_s)
        allowed = self.patience_s + min(waited, (MOST_PATIENCE - 1) * self.patience_s)
        return self._began_mono + allowed - time.monotonic()


def kept_waiting_for_processor_s(pid: int) -> float:
    """How long the kernel has kept the process's first thread waiting while it could have run; 0 where it won't tell.

    The second number of Linux's `schedstat` (Documentation/scheduler/sched-stats), nanoseconds.
    """
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
