"""A lane's configuration on its way to another machine: exported, imported, cloned, shared with who helps.

An export holds all that makes a lane but its secrets and its identity: the tables without `[secrets]` and without the
lane's name, and the issuers' public keys. A clone is an export with the name of the lane that it shall become. Neither
holds keys or papers: a new machine makes its own keys and is enrolled by itself.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.config import MOST_BYTES, ConfigError, load
from gate.config_words import shown
from gate.kept import write_whole

FORMAT = 1
_HEAD = "# A lane of Menshen, without its secrets. Take it up with: gatectl config import FILE\n"
_KEPT_HERE = ("name",)
_USUAL_SECRETS = {
    "device_key": "/var/lib/menshen/device-key",
    "signing_key": "/var/lib/menshen/signing-key",
}

Tables = dict[str, Any]


class NotALane(ValueError):
    """What was handed in is no export, or can't become this machine's lane. Says why."""


@dataclass(frozen=True, slots=True)
class LaneCopy:
    """What travels. `name` is empty in an export; `files` are public keys by their names beside the configuration."""

    tables: Tables
    files: dict[str, str] = field(default_factory=dict)
    name: str = ""

    def to_text(self) -> str:
        """As a file."""
        head: Tables = {"format": FORMAT} | ({"name": self.name, "enrol_anew": True} if self.name else {})
        return _HEAD + to_toml({"export": head, "lane": self.tables, "files": self.files})

    @classmethod
    def from_text(cls, text: str) -> LaneCopy:
        """Read one. Raises `NotALane`."""
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise NotALane(f"this is no exported lane: {error}") from None
        head, tables, files = (content.get(name, {}) for name in ("export", "lane", "files"))
        if not isinstance(head, dict) or not isinstance(tables, dict) or not isinstance(files, dict) or not head:
            raise NotALane("this is no exported lane: it has no [export]; make one with gatectl config export")
        if head.get("format") != FORMAT:
            raise NotALane(
                f"this export has format {head.get('format')!r}, this program reads {FORMAT}: upgrade it first"
            )
        if "secrets" in tables or not all(isinstance(table, dict) for table in tables.values()):
            raise NotALane("an export holds tables of settings and no secrets; this one was changed")
        for name, key in files.items():
            if not _is_public_key(name, key):
                raise NotALane("an export's files are public keys beside the configuration; one of these is not")
        return cls(tables, files, str(head.get("name", "")))


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that an import changes; empty where nothing stood or stands."""

    key: str
    before: str
    after: str


def export(path: Path) -> LaneCopy:
    """The lane of the configuration `path`. Raises `ConfigError` where that can't be used."""
    config = load(path)
    tables = _content(path)
    tables.pop("secrets", None)
    tables["gate"] = {key: value for key, value in tables["gate"].items() if key not in _KEPT_HERE}
    folder, files = path.absolute().parent, {}
    for issuer in config.gate.issuers:
        if issuer.is_file() and issuer.is_relative_to(folder):
            files[issuer.relative_to(folder).as_posix()] = issuer.read_text("utf-8")
    return LaneCopy(tables, {name: text for name, text in files.items() if _is_public_key(name, text)})


def clone(path: Path, name: str) -> LaneCopy:
    """The same for a further lane called `name`. Raises `NotALane` for the name that this one has."""
    copy = export(path)
    if name == load(path).gate.name:
        raise NotALane(f"this lane is called {name} already: two lanes of one name would be taken for one")
    made = LaneCopy(copy.tables, copy.files, name)
    try_out(merged(made, {}), path)
    return made


