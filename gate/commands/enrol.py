"""`gatectl enrol`: make this lane a device of a site, by the code that the site's server shows."""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands._config import config_option
from gate.commands._out import groups, json_option, note, say_json
from gate.commands.keys import own_keys
from gate.config import load
from models.store.keys import fingerprint
from models.version import VERSION


@click.command("enrol")
@click.argument("invitation")
@click.option("--again", is_flag=True, help="Although this lane has papers already; they are replaced.")
@config_option
@json_option
def command(invitation: str, again: bool, config_path: Path, as_json: bool) -> None:
    """Enrol this lane with INVITATION, as the server shows it: menshen://HOST:PORT/CODE?ca=FINGERPRINT.

    The keys are made here and never leave this machine. A code works once.
    """
    from sync.enrol import NoInvitation, enrol, read_invitation
    from sync.enrolment import FILE, keep

    config = load(config_path)
    folder = config.gate.state_dir
    try:
        invited = read_invitation(invitation)
    except NoInvitation as error:
        raise click.UsageError(str(error)) from None
    if (folder / FILE).exists() and not again:
        raise click.UsageError(f"{folder / FILE} is there: this lane is enrolled; say --again to enrol it anew")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    device, signing = own_keys(config)
    papers = enrol(invited, config.gate.name, signing.raw, device.raw, VERSION)
    keep(folder, papers)
    if as_json:
        say_json({"site": papers.site, "device": papers.device, "fingerprint": fingerprint(signing.raw)})
        return
    click.secho(f"{config.gate.name} is the device {papers.device} of {papers.site}", bold=True)
    click.echo(f"server     {papers.server}\nauthority  {groups(invited.ca)}\nthis lane  {fingerprint(signing.raw)}")
    note("compare the last line with this device on the server's screen; then start: gatectl sync")
