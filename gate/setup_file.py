"""A lane's gate.toml as the wizard writes it: a short one to begin with, or the one that is there with values changed.

What somebody wrote by hand, comments included, stays. A file is put in place only when it loads, and whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from gate.config import Config, ConfigError, load
from gate.kept import write_whole
from gate.toml_lines import key_lines

FILE_MODE = 0o644
"""It holds no secret, and the services read it."""

Key = tuple[str, str]
"""Table and key, as `("gate", "name")`."""

FIRST = """# One lane, as `gatectl setup` wrote it. `gatectl config sample` explains every key there is.
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "/var/lib/menshen"

[socket]
group = "menshen-ui"

[devices]
reader = ""
camera = ""
relay = ""

[secrets]
device_key = "/var/lib/menshen/device-key"
signing_key = "/var/lib/menshen/signing-key"
"""


class CannotChange(ValueError):
    """The file is written in a way that the wizard does not follow; it was left as it is."""


def text_of(path: Path) -> str:
    """What is written there, or what to begin with."""
    return path.read_text("utf-8-sig") if path.exists() else FIRST


def with_values(source: str, values: Mapping[Key, object]) -> str:
    """`source` with these values (texts, numbers, lists of texts) in their places. Raises `CannotChange`."""
    for (table, key), value in values.items():
        source = _with_value(source, table, key, _literal(value))
    return source


def put(path: Path, source: str) -> Config:
    """Make `source` the file at `path`, and give what it says. Raises `ConfigError`; then the old file stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(source, "utf-8")
    try:
        config = load(draft)
    except ConfigError as error:
        raise ConfigError(path, error.problems) from None
    finally:
        draft.unlink(missing_ok=True)
    write_whole(path, source.encode(), FILE_MODE)
    return config


def _with_value(source: str, table: str, key: str, literal: str) -> str:
    lines, places = source.split("\n"), key_lines(source)
    if (at := places.get((table, key))) is not None:
        line = re.fullmatch(rf"(\s*{re.escape(key)}\s*=\s*)(.*)", lines[at - 1])
        if line is None or _goes_on(line[2]):
            raise CannotChange(f"line {at}: {table}.{key} is written over several lines or inside another value")
        lines[at - 1] = line[1] + literal
    elif (at := places.get((table,))) is not None:
        if not re.match(rf"\s*\[\s*{re.escape(table)}\s*\]", lines[at - 1]):
            raise CannotChange(f"line {at}: {table} is no table of its own, written as [{table}]")
        lines.insert(at, f"{key} = {literal}")
    else:
        lines = [*"\n".join(lines).rstrip("\n").split("\n"), "", f"[{table}]", f"{key} = {literal}", ""]
    return "\n".join(lines)


def _goes_on(value: str) -> bool:
    """Whether a value may go on in the next line."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", value)
    return '"""' in value or "'''" in value or bare.count("[") > bare.count("]") or bare.count("{") > bare.count("}")


def _literal(value: object) -> str:
    """TOML's writing of it; JSON's texts, numbers and lists of texts are TOML as well."""
    return json.dumps(value, ensure_ascii=False)


def parse_value(text: str) -> object:
    """What a person wrote after `KEY=`: a number, true or false, a list, or else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
