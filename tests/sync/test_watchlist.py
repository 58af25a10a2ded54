"""A watch entry has an owner, a purpose, two approvers and an end, or it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.face import FaceReference
from models.ids import DocumentType
from models.watch import WatchAction
from sync.holding import Document
from sync.sources.table import SourceRefused
from sync.sources.watchlist import read_watchlist

HEADER = "entry,owner,purpose,action,number,valid_from,valid_to,approvers,legal_basis,photo"
GOOD = {
    "entry": "W1",
    "owner": "hospital 3",
    "purpose": "touting",
    "action": "review",
    "number": "11010519491231002X",
    "valid_from": "2025-01-01T00:00Z",
    "valid_to": "2026-01-01T00:00Z",
    "approvers": "li|wang",
    "legal_basis": "law 5",
    "photo": "",
}


def table(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "watch.csv"
    lines = [",".join({**GOOD, **row}.values()) for row in rows]
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return path


def test_a_row_becomes_an_entry_about_a_document(tmp_path):
    (listed,) = read_watchlist(table(tmp_path, {}))
    assert listed.document == Document(DocumentType.RESIDENT_ID, GOOD["number"])
    assert listed.entry.action is WatchAction.REVIEW
    assert listed.entry.approvers == ("li", "wang")
    assert listed.entry.valid_to - listed.entry.valid_from == 365 * 86400
    assert GOOD["number"] not in repr(listed)


def test_an_entry_known_by_face_alone_keeps_the_model_of_its_template(tmp_path):
    (tmp_path / "w.jpg").touch()
    path = table(tmp_path, {"number": "", "photo": "w.jpg"})
    (listed,) = read_watchlist(path, folder=tmp_path, enrol=lambda picture: FaceReference("sim-1", b"t"))
    assert listed.document is None
    assert (listed.entry.template, listed.entry.model_version) == (b"t", "sim-1")


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"entry": ""}, "entry"),
        ({"owner": ""}, "owner"),
        ({"purpose": ""}, "purpose"),
        ({"action": "arrest"}, "action"),
        ({"approvers": "li"}, "approvers"),
        ({"approvers": "li|li"}, "approvers"),
        ({"valid_to": ""}, "valid_to"),
        ({"valid_to": "2024-01-01T00:00Z"}, "valid_to"),
        ({"number": "110105194912310021"}, "number"),
        ({"number": ""}, "number"),
        ({"action": "refuse_unless_cleared", "legal_basis": ""}, "action"),
        ({"photo": "w.jpg", "legal_basis": ""}, "legal_basis"),
        ({"photo": "absent.jpg"}, "photo"),
    ],
)
def test_an_entry_without_what_it_needs_is_refused(tmp_path, change, column):
    with pytest.raises(SourceRefused) as caught:
        read_watchlist(table(tmp_path, change))
    assert [problem.column for problem in caught.value.problems] == [column]


def test_an_entry_twice_is_refused(tmp_path):
    with pytest.raises(SourceRefused, match="row 3, entry: found the entry of row 2"):
        read_watchlist(table(tmp_path, {}, {}))
