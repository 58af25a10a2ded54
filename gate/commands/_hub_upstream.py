"""`gatectl hub enrol-upstream`: make this server a venue hub of a centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gate.commands._out import note

if TYPE_CHECKING:
    from sync.server.settings import Settings


@click.command("enrol-upstream")
@click.argument("code")
@click.option("--as", "name", metavar="NAME", required=True, help="For which the centre made the code.")
@click.pass_obj
def command(settings: Settings, code: str, name: str) -> None:
    """Enrol this server at its centre with the one-time CODE, the whole text: menshen://HOST:PORT/CODE?ca=FINGERPRINT.

    Gates that are enrolled here afterwards believe the centre's manifests; those enrolled before must renew.
    """
    from sync.server.upstream_papers import enrol_upstream

    papers = enrol_upstream(settings, code, name)
    note(f"this is {papers.device} of {papers.site} now; start it, and tell its gates their enrolment codes")
