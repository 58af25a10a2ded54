"""Which ledger a command reads: the one named, or this lane's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gate.commands._config import config_option

F = TypeVar("F", bound=Callable[..., Any])


def ledger_option(command: F) -> F:
    """`--ledger FILE` beside `--config FILE`, handed to the command as `ledger` and `config_path`."""
    named = click.option(
        "--ledger",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A ledger's file; without it, that of the lane of --config.",
    )
    return config_option(named(command))


def ledger_file(ledger: Path | None, config_path: Path) -> Path:
    """The ledger's file. Raises `ConfigError`."""
    if ledger is not None:
        return ledger
    from gate.config import load

    return load(config_path).gate.state_dir / "ledger.db"
