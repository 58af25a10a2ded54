"""The house's laws, read from its source: which way imports point, what stands at the top, how long things are.

Each law is a function from source to findings, and each is shown a planted offence that it must find.
"""

from __future__ import annotations

import ast
import fnmatch
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import NOT_IN_THE_FAST_RUN, WITH_THE_LONG_ONES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "drivers", "gate", "sync", "ui")

ALLOWED_AT_THE_TOP = {
    *("gate", "drivers", "ui", "sync", "models", "tests", "systemd"),
    *("setup.py", "README.md", "Makefile", "LICENSE", "pyproject.toml"),
}
MADE_BY_TOOLS = ("__pycache__", "*.egg-info", "build", "dist")

LONGEST_FILE = 300
LONGEST_FUNCTION = 45
LONG_FILES: dict[str, str] = {
    "gate/core/rules.py": "every rule that decides, to be read from top to bottom",
    "sync/server/tables.py": "every table of the server, to be read from top to bottom",
    "sync/server/watch_tables.py": "every table of lists of persons, likewise",
    "sync/server/migrations/versions/0001.py": "one step of the schema, written out",
}
LONG_FUNCTIONS: dict[str, str] = {
    "drivers/camera/_visitors/identity.py:identity": "a list of measures, one a line",
    "sync/server/migrations/versions/0001.py:upgrade": "one step of the schema, written out",
}

FADED_WORDS = ("Manager", "Helper", "Utils", "Handler")


@dataclass(frozen=True)
class Room:
    """What the files that `where` matches may import. `libraries` is `None` where any library may be used."""

    where: str
    packages: tuple[str, ...]
    libraries: tuple[str, ...] | None = None


# The first that matches counts.
ROOMS = (
    Room("models/wire.py", ("models",), ("msgspec",)),
    Room("models/store/*", ("models",), ("msgspec", "sqlite_utils", "cryptography")),
    Room("models/watch_domain.py", ("models",), ("numpy",)),  # gate and hub turn templates alike
    Room("models/*", ("models",), ()),
    Room("drivers/*", ("drivers", "models")),
    Room("gate/core/compare.py", ("gate.core", "models"), ("numpy",)),
    Room("gate/core/watch.py", ("gate.core", "models"), ("numpy",)),
    Room("gate/core/*", ("gate.core", "models"), ()),
    # The command line puts gate and sync side by side; nobody else in gate knows of sync.
    Room("gate/cli.py", ("gate", "drivers", "models", "sync")),
    Room("gate/commands/*", ("gate", "drivers", "models", "sync", "ui")),
    Room("gate/demo/*", ("gate", "drivers", "models", "sync")),
    Room("gate/*", ("gate", "drivers", "models")),
    Room("sync/server/*", ("sync", "models", "drivers:connect")),  # enrols photographs through a face engine
    Room("sync/*", ("sync", "models")),
    Room("ui/*", ("ui", "models")),
)

# The core is handed everything: it reads no clock, file, environment or chance, and starts nothing.
PURE_STDLIB = {
    *("__future__", "collections", "dataclasses", "datetime", "enum", "functools", "itertools", "math", "operator"),
    *("types", "typing"),
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
CLOCK_CALLS = {"now", "utcnow", "today"}
# Only `sync` has a network; a camera's or reader's own TCP wire belongs to its driver.
NETWORK_LIBRARIES = {"http", "httpx", "urllib.request", "requests", "aiohttp", "fastapi", "uvicorn", "websockets"}


def sources(root: Path = ROOT) -> list[Path]:
    """All Python files of the packages."""
    return sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))


def imports(path: Path, root: Path) -> Iterator[tuple[int, str, str]]:
    """Line, module and imported name (or empty) of every import in `path`, at any depth; relative ones are resolved."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def is_within(module: str, package: str) -> bool:
    """Whether `module` is `package` or stands in it."""
    return module == package or module.startswith(package + ".")


def may_import(room: Room, module: str, name: str) -> bool:
    """Whether a file in `room` may do `from module import name`."""
    top = module.split(".")[0]
    if top in PACKAGES:
        full = f"{module}.{name}" if name else module
        whole = [package for package in room.packages if ":" not in package]
        single = [package.split(":") for package in room.packages if ":" in package]
        return any(is_within(module, one) or is_within(full, one) for one in whole) or [module, name] in single
    if top in ("tests", "systemd"):
        return False
    return top in sys.stdlib_module_names or room.libraries is None or top in room.libraries


def wrong_arrows(root: Path = ROOT) -> list[str]:
    """Imports that point the wrong way, or at a library that doesn't belong in the room."""
    found = []
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        room = next(room for room in ROOMS if fnmatch.fnmatch(name, room.where))
        found += [
            f"{name}:{line} imports {module}{f' ({what})' if what else ''}"
            for line, module, what in imports(path, root)
            if not may_import(room, module, what)
        ]
    return found


