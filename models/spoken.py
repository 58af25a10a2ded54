"""One reason in three voices: what the visitor reads, what staff read, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of one reason."""

    visitor: str
    staff: str
    next_step: str
