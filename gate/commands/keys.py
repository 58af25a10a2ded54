"""`gatectl keys`: this lane's keys, as far as others may see them. They are made when they are not there yet."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._out import json_option, note, say_json
from gate.config import Config, load
from models.store.keys import fingerprint, load_or_make_signing_key
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.store.vault import DeviceKey

_TITLES = {
    KeyUse.DEVICE: "device key: the issuer seals manifests for it",
    KeyUse.LEDGER: "signing key: who reads this ledger believes it",
}


@click.group("keys")
def command() -> None:
    """This lane's public keys."""


@command.command("show")
@config_option
@json_option
def show(config_path: Path, as_json: bool) -> None:
    """Show the lane's public keys with fingerprints to read out on the telephone."""
    for key in own_keys(load(config_path)):
        if as_json:
            say_json(
                {"use": key.use, "name": key.name, "public_key": key.raw.hex(), "fingerprint": fingerprint(key.raw)}
            )
        else:
            click.secho(f"{key.name}, {_TITLES[key.use]}", bold=True)
            click.echo(f"  {key.raw.hex()}\n  {fingerprint(key.raw)}")


@command.command("export")
@config_option
@click.option("--out", metavar="FILE", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where to.")
@click.option("--signing", is_flag=True, help="The ledger's signing key instead of the device key.")
def export(config_path: Path, out: Path, signing: bool) -> None:
    """Write the device's public key to a file for the issuer: one line of text, no secret."""
    device, ledger = own_keys(load(config_path))
    key = ledger if signing else device
    write_public_key(out, key)
    note(f"{out}: {key.name}, {fingerprint(key.raw)}")


def own_device_key(config: Config) -> DeviceKey:
    """The lane's device key, made now when there is none. Raises `UnsafeKey`."""
    path = config.secrets.device_key
    if path.exists():
        return DeviceKey.load(path)
    key = DeviceKey.make(path)
    note(f"made a new device key in {path}, readable by you alone; who loses it loads the manifest again")
    return key


def own_keys(config: Config) -> tuple[PublicKey, PublicKey]:
    """The public halves of the device key and the signing key."""
    device, path = own_device_key(config), config.secrets.signing_key
    if not path.exists():
        note(f"made a new signing key in {path}, readable by you alone")
    signing = load_or_make_signing_key(path).public_key().public_bytes_raw()
    name = config.gate.name
    return PublicKey(KeyUse.DEVICE, name, device.public), PublicKey(KeyUse.LEDGER, name, signing)
