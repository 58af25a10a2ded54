"""The option by which a command finds this lane's configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT = "/etc/menshen/gate.toml"

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """`--config FILE`, handed to the command as `config_path`."""
    return click.option(
        "--config",
        "config_path",
        metavar="FILE",
        type=click.Path(path_type=Path),
        envvar="MENSHEN_CONFIG",
        default=DEFAULT,
        show_default=True,
        show_envvar=True,
        help="This lane's configuration.",
    )(command)
