"""`gatectl calibrate`: bands for this site's own people, from recorded scores or from photographs of volunteers."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import click

from drivers import connect
from gate.calibration import Calibration, calibrate, drift, read_scores, write_scores
from gate.calibration_faces import look
from gate.calibration_ledger import recorded
from gate.calibration_page import page
from gate.commands._exits import Exit
from gate.commands._ledger import ledger_file, ledger_option
from gate.commands._out import json_option, note, say_json
from models.face import FaceBands
from models.store.ledger_read import read_ledger
from models.wire import to_builtins, to_json

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)

_fmr = click.option(
    "--fmr",
    type=click.FloatRange(0.0, 0.5, min_open=True),
    default=1e-3,
    show_default=True,
    help="The rate of false matches to allow.",
)
_population = click.option("--population", default="site", show_default=True, help="Whom the bands are for.")
_report = click.option("--report", type=_OUT, help="Write an HTML page with plots here.")


@click.group("calibrate")
def command() -> None:
    """Face bands measured on a site's own people: error rates, thresholds, a report, and whether they have drifted."""


@command.command("scores")
@click.argument("file", type=_FILE)
@click.option("--model", required=True, help="The face model's version, as `gatectl models list` tells it.")
@click.option("--cohort", default="", help="The cohort's digest, where the distances were normalised.")
@_fmr
@_population
@_report
@json_option
def scores(
    file: Path, model: str, cohort: str, fmr: float, population: str, report: Path | None, as_json: bool
) -> None:
    """Bands from recorded scores: CSV with the columns distance, same (1 or 0) and, if wanted, group."""
    _tell(calibrate(read_scores(file), model, population, fmr, cohort), report, as_json)


@command.command("faces")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--face", default="dlib:", show_default=True, help="The face engine's address.")
@click.option("--scores", "kept", type=_OUT, help="Write the distances here; they name nobody.")
@_fmr
@_population
@_report
@json_option
def faces(
    folder: Path, face: str, kept: Path | None, fmr: float, population: str, report: Path | None, as_json: bool
) -> None:
    """Bands from FOLDER: a folder of pictures for each person, in folders of groups if wanted."""
    with closing(connect("face", face)) as engine:
        seen = look(folder, engine)
    lost = sum(seen.problems.values())
    note(f"{seen.pictures} pictures, {lost} without a usable face {seen.problems or ''}")
    if kept is not None:
        write_scores(kept, seen.scores)
    _tell(calibrate(seen.scores, seen.model_version, population, fmr), report, as_json)


@command.command("recorded")
@click.option("--scores", "kept", type=_OUT, required=True, help="Write the distances here; they name nobody.")
@ledger_option
def from_ledger(kept: Path, ledger: Path | None, config_path: Path) -> None:
    """The distances of a lane's own decisions, for `calibrate drift`. They set no thresholds."""
    with closing(read_ledger(ledger_file(ledger, config_path))) as reader:
        found = recorded(reader)
    write_scores(kept, found.scores)
    note(f"{len(found.scores)} comparisons by {found.model_version or 'no model'} {found.cohort}".rstrip())
    if found.passed_over:
        note(f"{found.passed_over} by another model or cohort were passed over")


@command.command("drift")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@json_option
def check_drift(before: Path, after: Path, as_json: bool) -> None:
    """Whether the distances AFTER are still those of BEFORE. Exit code 1 when they moved."""
    found = drift(read_scores(before), read_scores(after))
    for each in found:
        if as_json:
            say_json({**to_builtins(each), "moved": each.moved})
        else:
            word = "moved" if each.moved else "as before"
            click.echo(
                f"{each.what}: {word}; median {each.median_before:.3f} then ({each.before}), {each.median_after:.3f} "
                f"now ({each.after}); greatest gap {each.gap:.3f}, by chance up to {each.limit:.3f}"
            )
    if not found:
        raise click.UsageError("the two files have neither holders nor strangers in common")
    if any(each.moved for each in found):
        click.get_current_context().exit(int(Exit.NOT_RIGHT))


def _tell(found: Calibration, report: Path | None, as_json: bool) -> None:
    if report is not None:
        report.write_text(page(found, "Calibration of the face bands"), encoding="utf-8")
    if as_json:
        say_json(
            {
                "wanted_fmr": found.wanted_fmr,
                "bands": found.bands,
                "words": found.words,
                "groups": [{**to_builtins(row), "equal_error": str(row.equal_error)} for row in found.rows],
            }
        )
    else:
        _print(found)
    if found.bands is None:
        click.get_current_context().exit(int(Exit.NOT_RIGHT))


def _print(found: Calibration) -> None:
    for row in found.rows:
        click.echo(f"{row.group or 'everybody'}: equal error {row.equal_error:.2%}")
        click.echo(f"  at accept: false matches {row.fmr}; false non-matches {row.fnmr}")
    for words in found.words:
        click.echo(words)
    if found.bands is not None:
        click.echo(f"\ngatectl manifest build … --set '{_setting(found.bands)}'")


def _setting(bands: FaceBands) -> str:
    """The bands as the policy's setting; the distances are rounded to the strict side."""
    plain = {key: value for key, value in to_builtins(bands).items() if value not in ("", None)}
    rounded = {
        key: math.floor(value * 1e4) / 1e4 if isinstance(value, float) else value for key, value in plain.items()
    }
    return "bands=[{ " + ", ".join(f"{key} = {to_json(value).decode()}" for key, value in rounded.items()) + " }]"
