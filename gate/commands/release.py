"""`gatectl release`: for who makes versions of this program, on a machine of the maker's."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gate.commands._out import json_option, note, say_json


@click.group("release", short_help="Make and sign a version for `gatectl update`.")
def command() -> None:
    """Make releases: a key once, then a file from a laid-out version, then its signature."""


@command.command("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", default="maker", show_default=True, help="Whose key it is.")
def key(file: Path, name: str) -> None:
    """Make the release key in FILE, and FILE.pub to pin on appliances as /etc/menshen/release.pub."""
    from models.store.keys import fingerprint, load_or_make_signing_key
    from models.store.public_key import KeyUse, PublicKey, write_public_key

    public = load_or_make_signing_key(file).public_key().public_bytes_raw()
    write_public_key(file.with_name(f"{file.name}.pub"), PublicKey(KeyUse.RELEASE, name, public))
    click.echo(f"{file}.pub  {fingerprint(public)}")


@command.command("make")
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--version", "version_", required=True, metavar="VERSION")
@click.option("--arch", required=True, type=click.Choice(("amd64", "arm64")))
@click.option("--python", default="3.11", show_default=True, help="The Python that the libraries in it are for.")
@click.option("--from-version", default="0", metavar="VERSION", help="The oldest version that may go to this one.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@json_option
def make(tree: Path, version_: str, arch: str, python: str, from_version: str, out: Path, as_json: bool) -> None:
    """Put TREE, a version as the package lays it out (/opt/menshen/packaged/VERSION), into an unsigned release."""
    from gate.update_release import Head
    from gate.update_release import make as carry_out

    head = carry_out(tree, Head(version_, arch, python, from_version, time.time()), out)
    if as_json:
        say_json({"file": str(out), "version": head.version, "files": len(head.files), "bytes": out.stat().st_size})
    else:
        click.echo(f"{out}: version {head.version}, {len(head.files)} files, {out.stat().st_size / 1e6:.0f} MB")
        note("not signed yet: gatectl release sign FILE --key KEY")


@command.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "key_file", required=True, type=click.Path(exists=True, path_type=Path), help="The release key.")
def sign(file: Path, key_file: Path) -> None:
    """Sign the release FILE where it lies, with a key that stays on the maker's machine."""
    from gate.update_release import sign as carry_out
    from models.store.keys import load_or_make_signing_key

    carry_out(file, load_or_make_signing_key(key_file))
