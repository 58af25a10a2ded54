"""`gatectl check` and `gatectl explain` as a technician types them, and as a program reads them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.check.catalogue import EXITS, Code, Finding, Severity, meanings
from gate.check.walk import CONCERNS
from gate.cli import main
from gate.commands._check import Report
from models.staff import Role
from tests.gate.check.house import House, house_in

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_in(tmp_path) as house:
        house.check("staff")  # which writes the configuration
        yield house


def gatectl(house: House, *words: object, lang: str = "en_GB.UTF-8") -> Result:
    environment = {"MENSHEN_CONFIG": str(house.folder / "gate.toml"), "CREDENTIALS_DIRECTORY": None, "LC_ALL": lang}
    return CliRunner().invoke(main, [str(word) for word in words], env=environment)


@pytest.mark.parametrize(
    ("spoil", "only", "code"),
    [
        (lambda house: None, "staff", 0),
        (lambda house: (house.folder / "signing-key").unlink(), "keys", 11),
        (lambda house: house.book(Role.STEWARD), "staff", 10),
        (lambda house: (house.folder / "signing-key").chmod(0o644), "keys", 12),
    ],
    ids=["well", "error", "warning", "fatal"],
)
def test_it_ends_by_the_gravest_finding(house, spoil, only, code):
    spoil(house)
    assert gatectl(house, "check", "--only", only).exit_code == code


def test_every_severity_has_its_exit_code_and_the_help_tells_them(house):
    assert set(EXITS) == set(Severity)
    told = gatectl(house, "check", "--help").stdout
    assert "0 nothing or notes, 10 a warning, 11 an error, 12 fatal" in " ".join(told.split())


def test_a_finding_comes_with_its_cause_and_what_to_do(house):
    house.book(Role.STEWARD)
    told = gatectl(house, "check", "--only", "staff").stdout
    meaning = meanings()["G622"]
    assert all(words in told for words in ("G622 warning", meaning.what, meaning.cause, meaning.fix))
    chinese = gatectl(house, "check", "--only", "staff", lang="zh_CN.UTF-8").stdout
    assert meanings("zh")["G622"].fix in chinese


def test_a_program_reads_a_line_a_finding_and_one_at_the_end(house):
    house.book(Role.STEWARD)
    told = gatectl(house, "check", "--only", "staff,disk", "--json")
    *findings, last = map(json.loads, told.stdout.splitlines())
    assert [(one["code"], one["concern"], one["severity"]) for one in findings if one["concern"] == "staff"] == [
        ("G622", "staff", "warning")
    ]
    assert (last["worst"], last["exit"], told.exit_code) == ("warning", 10, 10)


def test_a_concern_that_there_is_not_is_refused_with_those_that_there_are(house):
    told = gatectl(house, "check", "--only", "sqlite,nothing")
    assert told.exit_code == 2
    assert "nothing: there are" in told.stderr
    assert gatectl(house, "check", "--list").stdout.split() == list(CONCERNS)


def test_without_a_configuration_the_rest_is_looked_at(house):
    (house.folder / "gate.toml").write_text("[gate]\npin = 4711\n")
    told = gatectl(house, "check", "--no-probe", "--only", "configuration,memory,devices,ledger")
    assert told.exit_code == 12
    assert "G601" in told.stdout
    assert "4711" not in told.stdout  # whatever was typed into the wrong line stays there
    assert "devices        not looked at" in told.stdout


def test_a_second_round_tells_what_came_and_what_went(capsys):
    font, hot = Finding(Code.NO_FONT, "screens"), Finding(Code.HOT, "processor", "86 °C")
    report = Report("en", as_json=True)
    report.tell([("screens", (font,)), ("heat", ())])
    capsys.readouterr()
    report.tell([("screens", ()), ("heat", (hot,))], again=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["code"], one["severity"]) for one in told] == [("G630", "ok"), ("G311", "error")]
    report.tell([("screens", ()), ("heat", (Finding(Code.HOT, "processor", "87 °C"),))], again=True)
    assert capsys.readouterr().out == ""  # a figure that moved is no news
    assert report.worst is Severity.ERROR


def test_devices_keep_their_word_in_rounds_that_do_not_open_them(capsys):
    report = Report("en", as_json=True)
    report.tell([("devices", (Finding(Code.PORT, "reader"),))])
    report.tell([("devices", ())], again=True, partial=True)
    assert '"ok"' not in capsys.readouterr().out
    assert report.worst is Severity.ERROR


def test_it_watches_until_it_is_interrupted(house):
    words = [sys.executable, "-m", "gate.cli", "check", "--watch", "--every", "1", "--only", "staff", "--json"]
    words += ["--config", str(house.folder / "gate.toml")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ)) as process:
        assert process.stdout is not None
        with contextlib.closing(process.stdout) as told:
            assert json.loads(told.readline())["worst"] == "ok"
            house.book(Role.STEWARD)
            assert json.loads(told.readline())["code"] == "G622"
            house.book(Role.SUPERVISOR)
            assert json.loads(told.readline())["severity"] == "ok"
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.parametrize("typed", ["G217", "g217", "217"])
def test_a_code_is_explained(house, typed):
    told = gatectl(house, "explain", typed)
    assert told.exit_code == 0
    assert meanings()["G217"].cause in told.stdout
    assert "--baud probe" in told.stdout


def test_all_codes_are_listed_and_make_a_table(house):
    listed = gatectl(house, "explain").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [code.value for code in Code]
    table = gatectl(house, "explain", "--table", "--lang", "zh").stdout.splitlines()
    assert len(table) == len(Code) + 2
    assert all(line.count(" | ") == 4 for line in table[2:])
    assert json.loads(gatectl(house, "explain", "G101", "--json").stdout)["severity"] == "note"


def test_the_codes_are_in_the_documentation_as_they_are(house):
    """Written by `gatectl explain --table`."""
    told = gatectl(house, "explain", "--table", "--lang", "en").stdout
    assert (ROOT / "gate/check/CODES.md").read_text("utf-8").endswith(told)


def test_a_code_that_there_is_not_is_refused(house):
    told = gatectl(house, "explain", "G999")
    assert told.exit_code == 2
    assert "there is no code G999" in told.stderr
