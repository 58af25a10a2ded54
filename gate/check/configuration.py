"""Can the configuration be used at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding


@dataclass(frozen=True, slots=True)
class Facts:
    """The file, and all that is wrong with it."""

    path: str
    problems: tuple[str, ...] = ()


def gather(around: Around) -> Facts:
    """The problems that loading it tells."""
    error = around.config_error
    # A value may be what somebody typed into the wrong line, a PIN for one: the key and what was expected are enough.
    told = tuple(f"line {one.line}: {one.key}: expected {one.expected}" for one in error.problems) if error else ()
    return Facts(str(around.config_path), told)


def judge(facts: Facts) -> Iterator[Finding]:
    """One finding for each problem."""
    for problem in facts.problems:
        yield Finding(Code.CONFIGURATION, facts.path, problem)
