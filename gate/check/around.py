"""What a check finds around it: the configuration, the gate and the sync process if they answer, the system's commands.

Everything is asked for once a round, and everything can be handed in: a made-up root with `sys` and `proc`, commands
that answer from a table, a time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gate.config import Config, ConfigError, load
from models.command import Line, Snapshot
from models.link import FromGate, FromSync, SyncStatus
from models.wire import WireError, from_json, to_json

ANSWER_S = 2.0
COMMAND_S = 5.0
MOST_BYTES = 1 << 20

Command = Callable[[tuple[str, ...]], str | None]


def run_command(words: tuple[str, ...]) -> str | None:
    """What a command writes to stdout; `None` where there is no such command or it fails."""
    try:
        # The words are written in this package; nothing of them comes from outside.
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired, UnicodeError):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass
class Around:
    """One round's surroundings. `thorough`: also what takes long. `probe`: devices may be opened."""

    config_path: Path
    root: Path = Path("/")
    now: float = field(default_factory=time.time)
    run: Command = run_command
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    probe: bool = True
    probe_s: float = 1.2
    thorough: bool = True
    issued_digest: str = ""

    @cached_property
    def _loaded(self) -> Config | ConfigError:
        try:
            return load(self.config_path)
        except ConfigError as error:
            return error

    @property
    def config(self) -> Config | None:
        """The configuration, where it can be used."""
        return self._loaded if isinstance(self._loaded, Config) else None

    @property
    def config_error(self) -> ConfigError | None:
        """Why it can't be used."""
        return self._loaded if isinstance(self._loaded, ConfigError) else None

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """What the gate process says of itself; `None` where none answers."""
        return ask_gate(self.config.socket.path) if self.config else None

    @cached_property
    def gate_at_work(self) -> bool:
        """A gate answers, or holds the ledger's lock at least: then the devices are in its hands.

        The kernel is asked who holds it; to try the lock could keep a gate from starting.
        """
        if self.snapshot is not None or self.state_dir is None:
            return self.snapshot is not None
        try:
            inode = (self.state_dir / "ledger.db.lock").stat().st_ino
        except OSError:
            return False
        return any("FLOCK" in line and f":{inode} " in line for line in self.text("proc/locks").splitlines())

    @cached_property
    def sync(self) -> SyncStatus | None:
        """What the sync process says of itself; `None` where none answers."""
        return ask_sync(self.config.sync.socket) if self.config else None

    @property
    def state_dir(self) -> Path | None:
        """The lane's folder."""
        return self.config.gate.state_dir if self.config else None

    def text(self, path: str) -> str:
        """A file below the root, such as `proc/meminfo`; empty where there is none."""
        return read_text(self.root / path)


def read_text(path: Path) -> str:
    """A small file's text without blanks around it; empty where it can't be read."""
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""


def ask_gate(path: Path) -> Snapshot | None:
    """The snapshot that the gate sends to whoever comes."""
    for line in _lines(path, b""):
        with suppress(WireError):
            if (snapshot := from_json(Line, line).snapshot) is not None:
                return snapshot
    return None


def ask_sync(path: Path) -> SyncStatus | None:
    """The status that the sync process sends when it is asked."""
    for line in _lines(path, to_json(FromGate(status=True)) + b"\n"):
        with suppress(WireError):
            if (status := from_json(FromSync, line).status) is not None:
                return status
    return None


def _lines(path: Path, question: bytes) -> list[bytes]:
    """What comes over a Unix socket up to the first line that is long enough to be an answer, within `ANSWER_S`."""
    ends, got = time.monotonic() + ANSWER_S, b""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_S)
        connection.connect(str(path))
        if question:
            connection.sendall(question)
        while (left := ends - time.monotonic()) > 0 and len(got) < MOST_BYTES and not _answered(got):
            connection.settimeout(left)
            if not (more := connection.recv(65536)):
                break
            got += more
    return got.splitlines()


def _answered(got: bytes) -> bool:
    return any(b'"snapshot":{' in line or b'"status":{' in line for line in got.split(b"\n")[:-1])
