"""`gatectl metrics`: the lane's figures, as Prometheus reads them."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import note

ANSWER_S = 5.0


@click.command("metrics", short_help="Print the lane's figures, as Prometheus reads them.")
@config_option
def command(config_path: Path) -> None:
    """Print what the running gate counts: steps and words, devices, data, ledger, disk, clock.

    The same is on a Unix socket (see [metrics] in gatectl config sample), and where the configuration names an address,
    on the network, told by gatectl sync.
    """
    from gate.config import load

    path = load(config_path).metrics_path
    try:
        click.echo(ask(path), nl=False)
    except OSError as error:
        note(f"no gate tells figures on {path}: {error.strerror or error}")
        raise SystemExit(Exit.DEVICE) from None


def ask(path: Path) -> str:
    """The text on the socket. Raises `OSError` where nobody answers, or not with figures."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(ANSWER_S)
        line.connect(str(path))
        line.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        with line.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise ConnectionResetError("it gave no figures")
    return body.decode()
