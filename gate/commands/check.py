"""`gatectl check`: look at everything that may be wrong with this lane, and say what to do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import click

from gate.commands._check import Report, exits, language_of
from gate.commands._config import config_option

WATCH_S = 30.0
_ONLY = "Concerns to look at, with commas between them; without it, all."


@click.command("check")
@click.option("--only", default="", metavar="NAMES", help=_ONLY)
@click.option("--watch", is_flag=True, help="Go on looking until interrupted, and tell what comes and goes.")
@click.option("--every", "every_s", type=click.FloatRange(1, 86400), default=WATCH_S, show_default=True)
@click.option("--no-probe", is_flag=True, help="Open no device; without it they are asked, where no gate has them.")
@click.option("--quick", is_flag=True, help="Do not walk through the whole ledger.")
@click.option("--digest", default="", metavar="HEX", help="The manifest's digest as its issuer shows it, to compare.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True)
@click.option("--lang", type=click.Choice(("en", "zh")), help="The language of causes and fixes; else that of LANG.")
@click.option("--list", "list_concerns", is_flag=True, help="Print the concerns' names, and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, and one at the end.")
@config_option
@click.pass_context
def command(
    ctx: click.Context,
    only: str,
    watch: bool,
    every_s: float,
    no_probe: bool,
    quick: bool,
    digest: str,
    root: Path,
    lang: str | None,
    list_concerns: bool,
    as_json: bool,
    config_path: Path,
) -> None:
    """Look at everything that may be wrong with this lane; for each finding its code, its cause and what to do.

    Exit code by the gravest finding: 0 nothing or notes, 10 a warning, 11 an error, 12 fatal. While a gate runs, it has
    the devices and is asked; otherwise they are opened, and nothing moves.
    """
    from gate.check.around import Around
    from gate.check.walk import CONCERNS, check

    if list_concerns:
        click.echo("\n".join(CONCERNS))
        return
    names = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in CONCERNS]:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(CONCERNS)}", param_hint="--only")
    report = Report(lang or language_of(os.environ), as_json)
    first = True
    while first or not threading.Event().wait(every_s):
        # Devices and the whole ledger once; after that only what may change by itself.
        deep = first or not watch
        around = Around(config_path, root, probe=deep and not no_probe, thorough=deep and not quick)
        around.issued_digest = digest
        report.tell(check(around, names), again=not first, partial=not deep)
        first = False
        if not watch:
            break
    ctx.exit(exits(report.worst))
