"""`gatectl manifest`: from tables to a signed bundle, and from a bundle to this lane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import click

from gate.commands._config import config_option
from gate.commands._issue import Wish, issue_from, policy_from, zone_of
from gate.commands._out import clock, groups, json_option, note, say_json
from gate.config import Config, load
from models.decision import Profile
from models.store.errors import UnsafeKey
from models.store.public_key import KeyUse, WrongKey, read_public_key
from sync.bundle_build import Progress
from sync.enrolment import NotEnrolled
from sync.enrolment import read as read_enrolment
from sync.manifest import Result, Tables, build_manifest, load_manifest, show_manifest
from sync.sources.people import Enrol
from sync.sources.table import Encoding

_FILE = click.Path(dir_okay=False, path_type=Path)
_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("manifest")
def command() -> None:
    """Who may enter: make the list, load it, look at it."""


@command.command("build")
@click.argument("people", type=click.Path(exists=True, path_type=Path), required=False)
@click.argument("photos", type=_FOLDER, required=False)
@click.option("--out", metavar="FILE", required=True, type=_FILE, help="The bundle to write.")
@click.option("--event", metavar="NAME", help="The event, as gates and tickets name it [default: FILE's own name].")
@click.option(
    "--profile",
    type=click.Choice([one.value for one in Profile]),
    default=Profile.CONCERT.value,
    show_default=True,
    help="Which rules to begin with.",
)
@click.option("--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a rule, as in face_tries=2.")
@click.option(
    "--issuer",
    metavar="NAME",
    default="office",
    show_default=True,
    help="Who answers for it, as the gates know the name.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=_FILE,
    help="The issuer's signing key; made when absent [default: issuer.key by FILE].",
)
@click.option(
    "--secret", metavar="FILE", type=_FILE, help="The event's secret; made when absent [default: EVENT.secret by FILE]."
)
@click.option(
    "--gate", "gates", metavar="[NAME=]FILE", multiple=True, help="A gate's device key [default: this one's]."
)
@click.option("--version", type=click.IntRange(1, 2**63 - 1), help="[default: the time, as in 20260501193005]")
@click.option("--hours", type=click.FloatRange(0, 24 * 366, min_open=True), help="[default: as long as it is fresh]")
@click.option("--expires", metavar="TIME", help="Instead of --hours: until when, as in 2026-05-01T23:00.")
@click.option("--watch", metavar="FILE", type=_THERE, help="A table of listed persons.")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="Of times without an offset.")
@click.option("--encoding", type=click.Choice(get_args(Encoding)), default="utf-8", show_default=True)
@click.option("--face", metavar="URL", default="best:", show_default=True, help="The engine for the photographs.")
@click.option("--shrinks", is_flag=True, help="It is meant that less than half of the tickets are left.")
@click.option("--no-performance-rules", is_flag=True, help="The law on real-name performances does not apply here.")
@config_option
@json_option
def build(
    people: Path | None,
    photos: Path | None,
    out: Path,
    watch: Path | None,
    timezone: str,
    encoding: Encoding,
    face: str,
    no_performance_rules: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Make a signed bundle of PEOPLE, a table, and PHOTOS, a folder. A screening needs no PEOPLE.

    Nothing is written while the table has a problem; all problems are told, row by row. Of a photograph only the
    face's template goes into the bundle, sealed so that the holder's document alone opens it.
    """
    if people is not None and people.is_dir():
        people, photos = None, people
    wish, zone = Wish(**_filled_in(said, out)), zone_of(timezone)
    policy = policy_from(wish, zone, now := time.time())
    if people is None and policy.needs_ticket:
        raise click.UsageError("PEOPLE is missing: by these rules everybody needs a ticket")
    issue = issue_from(wish, policy, zone, now)
    tables = Tables(people, photos, watch, zone, encoding)
    with ExitStack() as stack:
        enrol = stack.enter_context(_engine(face)) if photos else None
        progress = stack.enter_context(_progress())
        result = build_manifest(tables, out, issue, enrol=enrol, progress=progress, rules=not no_performance_rules)
    _say_result(result, as_json)
    note(f"{out}: {result.size_bytes:,} bytes for {', '.join(issue.gates)}, good until {clock(issue.expires_at)}")


