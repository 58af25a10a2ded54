"""Workbooks as lines of text cells: the first sheet of an XLSX file (ECMA-376), read as it streams by.

A workbook is a ZIP archive of XML. What it unpacks to is bounded before anything is unpacked; `zipfile` never gives
more of a member than its declared size.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

UNPACKED_LIMIT = 512 << 20
"""Bytes of all members together."""

STRINGS_LIMIT = 96 << 20
"""Bytes of the table of strings, which has to be held in memory."""

RATIO_LIMIT = 200
"""How many times its packed size a member may be, if it is large at all."""

COLUMN_LIMIT = 64

_SMALL = 1 << 20
_MEMBER_LIMIT = 1_000
_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number


class NotASheet(ValueError):
    """A file that can't be read as a workbook. `found` and `expected` are for a `Problem`."""

    def __init__(self, found: str, expected: str = "a workbook (.xlsx)") -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found, self.expected = found, expected


def xlsx_lines(path: Path, row_limit: int) -> Iterator[list[str]]:
    """The first sheet's rows, up to `row_limit`; blank cells at the end of a row are made up or dropped as row 1 has.

    Raises `NotASheet`.
    """
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError:
        raise NotASheet("a workbook, which needs openpyxl to be read", "openpyxl, or a CSV file") from None
    _refuse_bombs(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its own size is not to be trusted
            yield from _even(sheet.iter_rows(max_row=row_limit, max_col=COLUMN_LIMIT, values_only=True))
        finally:
            book.close()
    except Exception:  # a damaged workbook fails anywhere in openpyxl, in many ways
        raise NotASheet("a damaged workbook") from None


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise NotASheet("a file that is no workbook") from None
    if len(members) > _MEMBER_LIMIT or sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise NotASheet("a workbook that unpacks to too much", f"at most {UNPACKED_LIMIT >> 20} MB")
    for member in members:
        if member.file_size > max(_SMALL, RATIO_LIMIT * member.compress_size):
            raise NotASheet("a workbook that unpacks to far more than it is", f"at most {RATIO_LIMIT} times")
        if member.filename.lower().endswith("sharedstrings.xml") and member.file_size > STRINGS_LIMIT:
            raise NotASheet("a workbook with too many texts", f"at most {STRINGS_LIMIT >> 20} MB of them")


def _even(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[str]]:
    """All rows as long as the first, unless there is something in the further cells."""
    width = 0
    for row in rows:
        cells = [_text(value) for value in row]
        while len(cells) > width and not cells[-1]:
            cells.pop()
        width = width or len(cells)
        yield cells + [""] * (width - len(cells))


def _text(value: Any) -> str:
    """A cell as one would have typed it. A date at midnight is taken for a day: that is how a day is kept."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        whole = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        return whole.date().isoformat() if whole.time() == whole.time().min else whole.isoformat()
    if isinstance(value, int | float):
        if abs(value) >= _EXACT:
            return f"{value:.5E}"  # recognised as rounded, and refused
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)
