"""`gatectl demo`: an evening at the gate, without hardware."""

from __future__ import annotations

from pathlib import Path

import click

_READERS = ("sam", "emrtd", "pcsc", "line", "osdp")


@click.command("demo", short_help="Play an evening at the gate, without hardware.")
@click.option(
    "--reader",
    type=click.Choice(_READERS),
    default="sam",
    show_default=True,
    help="What reads documents: ID cards, passports, contactless cards, codes, badges.",
)
@click.option(
    "--gates",
    metavar="N",
    type=click.IntRange(2, 8),
    default=None,
    help="So many gates and their server instead: one ticket at two gates, a withdrawal, a cut cable.",
)
@click.option(
    "--profile",
    type=click.Choice(["concert", "hospital"]),
    default="concert",
    show_default=True,
    help="A concert's evening, or a morning at a hospital's entrance.",
)
@click.option("--people", metavar="N", type=click.IntRange(min=0), default=0, help="So many visitors more.")
@click.option(
    "--faces",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Real photographs, a folder for each person, instead of drawn visitors.",
)
@click.option(
    "--pace",
    metavar="SECONDS",
    type=click.FloatRange(min=0, max=60),
    default=0.0,
    help="Wait between visitors, to watch.",
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON, for programs.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="Keep ledger, configuration and log there.",
)
def command(
    reader: str,
    profile: str,
    gates: int | None,
    people: int,
    faces: Path | None,
    pace: float,
    as_json: bool,
    keep: Path | None,
) -> None:
    """Play an evening: a whole lane with simulated devices, from the ticket to the turnstile.

    Passports (emrtd) and contactless cards (pcsc) go through a real pcscd, which the demo starts for itself: that
    takes `apt-get install pcscd vsmartcard-vpcd` and pyscard. Badges (osdp) take libosdp.

    Exit code 1: something did not go as it should; 5: what the reader needs is not installed.
    """
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.BadParameter(f"{keep} is not empty: name a new folder", param_hint="--keep")

    if profile == "hospital" and (gates is not None or people or reader != "sam"):
        raise click.UsageError("--profile hospital goes with --faces, --pace, --json and --keep alone")
    if gates is not None:
        raise SystemExit(_city(gates, people, as_json, keep, alone=reader == "sam" and faces is None and not pace))

    from gate.demo.evening import main
    from models.decision import Profile

    of = Profile(profile)
    raise SystemExit(main(people=people, faces=faces, pace=pace, as_json=as_json, keep=keep, reader=reader, profile=of))


def _city(gates: int, people: int, as_json: bool, keep: Path | None, *, alone: bool) -> int:
    if not alone:
        raise click.UsageError("--gates goes with --people, --json and --keep alone")
    try:
        from gate.demo.city import main
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"the server needs {missing.name}: pip install 'menshen[hub]'") from None
    return main(gates, people=people, as_json=as_json, keep=keep)
