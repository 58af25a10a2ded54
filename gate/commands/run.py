"""`gatectl run`: serve this lane."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import config_option


@click.command("run")
@config_option
def command(config_path: Path) -> None:
    """Serve this lane until SIGTERM or SIGINT. The log goes to stderr."""
    # The configuration first: what is wrong with it is told before anything large is loaded.
    from gate.config import load

    config = load(config_path)
    from gate.daemon import run
    from gate.log import set_up

    set_up(config.gate.log_level)
    run(config)
