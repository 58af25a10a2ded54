"""The printed table is the table, in the README too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.core.lane import TABLE, print_table
from models.view import Phase

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_shows_the_table_as_it_is() -> None:
    if not README.exists():
        pytest.skip("there is no README.md yet")
    text = README.read_text(encoding="utf-8")
    assert "<!-- lane table -->" in text, "README.md has no line `<!-- lane table -->`"
    shown = text.split("<!-- lane table -->", 1)[1].split("<!-- /lane table -->", 1)[0]
    bare = "\n".join(line for line in shown.splitlines() if not line.startswith("```"))
    assert bare.strip("\n") == print_table(), "paste the output of `python -m gate.core.lane` between the markers"


def test_the_print_holds_every_pair_and_no_other() -> None:
    head, *rows = (line.split() for line in print_table().splitlines())
    assert head == [phase.value.upper() for phase in Phase]
    printed = {(row[0], phase) for row in rows for phase, cell in zip(Phase, row[1:], strict=True) if cell != "·"}
    assert printed == {(event.__name__, phase) for phase, event in TABLE}
