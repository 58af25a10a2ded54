"""Which version starts: the package's switch cut at any command, and the trial of a new version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gate.update_shelf import Shelf
from models.version import VERSION
from tests.gate.release_bench import tree

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
COMMANDS = ("mkdir", "rm", "cp", "touch", "sync", "mv", "ln")
OLD, NEW = "0.1.0", "0.2.0"

CUT = """\
#!/bin/sh
# Counts; at the given number the power goes.
n=$(($(cat "$CUT_FOLDER/count") + 1))
echo $n >"$CUT_FOLDER/count"
[ $n -ne "$CUT_AT" ] || { kill -9 $PPID; exit 1; }
exec %s "$@"
"""


def put_in_place(home: Path, version: str, cuts: Path | None = None, at: int = 0) -> int:
    environment = os.environ | {"MENSHEN_OPT": str(home)}
    if cuts is not None:
        cuts.mkdir()
        (cuts / "count").write_text("0\n")
        for name in COMMANDS:
            (cuts / name).write_text(CUT % shutil.which(name))
            (cuts / name).chmod(0o755)
        environment |= {"PATH": f"{cuts}:{os.environ['PATH']}", "CUT_FOLDER": str(cuts)}
        environment |= {"CUT_AT": str(at)}
    return subprocess.run([str(SYSTEMD / "put-in-place.sh"), version], env=environment).returncode


def package(home: Path, version: str, content: str = "") -> None:
    folder = home / "packaged" / version
    shutil.rmtree(folder, ignore_errors=True)
    tree(folder, version)
    (folder / "build").write_text(content)


def starts(home: Path) -> str:
    """What would start now, as it tells itself; it is whole."""
    assert (home / "current" / "complete").is_file()
    assert (home / "current" / "lib/big.bin").stat().st_size > 10**6
    ran = subprocess.run([str(home / "current/bin/gatectl"), "--version"], capture_output=True, text=True, check=True)
    return ran.stdout.strip() + (home / "current/build").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [((OLD, ""), (NEW, "")), ((OLD, " first build"), (OLD, " second build"))])
def test_a_package_cut_at_any_command_leaves_a_whole_version(tmp_path: Path, first, second):
    at, seen, status = 0, set(), -1
    while status != 0:
        at += 1
        home = tmp_path / f"opt-{at}"
        package(home, *first)
        assert put_in_place(home, first[0]) == 0
        package(home, *second)
        status = put_in_place(home, second[0], tmp_path / f"cuts-{at}", at)
        seen.add(starts(home))
        assert put_in_place(home, second[0]) == 0
        assert starts(home) == "".join(second)
        names = {path.name for path in (home / "versions").iterdir()}
        assert names <= {OLD, NEW}, "what the cut left is gone"
        shutil.rmtree(home)
    assert seen == {"".join(first), "".join(second)}
    assert at > 12


# --- The trial --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A machine that has just been switched to a new version."""
    made = Shelf(tmp_path / "opt")
    for version in (OLD, NEW):
        tree(made.versions / version, version)
        (made.versions / version / "complete").touch()
        made.switch(version)
    assert made.on_trial()
    return made


def trial(shelf: Shelf, word: str) -> str:
    """systemd's word; then the version that it would start."""
    environment = os.environ | {"MENSHEN_OPT": str(shelf.home)}
    subprocess.run([str(SYSTEMD / "trial.sh"), word], env=environment, check=True)
    return shelf.current()


def test_a_version_that_never_comes_up_has_three_tries(shelf: Shelf):
    assert [trial(shelf, "start") for _ in range(5)] == [NEW, NEW, NEW, OLD, OLD]
    assert shelf.was_returned()
    assert not shelf.on_trial()


def test_a_version_that_comes_up_stays(shelf: Shelf):
    assert [trial(shelf, "start"), trial(shelf, "up")] == [NEW, NEW]
    assert not shelf.on_trial()
    assert [trial(shelf, "start") for _ in range(5)] == [NEW] * 5


def test_a_switch_that_never_came_is_no_trial(shelf: Shelf):
    shelf._turn("current", OLD)
    assert [trial(shelf, "start") for _ in range(5)] == [OLD] * 5
    assert not shelf.was_returned()


def test_where_the_former_is_gone_the_new_one_is_tried_on(shelf: Shelf):
    (shelf.folder(OLD) / "complete").unlink()
    assert [trial(shelf, "start") for _ in range(6)] == [NEW] * 6


def test_without_a_trial_nothing_is_done(tmp_path: Path):
    (tmp_path / "opt").mkdir()
    assert trial(Shelf(tmp_path / "opt"), "start") == ""
    assert list((tmp_path / "opt").iterdir()) == []


# --- The version itself -----------------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place():
    """In models/version.py. Whoever else writes it down forgets one of the places."""
    root = SYSTEMD.parent
    setup = subprocess.run([sys.executable, "setup.py", "--version"], cwd=root, capture_output=True, text=True)
    assert setup.stdout.split()[-1] == VERSION, setup.stderr
    sources = [path for name in ("gate", "sync", "models", "drivers", "ui") for path in (root / name).rglob("*.py")]
    found = {path.relative_to(root).as_posix() for path in sources if f'"{VERSION}"' in path.read_text()}
    assert found == {"models/version.py"}


def test_a_bare_folder_of_sources_runs_and_knows_its_version(tmp_path: Path):
    """What `git archive` gives, without an installation: no package has a record there to be asked."""
    for name in ("gate", "drivers", "models", "sync"):
        (tmp_path / name).symlink_to(SYSTEMD.parent / name)
    told = subprocess.run([sys.executable, "-m", "gate.cli", "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout.split()[-1] == VERSION, told.stderr
    sources = [path for name in ("gate", "sync") for path in (SYSTEMD.parent / name).rglob("*.py")]
    asks = re.compile(r"""(version|distribution|files)\(["']menshen["']\)""")
    assert [path.name for path in sources if asks.search(path.read_text())] == []
