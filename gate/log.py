"""The log: one line a record, to stderr. Under systemd the journal adds the time, and takes the level from `<6>`."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from gate.config import LogLevel

# sd-daemon(3): the levels of syslog.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class OneLine(logging.Formatter):
    """A record as one line, its traceback included, so that a line is always a whole record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record without line breaks."""
        return " | ".join(line for line in super().format(record).splitlines() if line.strip())


class ForJournal(OneLine):
    """A line that begins with its priority and leaves the time to the journal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as the journal takes it."""
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{super().format(record)}"


def set_up(level: LogLevel, out: TextIO | None = None, *, journal: bool | None = None) -> None:
    """Write all records from `level` up to `out` (stderr), and none elsewhere."""
    logging.addLevelName(LogLevel.TRAFFIC, "TRAFFIC")
    to_journal = "JOURNAL_STREAM" in os.environ if journal is None else journal
    writer = logging.StreamHandler(out or sys.stderr)
    if to_journal:
        writer.setFormatter(ForJournal("%(name)s: %(message)s"))
    else:
        writer.setFormatter(OneLine("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=int(level), handlers=[writer], force=True)
