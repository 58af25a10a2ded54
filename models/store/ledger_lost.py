"""Which lines of a ledger are not here any more, by what somebody else holds of it.

A tail that is cut off together with its checkpoints leaves a shorter ledger that is whole by itself. Only who holds the
lines can tell: the authority's mark says up to which number.
"""

from __future__ import annotations

from pathlib import Path

from models.store.errors import StoreError
from models.store.ledger_verify import Verification, verify


def lost_lines(found: Verification, mark: int) -> tuple[int, int] | None:
    """The first and the last line that are missing here, or not to be trusted, of those up to `mark`; or none."""
    first = found.last_seq + 1 if found.first_bad_seq is None else found.first_bad_seq
    return (first, mark) if first <= mark else None


def lost_in_file(path: Path, mark: int) -> tuple[int, int] | None:
    """The same of a file, of which nothing may be readable."""
    try:
        return lost_lines(verify(path), mark)
    except StoreError:
        return (1, mark) if mark else None


def say_lost(lost: tuple[int, int]) -> str:
    """In words, for a technician."""
    first, last = lost
    lines = f"line {first} is" if first == last else f"lines {first} to {last} are"
    return f"{lines} held by the server and not here as written: set the file aside and keep it"
