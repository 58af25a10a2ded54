"""`gatectl hub rebuild`: make again what the gates' lines mean, from the lines alone."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gate.commands._hub_opened import OPERATOR, opened
from gate.commands._out import json_option, note, say_json
from models.store.errors import StoreFailed

if TYPE_CHECKING:
    from sync.server.rebuild import Rebuilt
    from sync.server.settings import Settings


@click.command("rebuild")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Make uses, claims, the tally and conflicts again from the ledger lines that are held here.

    For the day on which one of them is found to be wrong. What people have settled stays settled. Everything waits
    meanwhile, so do it between events. All of it is done or, on any failure, nothing.
    """
    made = _rebuild(settings, quiet=as_json)
    if as_json:
        say_json(asdict(made))
    else:
        click.echo(f"{made.lines:,} lines make {made.uses:,} uses; {made.open_conflicts:,} conflicts are open")


def _rebuild(settings: Settings, quiet: bool) -> Rebuilt:
    from sqlalchemy.exc import OperationalError

    from sync.server.rebuild import rebuild

    told = 0

    def progress(done: int, of: int) -> None:
        nonlocal told
        if not quiet and sys.stderr.isatty() and 20 * done // of > told:
            told = 20 * done // of
            note(f"{5 * told} %")

    try:
        with opened(settings) as hub, hub.begin() as connection:
            return rebuild(hub, connection, OPERATOR, progress)
    except OperationalError:  # its words hold the statement
        raise StoreFailed(
            "the database is in use, is harmed or can't be reached: stop the server and try again; nothing was changed"
        ) from None
