"""`gatectl type-mrz`: give a document's page to the gate by hand, as a steward does at the screen."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import note
from models import wire
from models.command import Answer, Command, Line, Order

ANSWER_S = 5.0
_ID = 1


@click.command("type-mrz", short_help="Type a passport's MRZ, or a card access number, for the reader.")
@click.option(
    "--reader", default="", help="For which reader, `reader` or `exit_reader`; else the first that takes one."
)
@click.option("--actor", default="technician", show_default=True, help="Who types it.")
@config_option
def command(reader: str, actor: str, config_path: Path) -> None:
    """Read an MRZ from the standard input and hand it to the running gate.

    It is the two lines at the foot of a passport's page, or the three on a card's back. A card access number (six
    digits) does as well, and so do document number, birth and expiry (YYMMDD). Nothing of it is written down.
    """
    from gate.config import load

    path = load(config_path).socket.path
    if sys.stdin.isatty():
        note("Type the MRZ as it is printed, then an empty line:")
    text = " ".join(iter(lambda: sys.stdin.readline().strip(), ""))
    try:
        answer = ask(path, Command(_ID, Order.MRZ, actor, mrz=text, reader=reader))
    except OSError as error:
        note(f"no gate answers on {path}: {error.strerror or error}")
        raise SystemExit(Exit.DEVICE) from None
    note("taken: lay the document on the reader now" if answer.ok else answer.error)
    raise SystemExit(Exit.DONE if answer.ok else Exit.NOT_RIGHT)


def ask(path: Path, order: Command) -> Answer:
    """The gate's answer to an order. Raises `OSError` where no gate listens or answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(ANSWER_S)
        line.connect(str(path))
        line.sendall(wire.to_json(order) + b"\n")
        with line.makefile("rb") as lines:
            for raw in lines:
                answer = wire.from_json(Line, raw).answer
                if answer is not None and answer.id in (order.id, 0):
                    return answer
    raise ConnectionResetError("it hung up")
