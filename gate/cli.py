"""`gatectl`: what a technician types. Each command is a module of `gate.commands`, imported when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil
import traceback

import click

from gate import commands
from gate.commands._exits import exit_for, is_foreseen, table
from models.version import VERSION


class Commands(click.Group):
    """The commands by their file names. What goes wrong becomes a sentence on stderr and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted; nothing is imported."""
        found = (module.name for module in pkgutil.iter_modules(commands.__path__))
        return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}").command
        return found

    def invoke(self, ctx: click.Context) -> object:
        """Carry the command out. Foreseen trouble needs no traceback; the rest is ours and shows one."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own: wrong use, a wanted end, and a reader like `head` that has seen enough
        except (Exception, KeyboardInterrupt) as error:
            click.echo(f"gatectl: {_words(error)}" if is_foreseen(error) else traceback.format_exc(), err=True)
            ctx.exit(int(exit_for(error)))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The exit codes, below the commands."""
        with formatter.section("Exit codes"):
            formatter.write_dl(table())


def _words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@click.command("gatectl", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="gatectl")
def main() -> None:
    """Menshen, a real-name admission gate: run it, feed it, and ask it why."""


if __name__ == "__main__":
    main(prog_name="gatectl")
