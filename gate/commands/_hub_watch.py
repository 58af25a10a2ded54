"""`gatectl hub watch`: a list of persons from this keyboard: bring one in, look at it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.commands._hub_opened import OPERATOR, opened
from gate.commands._out import clock, json_option, say_json

if TYPE_CHECKING:
    from sync.server.hub import Hub
    from sync.server.permissions import Person
    from sync.server.settings import Settings
    from sync.server.watch_import import Report
    from sync.server.watch_import_rows import Defaults

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
LOOK_S = 0.5


@click.group("watch")
def command() -> None:
    """Lists of persons. Entries are approved at the pages, by two people of different roles."""


@command.command("import")
@click.argument("table", type=_file)
@click.option("--photographs", metavar="ZIP", type=_file, help="The files that the column photo names.")
@click.option("--owner", metavar="NAME", default="", help="Who answers for rows that don't say it.")
@click.option("--purpose", metavar="WORD", default="", help="scalping, order, court_ban, frequent or missing.")
@click.option("--action", metavar="WORD", default="", help="notify, review or refuse_unless_cleared.")
@click.option("--appeal", metavar="WORDS", default="", help="Where the listed person turns to.")
@click.option("--legal-basis", metavar="WORDS", default="", help="For a photograph, or for stopping somebody.")
@click.option("--evidence", metavar="WORDS", default="", help="Where the evidence is: a case number, a decision.")
@click.option("--propose", is_flag=True, help="Propose the rows that can be lawful; else they are forgotten.")
@json_option
@click.pass_obj
def bring_in(
    settings: Settings, /, table: Path, photographs: Path | None, propose: bool, as_json: bool, **said: Any
) -> None:
    """Read a list from TABLE (CSV or XLSX) and say of each row what it lacks to be lawful."""
    from sync.server.watch_import import drop_import, propose_import
    from sync.server.watch_import_rows import Defaults

    with opened(settings) as hub:
        person = _operator()
        job, report = _read(hub, person, table, photographs, Defaults(**said))
        with hub.begin() as connection:
            if propose:
                propose_import(hub, connection, person, job)
            else:
                drop_import(hub, connection, person, job)
    if as_json:
        say_json({"job": job, "proposed": report.good if propose else 0, "report": report})
        return
    for line in report.lines:
        cells = f" ({', '.join(line.cells)})" if line.cells else ""
        click.echo(f"row {line.row}: {'goes in' if line.good else 'left out'}: {', '.join(line.faults)}{cells}")
    click.echo(f"{report.rows:,} rows, {report.good:,} can be listed; {report.good if propose else 0:,} were proposed")


@command.command("list")
@click.option("--state", metavar="WORD", default="", help="proposed, approved, active, contested, suspended, …")
@click.option("--purpose", metavar="WORD", default="")
@json_option
@click.pass_obj
def list_all(settings: Settings, state: str, purpose: str, as_json: bool) -> None:
    """List the entries, the latest change first."""
    from sync.server.watch_look import Wanted, list_entries

    with opened(settings) as hub, hub.begin() as connection:
        wanted = Wanted(state, purpose)
        found = list_entries(hub, connection, _operator(), wanted, limit=1_000_000)
    for one in found.entries:
        if as_json:
            say_json(one)
        else:
            click.echo(
                f"{one.entry}  {one.state}  {one.purpose}  {one.action}  {one.owner}; until {clock(one.valid_to)}; "
                f"{one.approvals} of 2 approvals"
            )


@command.command("show")
@click.argument("entry")
@json_option
@click.pass_obj
def show(settings: Settings, entry: str, as_json: bool) -> None:
    """Show ENTRY with its history."""
    from sync.server.watch_look import look_at

    with opened(settings) as hub, hub.begin() as connection:
        found = look_at(hub, connection, _operator(), entry)
    if as_json:
        say_json(found)
        return
    told = found.told
    click.echo(f"{told.entry}, version {told.version}: {told.state}\n{told.purpose}, {told.action}, by {told.owner}")
    click.echo(f"from {clock(told.valid_from)} until {clock(told.valid_to)}; appeal: {found.appeal}")
    for step in found.history:
        click.echo(f"{clock(step.at)}  {step.act.removeprefix('watch.')} by {step.actor}: {step.state}  {step.why}")


def _read(hub: Hub, person: Person, table: Path, photographs: Path | None, defaults: Defaults) -> tuple[str, Report]:
    """Wait until the list is read."""
    from sync.server.imports import new_folder
    from sync.server.watch_import import ListFile, ListState, begin, import_row, report_of

    folder = new_folder(hub)
    here = folder / f"list{table.suffix.lower()}"
    shutil.copyfile(table, here)
    pictures = Path(shutil.copyfile(photographs, folder / "photographs.zip")) if photographs else None
    job = begin(hub, person, ListFile(table.name, here, pictures), defaults, folder)
    while True:
        with hub.engine.connect() as connection:
            row = import_row(connection, person, job)
        if row.state != ListState.READING:
            break
        time.sleep(LOOK_S)
    if row.state == ListState.FAILED:
        raise click.ClickException("the photographs could not be read: look whether the face engine can be opened")
    return job, report_of(row)


def _operator() -> Person:
    from sync.server.permissions import Person, Role

    return Person(OPERATOR, OPERATOR, Role.OWNER, None, "en")
