"""The words of the configuration's problems and of its sample: values shown safely, near misses, titles, levels."""

from __future__ import annotations

import difflib
import re
from enum import IntEnum
from typing import Any

from gate import setting as kinds

_SECRET_NAME = re.compile(r"pass|secret|token|(\b|_)(pin|key)\b", re.IGNORECASE)
_NOT_SHOWN = "(not shown)"


class LogLevel(IntEnum):
    """What is written to the log. `TRAFFIC` has the bytes on the wire and is for the technician's bench alone."""

    TRAFFIC = 5
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


def title(made_of: type[Any]) -> str:
    """The first line of a table's docstring, without its `[name]: `."""
    first = (made_of.__doc__ or "").splitlines()[0].split(": ", 1)[-1]
    return first[:1].upper() + first[1:]


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """The known word that `word` may have been meant to be, or nothing."""
    return next(iter(difflib.get_close_matches(word.lower(), known, n=1)), "")


def shown(key: tuple[str, ...], value: Any) -> str:
    """`value` for a message: short, and never what may be a secret."""
    if value is None or isinstance(value, dict):
        return ""
    if key[0] == "secrets" or _SECRET_NAME.search(key[-1]) or kinds.looks_secret(value):
        return _NOT_SHOWN
    written = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return written if len(written) <= 60 else written[:57] + "..."
