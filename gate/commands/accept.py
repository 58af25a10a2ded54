"""`gatectl accept`: take a lane over with the house, thing by thing, and sign what came of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.commands._accept import AtTerminal, show, word_of
from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import clock, json_option, note, say_json
from models.version import VERSION

if TYPE_CHECKING:
    from gate.accept import Item, Report
    from gate.config import Config

FILE_MODE = 0o640
_VERIFY = "Look at a report instead: is it as it was signed, and by whom?"
_SKIP = "Do not look at this, and why; may be repeated."
_HEADS = "How many people are looked at for the camera's height."


@click.command("accept", short_help="Take a lane over: every device by a person's eye, and a signed report.")
@click.option("--by", default="", metavar="NAMES", help="Who is there, for the report.")
@click.option("--remarks", default="", help="What else is to stand in the report.")
@click.option("--only", default="", metavar="NAMES", help="Some things only, with commas between them.")
@click.option("--skip", "skips", multiple=True, metavar="NAME=REASON", help=_SKIP)
@click.option("--wait", "wait_s", type=click.FloatRange(0.1, 600), default=30.0, show_default=True, help="Seconds.")
@click.option("--heads", type=click.IntRange(3, 20), default=3, show_default=True, help=_HEADS)
@click.option("--yes", is_flag=True, help="Ask nobody: what only eyes can tell counts as seen. For rehearsals.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where the report goes.")
@click.option("--verify", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help=_VERIFY)
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True)
@json_option
@config_option
def command(
    by: str,
    remarks: str,
    only: str,
    skips: tuple[str, ...],
    wait_s: float,
    heads: int,
    yes: bool,
    out: Path | None,
    verify: Path | None,
    root: Path,
    as_json: bool,
    config_path: Path,
) -> None:
    """Lead through lamp, reader, camera, height, turnstile, fire input and power of this lane, which must be stopped.

    Each thing passed, failed, was skipped with a reason, or is not there. The report is signed with the key that signs
    the lane's ledger and lies in the state folder's `acceptance`, as JSON and, where reportlab is installed, as a PDF.
    Exit status 1 when something failed.
    """
    if verify is not None:
        raise SystemExit(_verify(verify, config_path, as_json))
    from gate.accept_ask import Scripted
    from gate.accept_bench import Bench
    from gate.accept_steps import STEPS, walk
    from gate.check.around import Around

    names = tuple(name.strip() for name in only.split(",") if name.strip())
    skipped = _skipped(skips)
    if unknown := [name for name in (*names, *skipped) if name not in STEPS]:
        raise click.UsageError(f"{', '.join(unknown)}: there are {', '.join(STEPS)}")
    around = Around(config_path)
    config = _config(config_path)
    if around.gate_at_work:
        raise click.UsageError("the gate is at work and has the devices: stop it first, systemctl stop gate")
    ask = Scripted(skipped, tell=note) if yes else AtTerminal(skipped)
    names_of_those = by or ("nobody asked" if yes else click.prompt("who is there, for the report", err=True))
    items: list[Item] = []
    for item in walk(Bench(config, ask, wait_s, root, heads=heads), names):
        say_json(item) if as_json else show(item)
        items.append(item)
    report = _report(config, names_of_those, remarks, items, rehearsal=yes)
    _write(config, report, out or config.gate.state_dir / "acceptance", as_json)
    raise SystemExit(Exit.DONE if report.accepted else Exit.NOT_RIGHT)


def _config(path: Path) -> Config:
    from gate.config import load

    return load(path)


def _skipped(skips: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in skips]
    if any(not reason.strip() for _, _, reason in pairs):
        raise click.BadParameter("a skip needs a reason, as in power=the UPS comes on Monday", param_hint="--skip")
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def _report(config: Config, by: str, remarks: str, items: list[Item], *, rehearsal: bool) -> Report:
    from gate.accept import Report
    from gate.check.devices import lane_devices
    from gate.clock import Clock

    now = Clock()
    devices = {name: url for name, _, url in lane_devices(config.devices)}
    return Report(
        config.gate.name, now.wall(), by, VERSION, tuple(items), devices, now.trusted, remarks, rehearsal=rehearsal
    )


def _write(config: Config, report: Report, folder: Path, as_json: bool) -> None:
    from gate.accept import sign
    from gate.accept_pdf import as_pdf, can_be_made
    from gate.kept import write_whole
    from models.store.keys import fingerprint, load_or_make_signing_key

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = load_or_make_signing_key(config.secrets.signing_key)
    content = sign(report, key)
    mark = fingerprint(key.public_key().public_bytes_raw())
    stem = f"{report.gate}-{clock(report.at, config.gate.timezone).replace(' ', '-').replace(':', '')}"
    files = [folder / f"{stem}.json"]
    write_whole(files[0], content, FILE_MODE)
    if can_be_made():
        files.append(folder / f"{stem}.pdf")
        write_whole(
            files[1], as_pdf(report, hashlib.sha256(content).hexdigest(), mark, config.gate.timezone), FILE_MODE
        )
    else:
        note("no PDF: reportlab is not installed here; the signed JSON is the report")
    if as_json:
        say_json({"accepted": report.accepted, "files": [str(path) for path in files], "fingerprint": mark})
        return
    click.secho(word_of(report), fg="green" if report.accepted else "red", bold=True)
    for path in files:
        click.echo(str(path))


def _verify(path: Path, config_path: Path, as_json: bool) -> Exit:
    from gate.accept import MOST_BYTES, NotGenuine, verify
    from models.store.keys import fingerprint

    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        signed = verify(content)
    except NotGenuine as error:
        say_json({"genuine": False, "why": str(error)}) if as_json else click.secho(f"{path}: {error}", fg="red")
        return Exit.NOT_RIGHT
    report, own = signed.report, _own_key(config_path)
    ours = "" if own is None else "this lane's key" if own == signed.key else "another lane's key"
    mark = fingerprint(bytes.fromhex(signed.key))
    if as_json:
        say_json(
            {"genuine": True, "accepted": report.accepted, "gate": report.gate, "fingerprint": mark, "whose": ours}
        )
        return Exit.DONE
    for item in report.items:
        show(item)
    click.echo(f"{report.gate}, {clock(report.at)}, by {report.by}: {word_of(report)}")
    click.echo(f"as it was signed, by {mark}{f', {ours}' if ours else ''}")
    note("compare the fingerprint with this device on the hub's page")
    return Exit.DONE


def _own_key(config_path: Path) -> str | None:
    """This lane's public key, where there is a lane with one."""
    from gate.config import ConfigError, load
    from models.store.errors import StoreError
    from models.store.keys import load_or_make_signing_key

    try:
        path = load(config_path).secrets.signing_key
        return load_or_make_signing_key(path).public_key().public_bytes_raw().hex() if path.exists() else None
    except (ConfigError, StoreError, OSError):
        return None
