"""`gatectl evidence`: a case as one file that proves itself; and the proof of such a file, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.commands._exits import Exit
from gate.commands._hub_opened import OPERATOR, kept_settings, opened
from gate.commands._out import clock, json_option, note, say_json
from models import wire
from models.store.vault import DeviceKey
from sync.evidence import EvidenceRefused, Proven, fingerprint, unseal, verify

if TYPE_CHECKING:
    from sync.server.evidence import Handed
    from sync.server.permissions import Person
    from sync.server.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group("evidence", short_help="Hand out a case as one file that proves itself; prove such a file.")
def command() -> None:
    """Hand out a case as one file that proves itself; prove such a file on any machine."""


def _of_the_server(function: Any) -> Any:
    for option in (
        click.option("--why", required=True, metavar="WORDS", help="What it is for; goes into the file and the audit."),
        click.option(
            "--out", required=True, metavar="FILE", type=_OUT, help="Where it goes; it must not be there yet."
        ),
        click.option(
            "--database", metavar="URL", envvar="MENSHEN_HUB_DATABASE", help="Where the server doesn't use its own."
        ),
        click.option(
            "--state",
            metavar="DIR",
            type=click.Path(file_okay=False, exists=True, path_type=Path),
            default=Path("/var/lib/menshen/hub"),
            show_default=True,
            envvar="MENSHEN_HUB_STATE",
            help="The server's folder.",
        ),
    ):
        function = option(function)
    return function


@command.command("export")
@click.argument("case")
@_of_the_server
@click.option("--for", "receiver", metavar="KEY", default="", help="Seal it for the holder of this key, see `key`.")
@click.option("--with-person", is_flag=True, help="With the listed person's document number.")
@json_option
def export(
    case: str, state: Path, database: str | None, out: Path, why: str, receiver: str, with_person: bool, as_json: bool
) -> None:
    """Write all that belongs to CASE, and all that proves it: `ticket:EVENT/TICKET` or `entry:ENTRY`.

    Lines of ledgers with the chain up to the gate's next seal, who approved an entry, what was attached, who saw it
    when. Needs the server's folder; a person's page offers the same.
    """
    from sync.server import evidence

    key = _key(receiver) if receiver else b""
    with opened(_settings(state, database)) as hub:
        handed = evidence.export(hub, _operator(), case, why, receiver=key, with_person=with_person)
    _hand_out(handed, out, as_json)


@command.command("dispute")
@click.argument("event")
@click.argument("ticket")
@_of_the_server
@json_option
def dispute(event: str, ticket: str, state: Path, database: str | None, out: Path, why: str, as_json: bool) -> None:
    """Write what happened to TICKET of EVENT for its holder, in words and with proof; others' data are left out."""
    from sync.server import evidence
    from sync.server.pages.words import LANGUAGES, words_in

    languages = [words_in(language) for language in LANGUAGES]
    with opened(_settings(state, database)) as hub:
        handed = evidence.for_visitor(hub, _operator(), event, ticket, why, languages)
    _hand_out(handed, out, as_json)


@command.command("verify")
@click.argument("file", type=_FILE)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="The site's public key, as the site published it.")
@click.option(
    "--gate-key", "gate_keys", multiple=True, metavar="KEY", help="A gate's public key; several may be named."
)
@click.option("--opened-with", "opener", type=_FILE, metavar="FILE", help="Your key, where the file is sealed for you.")
@click.option("--extract", type=click.Path(file_okay=False, path_type=Path), help="Put the files into this folder.")
@json_option
def verify_file(
    file: Path, keys: Sequence[str], gate_keys: Sequence[str], opener: Path | None, extract: Path | None, as_json: bool
) -> None:
    """Prove FILE with public keys and nothing else; no server and no network is asked.

    Without --key it is only consistent with the key that it brought itself: compare the fingerprint with the site's.
    The site's word for its gates' keys is taken unless you name them. Exit code 1: refused, or not by a key you named.
    """
    data = file.read_bytes()
    if opener is not None:
        data = unseal(data, DeviceKey.load(opener))
    proven = verify(data, [_hex(key) for key in keys], [_hex(key) for key in gate_keys])
    trusted = proven.site_known and (proven.gates_known or not gate_keys)
    if extract is not None:
        _extract(data, proven, extract)
    if as_json:
        said = {"lines": proven.lines, "site_known": proven.site_known, "gates_known": proven.gates_known}
        say_json({"proved": trusted, **said, "record": wire.to_builtins(proven.record)})
    else:
        _tell(proven, trusted)
    if not trusted:
        raise SystemExit(Exit.NOT_RIGHT)


@command.command("key")
@click.argument("file", type=_OUT)
@json_option
def make_key(file: Path, as_json: bool) -> None:
    """Make a receiver's key in FILE, which stays secret, and print the public key to be given to `export --for`."""
    public = DeviceKey.make(file).public.hex()
    if as_json:
        say_json({"public_key": public})
    else:
        click.echo(public)


def _hand_out(handed: Handed, out: Path, as_json: bool) -> None:
    with out.open("xb") as file:
        file.write(handed.content)
    if as_json:
        told = {"case": handed.case, "file": str(out), "sha256": handed.sha256, "size": len(handed.content)}
        say_json({**told, "unsealed": handed.unsealed})
        return
    click.echo(f"{out}: {len(handed.content)} bytes, SHA-256 {handed.sha256}")
    if handed.unsealed:
        note(f"{handed.unsealed} lines wait for their gate's next seal and are only named: export again in a minute")


def _tell(proven: Proven, trusted: bool) -> None:
    record = proven.record
    click.echo(f"{record.case}, stated by {record.site} on {clock(record.made_at)} ({record.made_by}): {record.why}")
    click.echo(f"{proven.lines} lines of {len(record.gates)} gates are proved, {len(record.files)} files are whole")
    click.echo(f"signed with the key {record.issuer_key}\nfingerprint {fingerprint(record.issuer_key)}")
    if trusted:
        click.echo("proved")
    else:
        note("not proved by a key you named: compare the fingerprint with the site's, then name it with --key")


def _extract(data: bytes, proven: Proven, folder: Path) -> None:
    import zipfile
    from io import BytesIO

    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for attached in proven.record.files:  # their names were checked: none leads anywhere else
            with (folder / Path(attached.name).name).open("xb") as file:
                file.write(archive.read(attached.name))


def _settings(state: Path, database: str | None) -> Settings:
    settings = kept_settings(state)
    return replace(settings, database=database) if database else settings


def _operator() -> Person:
    from sync.server.permissions import Person, Role

    return Person(OPERATOR, OPERATOR, Role.OWNER, None, "en")


def _key(text: str) -> bytes:
    return bytes.fromhex(_hex(text))


def _hex(text: str) -> str:
    """A raw key of 32 bytes in hexadecimal, or the file that holds it. Raises `EvidenceRefused`."""
    path = Path(text)
    text = path.read_text().strip() if len(text) < 64 and path.is_file() else text.strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise EvidenceRefused("a public key has 32 bytes, as 64 hexadecimal digits, or is a file with these")
    return key.hex()
