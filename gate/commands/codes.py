"""`gatectl codes`: signed ticket codes for paper and phones, and what one of them says."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import click

from gate.commands._codes import Account, CannotIssue, Press, account_of, print_codes
from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._issue import issuer_key, zone_of
from gate.commands._out import clock, json_option, note, say_json
from gate.commands.manifest import trusted
from gate.config import load
from models.code import CodeKind, CodeProblem, key_id_of
from models.store.code_signature import SECRET_BYTES, RotatingSecret
from models.store.key_file import read_secret, write_secret
from models.store.keys import fingerprint
from models.store.public_key import KeyUse, read_public_key
from models.totp import Rotation
from sync.sources.people import Event, read_people
from sync.sources.table import Encoding

_FILE = click.Path(dir_okay=False, path_type=Path)
_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)

_PROBLEMS = {
    CodeProblem.FOREIGN: "this is none of our codes: those begin with M1: or M2:",
    CodeProblem.MALFORMED: "it begins as our codes do and is not whole: characters are missing or changed",
    CodeProblem.UNKNOWN_KEY: "signed by a key that is not known here: name the issuer's with --issuer-key",
    CodeProblem.BAD_SIGNATURE: "the signature is not good: somebody changed the code, or made it up",
    CodeProblem.NO_SECRET: "it changes, and without --rotating nothing can be said of its digits",
    CodeProblem.WRONG_STEP: "its digits are not those of now: a picture of the code, or clocks that differ",
    CodeProblem.NOT_YET_VALID: "its time has not begun",
    CodeProblem.EXPIRED: "its time is over",
}


@click.group("codes")
def command() -> None:
    """Ticket codes: make them, and look at one."""


@command.group("keys")
def keys() -> None:
    """The keys that codes are made with."""


@keys.command("make")
@click.option("--issuer", metavar="NAME", default="office", show_default=True, help="Who answers for the codes.")
@click.option(
    "--key", metavar="FILE", type=_FILE, default="issuer.key", show_default=True, help="Signs; made if absent."
)
@click.option("--rotating", metavar="FILE", type=_FILE, help="The secret of codes that change as well; made if absent.")
@json_option
def make(issuer: str, key: Path, rotating: Path | None, as_json: bool) -> None:
    """Make the issuer's key pair, if there is none yet. What is there already is kept, and shown.

    The same key may sign manifests. The secret of changing codes goes to the gates: never give them the event's.
    """
    public = issuer_key(key, issuer).public_key().public_bytes_raw()
    if rotating is not None and not rotating.exists():
        write_secret(rotating, os.urandom(SECRET_BYTES))
        note(
            f"made a new secret for changing codes in {rotating}: each gate's reader needs it, as totp={rotating.name}"
        )
    elif rotating is not None:
        read_secret(rotating, SECRET_BYTES)
    told = {"issuer": issuer, "key_id": key_id_of(public).hex(), "public_key": public.hex()}
    if as_json:
        say_json(told | {"fingerprint": fingerprint(public)})
    else:
        click.secho(f"{issuer}, key {told['key_id']}", bold=True)
        click.echo(f"  {public.hex()}\n  {fingerprint(public)}\n  public half in {key.with_suffix('.pub')}")


@command.command("issue", short_help="Make signed codes for the tickets of a table.")
@click.argument("table", type=_THERE)
@click.option("--out", metavar="FILE", required=True, type=_FILE, help="The CSV file to write; it must not exist.")
@click.option("--event", metavar="NAME", required=True, help="The event, as gates and tickets name it.")
@click.option("--issuer", metavar="NAME", default="office", show_default=True, help="Who answers for the codes.")
@click.option(
    "--key", metavar="FILE", type=_FILE, default="issuer.key", show_default=True, help="Signs; made if absent."
)
@click.option("--rotating", metavar="FILE", type=_THERE, help="Make codes that change, with this secret.")
@click.option("--step-s", type=click.IntRange(1, 3600), default=15, show_default=True, help="How often they change.")
@click.option("--from", "begins", metavar="TIME", help="From when codes are good [default: now].")
@click.option("--until", metavar="TIME", help="Until when [default: as long as each ticket].")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="Of times without an offset.")
@click.option("--encoding", type=click.Choice(get_args(Encoding)), default="utf-8", show_default=True)
@json_option
def issue(
    table: Path,
    out: Path,
    event: str,
    issuer: str,
    key: Path,
    rotating: Path | None,
    step_s: int,
    begins: str | None,
    until: str | None,
    timezone: str,
    encoding: Encoding,
    as_json: bool,
) -> None:
    """Make signed codes for the tickets in TABLE, the one that the manifest is made of.

    Each number of the kind ticket_code gets a code. FILE tells ticket, number, times in Unix seconds and the code's
    text; of codes that change also the phone's key (base32), and where in the text the digits go. Who has FILE has
    the codes: it is written readable by you alone.
    """
    zone, now = zone_of(timezone), time.time()
    holdings = read_people(table, Event(event, zone), encoding=encoding)
    secret = RotatingSecret(read_secret(rotating, SECRET_BYTES), Rotation(step_s)) if rotating else None
    begin, end = _moment(begins, zone, "--from"), _moment(until, zone, "--until")
    if out.exists():
        raise CannotIssue(f"{out} is there already: move it away, or write to another file")
    press = Press(event, issuer_key(key, issuer), now if begin is None else begin, end, secret)
    printed = print_codes(holdings, press)
    write_secret(out, printed.as_csv().encode())
    key_id = key_id_of(press.key.public_key().public_bytes_raw()).hex()
    if as_json:
        say_json({"event": event, "codes": len(printed.rows), "without": printed.without, "key_id": key_id})
    else:
        click.echo(f"{len(printed.rows):,} codes for {event}, signed by {issuer}, key {key_id}")
    if printed.without:
        note(f"{printed.without:,} tickets have no number of the kind ticket_code, and got no code")


@command.command("show", short_help="Say what a code says, and whether it would be taken.")
@click.argument("code")
@click.option(
    "--issuer-key", "files", metavar="FILE", multiple=True, type=_THERE, help="[default: this lane's issuers]"
)
@click.option("--rotating", metavar="FILE", type=_THERE, help="The secret of codes that change.")
@click.option("--step-s", type=click.IntRange(1, 3600), default=15, show_default=True, help="How often they change.")
@config_option
@json_option
def show(
    code: str, files: tuple[Path, ...], rotating: Path | None, step_s: int, config_path: Path, as_json: bool
) -> None:
    """Say what CODE says and whether it would be taken now; `-` reads it from stdin. Exit code 1: it would not.

    In a shell put the code into single quotes: it may hold blanks and dollars.
    """
    text = sys.stdin.readline().rstrip("\r\n") if code == "-" else code
    public = [read_public_key(file, KeyUse.ISSUER) for file in files]
    issuers = {one.name: one.raw for one in public} if files else trusted(load(config_path))
    secret = RotatingSecret(read_secret(rotating, SECRET_BYTES), Rotation(step_s)) if rotating else None
    account = account_of(text, issuers, now := time.time(), secret)
    if as_json:
        say_json(account)
    else:
        _print(account, now)
    if account.problem is not None:
        raise SystemExit(Exit.NOT_RIGHT)


def _print(account: Account, now: float) -> None:
    if account.event:
        kind = "on paper" if account.kind is CodeKind.FIXED else "that changes"
        click.secho(f"a code {kind}, for {account.event}, ticket code {account.ticket}", bold=True)
        click.echo(f"good from  {clock(account.not_before)}\nuntil      {clock(account.not_after)}")
        whose = f"good, by {account.signed_by}" if account.signed_by else "NOT vouched for"
        click.echo(f"signature  {whose}, key {account.key_id}")
    if account.step_now is not None:
        click.echo(f"step       {_steps(account)}; now is {account.step_now}")
    if account.problem is None:
        click.secho(f"it would be taken now, {clock(now)}", fg="green")
    else:
        click.secho(_PROBLEMS[account.problem], fg="red")


def _steps(account: Account) -> str:
    if account.off_steps is None:
        return "the digits belong to no step near now"
    way = "behind" if account.off_steps < 0 else "ahead"
    return f"{account.step}" + (f", {abs(account.off_steps)} {way}" if account.off_steps else "")


def _moment(text: str | None, zone: ZoneInfo, option: str) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("a date and time, as in 2026-05-01T23:00", param_hint=option) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
