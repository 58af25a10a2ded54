"""`gatectl staff`: who works at this gate, and by which PIN each is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.commands._config import config_option
from gate.commands._out import console, json_option, note, say_json
from models.staff import Role

if TYPE_CHECKING:
    from gate.staff_book import StaffBook

_ROLES = click.Choice([role.value for role in Role])


@click.group("staff", short_help="Who works at this gate: the staff book and its PINs.")
def command() -> None:
    """Keep the staff book that [staff] book in the lane's configuration names.

    With a book, a word about a visitor needs somebody on shift, and an override, a change of mode or a setting needs a
    supervisor's PIN. Without one, whoever may open the gate's socket is trusted.

    A running gate sees a changed book within a second. Whoever is removed is no longer on shift. Three wrong PINs in a
    row hold their owner up for 5 seconds, further ones for longer, up to 15 minutes; each one stands in the ledger.
    PINs are kept as Argon2id hashes, so nobody can look one up: set another.
    """


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """Show who stands in the book, without PINs."""
    members = _book(config_path).members().values()
    if as_json:
        for member in members:
            say_json({"actor": member.actor, "name": member.name, "role": member.role})
        return
    for member in members:
        console().print(f"{member.actor:<16}  {member.role:<10}  {member.name}")


@command.command()
@click.argument("actor")
@click.option("--name", required=True, help="What colleagues call this person; shown at this lane and nowhere else.")
@click.option("--role", type=_ROLES, default=Role.STEWARD.value, show_default=True, help="What this person may do.")
@config_option
def add(actor: str, name: str, role: str, config_path: Path) -> None:
    """Write somebody in. ACTOR is what stands in the ledger: a staff number, say, and no full name."""
    book = _book(config_path)
    _told(lambda: book.add(actor, name, Role(role), _new_pin()))
    note(f"{actor} is in the book, as a {role}")


@command.command()
@click.argument("actor")
@config_option
def remove(actor: str, config_path: Path) -> None:
    """Strike somebody out; a shift ends with it."""
    book = _book(config_path)
    _told(lambda: book.remove(actor))
    note(f"{actor} is no longer in the book")


@command.command("set-pin")
@click.argument("actor")
@config_option
def set_pin(actor: str, config_path: Path) -> None:
    """Give somebody another PIN: 4 to 6 digits, not one that is tried first."""
    book = _book(config_path)
    if actor not in book.members():
        raise click.UsageError(f"{actor} is not in the book")
    _told(lambda: book.set_pin(actor, _new_pin()))
    note(f"{actor} has another PIN from now on")


def _new_pin() -> str:
    pin: str = click.prompt("PIN", hide_input=True, confirmation_prompt="The PIN once more", err=True)
    return pin


def _told(change: Callable[[], None]) -> None:
    """Carry a change out; what is wrong with it is told as wrong use."""
    from models.store.errors import StoreError

    try:
        change()
    except StoreError:
        raise
    except KeyError as error:
        raise click.UsageError(f"{error.args[0]} is not in the book") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _book(config_path: Path) -> StaffBook:
    from gate.config import load
    from gate.staff_book import StaffBook

    path = load(config_path).staff.book
    if path is None:
        raise click.UsageError(
            f'{config_path} names no staff book: give it one, as in\n\n[staff]\nbook = "/var/lib/menshen/staff.json"'
        )
    return StaffBook(path)
