"""Lines of keys, which the standard library's TOML reader does not tell."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.toml_lines import key_lines

NAMES = st.sampled_from(["a", "b-1", "C_2", "3", 'q "x"', "d.e", "#", "[t]", "門"])
VALUES = st.sampled_from(
    ["1", '"a = 1"', "'[x]'", '"""\nz = 1\n[y]\n"""', "'''\nw = '\n'''", "[\n1,\n2\n]", "{ k = 1 }", '"#"', "[ '[' ]"]
)


def test_tables_keys_and_comments():
    source = "top = 1\n\n[gate]  # the lane\n# name = 'no'\nname = 'x'\n[a.b]\nc.d = 2\n[[list]]\ne = 1\n"
    assert key_lines(source) == {
        ("top",): 1,
        ("gate",): 3,
        ("gate", "name"): 5,
        ("a", "b"): 6,
        ("a", "b", "c"): 7,
        ("a", "b", "c", "d"): 7,
        ("list",): 8,
        ("list", "e"): 9,
    }


def test_what_looks_like_a_key_inside_a_long_string_is_none():
    assert key_lines('a = """\nb = 1\n[c]\n"""\nd = 2\n') == {("a",): 1, ("d",): 5}


def test_what_looks_like_a_table_inside_an_array_is_none():
    assert key_lines("a = [\n  [1],\n  ['b'], # ]\n]\nc = 2\n") == {("a",): 1, ("c",): 5}


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_every_key_is_found_where_it_was_written(tables: dict[str, dict[str, str]]):
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for table, content in tables.items():
        lines.append(f"[{json.dumps(table, ensure_ascii=False)}]")
        expected[(table,)] = len(lines)
        for key, value in content.items():
            first, *rest = f"{json.dumps(key, ensure_ascii=False)} = {value}".split("\n")
            lines.append(first)
            expected[(table, key)] = len(lines)
            lines += rest
    source = "\n".join(lines)
    read: dict[str, Any] = tomllib.loads(source)
    assert {(table,) for table in read} | {(t, k) for t in read for k in read[t]} == set(expected)
    found = key_lines(source)
    assert {_plain(path): line for path, line in found.items()} == expected


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.replace('\\"', '"') for part in path)


@given(st.text())
def test_no_text_breaks_it(source: str):
    assert all(1 <= line <= source.count("\n") + 1 for line in key_lines(source).values())
