"""`gatectl ledger`: what happened at the lane, and whether the record of it is whole."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gate.commands._exits import Exit
from gate.commands._held import held_by_the_server, verify_beside
from gate.commands._ledger import ledger_file, ledger_option
from gate.commands._out import COLOURS, clock, console, groups, json_option, say_json
from gate.commands._rows import LedgerRow, last_rows, next_rows
from models.store.keys import fingerprint
from models.store.ledger_read import read_ledger
from models.store.ledger_verify import Verification, verify
from models.store.public_key import KeyUse, read_public_key
from models.words import VERDICTS

FOLLOW_S = 0.5
_COLUMNS = (("entry", 7), ("time", 19), ("what", 17), ("why", 20), ("ticket", 20), ("ms", 7), ("passage", 9))


@click.group("ledger")
def command() -> None:
    """The lane's ledger."""


@command.command("tail")
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many rows.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@ledger_option
@json_option
def tail(count: int, follow: bool, ledger: Path | None, config_path: Path, as_json: bool) -> None:
    """Show the ledger's latest rows. A passage stands in the row of its admission; when following, by itself."""
    out = console()
    with closing(read_ledger(ledger_file(ledger, config_path))) as reader:
        last = reader.last_seq()
        _show(out, last_rows(reader, count), as_json, header=True)
        if not follow:
            return
        # An interrupt that strikes in the middle of a library's clearing up would be swallowed; a flag is not.
        interrupted = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: interrupted.set())
        while not interrupted.wait(FOLLOW_S):
            rows = next_rows(reader, last)
            last = rows[-1].seq if rows else last
            _show(out, rows, as_json)
        raise KeyboardInterrupt


@command.command("verify")
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The lane's exported signing key; without it, each checkpoint is held against the key that it names.",
)
@click.option("--against-hub", is_flag=True, help="Ask how much of it the server holds, and name what is missing here.")
@ledger_option
@json_option
def verify_ledger(
    public_key: Path | None, against_hub: bool, ledger: Path | None, config_path: Path, as_json: bool
) -> None:
    """Walk through the whole ledger: chain, signatures, figures. Exit code 1: it is not what was written."""
    known = read_public_key(public_key, KeyUse.LEDGER).raw if public_key else None
    path = ledger_file(ledger, config_path)
    held = held_by_the_server(config_path) if against_hub else None
    began = time.monotonic()
    found = verify_beside(path, known, held) if held else verify(path, known)
    seconds = time.monotonic() - began
    if as_json:
        told = {"held": held.seq} if held else {}
        say_json({**_figures(found), "seconds": round(seconds, 3), "key_known": known is not None, **told})
    else:
        _tell(found, seconds, known)
    if not found.ok:
        raise SystemExit(Exit.NOT_RIGHT)


def _show(out: Console, rows: list[LedgerRow], as_json: bool, *, header: bool = False) -> None:
    if as_json:
        for row in rows:
            say_json(row)
        out.file.flush()
        return
    if not rows and not header:
        return
    table = Table(box=None, padding=(0, 1), show_header=header, header_style="dim")
    for name, width in _COLUMNS:
        table.add_column(name, width=width, no_wrap=True, justify="right" if name in ("entry", "ms") else "left")
    for row in rows:
        table.add_row(str(row.seq), clock(row.at), _what(row), row.reason, row.ticket, _ms(row), row.passage)
    out.print(table)
    out.file.flush()


def _what(row: LedgerRow) -> Text:
    if row.verdict is None:
        return Text(row.kind, "bold red" if row.alarming else "dim")
    return Text(VERDICTS[row.verdict], COLOURS[row.verdict])


def _ms(row: LedgerRow) -> str:
    return f"{row.ms:.0f}" if row.ms else ""


def _figures(found: Verification) -> dict[str, object]:
    return {
        "ok": found.ok,
        "gate": found.gate,
        "epoch": found.epoch,
        "entries": found.entries,
        "checkpoints": found.checkpoints,
        "last_seq": found.last_seq,
        "last_hash": found.last_hash.hex(),
        "first_bad_seq": found.first_bad_seq,
        "problems": found.problems,
        "purged_to": found.gone,
    }


def _tell(found: Verification, seconds: float, known: bytes | None) -> None:
    click.echo(f"gate {found.gate}, epoch {found.epoch}")
    click.echo(f"{found.entries} entries, {found.checkpoints} checkpoints, looked through in {seconds:.2f} s")
    if found.gone:
        click.echo(f"up to entry {found.gone} they were purged from here, with a receipt; the server holds them")
    click.echo(f"last hash  {groups(found.last_hash.hex())}")
    click.echo(f"signed by  {fingerprint(known) if known else 'the keys that the checkpoints name: see --public-key'}")
    if found.ok:
        click.secho("every line is what was written", fg="green")
        return
    where = f"from entry {found.first_bad_seq} on" if found.first_bad_seq is not None else "in its figures"
    click.secho(f"NOT what was written, {where}:", fg="red", bold=True)
    for problem in found.problems:
        click.echo(f"  {problem}")
