"""What the tests of the ledger share: a key, a gate, an evening of visitors, and somebody with a SQLite shell."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.decision import Decision, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.store.ledger_db import Ledger, Release, Settlement

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
NIGHT = 1_750_000_000.0


def open_ledger(path: Path, gate: str = "north") -> Ledger:
    """The ledger of the gate "north", by a clock that stands still."""
    return Ledger.open(path, KEY, gate=gate, clock=lambda: NIGHT + 9_000)


def admit(ledger: Ledger, ticket: str, person: str = "", way: Direction = Direction.ENTRY, at: float = NIGHT) -> int:
    """Attempt 7 is admitted; the number of the line."""
    body = {"attempt": 7, "decision": Decision(Verdict.ADMIT, Reason.OK, ticket=ticket)}
    return ledger.append(EntryKind.DECISION, body, at, opens=Release(way, ticket, person)).seq


def end(ledger: Ledger, seq: int, passage: Passage) -> None:
    """What became of the release of line `seq`."""
    ledger.append(EntryKind.PASSAGE, {"attempt": 7}, NIGHT + 1, settles=Settlement(seq, passage))


def an_evening(path: Path, lines: int = 230) -> None:
    """By turns an admission, its end and a refusal; two checkpoints of themselves, and one asked for at line 205."""
    with open_ledger(path) as ledger:
        for number in range(lines):
            if number % 3 == 0:
                admit(ledger, f"T{number}", f"p{number}")
            elif number % 3 == 1:
                end(ledger, ledger.last_seq(), Passage.NO_SHOW if number % 2 else Passage.PASSED)
            else:
                no = {"decision": Decision(Verdict.DENY, Reason.NO_TICKET)}
                ledger.append(EntryKind.DECISION, no, NIGHT + number)
            if number == 204:
                ledger.checkpoint(NIGHT + number)


def tamper(path: Path, *statements: str) -> None:
    """What somebody with the file and a SQLite shell can do: triggers out of the way and back again."""
    conn = sqlite3.connect(path)
    triggers = conn.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        conn.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        conn.execute(statement)
    for _, sql in triggers:
        conn.execute(sql)
    conn.commit()
    conn.close()