def impurities(root: Path = ROOT) -> list[str]:
    """What the core does beside computing: I/O, clocks, threads, randomness, logs, awaiting."""
    found = []
    for path in sorted((root / "gate/core").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for line, module, _ in imports(path, root):
            top = module.split(".")[0]
            if top in sys.stdlib_module_names and module != "collections.abc" and module not in PURE_STDLIB:
                found.append(f"{name}:{line} imports {module}")
        for node in _without_main(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (what := _impure_call(node)):
                found.append(f"{name}:{node.lineno} calls {what}")
            elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
                found.append(f"{name}:{node.lineno} awaits")
    return found


def _without_main(module: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those under `if __name__ == "__main__"`, where a module of the core shows itself to a reader."""
    for statement in module.body:
        if not (isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"):
            yield from ast.walk(statement)


def _impure_call(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id in IMPURE_CALLS else ""
    if not isinstance(call.func, ast.Attribute):
        return ""
    owner, method = ast.unparse(call.func.value), call.func.attr
    if owner.split(".")[-1] not in ("datetime", "date"):
        return ""
    reads_zone = method == "fromtimestamp" and len(call.args) + len(call.keywords) < 2  # the machine's, unless given
    return f"{owner}.{method}" if method in CLOCK_CALLS or reads_zone else ""


def networks(root: Path = ROOT) -> list[str]:
    """Files outside of `sync` and `drivers` that import a network library."""
    return [
        f"{path.relative_to(root)}:{line} imports {module}"
        for path in sources(root)
        if path.relative_to(root).parts[0] not in ("sync", "drivers")
        for line, module, name in imports(path, root)
        if any(is_within(module, one) or f"{module}.{name}" == one for one in NETWORK_LIBRARIES)
    ]


def strangers_at_the_top(root: Path = ROOT) -> list[str]:
    """Visible names at the top that don't belong there, but for what tools make and git ignores."""
    return sorted(
        path.name
        for path in root.iterdir()
        if not path.name.startswith(".")
        and path.name not in ALLOWED_AT_THE_TOP
        and not any(fnmatch.fnmatch(path.name, made) for made in MADE_BY_TOOLS)
    )


def long_files(root: Path = ROOT) -> dict[str, int]:
    """Files beyond the bound, with their lines."""
    counted = {path.relative_to(root).as_posix(): len(path.read_text().splitlines()) for path in sources(root)}
    return {name: lines for name, lines in counted.items() if lines > LONGEST_FILE}


def long_functions(root: Path = ROOT) -> dict[str, int]:
    """Functions beyond the bound, with their lines."""
    found = {}
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    found[f"{path.relative_to(root).as_posix()}:{node.name}"] = lines
    return found


def faded_classes(root: Path = ROOT) -> list[str]:
    """Classes whose names say that they do something, and not what they are."""
    return [
        f"{path.relative_to(root)}:{node.lineno} {node.name}"
        for path in sources(root)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.strip("_").endswith(FADED_WORDS)
    ]


def test_there_is_something_to_read():
    """A wrong root would make every law hold."""
    assert {path.relative_to(ROOT).parts[0] for path in sources()} == set(PACKAGES)


def test_arrows_point_at_models():
    assert wrong_arrows() == []


def test_the_core_only_computes():
    assert impurities() == []


def test_only_sync_has_a_network():
    assert networks() == []


def test_only_the_agreed_names_stand_at_the_top():
    assert strangers_at_the_top() == []


def test_long_files_are_listed_with_a_reason():
    assert set(long_files()) == set(LONG_FILES)


def test_long_functions_are_listed_with_a_reason():
    assert set(long_functions()) == set(LONG_FUNCTIONS)


def test_classes_are_called_what_they_are():
    assert faded_classes() == []


@pytest.fixture
def house(tmp_path: Path):
    """A function that writes one file into an empty house, and gives the house."""

    def build(name: str, source: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return tmp_path

    return build


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("models/ticket.py", "import numpy"),
        ("models/ticket.py", "import msgspec"),
        ("models/store/vault.py", "from gate import config"),
        ("models/wire.py", "import sqlite_utils"),
        ("drivers/reader/acme.py", "from gate.core import decide"),
        ("drivers/reader/acme.py", "from tests.contract import tap"),
        ("gate/core/decide.py", "import numpy as np"),
        ("gate/core/decide.py", "from drivers import connect"),
        ("gate/core/decide.py", "from gate import config"),
        ("gate/core/decide.py", "from .. import pump"),
        ("gate/core/watch.py", "import cv2"),
        ("gate/pump.py", "from sync import agent"),
        ("gate/pump.py", "def late():\n    import sync.agent"),
        ("gate/pump.py", "from ui import view"),
        ("gate/demo/panel.py", "from ui import link"),
        ("sync/agent.py", "from drivers import connect"),
        ("sync/server/enrol.py", "from drivers.face import dlib"),
        ("sync/server/enrol.py", "from gate.core import compare"),
        ("ui/view.py", "from gate.core import decide"),
        ("ui/view.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gate import lane"),
    ],
)
def test_a_planted_wrong_arrow_is_found(house, name, source):
    assert len(wrong_arrows(house(name, source))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("models/wire.py", "import msgspec"),
        ("models/store/ledger_db.py", "import sqlite_utils, sqlite3\nfrom cryptography.hazmat import primitives"),
        (
            "drivers/face/dlib.py",
            "import dlib\nfrom drivers.errors import DeviceLost\nfrom models.face import FaceProbe",
        ),
        ("gate/core/compare.py", "import numpy as np\nfrom models.face import Comparison"),
        ("gate/core/decide.py", "from gate.core import rules\nfrom .rules import walk\nfrom . import lane"),
        ("gate/cli.py", "import click\nfrom sync import agent"),
        ("gate/demo/evening.py", "from sync.agent import run"),
        ("gate/commands/ui.py", "from ui.app import run"),
        ("sync/server/enrol.py", "from drivers import connect"),
        ("ui/operator.py", "from PyQt5 import QtWidgets\nfrom models.view import LaneView\nfrom ui import view"),
    ],
)
def test_a_right_arrow_is_let_pass(house, name, source):
    assert wrong_arrows(house(name, source)) == []


@pytest.mark.parametrize(
    "source",
    [
        *(f"import {module}" for module in ("os", "socket", "time", "random", "asyncio", "logging", "threading")),
        "from pathlib import Path",
        "import subprocess",
        "open('x')",
        "print('x')",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
        "from datetime import datetime\ndatetime.fromtimestamp(1.0)",
        "async def wait(): ...",
    ],
)
def test_a_planted_impurity_is_found(house, source):
    assert len(impurities(house("gate/core/decide.py", source))) == 1


def test_handed_in_time_is_pure(house):
    source = "from datetime import UTC, datetime\nfrom collections.abc import Callable\nclock.now()\n"
    source += "datetime.fromtimestamp(1.0, UTC)\nif __name__ == '__main__':\n    print('the table')\n"
    assert impurities(house("gate/core/decide.py", source)) == []


@pytest.mark.parametrize("source", ["import httpx", "from urllib import request", "from urllib.request import urlopen"])
def test_a_planted_network_is_found(house, source):
    assert len(networks(house("gate/pump.py", source))) == 1
    assert networks(house("gate/pump.py", "import socket")) == []  # a Unix socket is no network
    assert networks(house("sync/client.py", source)) == []


def test_a_planted_stranger_is_found(house):
    assert strangers_at_the_top(house("notes.txt", "")) == ["notes.txt"]
    assert strangers_at_the_top(house("menshen.egg-info/PKG-INFO", "")) == ["notes.txt"]


def test_planted_lengths_and_names_are_found(house):
    body = "    pass\n" * LONGEST_FUNCTION
    root = house("gate/pump.py", f"def run():\n{body}" + "\n" * LONGEST_FILE + "class _LaneManager: ...\n")
    assert list(long_functions(root)) == ["gate/pump.py:run"]
    assert list(long_files(root)) == ["gate/pump.py"]
    assert len(faded_classes(root)) == 1


def test_what_is_left_out_of_a_run_is_there():
    """A name that leads nowhere would let a slow file back in unseen."""
    assert sorted(str(path) for path in NOT_IN_THE_FAST_RUN | WITH_THE_LONG_ONES if not path.exists()) == []
