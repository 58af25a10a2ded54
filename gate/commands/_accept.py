"""The terminal's side of `gatectl accept`: what is said, and what a person answers."""

from __future__ import annotations

import click

from gate.accept import Item, Report, Result
from gate.accept_ask import Heard, Word
from gate.commands._out import note

_COLOURS = {Result.PASSED: "green", Result.FAILED: "red", Result.SKIPPED: "yellow", Result.NOT_THERE: None}
_HINT = "y yes, n no, s skip; a reason may follow, as in: n the lamp stays dark"


class AtTerminal:
    """A person reads stderr and types. A skip wants a reason, for whoever reads the report."""

    def __init__(self, skipped: dict[str, str]) -> None:
        self._skipped = skipped
        self._hinted = False

    def says(self, words: str) -> None:
        """What to do now."""
        note(f"   {words}")

    def asks(self, question: str) -> Heard:
        """A question; asked again until the answer is one."""
        if not self._hinted:
            note(f"   ({_HINT})")
            self._hinted = True
        while True:
            word, _, why = click.prompt(f"   {question} [y/n/s]", err=True).strip().partition(" ")
            match word.lower():
                case "y" | "yes":
                    return Heard(Word.YES)
                case "n" | "no":
                    return Heard(Word.NO, why.strip())
                case "s" | "skip":
                    return Heard(Word.SKIP, why.strip() or self._reason())
            note(f"   {_HINT}")

    def skips(self, name: str) -> str:
        """Told by an option beforehand."""
        if name not in self._skipped:
            note(f"{name}")
        return self._skipped.get(name, "")

    def again(self, name: str, why: str) -> bool:
        """Mend it and try once more, or leave it failed."""
        note(f"   not well: {why}")
        return click.confirm(f"   look at the {name} once more?", default=True, err=True)

    def _reason(self) -> str:
        why: str = click.prompt("   why is it skipped?", err=True)
        return why.strip()


def show(item: Item) -> None:
    """One line of the result."""
    facts = ", ".join(f"{name} {value}" for name, value in item.facts.items())
    word = click.style(f"{item.result.replace('_', ' '):<10}", fg=_COLOURS[item.result])
    click.echo(f"{item.name:<10} {word} {'; '.join(filter(None, (item.why, facts)))}".rstrip())


def word_of(report: Report) -> str:
    """The whole of it in a word."""
    word = "accepted" if report.accepted else "not accepted"
    return f"a rehearsal, nobody was asked: {word}" if report.rehearsal else word
