"""`gatectl models`: which face models there are, here and elsewhere, and getting one onto this machine."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from drivers import connect
from drivers.errors import DriverError
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json
from gate.model_shelf import FOLDER, Shelved, put, put_card, put_file, shelved
from models.face_card import FaceCard
from models.face_models import ADDRESSES, DLIB, KNOWN
from sync.model_fetch import fetch

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where this machine's models are.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A model as the list shows it. `address` is its URL here, empty where it is not installed."""

    name: str
    model_version: str
    runner: str
    size: int
    address: str
    populations: tuple[str, ...]
    licence: str
    origin: str
    warning: str
    troubles: tuple[str, ...] = ()


@click.group("models")
def command() -> None:
    """Face models: list, install, verify."""


@command.command("list")
@folder_option
@json_option
def list_models(folder: Path, as_json: bool) -> None:
    """Tell the models this program knows and those installed here, with what was measured of them."""
    here = {one.card.model_version: one for one in shelved(folder)}
    known = {card.model_version: card for card in KNOWN}
    for version, card in (known | {version: one.card for version, one in here.items()}).items():
        line = _line(card, here.get(version))
        if as_json:
            say_json(line)
        else:
            _print(card, line)


@command.command("install")
@click.argument("what", metavar="FILE|NAME")
@folder_option
def install(what: str, folder: Path) -> None:
    """Install a face model from FILE, or fetch the one that is known as NAME.

    FILE is a file of a known model, in any order and under any name; or a card (.toml) with its network beside it; or
    a network of dlib's shape (.dat). What is not what it should be, by hash, is refused.
    """
    known = next((card for card in KNOWN if card.name == what and card.files), None)
    if known is not None and not Path(what).exists():
        whole = _fetch(known, folder)
    elif what.endswith(".dat"):
        _install_weights(Path(what), folder)
        return
    else:
        path = Path(what)
        whole = [put_card(path, folder)] if path.suffix == ".toml" else put_file(path, folder)
    if not whole:
        note("kept; the model's other files are still missing: gatectl models list tells them")
    for one in whole:
        _say_installed(one.card.model_version, one.address, one.card.warning)


@command.command("verify")
@folder_option
def verify(folder: Path) -> None:
    """Hold every installed file against its card, and open every model once. Exit code 1 where something is wrong."""
    wrong = 0
    for one in shelved(folder):
        troubles = one.troubles or _opening_trouble(one)
        wrong += bool(troubles)
        for trouble in troubles or ("all files are what the card says, and it opens",):
            click.echo(f"{one.card.name}: {trouble}")
    if wrong:
        raise click.exceptions.Exit(Exit.NOT_RIGHT)


def _opening_trouble(one: Shelved) -> tuple[str, ...]:
    try:
        with closing(connect("face", one.address)):
            return ()
    except DriverError as error:
        return (str(error),)


def _fetch(card: FaceCard, folder: Path) -> list[Shelved]:
    whole = []
    for file in card.files:
        if not (folder / file.name).exists():
            address = ADDRESSES.get(file.sha256)
            if address is None:
                raise click.UsageError(
                    f"{file.name} of {card.name} is published nowhere that could be told: install it from a file"
                )
            note(f"fetching {file.name}, {file.size:,} bytes")
            put(folder, file.name, fetch(address, file))
        whole = put_file(folder / file.name, folder)
    return whole


def _install_weights(path: Path, folder: Path) -> None:
    """A network of dlib's shape needs no card: its driver reads it, or says that it can't."""
    with closing(connect("face", f"dlib:?weights={path.absolute()}")) as engine:
        version = engine.model_version
    kept = put(folder, path.name, path.read_bytes())
    _say_installed(version, f"dlib:?weights={kept.absolute()}", "no bands: nobody has measured it through this program")


def _say_installed(version: str, address: str, warning: str) -> None:
    click.echo(f'installed {version}. In gate.toml, and wherever photographs are enrolled:\n\n  face = "{address}"\n')
    if warning:
        note(f"note: {warning}")
    note(
        "Faces enrolled by another model can't be compared with it: until a manifest is made anew from the photographs"
        f" (gatectl manifest build PEOPLE PHOTOS --face {address}), or at the server by importing them again, every"
        " face goes to a person."
    )


def _line(card: FaceCard, here: Shelved | None) -> Line:
    address = here.address if here else ("dlib:" if card == DLIB else "")
    return Line(
        card.name,
        card.model_version,
        card.runner,
        sum(file.size for file in card.files),
        address,
        tuple(each.population for each in card.measured),
        card.licence,
        card.origin,
        card.warning,
        here.troubles if here else (),
    )


def _print(card: FaceCard, line: Line) -> None:
    click.secho(line.model_version, bold=True, nl=False)
    click.echo(f"  {line.address or 'not installed'}")
    click.echo(f"  {line.origin}; {line.licence}")
    for each in card.measured:
        click.echo(f"  {each.population}: accept {each.accept:g}, refuse {each.refuse:g}; measured on {each.on}")
    if line.warning:
        click.echo(f"  note: {line.warning}")
    if not line.address:
        for file in card.files:
            click.echo(f"  needs {file.name}, {file.size:,} bytes, SHA-256 {file.sha256}")
    for trouble in line.troubles:
        click.secho(f"  {trouble}", fg="red")
