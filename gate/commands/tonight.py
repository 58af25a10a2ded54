"""`gatectl tonight`: say which event it is, while the lane's clock is not trusted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import note
from models.command import Command, Order

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])


@click.command("tonight", short_help="Say that it is this event now, while the clock is not trusted.")
@click.option("--actor", default="technician", show_default=True, help="Who says it; as in the staff book, with one.")
@click.option("--why", default="", help="How it is known, for the ledger.")
@click.option("--from", "since", type=_MOMENT, help="It is later than this, by the venue's time.")
@click.option("--until", type=_MOMENT, help="It is earlier than this.")
@click.option("--end", is_flag=True, help="Take it back.")
@config_option
def command(actor: str, why: str, since: datetime | None, until: datetime | None, end: bool, config_path: Path) -> None:
    """Say that it is now the event of this lane's manifest, so that the rules about time can be judged.

    Without --from and --until: between the manifest's issue and its end. It holds until the clock is right, and stands
    in the ledger with who said it. A lane with a staff book asks for the PIN of a supervisor.
    """
    from gate.commands.type_mrz import ask
    from gate.config import load

    config = load(config_path)
    zone = config.gate.timezone
    begins, ends = (one.replace(tzinfo=zone).timestamp() if one else 0.0 for one in (since, until))
    pin = click.prompt(f"PIN of {actor}", hide_input=True, err=True) if config.staff.book is not None else ""
    order = Command(1, Order.WINDOW, actor, why=why, pin=pin, on=not end, window_since=begins, window_until=ends)
    try:
        answer = ask(config.socket.path, order)
    except OSError as error:
        note(f"no gate answers on {config.socket.path}: {error.strerror or error}")
        raise SystemExit(Exit.DEVICE) from None
    note(("taken back" if end else "taken: times are judged by this event") if answer.ok else answer.error)
    raise SystemExit(Exit.DONE if answer.ok else Exit.NOT_RIGHT)
