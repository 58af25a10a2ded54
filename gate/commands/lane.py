"""`gatectl lane`: the lane's table of states, as the program walks it; and how the lane is run."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import note
from models.command import Command, Order
from models.view import Mode

_ID = 1


@click.command("lane")
@click.argument("mode", type=click.Choice([mode.value for mode in Mode]), required=False)
@click.option("--actor", default="technician", show_default=True, help="Who orders it; as in the staff book, with one.")
@click.option("--why", default="", help="Why, for the ledger.")
@click.option("--for-s", default=0.0, help="After so many seconds the lane is controlled again; 0: until told.")
@config_option
def command(mode: str | None, actor: str, why: str, for_s: float, config_path: Path) -> None:
    """Print what a lane does at which event in which phase; or with a MODE, run the lane that way from now on.

    A lane with a staff book asks for the PIN of a supervisor.
    """
    if mode is None:
        from gate.core.lane import print_table

        click.echo(print_table())
    else:
        _run(Command(_ID, Order.MODE, actor, mode=Mode(mode), why=why, for_s=for_s), config_path)


def _run(order: Command, config_path: Path) -> None:
    from dataclasses import replace

    from gate.commands.type_mrz import ask
    from gate.config import load

    config = load(config_path)
    if config.staff.book is not None:
        order = replace(order, pin=click.prompt(f"PIN of {order.actor}", hide_input=True, err=True))
    try:
        answer = ask(config.socket.path, order)
    except OSError as error:
        note(f"no gate answers on {config.socket.path}: {error.strerror or error}")
        raise SystemExit(Exit.DEVICE) from None
    wait = f" (wait {answer.wait_s:g} s)" if answer.wait_s else ""
    note(f"the lane is {order.mode}" if answer.ok else answer.error + wait)
    raise SystemExit(Exit.DONE if answer.ok else Exit.NOT_RIGHT)
