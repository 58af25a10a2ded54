"""The README's "Add a reader", followed to the letter in a copy of the tree, with a reader that nobody makes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "add_a_reader"
DRIVER, TEST = "drivers/reader/acme.py", "tests/drivers/test_reader_acme.py"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the steps need, with the two files of the first three steps."""
    house = tmp_path_factory.mktemp("house")
    for package in ("drivers", "gate", "models", "sync"):
        shutil.copytree(ROOT / package, house / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", *(f"tests/{one.name}" for one in (ROOT / "tests").glob("*.py"))):
        (house / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, house / name)
    shutil.copy(EXAMPLE / "acme.py", house / DRIVER)
    (house / TEST).parent.mkdir()
    shutil.copy(EXAMPLE / "contract_of_acme.py", house / TEST)
    return house


def run(house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(house)}
    return subprocess.run([sys.executable, "-m", *words], cwd=house, env=environment, capture_output=True, text=True)


@pytest.fixture
def simulated(house: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`gatectl simulate acme`, and the URL that it tells."""
    words = [sys.executable, "-m", "gate.cli", "simulate", "acme"]
    environment = {**os.environ, "PYTHONPATH": str(house)}
    far_end = subprocess.Popen(
        words, cwd=house, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert far_end.stdin is not None
    assert far_end.stdout is not None
    with far_end:
        yield far_end, far_end.stdout.readline().strip()
        far_end.stdin.close()


def test_the_steps_are_those_of_the_readme():
    section = (ROOT / "README.md").read_text().partition("### Add a reader\n")[2].partition("\n#")[0]
    steps = re.findall(r"^(\d)\. ((?:.|\n(?!\d\. ))*)", section, re.MULTILINE)
    assert [number for number, _ in steps] == ["1", "2", "3", "4"]
    needed = (
        (DRIVER, "`open(url)`", "`read(timeout)`", "`close()`", "`OPTIONS`", "`TRANSPORTS`", "`Device:`"),
        ("`simulator(port)`", "`run(stop)`", "`command(text)`", "gatectl simulate acme"),
        (TEST, "tests/contract.py", 'kit = Kit("reader", "acme"'),
        ("acme+serial:///dev/", "gatectl devices probe", "gatectl devices table --write README.md"),
    )
    for (_, step), words in zip(steps, needed, strict=True):
        assert [word for word in words if word not in step] == []


def test_the_file_is_the_registration(house):
    listed = [json.loads(line) for line in run(house, "gate.cli", "devices", "list", "--json").stdout.splitlines()]
    (acme,) = [one for one in listed if one.get("name") == "acme"]
    assert acme["kind"] == "reader"
    assert acme["options"] == ["prefix"]


def test_the_contract_holds_on_good_and_bad_wires(house):
    told = run(house, "pytest", "-q", "-p", "no:cacheprovider", TEST)
    assert told.returncode == 0, told.stdout[-3000:]
    assert re.search(r"\b([4-9]\d) passed", told.stdout)  # nine laws on five wires


def test_a_broken_driver_does_not_pass_the_contract(house, tmp_path):
    """So that the test above can fail: a driver that raises what it does not declare."""
    broken = tmp_path / "broken"
    shutil.copytree(house, broken)
    source = (broken / DRIVER).read_text()
    (broken / DRIVER).write_text(source.replace("raise BadAnswer(", "raise KeyError("))
    told = run(broken, "pytest", "-q", "-x", "-p", "no:cacheprovider", TEST, "-k", "garbled or lost")
    assert told.returncode == 1, told.stdout[-3000:]


def test_a_probe_reads_a_card(house, simulated):
    far_end, url = simulated
    words = [sys.executable, "-m", "gate.cli", "devices", "probe", url + "?prefix=A", "reader"]
    environment = {**os.environ, "PYTHONPATH": str(house), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, cwd=house, env=environment, stdout=subprocess.PIPE, text=True) as probe:
        assert probe.stdout is not None
        assert "present a card" in probe.stdout.readline()
        far_end.stdin.write("tap 04A1B2C3\n")
        far_end.stdin.flush()
        said = probe.stdout.read()
    assert probe.returncode == 0
    assert said.startswith("card_uid ")
    assert "uid_only" in said
    assert "04A1B2C3" not in said  # masked


def test_the_readme_of_the_house_gets_its_row(house):
    told = run(house, "gate.cli", "devices", "table", "--write", "README.md")
    assert told.returncode == 0, told.stderr
    assert "| the card reader of a maker that doesn't exist | `reader/acme` |" in (house / "README.md").read_text()
