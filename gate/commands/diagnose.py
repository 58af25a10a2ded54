"""`gatectl diagnose`: one file for who helps, with nothing in it of who came."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json


@click.command("diagnose", short_help="Write a support bundle, or scan one.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@click.option(
    "--log", metavar="FILE", type=click.Path(exists=True, path_type=Path), help="A log in the journal's place."
)
@click.option("--probe", is_flag=True, help="Open the devices too, where no gate has them.")
@click.option("--scan", metavar="FILE", type=click.Path(exists=True, path_type=Path), help="Scan a bundle or folder.")
@json_option
@config_option
def command(
    out: Path | None, log: Path | None, probe: bool, scan: Path | None, as_json: bool, config_path: Path
) -> None:
    """Write a support bundle: logs, versions, configuration, findings, step times, ledger statistics, blanked tapes.

    Before it is written every part is searched for ID numbers, names, passports, telephones, pictures, vectors and
    secrets, in every usual encoding; what is found is blanked and counted. --scan searches a file or folder that is
    there already, and changes nothing.

    Exit code 0: written, or nothing found; 1: a part had to be left out, or --scan found something; 4: no file.
    """
    if scan is not None:
        raise SystemExit(_scan(scan, as_json))
    from gate.check.around import Around
    from gate.diagnose import collect, write
    from gate.diagnose_parts import gathers, known_secrets

    now = time.time()
    out = out or Path(f"menshen-diagnose-{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}.tar.gz")
    around = Around(config_path, now=now)
    bundle = collect(around, gathers(log, probe=probe), known_secrets(around))
    write(bundle, out, now)
    if as_json:
        say_json({"file": str(out), "bytes": out.stat().st_size, **bundle.report()})
    else:
        click.echo(f"{out}: {len(bundle.parts)} parts, {out.stat().st_size / 1000:.0f} kB")
        for part, kinds in bundle.blanked.items():
            note(f"blanked in {part}: {_kinds(kinds)}")
        for part, why in bundle.left_out.items():
            note(f"left out: {part}: {why}")
    raise SystemExit(Exit.NOT_RIGHT if bundle.left_out else Exit.DONE)


def _scan(path: Path, as_json: bool) -> Exit:
    """What there is, by kind; never the thing itself."""
    from gate.detector import scan

    troves = list(scan(path))
    for trove in troves:
        if as_json:
            say_json({"where": trove.where, "found": trove.counts})
        else:
            click.echo(f"{trove.where}: {_kinds(trove.counts)}")
    if as_json:
        say_json({"ok": not troves, "parts": len(troves)})
    elif not troves:
        click.echo(f"{path}: nothing personal and no secret was found")
    return Exit.NOT_RIGHT if troves else Exit.DONE


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
