"""`watch.csv`: listed persons, each with an owner, a purpose, two approvers and an end.

Columns: entry, owner, purpose, action, document, number, valid_from, valid_to, approvers (`a|b`), legal_basis, photo.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from models.face import FaceReference
from models.watch import WatchAction, WatchEntry
from sync.holding import Listed
from sync.sources.people import Enrol, read_document
from sync.sources.table import Encoding, Row, SourceRefused, read_table

_NEEDED = ("entry", "owner", "purpose", "action", "number", "valid_from", "valid_to", "approvers")
_KNOWN = re.compile(r"document|legal_basis|photo")


def read_watchlist(
    path: Path,
    zone: tzinfo | None = None,
    *,
    folder: Path | None = None,
    enrol: Enrol | None = None,
    encoding: Encoding = "utf-8",
) -> list[Listed]:
    """The entries in `path`. Raises `SourceRefused` with all problems, and then gives nothing."""
    rows = read_table(path, _NEEDED, _KNOWN, encoding)
    listed = [_listed(row, zone) for row in rows]
    _refuse_twice(rows)
    _refuse_problems(path, rows)
    done = [_with_face(row, item, folder, enrol) for row, item in zip(rows, listed, strict=True) if item]
    _refuse_problems(path, rows)
    return done


def _listed(row: Row, zone: tzinfo | None) -> Listed | None:
    entry, owner = row.needed("entry", "a name for the entry"), row.needed("owner", "who answers for the entry")
    purpose, action = row.needed("purpose", "why the person is listed"), row.choice("action", WatchAction)
    valid_from, valid_to = row.moment("valid_from", zone), row.moment("valid_to", zone)
    approvers, basis = row.several("approvers"), row.text("legal_basis")
    document = read_document(row, "document", "number")
    if len(set(approvers)) < 2:
        row.complain("approvers", "two different people, as in a|b")
    if not row.text("number") and not row.text("photo"):
        row.complain("number", "a document's number, or a photo")
    if row.text("photo") and not basis:
        row.complain("legal_basis", "a legal basis, since there is a photograph")
    if action is WatchAction.REFUSE_UNLESS_CLEARED and not (row.text("number") and basis):
        row.complain("action", "another action, or an exact document and a legal basis", str(action))
    if action is None or valid_from is None or valid_to is None:
        return None
    if valid_to <= valid_from:
        row.complain("valid_to", "a time after valid_from", "an earlier time")
    return Listed(WatchEntry(entry, owner, purpose, action, valid_from, valid_to, approvers, basis), document)


def _with_face(row: Row, listed: Listed, folder: Path | None, enrol: Enrol | None) -> Listed:
    name = row.text("photo")
    if not name:
        return listed
    if folder is None or enrol is None or Path(name).name != name or not (folder / name).is_file():
        row.complain("photo", "the name of a file in the folder of photographs, and a face engine")
        return listed
    answer = enrol(folder / name)
    if isinstance(answer, FaceReference):
        return replace(
            listed, entry=replace(listed.entry, template=answer.template, model_version=answer.model_version)
        )
    row.complain("photo", "another picture", answer)
    return listed


def _refuse_twice(rows: list[Row]) -> None:
    first: dict[str, int] = {}
    for row in rows:
        if first.setdefault(row.text("entry"), row.number) != row.number:
            row.complain("entry", "each entry once", f"the entry of row {first[row.text('entry')]}")


def _refuse_problems(path: Path, rows: list[Row]) -> None:
    problems = [problem for row in rows for problem in row.problems]
    if problems:
        raise SourceRefused(path.name, problems)
