"""`gatectl renew`: a new signing key and certificate for this lane, from the server of its site."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.commands._config import config_option
from gate.commands._out import json_option, note, say_json
from gate.commands.keys import own_device_key
from gate.config import Config, load
from models.store.keys import fingerprint

if TYPE_CHECKING:
    from sync.enrolment import Enrolment
    from sync.renewal import DeviceFiles


@click.command("renew")
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Give this lane a new signing key and certificate; gatectl sync does so by itself, long before the old one ends.

    For a key that may have been seen. A running gatectl sync goes on with the new key by itself; the gate signs its
    ledger with the old one until it is started again, and the server believes both. May be repeated after any failure.
    """
    from sync.renewal import DeviceFiles

    config = load(config_path)
    files = DeviceFiles(config.secrets.signing_key, config.gate.state_dir, own_device_key(config).public)
    papers = asyncio.run(_renew(config, files))
    print_of = fingerprint(files.key().public_key().public_bytes_raw())
    if as_json:
        say_json({"site": papers.site, "device": papers.device, "fingerprint": print_of})
        return
    click.secho(f"{config.gate.name}, device {papers.device} of {papers.site}, has a new key", bold=True)
    click.echo(f"this lane  {print_of}")
    note("compare it with this device on the server's screen")


async def _renew(config: Config, files: DeviceFiles) -> Enrolment:
    import time

    from sync.client import Client, authority_only
    from sync.enrolment import read
    from sync.numbers import KeptNumber
    from sync.renewal import renew
    from sync.signing import Signer

    papers = read(config.gate.state_dir)
    signer = Signer(papers.site, papers.device, files.key(), time.time)
    numbers = KeptNumber(config.gate.state_dir / "number")
    client = Client(papers.server, authority_only(papers.authority), signer, numbers)
    try:
        return await renew(client, files)
    finally:
        await client.close()
