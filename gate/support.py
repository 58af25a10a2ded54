"""The support table: what each driver's docstring says of its device, of what was tried, and of what was not.

A driver module's docstring ends with four labelled lines, each of which may go on in indented lines:

    Device: ID-card reader with a SAM module
    Does: four card layouts
    Tried: simulator over ptys
    Untried: any real module
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import drivers
from drivers import KINDS, available

LABELS = ("Device", "Does", "Tried", "Untried")
BEGIN, END = "<!-- support table -->", "<!-- /support table -->"
_LINE = re.compile(rf"^({'|'.join(LABELS)}): (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)


def facts(docstring: str) -> dict[str, str]:
    """The labelled lines of a docstring, each as one line of text."""
    return {label: " ".join(text.split()) for label, text in _LINE.findall(docstring)}


def docstring_of(kind: str, name: str) -> str:
    """A driver's docstring, read from its source: its library need not be here."""
    path = Path(drivers.__file__).parent / kind / name
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def support_table() -> str:
    """The table in Markdown, by kind; simulated devices at the end of each."""
    lines = ["| device | driver | what it does | tried here | not tried |", "|---|---|---|---|---|"]
    for kind in KINDS:
        for name in sorted(available(kind), key=lambda name: (name == "sim", name)):
            told = facts(docstring_of(kind, name))
            cells = [told.get(label, "").replace("|", "\\|") for label in LABELS]
            lines.append(f"| {cells[0]} | `{kind}/{name}` | {cells[1]} | {cells[2]} | {cells[3]} |")
    return "\n".join(lines)


def insert(readme: str) -> str:
    """`readme` with the table as it is now between its marks. Raises `ValueError` where they are missing."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README lacks the lines {BEGIN} and {END}")
    return f"{head}{begin}\n{support_table()}\n{end}{tail}"
