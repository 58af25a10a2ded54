"""Who leads through an acceptance: a person at a terminal who sees what no program can, or a script in her place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Word(StrEnum):
    """An answer to a question that only eyes and ears can answer."""

    YES = "yes"
    NO = "no"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, with the reason for a no or a skip."""

    word: Word
    why: str = ""


class Interview(Protocol):
    """The other side of the conversation."""

    def says(self, words: str) -> None:
        """Tell what happens, or what to do now."""

    def asks(self, question: str) -> Heard:
        """A question."""

    def skips(self, name: str) -> str:
        """Why the thing `name` is not to be looked at; empty: it is."""

    def again(self, name: str, why: str) -> bool:
        """Whether to look once more at what failed."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """Answers without a person: yes to everything but what is in `noes`, by a word of the question; skips by name."""

    skipped: Mapping[str, str] = field(default_factory=dict)
    noes: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda words: None

    def says(self, words: str) -> None:
        """Handed on."""
        self.tell(words)

    def asks(self, question: str) -> Heard:
        """As the script says."""
        why = next((why for words, why in self.noes.items() if words in question), None)
        return Heard(Word.YES) if why is None else Heard(Word.NO, why)

    def skips(self, name: str) -> str:
        """As the script says."""
        return self.skipped.get(name, "")

    def again(self, name: str, why: str) -> bool:
        """A script tries once."""
        return False
