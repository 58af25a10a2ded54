"""What the vision child does to itself before it sees anybody: faces and templates must end with it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def harden(parent: int) -> None:
    """Die with the gate, never be dumped to a disk, leave Ctrl-C to the gate."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.getppid() != parent:  # the gate died before we could ask to be told
        sys.exit(0)


def one_thread() -> None:
    """OpenCV's pool of threads gains nothing on one small picture and disturbs the lane."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
