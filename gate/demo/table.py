"""How the evening is shown: a table that grows, or JSON at the end."""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any, Protocol, Self

from rich.console import Console
from rich.table import Table

from gate.demo.outcome import Outcome, Told
from gate.demo.readers import Wire
from gate.demo.stories import Story
from models import wire
from models.decision import Verdict
from models.record import DecisionBody
from models.words import words_of

_COLOURS = {Verdict.ADMIT: "green", Verdict.DENY: "red", Verdict.REFER: "yellow"}
_SIGNS = {Verdict.ADMIT: "✓", Verdict.DENY: "✗", Verdict.REFER: "?"}


class Board(Protocol):
    """Where the evening is shown."""

    def say(self, text: str) -> None:
        """What is being done."""

    def note(self, text: str) -> None:
        """Something that should stay on the screen."""

    def progress(self, done: int, of: int) -> None:
        """How far the pictures are."""

    def opens(self, wire: Wire, left_out: dict[str, str]) -> None:
        """The lane's reader, and the stories that make no sense for it."""

    def begins(self, story: Story) -> None:
        """A visitor comes."""

    def ends(self, told: Told) -> None:
        """A visitor has gone."""

    def close(self, outcome: Outcome) -> None:
        """The evening is over."""


class LiveBoard:
    """For people: one line a decision, as it happens."""

    def __init__(self) -> None:
        self._console = Console()
        self._status = self._console.status("")
        self._stories = 0

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """On the status line."""
        self._status.update(text)

    def note(self, text: str) -> None:
        """On a line of its own."""
        self._console.print(text, style="dim", soft_wrap=True)

    def progress(self, done: int, of: int) -> None:
        """On the status line."""
        self._status.update(f"enrolling and sealing: {done} of {of}")

    def opens(self, wire: Wire, left_out: dict[str, str]) -> None:
        """Some lines at the top, unless it is the evening that everybody knows."""
        if wire.name == "sam":
            return
        self._console.print(f"READER  {wire.about}", style="bold", highlight=False)
        if wire.meaning:
            self._console.print(wire.meaning, style="yellow", highlight=False)
        for name, reason in left_out.items():
            self._console.print(f"left out: {name} ({reason})", style="dim", highlight=False)
        self._console.print()

    def begins(self, story: Story) -> None:
        """On the status line."""
        if not self._stories:
            self._console.print(
                _line("VISITOR", "VERDICT", "REASON", "NEXT STEP", "MILLISECONDS"), style="bold", soft_wrap=True
            )
        self._stories += 1
        self._status.update(story.name)

    def ends(self, told: Told) -> None:
        """One line a decision, and one more when something is wrong."""
        relay = list(told.relay_ms)
        for number, body in enumerate(told.decisions):
            word = body.decision
            admitted = word.verdict is Verdict.ADMIT
            steps = " ".join(f"{name} {ms:.0f}" for name, ms in body.ms.items() if ms >= 0.5)
            if admitted and relay:
                steps += f" · card→relay {relay.pop(0):.0f}"
            verdict = f"{_SIGNS[word.verdict]} {word.verdict.upper()}"
            name = told.story.name if number == 0 else ""
            step = "" if admitted else next_step(body)
            self._console.print(
                _line(name, verdict, word.reason, step, steps),
                style=_COLOURS[word.verdict],
                highlight=False,
                soft_wrap=True,
            )
        marks = [leaf for leaf in told.leaves if leaf != "passage:passed"]
        if marks or not told.decisions:
            self._console.print(
                _line("" if told.decisions else told.story.name, "", ", ".join(marks)), style="dim", soft_wrap=True
            )
        if told.problem:
            self._console.print(f"   NOT AS IT MUST BE: {told.problem}", style="bold red")

    def close(self, outcome: Outcome) -> None:
        """The counts, the ledger, the times."""
        self._status.stop()
        self._console.print()
        self._console.print(_summary(outcome))


