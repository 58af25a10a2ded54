"""`gatectl` with a wall clock that tests move, or with a server that keeps no count of claims: for tests alone.

    python odd_gatectl.py --clock FILE … what gatectl is told …
    python odd_gatectl.py --unjust … what gatectl is told …

FILE holds a double: by how many seconds the clock is wrong. It can be rewritten while the program runs.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import Any


def move_clock(path: str) -> None:
    """From here on `time.time` is wrong by what the file says. Before anything else is imported, which may keep it."""
    with Path(path).open("r+b") as file:
        view = mmap.mmap(file.fileno(), struct.calcsize("d"))
    right = time.time
    time.time = lambda: right() + struct.unpack_from("d", view)[0]


def forget_claims() -> None:
    """The positive control: whoever asks gets the ticket, for nobody ever has it."""
    from sqlalchemy import delete

    from sync.server import claims, tables

    right = claims.settle

    def forget(connection: Any, asked: Any, now: float) -> Any:
        answers = right(connection, asked, now)
        connection.execute(delete(tables.claim))
        return answers

    claims.settle = forget


def main() -> None:
    """Dress up as `gatectl`."""
    words = sys.argv[1:]
    if words[0] == "--clock":
        move_clock(words[1])
        words = words[2:]
    if words[0] == "--unjust":
        forget_claims()
        words = words[1:]
    from gate.cli import main as gatectl

    gatectl(words, prog_name="gatectl")


if __name__ == "__main__":
    main()
