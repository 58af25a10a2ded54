"""A private PostgreSQL: Debian's own program on a folder and a socket of its own, for as long as the tests run."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_USER = "postgres"
REQUIRED = "MENSHEN_REAL_STACK"  # "required": a missing program fails the tests instead of skipping them


def programs() -> Path | None:
    """The folder of the newest PostgreSQL installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found else None


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[str]:
    """Run a cluster; gives the URL of its maintenance database. It listens on a Unix socket alone.

    A `durable` one writes as in service, for measurements; others don't wait for the disk.
    PostgreSQL refuses to run as root; then it runs as the user `postgres`. Its folder is none of pytest's, for every
    start of pytest closes those to all others.
    """
    bin_folder = programs()
    assert bin_folder is not None, "look at programs() first"
    folder = Path(tempfile.mkdtemp(prefix="menshen-pg-", dir="/tmp"))  # a socket's path must be short
    data, log = folder / "data", folder / "log"
    as_user: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_USER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"]

    def run(*command: str) -> None:
        done = subprocess.run([*as_user, *command], check=False, capture_output=True, cwd="/", text=True)
        if done.returncode != 0:
            told = log.read_text() if log.exists() else ""
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}{told}")

    try:
        run(f"{bin_folder}/initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        # Nothing here outlives the tests: what a power cut would leave is not their question.
        careless = "" if durable else "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        options = f"-k {folder} -c listen_addresses='' -c max_connections=200 {careless}"
        run(f"{bin_folder}/pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
        try:
            yield f"postgresql://{_USER}@/postgres?host={folder}"
        finally:
            run(f"{bin_folder}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, template: str = "template1") -> str:
    """A database of its own in the cluster at `url`, empty or a copy of `template`; gives its URL."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return url.replace("/postgres?", f"/{name}?")
