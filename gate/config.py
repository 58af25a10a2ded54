"""The gate's configuration: one TOML file, read once at the border into frozen dataclasses.

All problems are reported at once, each with its line and what was expected there. Secrets stay in files of their own;
the configuration names them, relative to systemd's credentials folder or else to its own folder.
"""

# ruff: noqa: RUF009  # a setting is a dataclass field, made by a function of ours
from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gate import setting as kinds
from gate.config_beside import Keep, Metrics, Staff, Sync
from gate.config_words import LogLevel as LogLevel
from gate.config_words import nearest, shown, title
from gate.region import WHOLE, Region
from gate.setting import setting, setting_of
from gate.tighten import Overrides
from gate.toml_lines import key_lines
from models.passage import Direction

MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the file. `line` is 0 where nothing stands; `nearest` may be empty."""

    line: int
    key: str
    value: str
    expected: str
    nearest: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        value = f" = {self.value}" if self.value else ""
        advice = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{where}{self.key}{value}: expected {self.expected}{advice}"


class ConfigError(ValueError):
    """The file can't be used. `problems` holds everything that is wrong with it, in the order of its lines."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join([f"{path}:", *(f"  {problem}" for problem in problems)]))
        self.path = path
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`[gate]`: which lane this is, and where it keeps its things."""

    name: str = setting(
        kinds.text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", "1 to 32 letters, digits, . _ or -"), '"G1"', "this lane's name"
    )
    direction: Direction = setting(kinds.choice(Direction), '"entry"', "entry or exit", Direction.ENTRY)
    timezone: ZoneInfo = setting(kinds.ZONE, '"Asia/Shanghai"', "the venue's time zone")
    state_dir: Path = setting(kinds.ABSOLUTE_PATH, '"/var/lib/menshen"', "the databases' folder")
    issuers: tuple[Path, ...] = setting(
        kinds.FILE_NAMES, "[]", 'whose manifests are believed beside its server, as in ["issuers/hall.pub"]', ()
    )
    controller: str = setting(kinds.SHORT_LINE, '""', "who answers for visitors' data, for the notice at the lane", "")
    ask_after_min: float = setting(
        kinds.number(0, 1440), "10.0", "minutes without a visitor after which the devices are asked; 0: never", 10.0
    )
    log_level: LogLevel = setting(kinds.choice(LogLevel), '"info"', "error, warning, info, debug", LogLevel.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """`[socket]`: where screens and commands meet the gate."""

    path: Path = setting(
        kinds.ABSOLUTE_PATH, '"/run/menshen/gate.sock"', "a Unix socket", Path("/run/menshen/gate.sock")
    )
    group: str = setting(
        kinds.text(r"([a-z_][a-z0-9_-]{0,31})?", "a group's name, or \"\" for the gate's own"),
        '""',
        "the group of the screens, as in menshen-ui",
        "",
    )
    mirror: Path | None = setting(
        kinds.OPTIONAL_PATH, '""', "the live picture's Unix socket; without a name mirror.sock beside the gate's", None
    )

    @property
    def mirror_path(self) -> Path:
        """Where the screens find the live picture."""
        return self.mirror or self.path.with_name("mirror.sock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """`[devices]`: URLs, as driver[+transport]:location[?option=value]."""

    reader: str = setting(kinds.DEVICE, '"sam+serial:///dev/gate-reader?baud=115200"', "the card reader")
    exit_reader: str | None = setting(
        kinds.OPTIONAL_DEVICE, '""', "a second reader on the inner side, for people who leave", None
    )
    camera: str | None = setting(
        kinds.OPTIONAL_DEVICE, '"v4l2:///dev/gate-camera"', 'the lane\'s camera, or "": a person compares'
    )
    face: str = setting(kinds.DEVICE, '"best:"', "the face engine: the best installed, or dlib", "best:")
    relay: str = setting(kinds.DEVICE, '"lcus+serial:///dev/gate-relay?channel=1"', "the turnstile's contact")
    sensor: str | None = setting(
        kinds.OPTIONAL_DEVICE, '""', "the passage sensor; without one a passage is recorded as unknown", None
    )
    inputs: tuple[str, ...] = setting(kinds.DEVICES, "[]", "further sensors, for fire, tamper, a cabinet's door", ())
    signals: tuple[str, ...] = setting(kinds.DEVICES, "[]", "lamps, buzzers, voices; none of them stops the lane", ())
    rated: tuple[tuple[str, int], ...] = setting(
        kinds.RATINGS, "{}", "what the data sheets promise, as in { relay = 100000 }; see gatectl devices wear", ()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """`[secrets]`: names of files; nothing secret stands in this file."""

    device_key: Path = setting(kinds.SECRET_FILE, '"device-key"', "seals what rests on this device", Path("device-key"))
    signing_key: Path = setting(kinds.SECRET_FILE, '"signing-key"', "signs the ledger", Path("signing-key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """`[vision]`: how patient the gate is with camera and face engine, in seconds, and how it opens portraits."""

    start_s: float = setting(kinds.number(1, 300), "20.0", "how long loading the networks may take", 20.0)
    silence_s: float = setting(kinds.number(0.5, 30), "1.2", "a child that looks and is silent for longer is lost", 1.2)
    region: Region = setting(
        kinds.REGION, "[0.0, 0.0, 1.0, 1.0]", "this lane in the picture; beyond it nobody is seen", WHOLE
    )
    portrait_decoder: tuple[str, ...] = setting(
        kinds.COMMAND, '""', "your own program for chip pictures in a closed format: stdin to stdout", ()
    )
    portrait_decoder_s: float = setting(kinds.number(0.05, 5), "0.5", "how long it may take for one", 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a gate is told. The names are the file's tables."""

    gate: Place
    socket: Door
    devices: Devices
    secrets: Secrets
    vision: Vision
    policy: Overrides
    sync: Sync = Sync()
    staff: Staff = Staff()
    keep: Keep = Keep()
    metrics: Metrics = Metrics()

    @property
    def metrics_path(self) -> Path:
        """Where the gate tells its figures."""
        return self.metrics.socket or self.socket.path.with_name("metrics.sock")


