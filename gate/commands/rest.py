"""`gatectl rest`: the relay at rest, whatever became of the gate."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from gate.commands._config import config_option


@click.command("rest")
@config_option
def command(config_path: Path) -> None:
    """Put this lane's relay to rest. For the service, after the gate's end; a gate that runs does so itself.

    A gate that is killed at the wrong moment leaves the contact of a simple board closed. Exit code 5: the relay does
    not answer.
    """
    from drivers import connect
    from gate.config import load

    with closing(connect("relay", load(config_path).devices.relay)) as relay:
        relay.hold(False)
