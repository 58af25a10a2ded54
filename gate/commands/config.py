"""`gatectl config`: is the file right, what could stand in it, and how it gets to another machine."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import DEFAULT, config_option
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json


@click.group("config")
def command() -> None:
    """Check a configuration, print a sample of one, take it to another machine."""


@command.command("check")
@click.argument(
    "file", type=click.Path(path_type=Path), envvar="MENSHEN_CONFIG", default=DEFAULT, metavar="[FILE]", required=False
)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Tell all problems of FILE (default: $MENSHEN_CONFIG, or /etc/menshen/gate.toml)."""
    from gate.config import ConfigError, load

    try:
        config = load(file)
    except ConfigError as error:
        if not as_json:
            raise
        say_json({"ok": False, "file": str(file), "problems": error.problems})
        raise SystemExit(Exit.CONFIGURATION) from None
    if as_json:
        say_json({"ok": True, "file": str(file), "problems": []})
        return
    click.echo(f"{file}: the configuration of lane {config.gate.name} can be used")
    if not config.gate.issuers:
        note("no issuer is named: this lane believes the manifests of the server it is enrolled at, and no others")
    for missing in (path for path in config.gate.issuers if not path.is_file()):
        note(f"not there yet: {missing}, an issuer's public key")


@command.command("sample")
def sample() -> None:
    """Print a commented configuration that loads as it stands."""
    from gate.config import sample as text

    click.echo(text(), nl=False)


@command.command("export")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Else it is printed.")
@config_option
def export_(out: Path | None, config_path: Path) -> None:
    """Write all that makes this lane but its secrets and its identity: no keys, no papers, no name."""
    from gate.config_lane import export

    _hand_out(export(config_path).to_text(), out)


@command.command("clone")
@click.option("--name", required=True, metavar="NAME", help="What the further lane is called.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Else it is printed.")
@config_option
def clone_(name: str, out: Path | None, config_path: Path) -> None:
    """Write an export for a further lane called NAME; the machine that takes it up is enrolled by itself."""
    from gate.config_lane import clone

    _hand_out(clone(config_path, name).to_text(), out)
    note(f"on the other machine: gatectl config import FILE, then gatectl enrol with a code of its own for {name}")


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", metavar="NAME", help="What this lane is called; else as it was, or as FILE says.")
@click.option("--yes", is_flag=True, help="Write without being asked.")
@click.option("--dry-run", is_flag=True, help="Show the differences, and write nothing.")
@json_option
@config_option
def import_(file: Path, name: str, yes: bool, dry_run: bool, as_json: bool, config_path: Path) -> None:
    """Make this machine's lane like the one of FILE: check it, show the differences, ask, write.

    Its own name and secrets stay; the former configuration is kept beside the new one as `.old`.
    """
    from gate.config_lane import LaneCopy, current, differences, merged, take_up, try_out

    copy = LaneCopy.from_text(file.read_text("utf-8"))
    before = current(config_path)
    after = merged(copy, before, name)
    try_out(after, config_path)
    changes = differences(before, after)
    if not as_json:
        for one in changes:
            click.echo(f"{one.key}: {one.before or '(not set)'} -> {one.after or '(not set)'}")
        click.echo(f"{config_path}: {len(changes) or 'no'} settings change")
    wanted = bool(changes) and not dry_run
    if wanted and not yes:
        wanted = not as_json and click.confirm("write it?")
    if wanted:
        take_up(copy, after, config_path)
        note("written; it holds from the next start of the gate: systemctl restart gate.target")
    if as_json:
        say_json({"written": wanted, "changes": changes})


def _hand_out(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
