"""A real pretix: from PyPI into an environment of its own, on SQLite, on loopback.

Environment and migrated database are kept (in `.venv/peers-pretix`, or under `$VENV`) for as long as the lock file
stays the same: pip takes a minute or two for the one, pretix's migrations as long for the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import REQUIRED

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("pretix.lock")
STALL = Path(__file__).with_name("pretix_stall.py")

_INSTALL_S, _MIGRATE_S, _START_S = 420, 420, 90


@dataclass(frozen=True)
class Installed:
    """Pretix's Python, and a database with its schema."""

    python: Path
    database: Path


@dataclass(frozen=True)
class Stall:
    """A pretix that runs: where, and what `pretix_stall.py` told of what it made."""

    url: str
    made: dict[str, Any]
    log: Path


def installed() -> Installed:
    """The kept environment, made where it is missing. Skips the test where PyPI is out of reach."""
    folder = Path(os.environ.get("VENV", ROOT / ".venv")).absolute() / "peers-pretix"
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    mark, python, database = folder / "complete", folder / "env/bin/python", folder / "migrated.sqlite3"
    if not mark.exists() or mark.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _install(folder, python)
        _migrate(folder, python, database)
        mark.write_text(key)
    return Installed(python, database)


@contextmanager
def running(pretix: Installed, folder: Path, seats: int) -> Iterator[Stall]:
    """A pretix with a stall, for as long as this holds."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(pretix.database, folder / "data/db.sqlite3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", folder / "server.log"
    environment = _environment(folder, url)
    made = _run([pretix.python, STALL, str(seats)], environment, _START_S)
    command = [pretix.python, "-m", "pretix", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=folder)
        try:
            _wait_for(f"{url}/api/v1/organizers/", server, log)
            yield Stall(url, json.loads(made.splitlines()[-1]), log)
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _install(folder: Path, python: Path) -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True, timeout=120)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", LOCK]
    try:
        done = subprocess.run(pip, check=False, capture_output=True, text=True, timeout=_INSTALL_S)
        trouble = done.stderr[-2000:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        trouble = f"pip took more than {_INSTALL_S} s"
    if trouble:
        shutil.rmtree(folder, ignore_errors=True)
        told = f"pretix can't be installed from PyPI: {trouble}"
        if os.environ.get(REQUIRED) == "required" or not _out_of_reach(trouble):
            pytest.fail(told)
        pytest.skip(told)
    print(f"pretix installed in {time.monotonic() - began:.0f} s")


def _out_of_reach(trouble: str) -> bool:
    """Whether it was the network; anything else is a failure of ours."""
    words = ("Could not find a version", "Connection", "Temporary failure", "timed out", "pip took more")
    return any(word in trouble for word in words)


def _migrate(folder: Path, python: Path, database: Path) -> None:
    began = time.monotonic()
    room = folder / "migration"
    (room / "data").mkdir(parents=True)
    _run([python, "-m", "pretix", "migrate"], _environment(room, "http://127.0.0.1"), _MIGRATE_S)
    shutil.move(room / "data/db.sqlite3", database)
    shutil.rmtree(room)
    print(f"pretix migrated in {time.monotonic() - began:.0f} s")


def _environment(folder: Path, url: str) -> dict[str, str]:
    configuration = folder / "pretix.cfg"
    configuration.write_text(
        f"[pretix]\ninstance_name=Trial\nurl={url}\ndatadir={folder}/data\ncurrency=CNY\nregistration=off\n"
        f"[database]\nbackend=sqlite3\nname={folder}/data/db.sqlite3\n"
        "[django]\ndebug=false\nsecret=this-one-is-of-a-trial-and-guards-nothing-at-all\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO", "PRETIX"))}
    return kept | {"PRETIX_CONFIG_FILE": str(configuration), "DJANGO_SETTINGS_MODULE": "pretix.settings"}


def _run(command: list[Any], environment: dict[str, str], patience_s: float) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=patience_s, cwd="/"
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"
    return done.stdout


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline, pause = time.monotonic() + _START_S, threading.Event()
    while time.monotonic() < deadline:
        assert server.poll() is None, f"pretix ended at its start: {log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:  # it wants a credential: it is there
            return
        except OSError:
            pause.wait(0.2)
    raise AssertionError(f"pretix did not answer within {_START_S} s: {log.read_text()[-2000:]}")
