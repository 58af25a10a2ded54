"""Whether the process that works on an import is still there: it holds a lock that ends with it, even by kill -9."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sync.server.hub import Hub


class ImportLock:
    """Held from now on. Raises `BlockingIOError` when somebody holds it already."""

    def __init__(self, hub: Hub, job: str) -> None:
        folder = hub.settings.state_dir / "imports"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path: Path = folder / f"{job}.lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise

    @classmethod
    def of_the_dead(cls, hub: Hub, job: str) -> ImportLock | None:
        """The lock, unless somebody alive has it."""
        try:
            return cls(hub, job)
        except BlockingIOError:
            return None

    def release(self) -> None:
        """Let go."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)