def merged(copy: LaneCopy, here: Tables, name: str = "") -> Tables:
    """What this machine's file becomes: the copy's tables, under its own name and with its own secrets.

    Raises `NotALane` where the lane has no name, or another than the copy gives it.
    """
    own = str(here.get("gate", {}).get("name", ""))
    chosen = name or own or copy.name
    if not chosen:
        raise NotALane("this machine has no lane yet: say its name with --name")
    if copy.name and own and copy.name != own and not name:
        raise NotALane(
            f"the clone is for {copy.name} and this is lane {own}: repeat it with --name to say what it shall be"
        )
    ledger = Path(str(here.get("gate", {}).get("state_dir", "")), "ledger.db")
    if own and chosen != own and ledger.exists():
        raise NotALane(f"this machine has the ledger of lane {own}, and another name would be another's: move it away")
    gate = {"name": chosen} | copy.tables.get("gate", {})
    rest = {table: values for table, values in copy.tables.items() if table != "gate"}
    return {"gate": gate} | rest | {"secrets": here.get("secrets", _USUAL_SECRETS)}


def differences(before: Tables, after: Tables) -> list[Difference]:
    """What changes, setting by setting, in the order of the new file. Nothing secret is told."""
    keys = [(table, key) for tables in (after, before) for table, values in tables.items() for key in values]
    found = []
    for table, key in dict.fromkeys(keys):
        was, shall = before.get(table, {}).get(key), after.get(table, {}).get(key)
        if was != shall:
            found.append(Difference(f"{table}.{key}", _word(table, key, was), _word(table, key, shall)))
    return found


def current(path: Path) -> Tables:
    """What stands in the configuration now; nothing where there is none. Raises `ConfigError` for a broken one."""
    if not path.exists():
        return {}
    load(path)
    return _content(path)


def take_up(copy: LaneCopy, tables: Tables, path: Path) -> None:
    """Write the configuration and the keys that it names; the former stays beside it as `.old`.

    Raises `ConfigError` before anything is written where the result could not be used.
    """
    try_out(tables, path)
    folder = path.absolute().parent
    for name, text in copy.files.items():
        if not (folder / name).exists():  # a key that is here was brought by hand, and is believed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, text.encode(), mode=0o644)
    if path.exists():
        write_whole(path.with_name(f"{path.name}.old"), path.read_bytes())
    write_whole(path, to_toml(tables).encode(), mode=0o644)


def shareable(path: Path) -> str:
    """The configuration for a support bundle: no secrets, no comments. Raises `OSError`, `TOMLDecodeError`."""
    tables = _content(path)
    tables["secrets"] = dict.fromkeys(tables.get("secrets", {}), "(not shown)")
    for table, values in tables.items():
        if isinstance(values, dict):
            for key, value in values.items():
                if "not shown" in shown((table, key), value):
                    values[key] = "(not shown)"
    return to_toml(tables)


def to_toml(tables: Tables) -> str:
    """Tables as TOML. Values are what `tomllib` gives, without times."""
    lines = []
    for name, values in tables.items():
        nested = {key: value for key, value in values.items() if isinstance(value, dict) and name == "lane"}
        if nested:
            lines += [f"[{_key(name)}.{_key(table)}]\n{_lines(inner)}" for table, inner in nested.items()]
        else:
            lines.append(f"[{_key(name)}]\n{_lines(values)}")
    return "\n".join(lines)


def _lines(values: Tables) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in values.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            inner = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case bool():
            return str(value).lower()
    return repr(value)


def _word(table: str, key: str, value: Any) -> str:
    return shown((table, key), value) if not isinstance(value, dict) else _value(value)


def _is_public_key(name: Any, text: Any) -> bool:
    if not isinstance(name, str) or not isinstance(text, str) or name.startswith("/") or ".." in Path(name).parts:
        return False
    return bool(re.fullmatch(r"menshen-issuer-ed25519\s+[0-9a-fA-F]{64}\s+[^\x00-\x1f]{1,128}\s*", text))


def try_out(tables: Tables, path: Path) -> None:
    """Have the reader of configurations look at it, beside the place where it shall lie. Raises `ConfigError`."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.look")
    try:
        fresh.write_text(to_toml(tables), encoding="utf-8")
        load(fresh)
    except ConfigError as error:
        raise ConfigError(path, error.problems) from None
    finally:
        fresh.unlink(missing_ok=True)


def _content(path: Path) -> Tables:
    with path.open("rb") as file:
        return tomllib.loads(file.read(MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n"))
