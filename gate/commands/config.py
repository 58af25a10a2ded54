"""`gatectl config`: is the file right, and what could stand in it."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import DEFAULT
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json


@click.group("config")
def command() -> None:
    """Check a configuration, or print a sample of one."""


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
