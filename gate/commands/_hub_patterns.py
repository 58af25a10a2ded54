"""`gatectl hub patterns`: what suggests scalping across events, for a person to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gate.commands._hub_opened import OPERATOR, opened
from gate.commands._out import json_option, say_json

if TYPE_CHECKING:
    from sync.server.patterns import Pattern
    from sync.server.settings import Settings

MEANS = {
    "handed_on": "one buyer's tickets were given back and bound to others; families and firms do that too",
    "many_gates": "one document was refused at several gates; who is at the wrong door is sent on",
    "one_face": "references look like one face under several documents; twins do, and chance finds pairs in a crowd",
    "one_picture": "one picture was handed in under several documents; somebody may have attached a friend's",
    "several_faces": "references under one document look like different faces; years and bad light do that too",
}
"""What each says, and what else it may be."""


@click.command("patterns")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Look for patterns across events: tickets handed on, one document at many gates, faces under several documents.

    Nothing follows from what is found: it is for a person to judge. The look is audited.
    """
    from sync.server.patterns import look_for_patterns
    from sync.server.permissions import Person, Role

    with opened(settings) as hub:
        found = look_for_patterns(hub, Person(OPERATOR, OPERATOR, Role.OWNER, None, "en"))
    for pattern in found:
        if as_json:
            say_json(pattern)
        else:
            _say(pattern)
    if not found and not as_json:
        click.echo("nothing of this kind was found")


def _say(pattern: Pattern) -> None:
    click.secho(f"{pattern.kind}  {pattern.size}  {', '.join(pattern.events)}", bold=True)
    click.echo(f"    {MEANS[pattern.kind]}")
    for one in pattern.evidence:
        told = one.event, one.ticket, one.other, one.gate, one.reason, "" if one.distance is None else f"{one.distance}"
        click.echo("    " + "  ".join(part for part in told if part))
