"""How `gatectl setup` talks: to a person line by line, to a program one JSON object a step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gate.commands._out import say_json
from gate.setup_found import NEEDED, Candidate, Choice


class Talk:
    """`asks`: somebody is there to answer; otherwise the likeliest is taken."""

    def __init__(self, *, asks: bool, as_json: bool) -> None:
        self.asks, self.as_json = asks, as_json

    def heading(self, number: int, words: str) -> None:
        """A step begins."""
        if not self.as_json:
            click.secho(f"\n{number}. {words}", bold=True, err=self.as_json)

    def says(self, words: str, colour: str | None = None) -> None:
        """For the person alone."""
        if not self.as_json:
            click.secho(words, fg=colour)

    def did(self, step: str, **told: Any) -> None:
        """What came of a step, for a program."""
        if self.as_json:
            say_json({"step": step, **told})

    def line(self, question: str, default: str = "") -> str:
        """One line of text; the default without anybody to ask."""
        if not self.asks:
            return default
        answer: str = click.prompt(question, default=default, show_default=bool(default), err=self.as_json)
        return answer.strip()

    def device(self, choice: Choice, known: str) -> str:
        """The URL for one kind: the one that answered, another, or none."""
        for number, one in enumerate(choice.candidates, 1):
            self.says(f"   {number}  {one.url}  ({one.about}): {_word(one)}", "green" if one.answers else "yellow")
        best = known or (choice.best.url if choice.best else "")
        if not self.asks:
            return best
        hint = "a number, a URL" + ("" if choice.kind in NEEDED else ", or - for none")
        while True:
            answer = self.line(f"   {choice.kind} ({hint})", best or ("" if choice.kind in NEEDED else "-"))
            if answer.isdigit() and 0 < int(answer) <= len(choice.candidates):
                return choice.candidates[int(answer) - 1].url
            if answer == "-" and choice.kind not in NEEDED:
                return ""
            if ":" in answer:
                return answer
            self.says(f"   a {choice.kind} is needed: plug it in and give its URL, as `gatectl devices list` shows it")


def _word(one: Candidate) -> str:
    return "answers" if one.answers else one.why or "can be opened, and never says anything"


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """What root makes in here belongs to the folder's owner: keys that only root reads are of no use to a service."""
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    mask = os.umask(0o077)
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.umask(mask)
