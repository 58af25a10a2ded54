"""`gatectl hub`: the central server, and what its operator does without a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.commands import _hub_erase, _hub_patterns, _hub_rebuild, _hub_upstream, _hub_watch
from gate.commands._hub_opened import KEPT, OPERATOR, kept_settings, opened
from gate.commands._out import clock, json_option, note, say_json
from gate.notify import Notifier
from models.wire import to_json

if TYPE_CHECKING:
    from sync.server.hub import Hub
    from sync.server.settings import Settings


@click.group("hub", invoke_without_command=True)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/var/lib/menshen/hub"),
    show_default=True,
    envvar="MENSHEN_HUB_STATE",
    help="The server's folder: keys, certificates, bundles, and the database where no other is named.",
)
@click.option(
    "--database",
    metavar="URL",
    envvar="MENSHEN_HUB_DATABASE",
    help="postgresql://…; better in the environment, for a command line is seen by all. [default: SQLite in --state]",
)
@click.option("--host", metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 8443]")
@click.option(
    "--name",
    "names",
    metavar="NAME",
    multiple=True,
    help="A host name or address under which it is reached; the first goes into codes. [default: localhost, 127.0.0.1]",
)
@click.option(
    "--site", metavar="NAME", default="", help="What devices call this installation; fixed by the first start."
)
@click.option("--workers", type=click.IntRange(1, 64), help="More than one needs PostgreSQL. [default: 1]")
@click.option("--upstream", metavar="URL", help="Makes it a venue hub of the centre there.")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 3650),
    help="So long after an event's end its persons are kept; 0: until somebody erases them. [default: 30]",
)
@click.option("--face", metavar="URL", help="The engine that makes templates of photographs, as in dlib:.")
@json_option
@click.pass_context
def command(ctx: click.Context, /, state: Path, site: str, names: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Run the central server, or one of the commands below on its folder.

    What was said at the last start holds until something else is said.
    """
    told = {key: value for key, value in said.items() if value is not None} | ({"names": names} if names else {})
    with _libraries():
        settings = replace(kept_settings(state), **told)
    if ctx.invoked_subcommand is None:
        _run(settings, site, as_json)
    else:
        ctx.obj = settings


def _run(settings: Settings, site: str, as_json: bool) -> None:
    with _libraries():
        from sync.server import process
    listener = process.listen(settings.host, settings.port)
    settings = replace(settings, port=listener.getsockname()[1])
    hub = process.prepare(settings, site)
    _keep(settings)
    _greet(hub, as_json)
    hub.engine.dispose()
    with suppress(KeyboardInterrupt):  # the usual end at a keyboard
        process.serve(settings, listener, _at_work)


def _at_work() -> bool:
    """Tell the service supervisor. From any worker, so nothing is kept."""
    notifier = Notifier()
    try:
        return notifier.at_work()
    finally:
        notifier.close()


def _greet(hub: Hub, as_json: bool) -> None:
    """Where it is, whom to trust, and how the first owner comes in. Flushed, for a program may be waiting for it."""
    from sync.server.accounts import first_code
    from sync.server.authority import spoken
    from sync.server.site import authority_of

    url, fingerprint, first = hub.settings.base_url, authority_of(hub).fingerprint, first_code(hub)
    if as_json:
        say_json({"url": url, "fingerprint": fingerprint, "setup_code": first})
        return
    click.echo(f"{url}\nauthority    {spoken(fingerprint)}")
    if first:
        click.echo(f"set-up code  {first}  (makes the first owner, once, within a day)")


