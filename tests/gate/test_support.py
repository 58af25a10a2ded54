"""The support table is made of the drivers' own words, and the README shows it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import KINDS, available
from gate.support import BEGIN, END, LABELS, docstring_of, facts, insert, support_table

README = Path(__file__).resolve().parents[2] / "README.md"
DRIVERS = [(kind, name) for kind in KINDS for name in available(kind)]


@pytest.mark.parametrize(("kind", "name"), DRIVERS)
def test_every_driver_says_what_it_is_and_what_was_tried(kind, name):
    told = facts(docstring_of(kind, name))
    assert tuple(told) == LABELS, f"drivers/{kind}/{name}.py: its docstring ends with {', '.join(LABELS)}, each a line"
    assert all(told.values())


def test_the_readme_shows_the_table_as_it_is():
    shown = README.read_text("utf-8").split(BEGIN, 1)[1].split(END, 1)[0]
    assert shown.strip("\n") == support_table(), "run `python -m gate.cli devices table --write README.md`"


def test_each_driver_has_one_row():
    rows = support_table().splitlines()[2:]
    assert len(rows) == len(DRIVERS)
    for kind, name in DRIVERS:
        assert sum(f"| `{kind}/{name}` |" in row for row in rows) == 1


def test_a_fact_may_go_on_in_indented_lines_and_ends_where_they_do():
    told = facts("Words.\n\nDevice: a\n    b  c\nDoes: d\n\nTried: e\nUntried: f | g\nNot this: h\n")
    assert told == {"Device": "a b c", "Does": "d", "Tried": "e", "Untried": "f | g"}


def test_the_table_goes_between_its_marks_and_nowhere_else():
    text = f"above\n{BEGIN}\nold\n{END}\nbelow\n"
    written = insert(text)
    assert written.startswith(f"above\n{BEGIN}\n| device |")
    assert written.endswith(f"|\n{END}\nbelow\n")
    assert insert(written) == written
    for broken in ("none", f"{BEGIN} alone", f"{END} alone"):
        with pytest.raises(ValueError, match="lacks the lines"):
            insert(broken)
