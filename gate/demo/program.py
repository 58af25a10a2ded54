"""One of our programs as a process of its own, which can be killed, paused and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gate

GATECTL = (sys.executable, "-m", "gate.cli")
STOP_S = 20.0


class NotStarted(RuntimeError):
    """The program did not come up. Says what it wrote last."""


class Program:
    """`command` with its output in `log`. `environment` comes on top of ours."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command, self.log, self.environment = tuple(command), log, dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None, "start first"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it. It may take a while to be ready: see `wait_for`."""
        source = str(Path(gate.__file__).parents[1])
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            environment = os.environ | {"PYTHONPATH": source, "PYTHONUNBUFFERED": "1"} | self.environment
            self._process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)  # noqa: S603

    def said(self) -> str:
        """What it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            return log.read().decode(errors="replace")

    def wait_for(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until it is `ready`. Raises `NotStarted`."""
        ends = time.monotonic() + timeout_s
        while not ready():
            if not self.runs or time.monotonic() > ends:
                raise NotStarted(f"{' '.join(self.command)}\n{self.said()[-2000:]}")
            threading.Event().wait(0.02)

    def pause(self) -> None:
        """It stands still, and its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """As when the power goes."""
        if self._process is not None and self.runs:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """In good order; its exit status. One that does not end is killed."""
        if self._process is None:
            return 0
        if self.runs:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
