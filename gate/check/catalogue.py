"""The codes of `gatectl check`: how grave each is, and what it means in the reader's language.

A code keeps its number and its sense for ever. The hundreds: 1 what is kept, 2 devices and faces, 3 the machine, 4 the
clock, 5 the site, 6 the program.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache
from pathlib import Path
from typing import Self

WORDS = Path(__file__).parent / "words"
LANGUAGES = ("en", "zh")


class Severity(IntEnum):
    """How grave a finding is."""

    OK = 0
    NOTE = 1  # good to know
    WARNING = 2  # the lane works, and will not for ever
    ERROR = 3  # something does not work
    FATAL = 4  # the lane can't admit, or its evidence is in danger


EXITS = {Severity.OK: 0, Severity.NOTE: 0, Severity.WARNING: 10, Severity.ERROR: 11, Severity.FATAL: 12}
"""How `gatectl check` ends, by the gravest finding."""

_N, _W, _E, _F = Severity.NOTE, Severity.WARNING, Severity.ERROR, Severity.FATAL


class Code(StrEnum):
    """What may be found."""

    severity: Severity

    def __new__(cls, code: str, severity: Severity) -> Self:
        """A code is its own text, and knows how grave it is."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.severity = severity
        return made

    SQLITE_OLD = "G101", _N
    TWO_WRITERS = "G102", _F
    NOT_WAL = "G103", _E
    LONG_WAL = "G104", _W
    NO_DATABASE = "G105", _F
    LEDGER_NONE = "G110", _N
    LEDGER_FAILED = "G111", _F
    LEDGER_VERSION = "G112", _E
    LEDGER_CHANGED = "G113", _F
    LEDGER_OF_ANOTHER = "G114", _E
    LEDGER_UNSIGNED = "G115", _W
    MANIFEST_NONE = "G120", _E
    MANIFEST_FAILED = "G121", _F
    MANIFEST_EXPIRED = "G122", _E
    MANIFEST_STALE = "G123", _W
    MANIFEST_OF_ANOTHER = "G124", _E
    MANIFEST_COUNT = "G125", _E
    MANIFEST_DIGEST = "G126", _E
    MANIFEST_NOT_TAKEN = "G127", _W
    MANIFEST_ENDS_SOON = "G128", _W
    KEY_NOT_MADE = "G130", _N
    KEY_GONE = "G131", _E
    KEY_UNSAFE = "G132", _F
    STATE_OPEN = "G133", _W
    ISSUER_MISSING = "G134", _W
    NOBODY_BELIEVED = "G135", _W
    LIST_FAILED = "G140", _E
    LIST_EXPIRED = "G141", _W
    LIST_ENDS_SOON = "G142", _N
    DRIVER_MISSING = "G210", _E
    PORT = "G211", _E
    SILENT = "G212", _E
    ECHO = "G213", _E
    LINE = "G214", _W
    LATE = "G215", _W
    PLUG = "G216", _E
    SPEED = "G217", _E
    RADIO = "G218", _W
    SLOW = "G219", _W
    MODULE = "G220", _E
    OTHER_PORT = "G221", _E
    SHARED_PORT = "G222", _E
    DEVICE_DOWN = "G223", _E
    DARK = "G224", _W
    TURNED = "G225", _E
    NOBODY_THERE = "G226", _N
    WORN = "G227", _W
    WRONG_ANSWER = "G228", _E
    UNPROVEN = "G229", _N
    DLIB_ALONE = "G230", _N
    MODEL_DAMAGED = "G231", _E
    NO_BANDS = "G232", _E
    NO_CAMERA = "G233", _E
    ASKED_SILENT = "G234", _E
    CAMERA_HEIGHT = "G235", _W
    NOT_PROVED = "G236", _W
    STILL = "G237", _E
    DISK_LOW = "G301", _W
    DISK_FULL = "G302", _F
    DISK_READ_ONLY = "G303", _F
    DISK_WORN = "G304", _W
    DISK_DYING = "G305", _E
    WARM = "G310", _W
    HOT = "G311", _E
    UNDER_VOLTAGE = "G312", _E
    WAS_UNDER_VOLTAGE = "G313", _W
    THROTTLED = "G314", _W
    WAS_THROTTLED = "G315", _N
    MEMORY_LOW = "G320", _W
    KILLED_FOR_MEMORY = "G321", _W
    CLOCK_UNTRUSTED = "G401", _E
    CLOCK_OFF = "G402", _W
    LEDGER_FROM_THE_FUTURE = "G403", _E
    CLOCK_NOT_KEPT = "G404", _N
    NO_RTC = "G405", _N
    NOT_ENROLLED = "G501", _N
    PAPERS_UNREADABLE = "G502", _E
    SYNC_SILENT = "G503", _E
    ALONE = "G504", _W
    REVOKED = "G505", _F
    REFUSED = "G506", _W
    UNSENT = "G507", _W
    CERTIFICATE_ENDS = "G508", _W
    CERTIFICATE_ENDED = "G509", _E
    CONFIGURATION = "G601", _F
    GATE_SILENT = "G610", _N
    UNIT_FAILED = "G611", _E
    UNIT_DOWN = "G612", _E
    UNIT_RESTARTS = "G613", _W
    UNIT_NOT_ENABLED = "G614", _W
    GATE_HANGS = "G615", _E
    STAFF_NONE = "G620", _N
    STAFF_UNREADABLE = "G621", _E
    STAFF_NO_SUPERVISOR = "G622", _W
    NO_FONT = "G630", _W
    OLD_PROGRAM_RUNS = "G640", _W
    UPDATE_RETURNED = "G641", _W
    CHECK_FAILED = "G690", _E


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `subject` is the device, file or unit; `detail` the figures. Nothing personal is in either."""

    code: Code
    subject: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code in words: what it is, what it comes from, and what to do."""

    what: str
    cause: str
    fix: str


@cache
def meanings(language: str = "en") -> dict[str, Meaning]:
    """All codes in one of `LANGUAGES`."""
    content = tomllib.loads((WORDS / f"{language}.toml").read_text("utf-8"))
    return {code: Meaning(**told) for code, told in content.items()}


def code_named(text: str) -> Code | None:
    """The code that somebody typed, as in `g217` or `217`; `None` where there is none."""
    wanted = text.strip().upper()
    return next((code for code in Code if code.value in (wanted, f"G{wanted}")), None)


def worst(findings: tuple[Finding, ...]) -> Severity:
    """The gravest of them."""
    return max((finding.code.severity for finding in findings), default=Severity.OK)


_HEAD = {"en": "| code | how grave | what | cause | fix |", "zh": "| 代码 | 程度 | 现象 | 原因 | 处理 |"}


def table(language: str = "en") -> str:
    """All codes as a table in Markdown."""
    told = meanings(language)
    lines = [_HEAD[language], "|---|---|---|---|---|"]
    for code in Code:
        cells = (told[code.value].what, told[code.value].cause, told[code.value].fix)
        row = " | ".join(cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| {code.value} | {code.severity.name.lower()} | {row} |")
    return "\n".join(lines)
