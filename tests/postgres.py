"""A private PostgreSQL: Debian's own program on a folder and a socket of its own, for as long as the tests run."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
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
def cluster(folder: Path) -> Iterator[str]:
    """Run a cluster in `folder`; gives the URL of its maintenance database. It listens on a Unix socket alone.

    PostgreSQL refuses to run as root; then it runs as the user `postgres`, to whom `folder` is given.
    """
    bin_folder = programs()
    assert bin_folder is not None, "look at programs() first"
    data, socket = folder / "data", Path("/tmp") / f"menshen-pg-{secrets.token_hex(4)}"
    socket.mkdir(mode=0o700)
    as_user: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_USER)
        for place in (folder, socket):
            os.chown(place, owner.pw_uid, owner.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent not in (Path("/"), Path("/tmp")):
                parent.chmod(parent.stat().st_mode | 0o011)
        as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"]

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd="/")

    run(f"{bin_folder}/initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    options = f"-k {socket} -c listen_addresses='' -c max_connections=200"
    log = folder / "log"
    run(f"{bin_folder}/pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
    try:
        yield f"postgresql://{_USER}@/postgres?host={socket}"
    finally:
        run(f"{bin_folder}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(socket, ignore_errors=True)


def new_database(url: str) -> str:
    """An empty database of its own in the cluster at `url`; gives its URL."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres?", f"/{name}?")
