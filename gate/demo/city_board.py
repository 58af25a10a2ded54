"""How the steps of a city are shown: some lines for each as it happens, or JSON at the end."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from typing import Protocol, Self

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story: what was seen, and what is wrong with it."""

    name: str
    words: tuple[str, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it went as it must."""
        return not self.problem

    def says(self, words: str) -> Step:
        """With one more line."""
        return replace(self, words=(*self.words, words))


class CityBoard(Protocol):
    """Where the story is shown."""

    def begins(self, name: str) -> None:
        """A step begins."""

    def ends(self, step: Step) -> None:
        """It is over."""

    def close(self, steps: list[Step]) -> None:
        """The story is over."""


class LiveCity:
    """For people."""

    def __init__(self) -> None:
        self._console = Console()
        self._status = self._console.status("")
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def begins(self, name: str) -> None:
        """On the status line."""
        self._status.update(name)

    def ends(self, step: Step) -> None:
        """One line for each thing that was seen."""
        name = step.name
        for words in step.words:
            self._console.print(f"{name:<36.36}  [dim]{words}[/]", highlight=False, soft_wrap=True)
            name = ""
        if step.problem:
            self._console.print(f"{name:<36.36}  NOT AS IT MUST BE: {step.problem}", style="bold red", markup=False)

    def close(self, steps: list[Step]) -> None:
        """How many steps went well."""
        self._status.stop()
        took = time.monotonic() - self._began
        good = sum(step.ok for step in steps)
        style = "bold green" if good == len(steps) else "bold red"
        self._console.print(f"\n{good} of {len(steps)} steps went as they must, in {took:.0f} s", style=style)


class JsonCity:
    """For programs: one JSON object on standard output, the steps' names on standard error."""

    def begins(self, name: str) -> None:
        """On standard error."""
        print(name, file=sys.stderr)

    def ends(self, step: Step) -> None:
        """What is wrong, on standard error."""
        if step.problem:
            print(f"  not as it must be: {step.problem}", file=sys.stderr)

    def close(self, steps: list[Step]) -> None:
        """Everything, on standard output."""
        told = [{"name": step.name, "ok": step.ok, "words": step.words, "problem": step.problem} for step in steps]
        print(json.dumps({"ok": all(step.ok for step in steps), "steps": told}, ensure_ascii=False, indent=2))
