"""`gatectl explain`: what a code of `gatectl check` means, what it comes from, and what to do."""

from __future__ import annotations

import os

import click

from gate.check.catalogue import LANGUAGES, Code, code_named, meanings, table
from gate.commands._check import language_of
from gate.commands._out import say_json


@click.command("explain")
@click.argument("code", required=False)
@click.option("--lang", type=click.Choice(LANGUAGES), help="en or zh; else the language of LANG.")
@click.option("--table", "as_table", is_flag=True, help="All codes as a table in Markdown, as in gate/check/CODES.md.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a code, for programs.")
def command(code: str | None, lang: str | None, as_table: bool, as_json: bool) -> None:
    """Explain CODE, as in `gatectl explain G217`; without one, list them all."""
    language = lang or language_of(os.environ)
    if as_table:
        click.echo(table(language))
        return
    found = code_named(code) if code else None
    if code and found is None:
        raise click.BadParameter(f"there is no code {code}; gatectl explain lists them", param_hint="CODE")
    for one in (found,) if found else Code:
        _tell(one, language, as_json, whole=found is not None)


def _tell(code: Code, language: str, as_json: bool, *, whole: bool) -> None:
    told, gravity = meanings(language)[code.value], code.severity.name.lower()
    if as_json:
        row = {"code": code.value, "severity": gravity, "what": told.what, "cause": told.cause, "fix": told.fix}
        say_json(row)
    elif not whole:
        click.echo(f"{code.value}  {gravity:<8} {told.what}")
    else:
        click.secho(f"{code.value}, {gravity}: {told.what}", bold=True)
        cause, fix = ("原因", "处理") if language == "zh" else ("cause", "fix")
        click.echo(f"{cause}: {told.cause}\n{fix}: {told.fix}")