class JsonBoard:
    """For programs: one JSON object on standard output, messages on standard error."""

    def say(self, text: str) -> None:
        """On standard error."""
        print(text, file=sys.stderr)

    def note(self, text: str) -> None:
        """On standard error."""
        self.say(text)

    def progress(self, done: int, of: int) -> None:
        """Nothing: nobody looks."""

    def opens(self, wire: Wire, left_out: dict[str, str]) -> None:
        """On standard error, and in the outcome."""
        self.say(f"reader: {wire.about}")

    def begins(self, story: Story) -> None:
        """On standard error."""
        print(story.name, file=sys.stderr)

    def ends(self, told: Told) -> None:
        """Only what is wrong, on standard error."""
        if told.problem:
            print(f"  not as it must be: {told.problem}", file=sys.stderr)

    def close(self, outcome: Outcome) -> None:
        """Everything, on standard output."""
        print(json.dumps(as_dict(outcome), ensure_ascii=False, indent=2))


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The evening as plain values."""
    return {
        "ok": outcome.ok,
        "reader": outcome.wire.name if outcome.wire else "",
        "meaning": outcome.wire.meaning if outcome.wire else "",
        "left_out": outcome.left_out,
        "stories": [_story(told) for told in outcome.told],
        "counts": outcome.counts,
        "card_to_relay_ms": _times(outcome),
        "seconds": {"selling": round(outcome.sold_s, 3), "start_to_ready": round(outcome.ready_s, 3)},
        "ledger": {
            "entries": outcome.ledger.entries,
            "checkpoints": outcome.ledger.checkpoints,
            "ok": outcome.ledger.ok,
            "problems": list(outcome.ledger.problems),
        },
    }


def next_step(body: DecisionBody) -> str:
    """What staff does next, in the words for what was presented."""
    facts = body.facts
    return words_of(body.decision.reason, facts.card.medium if facts.card else facts.problem_medium).next_step


def _story(told: Told) -> dict[str, Any]:
    return {
        "name": told.story.name,
        "ok": told.ok,
        "problem": told.problem,
        "decisions": [
            {
                "attempt": body.attempt,
                "verdict": body.decision.verdict,
                "reason": body.decision.reason,
                "next_step": next_step(body),
                "flags": list(body.decision.flags),
                "face": wire.to_builtins(body.facts.face),
                "ms": body.ms,
            }
            for body in told.decisions
        ],
        "leaves": list(told.leaves),
        "pictures": told.pictures,
        "card_to_relay_ms": [round(ms, 1) for ms in told.relay_ms],
    }


def _times(outcome: Outcome) -> dict[str, float]:
    times = [ms for told in outcome.told for ms in told.relay_ms]
    if not times:
        return {}
    return {"count": len(times), "median": round(statistics.median(times), 1), "longest": round(max(times), 1)}


def _summary(outcome: Outcome) -> Table:
    table = Table(show_header=False, box=None)
    right = sum(told.ok for told in outcome.told)
    times = _times(outcome)
    table.add_row("stories", f"{right} of {len(outcome.told)} went as they must")
    table.add_row("decisions", ", ".join(f"{reason} {count}" for reason, count in outcome.counts.items()))
    if times:
        timed = outcome.wire.timed if outcome.wire else "the reader's own time left out"
        words = f"median {times['median']:.0f} ms, longest {times['longest']:.0f} ms ({timed})"
        table.add_row("card to relay", words)
    table.add_row("tickets sold in", f"{outcome.sold_s:.1f} s; lane ready {outcome.ready_s:.1f} s after its start")
    ledger = outcome.ledger
    state = "verified" if ledger.ok else "BROKEN: " + "; ".join(ledger.problems)
    table.add_row("ledger", f"{ledger.entries} entries, {ledger.checkpoints} signed checkpoints, {state}")
    return table


def _line(name: str, verdict: str = "", reason: str = "", step: str = "", steps: str = "") -> str:
    return f"{name:<38.38} {verdict:<8} {reason:<20.20} {step:<44.44} {steps}".rstrip()
