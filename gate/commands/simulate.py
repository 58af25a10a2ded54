"""`gatectl simulate`: be the far end of a device's wire."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("simulate", short_help="Be a device's far end of the wire, on a pseudo-terminal.")
@click.argument("driver")
@click.option(
    "--link",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Make a symbolic link to the terminal, as udev would.",
)
def command(driver: str, link: Path | None) -> None:
    """Be the device of DRIVER, as in `sam`, `lcus` or `sensor/sim`, on a pseudo-terminal.

    Prints the URL to connect to. Then each line typed is a command to the device; `help` tells them.
    """
    from gate.simulate import simulate

    raise SystemExit(simulate(driver, link, sys.stdin, sys.stdout))
