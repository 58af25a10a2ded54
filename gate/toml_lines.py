"""On which line of a TOML text a key stands, which the standard library's reader does not tell.

Good enough for a message to a person: it follows tables, dotted and quoted keys and skips comments and long strings.
Keys inside inline tables and arrays are found at the line of the key that holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=")
_SKIPPED = re.compile(r"""\"{3}|'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#.*""")

Path = tuple[str, ...]


def key_lines(source: str) -> dict[Path, int]:
    """Every table and key of `source` with the line (from 1) where it first stands, as `("gate", "name"): 3`."""
    found: dict[Path, int] = {}
    table: Path = ()
    for line_number, line in _lines_outside_values(source):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            found.setdefault(table, line_number)
        elif assignment := _ASSIGNMENT.match(line):
            key = table + _parts(assignment[1])
            for end in range(len(table) + 1, len(key) + 1):
                found.setdefault(key[:end], line_number)
    return found


def _parts(key: str) -> Path:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, key))


def _lines_outside_values(source: str) -> Iterator[tuple[int, str]]:
    """The lines that begin outside of a long string and of an open bracket."""
    delimiter, depth = "", 0
    for line_number, line in enumerate(source.split("\n"), start=1):
        if not delimiter and depth == 0:
            yield line_number, line
            if _TABLE.match(line) and not _ASSIGNMENT.match(line):
                continue
        delimiter, depth = _after(line, delimiter, depth)


def _after(line: str, delimiter: str, depth: int) -> tuple[str, int]:
    """The state at the end of `line`: the open long string's delimiter, or the number of open brackets."""
    at = 0
    while True:
        if delimiter:
            end = line.find(delimiter, at)
            if end < 0:
                return delimiter, depth
            delimiter, at = "", end + 3
        token = _SKIPPED.search(line, at)
        plain = line[at : token.start() if token else None]
        depth = max(depth + sum(plain.count(b) for b in "[{") - sum(plain.count(b) for b in "]}"), 0)
        if token is None:
            return "", depth
        delimiter, at = token[0] if token[0] in ('"""', "'''") else "", token.end()
