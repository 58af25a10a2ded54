"""Tables from outside: read a CSV file or a workbook, and collect every problem with where it is and what was expected.

A problem tells the kind of a value and never the value: a shifted column would put names and numbers into it.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from sync.sources.xlsx import NotASheet, xlsx_lines

Encoding = Literal["utf-8", "gb18030"]

CELL_LIMIT = 10_000
ROW_LIMIT = 300_000
"""Without the header."""

ROUNDED = re.compile(r"[0-9.,]+E\+?[0-9]+", re.IGNORECASE)
"""What a spreadsheet makes of a long number."""

_EVERY = 1_000
_FOR_EVER = {"长期", "unlimited"}

_SHOWN = 20
_YES = {"yes", "true", "1", "y", "是"}
_NO = {"no", "false", "0", "n", "否", ""}

K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `row` counts as a spreadsheet does: the header is row 1. `found` is a kind of value."""

    row: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{where}: found {self.found}, expected {self.expected}"


class SourceRefused(ValueError):
    """A source with problems: all of them, in `problems`. Nothing was made of it."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.row))
        shown = "".join(f"\n  {problem}" for problem in self.problems[:_SHOWN])
        more = len(self.problems) - _SHOWN
        rest = f"\n  and {more} more" if more > 0 else ""
        super().__init__(f"{name} has {len(self.problems)} problems; correct them and build again{shown}{rest}")


def kind_of(value: str) -> str:
    """What a problem may say of a value: "17 digits", "a text of 5 characters"."""
    if not value:
        return "nothing"
    if value.isdecimal():
        return f"{len(value)} digits"
    if ROUNDED.fullmatch(value):
        return "a number that a spreadsheet has rounded"
    return f"a text of {len(value)} characters"


@dataclass(slots=True)
class Row:
    """One row, and what was found wrong with it so far."""

    number: int
    cells: Mapping[str, str] = field(repr=False)
    problems: list[Problem]

    def text(self, column: str, default: str = "") -> str:
        """The cell, tidied: compatibility forms folded (full-width digits), no blanks around. Empty: `default`."""
        return self.cells.get(column, "") or default

    def needed(self, column: str, expected: str) -> str:
        """The cell; empty is a problem."""
        value = self.text(column)
        if not value:
            self.complain(column, expected)
        return value

    def complain(self, column: str, expected: str, found: str = "") -> None:
        """Note that the cell in `column` is not what was expected."""
        problem = Problem(self.number, column, found or kind_of(self.text(column)), expected)
        if problem not in self.problems:
            self.problems.append(problem)

    def choice(self, column: str, kinds: type[K], default: K | None = None) -> K | None:
        """The cell as one of a closed list; `default` when empty."""
        value = self.text(column).lower()
        if not value and default is not None:
            return default
        if value in set(kinds):
            return kinds(value)
        self.complain(column, "one of " + ", ".join(kinds))
        return default

    def yes(self, column: str) -> bool:
        """The cell as yes or no; empty is no."""
        value = self.text(column).lower()
        if value not in _YES | _NO:
            self.complain(column, "yes or no")
        return value in _YES

    def several(self, column: str) -> tuple[str, ...]:
        """The cell as a list with `|` between."""
        return tuple(part.strip() for part in self.text(column).split("|") if part.strip())

    def moment(self, column: str, zone: tzinfo | None, *, needed: bool = True) -> float | None:
        """The cell as Unix seconds. Times without an offset are in `zone`; without `zone` they are a problem."""
        value = self.text(column)
        if not value and not needed:
            return None
        seconds = _moment(value, zone)
        if seconds is None:
            offset = "" if zone else " with its offset"
            self.complain(column, f"a date and time{offset}, such as 2025-05-01T19:30{'' if zone else '+08:00'}")
        return seconds

    def day(self, column: str) -> date | None:
        """The cell as a day; empty, or "长期" as on a card without an end: `None`."""
        value = self.text(column)
        if not value or value.lower() in _FOR_EVER:
            return None
        try:
            return date.fromisoformat(value.replace(".", "-"))
        except ValueError:
            self.complain(column, "a day, such as 2030-05-01, or 长期")
            return None


def read_table(
    path: Path,
    needed: Collection[str],
    known: re.Pattern[str],
    encoding: Encoding,
    read: Callable[[int], None] | None = None,
    *,
    other_names: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of `path`: of a workbook when it is called `.xlsx`, else of comma-separated values.

    `needed` columns must be there, or go by one of the `other_names`; others must match `known`. `read` is told now and
    then how many rows were read.
    Raises `SourceRefused` when the file as such can't be used; rows with a wrong number of cells carry their problem.
    """
    lines = _lines(path, encoding)
    rows: list[Row] = []
    try:
        header = _ours([tidy(name).lower() for name in next(lines, [])], other_names or {})
        _refuse_header(path.name, header, needed, known)
        for number, cells in enumerate(lines, start=2):
            if number > ROW_LIMIT + 1:
                raise SourceRefused(path.name, [Problem(number, "", "more rows", f"at most {ROW_LIMIT} rows")])
            if any(cells):
                rows.append(_row(number, header, cells))
            if read and number % _EVERY == 0:
                read(len(rows))
    except csv.Error:
        problem = Problem(len(rows) + 2, "", "quotes that don't pair up, or a huge cell", "comma-separated values")
        raise SourceRefused(path.name, [problem]) from None
    except NotASheet as error:
        raise SourceRefused(path.name, [Problem(len(rows) + 1, "", error.found, error.expected)]) from None
    return rows