@command.command("code")
@click.argument("name")
@click.option("--venue", metavar="ID", required=True, help="Where the device stands.")
@click.option("--kind", type=click.Choice(["gate", "hub"]), default="gate", show_default=True)
@click.option("--replaces", metavar="DEVICE", default="", help="The enrolled device whose place it takes.")
@click.option("--qr", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG as well.")
@json_option
@click.pass_obj
def code(settings: Settings, name: str, venue: str, kind: str, replaces: str, qr: Path | None, as_json: bool) -> None:
    """Make a one-time code for the device NAME. It is shown now and never again."""
    from sync.server.enrolment import invite
    from sync.server.qr import svg

    with opened(settings) as hub, hub.begin() as connection:
        made = invite(hub, connection, OPERATOR, venue, name, kind, replaces=replaces)
    if qr is not None:
        qr.write_text(svg(made.text), encoding="utf-8")
    if as_json:
        say_json(made)
    else:
        click.secho(made.code, bold=True)
        click.echo(f"{made.text}\ngood until  {clock(made.ends_at)}")


@command.command("devices")
@json_option
@click.pass_obj
def devices(settings: Settings, as_json: bool) -> None:
    """List the devices, with the fingerprints of their keys."""
    from models.store.keys import fingerprint
    from sync.server.enrolment import list_devices

    with opened(settings) as hub, hub.begin() as connection:
        rows = list_devices(connection)
    for row in rows:
        print_of = fingerprint(row.signing_key)
        if as_json:
            plain = {key: getattr(row, key) for key in ("device", "kind", "name", "venue", "state", "event")}
            say_json(plain | {"fingerprint": print_of, "last_contact_at": row.last_contact_at})
        else:
            seen = clock(row.last_contact_at) if row.last_contact_at else "never"
            click.echo(f"{row.device}  {row.name} at {row.venue}, {row.kind}, {row.state}; seen {seen}\n    {print_of}")


@command.command("revoke")
@click.argument("device")
@click.pass_obj
def revoke(settings: Settings, device: str) -> None:
    """Bar DEVICE for good. At its next contact it is told to destroy its manifest."""
    from sync.server.enrolment import revoke as bar

    with opened(settings) as hub, hub.begin() as connection:
        bar(hub, connection, OPERATOR, device)
    note(f"{device} is revoked")


@command.command("venue")
@click.argument("venue")
@click.argument("name")
@click.option("--organisation", metavar="ID", required=True, help="Whose it is; made when there is none.")
@click.pass_obj
def venue(settings: Settings, venue: str, name: str, organisation: str) -> None:
    """Make a VENUE, which its people call NAME."""
    from sync.server.places import add_organisation, add_venue, list_organisations

    with opened(settings) as hub, hub.begin() as connection:
        if not list_organisations(connection, organisation):
            add_organisation(hub, connection, OPERATOR, organisation, organisation)
        add_venue(hub, connection, OPERATOR, venue, name, organisation)
    note(f"{venue} is there")


@command.command("setup")
@click.option("--owner", metavar="NAME", required=True, help="The log-in name; made when there is none.")
@click.pass_obj
def setup(settings: Settings, owner: str) -> None:
    """Give an owner a password, asked for here; without a terminal it is stdin's first line."""
    from sync.server.accounts import make_owner

    if sys.stdin.isatty():
        password = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    with opened(settings) as hub, hub.begin() as connection:
        make_owner(hub, connection, OPERATOR, owner, password)
    note(f"{owner} may log in")


@command.command("accounts")
@click.option("--code", metavar="NAME", help="Make a one-time code for another password.")
@click.option("--disable", metavar="NAME", help="Bar this account, at once.")
@click.option("--enable", metavar="NAME", help="The opposite; opens a locked account as well.")
@json_option
@click.pass_obj
def list_accounts(settings: Settings, code: str | None, disable: str | None, enable: str | None, as_json: bool) -> None:
    """List the accounts, after what the options ask for was done."""
    from sync.server import accounts as book

    with opened(settings) as hub, hub.begin() as connection:
        if disable:
            book.disable(hub, connection, OPERATOR, disable)
        if enable:
            book.enable(hub, connection, OPERATOR, enable)
        if code:
            made = book.reset(hub, connection, OPERATOR, code)
            note(f"{made}  (for {code}, once, within a day)")
        rows = book.list_accounts(connection)
    for row in rows:
        state = "disabled" if row.disabled_at else "open" if row.password else "not opened yet"
        if as_json:
            plain = {key: getattr(row, key) for key in ("account", "name", "role", "organisation")}
            say_json(plain | {"state": state})
        else:
            click.echo(f"{row.account}  {row.role} of {row.organisation or 'the whole site'}, {state}")


@contextmanager
def _libraries() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"the server needs {missing.name}: pip install 'menshen[hub]'") from None


def _keep(settings: Settings) -> None:
    """Leave word for the next start and the other commands; for its owner alone, since a URL may hold a password."""
    path = settings.state_dir / KEPT
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(to_json(asdict(settings) | {"state_dir": ""}))
    fresh.replace(path)


for one in (_hub_erase, _hub_patterns, _hub_rebuild, _hub_upstream, _hub_watch):
    command.add_command(one.command)
