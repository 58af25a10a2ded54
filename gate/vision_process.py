"""The vision child as a process: how it is started, how it ended, how it is ended."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.vision_link import Answer, Link, Setup, gate_end

_log = logging.getLogger("gate.vision")


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
    handed = [theirs.fileno(), *([setup.mirror_fd] if setup.mirror_fd >= 0 else [])]
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "gate.vision_child", str(theirs.fileno()), str(os.getpid())],
            pass_fds=handed,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **one_thread, "PYTHONPATH": path},
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