_TABLES: dict[str, type[Any]] = {
    "gate": Place,
    "socket": Door,
    "devices": Devices,
    "secrets": Secrets,
    "vision": Vision,
    "sync": Sync,
    "staff": Staff,
    "keep": Keep,
    "metrics": Metrics,
    "policy": Overrides,
}


def load(path: Path, credentials: Path | None = None) -> Config:
    """The configuration in the file `path`. Raises `ConfigError` with all problems.

    `credentials` is the folder of the secret files; without it systemd's (`CREDENTIALS_DIRECTORY`), or the file's own.
    """
    source = _read_text(path)
    try:
        content = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        problem = Problem(int(line[1]) if line else 0, "the file", "", f"TOML, and there is this: {error}")
        raise ConfigError(path, (problem,)) from error
    reading = _Reading(content, key_lines(source))
    tables = {name: reading.table(name, made_of) for name, made_of in _TABLES.items()}
    reading.refuse_unknown((), content, list(_TABLES))
    if reading.problems:
        raise ConfigError(path, tuple(sorted(reading.problems, key=lambda problem: problem.line)))
    config = Config(**tables)
    folder = path.absolute().parent
    return replace(
        config,
        gate=replace(config.gate, issuers=tuple(folder / issuer for issuer in config.gate.issuers)),
        secrets=_within(config.secrets, credentials or Path(os.environ.get("CREDENTIALS_DIRECTORY", folder))),
    )


def sample() -> str:
    """A commented file that loads as it stands. What has a default is commented out; so is every tightening."""
    lines = ["# The configuration of one lane. Lines that begin with # show the default, or for [policy] an example."]
    for name, made_of in _TABLES.items():
        lines += ["", f"# {title(made_of)}", f"[{name}]"]
        for declared in fields(made_of):
            told = setting_of(declared)
            mark = "" if declared.default is MISSING else "# "
            lines.append(f"{mark}{declared.name} = {told.example}  # {told.about}")
    return "\n".join(lines) + "\n"


class _Reading:
    """Takes the tables apart, and keeps the problems."""

    def __init__(self, content: dict[str, Any], lines: dict[tuple[str, ...], int]) -> None:
        self.problems: list[Problem] = []
        self._content = content
        self._lines = lines

    def table(self, name: str, made_of: type[Any]) -> Any:
        """The table `name` as a `made_of`, or `None` after a problem."""
        content = self._content.get(name, {})
        if not isinstance(content, dict):
            self._add((name,), content, f"a table, written as [{name}]")
            return None
        declared = fields(made_of)
        self.refuse_unknown((name,), content, [one.name for one in declared])
        before = len(self.problems)
        values = dict(self._values(name, content, declared))
        return made_of(**values) if len(self.problems) == before else None

    def _values(
        self, table: str, content: dict[str, Any], declared: tuple[Field[Any], ...]
    ) -> Iterator[tuple[str, Any]]:
        for one in declared:
            kind, key = setting_of(one).kind, (table, one.name)
            if one.name in content:
                value = content[one.name]
                try:
                    yield one.name, kind.read(value)
                except ValueError:
                    self._add(key, value, kind.expected, nearest(str(value), kind.words))
            elif one.default is MISSING:
                self._add(key, None, f"{kind.expected} ({setting_of(one).about}), and it is missing")

    def refuse_unknown(self, table: tuple[str, ...], content: dict[str, Any], known: list[str]) -> None:
        """A problem for each key that nothing reads."""
        for name in content:
            if name not in known:
                what = f"one of {', '.join(known)}" if table else f"one of the tables {', '.join(known)}"
                self._add((*table, name), content[name], what, nearest(name, known))

    def _add(self, key: tuple[str, ...], value: Any, expected: str, nearest: str = "") -> None:
        line = self._lines.get(key) or self._lines.get(key[:1], 0)
        self.problems.append(Problem(line, ".".join(key), shown(key, value), expected, nearest))


def _within(secrets: Secrets, folder: Path) -> Secrets:
    return replace(secrets, **{one.name: folder / getattr(secrets, one.name) for one in fields(secrets)})


def _read_text(path: Path) -> str:
    """The file's text. A byte-order mark, as Windows editors write it, is let pass."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        expected = f"a readable file, and the system says: {error.strerror}"
        raise ConfigError(path, (Problem(0, "the file", "", expected),)) from error
    if len(content) > MOST_BYTES:
        raise ConfigError(path, (Problem(0, "the file", "", f"at most {MOST_BYTES} bytes"),))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(path, (Problem(line, "the file", "", "text in UTF-8"),)) from error
