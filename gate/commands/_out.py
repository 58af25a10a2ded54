"""What commands print: for people with rich, for programs one JSON object."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import click

from models import wire
from models.decision import Verdict

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {Verdict.ADMIT: "green", Verdict.DENY: "red", Verdict.REFER: "yellow"}
PIPE_WIDTH = 140

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")


def say_json(noun: object) -> None:
    """A noun, or builtins, as one line of JSON on stdout."""
    click.echo(wire.to_json(noun).decode())


def note(words: str) -> None:
    """A remark to the person at the keyboard, on stderr."""
    click.echo(words, err=True)


def console() -> Console:
    """Where tables go: stdout, with colours on a terminal. In a pipe lines are not broken at 80."""
    from rich.console import Console

    return Console(
        file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty(), width=_width(), emoji=False, markup=False
    )


def _width() -> int | None:
    return None if sys.stdout.isatty() else PIPE_WIDTH


def clock(at: float, zone: tzinfo | None = None) -> str:
    """Unix seconds as a person reads them, in this machine's zone: `2026-05-01 19:30:05`."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{at:g} s"


def groups(digest: str) -> str:
    """A hash in groups of four, to be compared by eye."""
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))