def _ours(header: list[str], other_names: Mapping[str, str]) -> list[str]:
    """The header with our names for columns, where another trade calls them otherwise."""
    return [other_names.get(name, name) for name in header]


def _lines(path: Path, encoding: Encoding) -> Iterator[list[str]]:
    if path.suffix.lower() == ".xlsx":
        return xlsx_lines(path, ROW_LIMIT + 2)
    return csv.reader(io.StringIO(_text(path, encoding), newline=""), strict=True)


def _text(path: Path, encoding: Encoding) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        other = "say so if it is GB18030" if encoding == "utf-8" else "say so if it is UTF-8"
        raise SourceRefused(path.name, [Problem(line, "", f"bytes that are not {encoding}", other)]) from None


def _refuse_header(name: str, header: list[str], needed: Collection[str], known: re.Pattern[str]) -> None:
    problems = [Problem(1, column, "no such column", "this column") for column in needed if column not in header]
    for place, column in enumerate(header, start=1):
        if not (column in needed or known.fullmatch(column)):
            names = [*needed, *re.findall(r"[a-z_]{3,}", known.pattern)]
            near = difflib.get_close_matches(column, names, 1)
            hint = f"{near[0]}?" if near else "a column of ours, or none"
            problems.append(Problem(1, f"column {place}", "an unknown name", hint))
    if len(set(header)) != len(header):
        problems.append(Problem(1, "", "a column name twice", "each column once"))
    if problems:
        raise SourceRefused(name, problems)


def _row(number: int, header: list[str], cells: list[str]) -> Row:
    row = Row(number, dict(zip(header, map(tidy, cells), strict=False)), [])
    if len(cells) != len(header):
        row.complain("", f"{len(header)} as in row 1", f"{len(cells)} cells")
    for column, value in row.cells.items():
        if len(value) > CELL_LIMIT or not value.isprintable():
            row.complain(column, f"at most {CELL_LIMIT} printable characters", "a long or unprintable text")
    return row


def tidy(value: str) -> str:
    """Compatibility forms folded (NFKC: full-width digits become digits), no blanks around."""
    return value.strip() if value.isascii() else unicodedata.normalize("NFKC", value).strip()


@lru_cache(maxsize=4096)
def _moment(value: str, zone: tzinfo | None) -> float | None:
    if "T" not in value and " " not in value:  # a day is not a moment
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        if zone is None:
            return None
        moment = moment.replace(tzinfo=zone)
    return moment.timestamp()