def _filled_in(said: dict[str, Any], out: Path) -> dict[str, Any]:
    """What was not said is found beside the bundle."""
    event = said["event"] or out.name.split(".")[0]
    key, secret = said["key"] or out.with_name("issuer.key"), said["secret"] or out.with_name(f"{event}.secret")
    return said | {"event": event, "key": key, "secret": secret}


@command.command("load")
@click.argument("bundle", type=_THERE)
@click.option("--event", metavar="NAME", default="", help="Needed to go from one event to another.")
@config_option
@json_option
def load_bundle(bundle: Path, event: str, config_path: Path, as_json: bool) -> None:
    """Verify BUNDLE and make it this lane's manifest. Refused, it changes nothing: exit code 1."""
    config = load(config_path)
    key_file = config.secrets.device_key
    if not key_file.exists():
        raise UnsafeKey(f"{key_file} is missing: gatectl keys export makes it, and its public half for the issuer")
    config.gate.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    result = load_manifest(
        bundle,
        config.gate.state_dir,
        gate=config.gate.name,
        issuers=trusted(config),
        now=time.time(),
        event=event,
        key_file=key_file,
    )
    _say_result(result, as_json)


@command.command("show")
@config_option
@json_option
def show(config_path: Path, as_json: bool) -> None:
    """Show which manifest this lane holds. Version and digest must read the same as at the issuer's."""
    config = load(config_path)
    state = show_manifest(config.gate.state_dir, config.secrets.device_key)
    if as_json:
        say_json(state)
    elif state is None:
        click.echo("this lane holds no manifest yet: gatectl manifest load BUNDLE")
    else:
        _say(state.event, state.version, state.digest, f"{state.tickets:,} tickets")
        click.echo(f"issued   {clock(state.issued_at)}, {_ago(time.time() - state.issued_at)}")
        over = "  EXPIRED" if state.expires_at < time.time() else ""
        click.echo(f"expires  {clock(state.expires_at)}{over}")


def trusted(config: Config, *, only_there: bool = False) -> dict[str, bytes]:
    """The issuers that this lane believes, by name: the configuration's, and those of the server it is enrolled at.

    With `only_there`, absent files do no harm. Raises `WrongKey`, `OSError`.
    """
    issuers = _of_the_server(config)
    for path in config.gate.issuers:
        if only_there and not path.exists():
            continue
        key = read_public_key(path, KeyUse.ISSUER)
        if issuers.setdefault(key.name, key.raw) != key.raw:
            raise WrongKey(f"{path} gives the issuer {key.name!r} another key than the file before it: remove one")
    return issuers


def _of_the_server(config: Config) -> dict[str, bytes]:
    try:
        return read_enrolment(config.gate.state_dir).issuer_keys
    except NotEnrolled:
        return {}


@contextmanager
def _engine(url: str) -> Iterator[Enrol]:
    from drivers import connect
    from gate.enrol import enroller

    with closing(connect("face", url)) as engine:
        yield enroller(engine)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar on a terminal's stderr, once for the photographs and once for the sealing; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("people", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _say_result(result: Result, as_json: bool) -> None:
    if as_json:
        say_json(result)
    else:
        counts = f"{result.tickets:,} tickets, {result.openings:,} documents, {result.watch:,} listed"
        _say(result.event, result.version, result.digest, f"{counts}, in {result.seconds:.1f} s")


def _say(event: str, version: int, digest: str, counts: str) -> None:
    click.secho(f"{event}, version {version}", bold=True)
    click.echo(f"         {counts}\ndigest   {groups(digest)}")


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours ago" if seconds >= 0 else "in the future of this clock"
