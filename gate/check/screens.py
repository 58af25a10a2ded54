"""The screens: is there a font with Chinese letters?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from gate.check.around import Around
from gate.check.catalogue import Code, Finding


@dataclass(frozen=True, slots=True)
class Facts:
    """Families with Chinese letters; `None` where nobody can say."""

    installed: bool
    chinese: tuple[str, ...] | None


def gather(around: Around) -> Facts:
    """Ask fontconfig, where screens are installed at all."""
    told = around.run(("fc-list", ":lang=zh-cn", "family"))
    families = None if told is None else tuple(sorted({line.strip() for line in told.splitlines() if line.strip()}))
    return Facts(find_spec("PyQt5") is not None, families)


def judge(facts: Facts) -> Iterator[Finding]:
    """None at all is wrong."""
    if facts.installed and facts.chinese == ():
        yield Finding(Code.NO_FONT, "screens")
