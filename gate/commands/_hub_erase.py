"""`gatectl hub erase`: nothing of an event's persons stays at this server."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gate.commands._hub_opened import OPERATOR, opened
from gate.commands._out import clock, json_option, note, say_json

if TYPE_CHECKING:
    from sync.server.settings import Settings


@click.command("erase")
@click.argument("event")
@click.option("--early", is_flag=True, help="Before its time to keep is over; say --why.")
@click.option("--why", metavar="WORDS", default="", help="Goes into the receipt; name nobody in it.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def command(settings: Settings, event: str, early: bool, why: str, yes: bool, as_json: bool) -> None:
    """Erase the persons of EVENT: tickets, references, imports, what came from pretix, manifests; also at its gates.

    The ledger stays, with keyed hashes whose key is gone. Prints a signed receipt; once more, the same receipt. The
    server does this by itself --keep-days after an event's end. It can't be taken back.
    """
    from sync.server.erasure import erase

    if not yes:
        click.confirm(f"erase all persons of {event} for ever?", abort=True, err=True)
    with opened(settings) as hub:
        receipt = erase(hub, OPERATOR, event, why, early=early)
    if as_json:
        say_json(asdict(receipt))
        return
    click.echo(receipt.text)
    click.echo(f"signature   {receipt.signature}\npublic key  {receipt.public_key}")
    note(f"{event} was erased at {clock(receipt.at)}")
