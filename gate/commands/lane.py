"""`gatectl lane`: the lane's table of states, as the program walks it."""

from __future__ import annotations

import click


@click.command("lane")
def command() -> None:
    """Print what a lane does at which event in which phase."""
    from gate.core.lane import print_table

    click.echo(print_table())
