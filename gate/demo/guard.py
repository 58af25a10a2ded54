"""Cleans up after a demo that was killed: `python -m gate.demo.guard FOLDER`, with stdin open while the demo lives.

When stdin ends, every process whose command line names the folder is ended, and the folder is removed. After a demo
that ended in good order there is nothing left of either.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


def watch(folder: Path) -> subprocess.Popen[bytes]:
    """A guard over `folder`, for as long as this process lives. Closing its stdin sends it home."""
    source = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "gate.demo.guard", str(folder)]
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": source}, start_new_session=True
    )


def clean(folder: Path) -> None:
    """End what still works in `folder`, and remove it."""
    for pid in users_of(folder):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def users_of(folder: Path) -> list[int]:
    """The processes whose command line names the folder or something in it, but for this one."""
    named = str(folder).encode()
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(each.parent.name)
        with contextlib.suppress(OSError):
            words = each.read_bytes().split(b"\0")
            if pid != os.getpid() and any(word == named or word.startswith(named + b"/") for word in words):
                found.append(pid)
    return found


if __name__ == "__main__":
    sys.stdin.buffer.read()
    clean(Path(sys.argv[1]))
