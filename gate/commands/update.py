"""`gatectl update`: another version of the program, from a signed release; and the way back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import clock, json_option, note, say_json

_home_option = click.option(
    "--home", type=click.Path(path_type=Path), default="/opt/menshen", envvar="MENSHEN_OPT", hidden=True
)


@click.group("update", invoke_without_command=True, short_help="Take up a signed release, or go back.")
@click.option("--from", "source", metavar="FILE|DIR|USB", help="The release, a folder with some, or a USB stick.")
@click.option(
    "--even-so", metavar="REASON", default="", help="Also while an event may be on; the reason is written down."
)
@click.option("--downgrade", is_flag=True, help="Also an older version.")
@click.option("--one-way", is_flag=True, help="Also one whose databases no older program reads.")
@click.option("--no-restart", is_flag=True, help="Leave the services as they are; it runs from their next start on.")
@click.option(
    "--keys", type=click.Path(path_type=Path), default="/etc/menshen", show_default=True, help="Release keys."
)
@_home_option
@json_option
@config_option
@click.pass_context
def command(
    ctx: click.Context,
    source: str | None,
    even_so: str,
    downgrade: bool,
    one_way: bool,
    no_restart: bool,
    keys: Path,
    home: Path,
    as_json: bool,
    config_path: Path,
) -> None:
    """Take up a release that its maker signed: unpacked beside the version that runs, proven, then switched to.

    The new version first admits a synthetic visitor on its own; one that can't is never switched to. One that does not
    come up afterwards makes room for the former by itself. While an event may be on nothing is done.

    Exit code 0: the new version runs; 1: refused, or the former runs on; 4: a file or the disk.
    """
    if ctx.invoked_subcommand is not None:
        return
    if source is None:
        raise click.UsageError("say --from FILE, a folder, or USB; or one of the commands: see --help")
    from gate.commands._updating import Order, carry_out
    from gate.update import Wishes

    order = Order(source, even_so, Wishes(downgrade, one_way), not no_restart, keys, home, config_path)
    outcome = carry_out(order)
    if as_json:
        say_json(outcome)
    else:
        more = f": {outcome.why}" if outcome.why else f", before it {outcome.before}" if outcome.before else ""
        click.echo(f"version {outcome.now} runs{more}")
    raise SystemExit(Exit.DONE if outcome.ok else Exit.NOT_RIGHT)


@command.command("status")
@_home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """Which version runs, which ran before, and whether the last update was taken back."""
    from gate.update_shelf import Shelf
    from gate.update_window import read_window

    shelf, window = Shelf(home), read_window(home)
    told: dict[str, object] = {"current": shelf.current(), "previous": shelf.previous()}
    told |= {"on_trial": shelf.on_trial(), "returned": shelf.was_returned(), "window": window}
    if as_json:
        say_json(told)
        return
    click.echo(f"runs      {shelf.current() or 'nothing installed'}\nbefore    {shelf.previous() or '-'}")
    if window is not None:
        click.echo(f"event     {clock(window.begins)} to {clock(window.ends)}")
    if shelf.on_trial():
        note("the version has not come up yet; where it does not, the one before is put back")
    if shelf.was_returned():
        note("the last update did not come up, and the version before was put back")


@command.command("back")
@click.option("--no-restart", is_flag=True, help="Leave the services as they are.")
@_home_option
def back(no_restart: bool, home: Path) -> None:
    """Go back to the version before."""
    from gate.commands._updating import restart_services
    from gate.update_shelf import Shelf

    shelf = Shelf(home)
    with shelf.locked():
        click.echo(f"version {shelf.return_home(meant=True)} runs from the next start on")
    if not no_restart:
        restart_services()


@command.command("window")
@click.option("--begins", required=True, metavar="TIME", help='As in "2026-05-01 19:30", this machine\'s time.')
@click.option("--ends", required=True, metavar="TIME")
@_home_option
def window(begins: str, ends: str, home: Path) -> None:
    """Say when the event is: nothing is updated from two hours before it to its end."""
    from gate.update_window import Window, tell

    try:
        tell(home, Window(*(datetime.fromisoformat(text).timestamp() for text in (begins, ends))))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@command.command("prove", short_help="Admit one synthetic visitor with this version.")
@click.option("--but", default="", metavar="CODES", help="Fatal codes that were there before.")
@config_option
def prove(but: str, config_path: Path) -> None:
    """Understand this lane's configuration and admit one synthetic visitor, on sockets of its own."""
    from gate.update_proof import ProofFailed
    from gate.update_proof import prove as carry_out

    try:
        took_s = carry_out(config_path, {code for code in but.split(",") if code})
    except ProofFailed as error:
        click.echo(str(error))
        raise SystemExit(Exit.NOT_RIGHT) from None
    click.echo(f"a synthetic visitor was admitted, {took_s:.1f} s with the start", err=True)
