"""Ticket codes as an issuer types them: made of the manifest's table, shown to a person, and taken by a reader."""

from __future__ import annotations

import base64
import csv
import json
import stat
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.reader._code_desk import open_desk
from drivers.url import parse
from gate.cli import main
from models.credential import Assurance, Credential
from models.store.key_file import read_secret
from models.totp import Rotation

TIMES = "2026-05-01T18:00,2099-05-01T22:00"
CARD = "11010519491231002X"
TABLE = f"""ticket,name,document,number,document2,number2,not_before,not_after
T1,张三,ticket_code,A-17,,,{TIMES}
T2,李四,resident_id,{CARD},ticket_code,b 18,{TIMES}
T3,王五,resident_id,{CARD},,,{TIMES}
"""


class Office:
    """A folder with a table in it, and `gatectl codes` run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.table = folder, folder / "people.csv"
        self.key, self.out, self.rotating = folder / "issuer.key", folder / "codes.csv", folder / "codes.secret"
        self.table.write_text(TABLE, encoding="utf-8")

    def run(self, *arguments: object, text: str = "") -> Result:
        return CliRunner().invoke(main, ["codes", *map(str, arguments)], input=text)

    def issue(self, *more: object) -> Result:
        return self.run("issue", self.table, "--out", self.out, "--event", "gala", "--key", self.key, *more)

    def change(self) -> None:
        """Make the secret of codes that change."""
        assert self.run("keys", "make", "--key", self.key, "--rotating", self.rotating).exit_code == 0

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self.out.open(encoding="utf-8")))

    def show(self, code: str, *more: object) -> Result:
        return self.run("show", "-", "--issuer-key", self.folder / "issuer.pub", *more, text=code + "\n")

    def told(self, code: str, *more: object) -> dict[str, object]:
        told: dict[str, object] = json.loads(self.show(code, *more, "--json").stdout)
        return told


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def read(office: Office, text: str) -> object:
    """What a gate's reader with the issuer's key makes of it."""
    url = f"line+serial:///dev/null?keys={office.folder}/issuer.pub"
    if office.rotating.exists():
        url += f"&totp={office.rotating}"
    return open_desk(parse(url), time.monotonic, time.time).read(text.encode())


def phone(row: dict[str, str], now: float) -> str:
    """What a ticket app shows, from the row it was given."""
    how = Rotation(int(row["step_s"]), digits=int(row["digits"]))
    return row["code"].replace("{digits}", how.code(base64.b32decode(row["key"]), now))


def test_every_number_of_a_code_gets_a_code_that_a_reader_takes(office: Office):
    told = office.issue("--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout) | {"key_id": ""} == {"event": "gala", "codes": 2, "without": 1, "key_id": ""}
    assert "1 tickets have no number" in told.stderr
    rows = office.rows()
    assert [(row["ticket"], row["number"]) for row in rows] == [("T1", "A17"), ("T2", "B18")]
    for row in rows:
        found = read(office, row["code"])
        assert isinstance(found, Credential)
        assert (found.number, found.event, found.assurance) == (row["number"], "gala", Assurance.SIGNED)
        assert found.valid_until == float(row["not_after"])


def test_the_file_is_its_writers_alone_and_nothing_is_written_over(office: Office):
    assert office.issue().exit_code == 0
    assert stat.S_IMODE(office.out.stat().st_mode) == 0o600
    assert CARD not in office.out.read_text()
    before = office.out.read_bytes()
    again = office.issue()
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    assert office.out.read_bytes() == before


def test_a_changing_code_is_what_a_phone_can_show_and_a_reader_takes(office: Office):
    office.change()
    assert office.issue("--rotating", office.rotating).exit_code == 0
    row, now = office.rows()[0], time.time()
    found = read(office, phone(row, now))
    assert isinstance(found, Credential)
    assert found.code_step is not None
    assert abs(found.code_step - int(now) // 15) <= 1
    assert not isinstance(read(office, phone(row, now - 3600)), Credential)


def test_keys_are_made_once_and_then_shown(office: Office):
    first = office.run("keys", "make", "--key", office.key, "--rotating", office.rotating, "--json")
    assert "made a new issuer's key" in first.stderr
    assert "made a new secret for changing codes" in first.stderr
    before = office.key.read_bytes(), read_secret(office.rotating, 32)
    again = office.run("keys", "make", "--key", office.key, "--rotating", office.rotating, "--json")
    assert (office.key.read_bytes(), read_secret(office.rotating, 32)) == before
    assert (again.stdout, again.stderr) == (first.stdout, "")
    assert office.key.read_bytes().hex() not in first.stdout
    named = office.run("keys", "make", "--key", office.key, "--issuer", "another")
    assert named.exit_code == 2
    plain = office.run("keys", "make", "--key", office.key)
    assert json.loads(first.stdout)["fingerprint"] in plain.stdout


def test_show_says_whose_for_what_and_until_when_without_the_number(office: Office):
    office.issue("--until", "2099-05-02T00:00")
    code = office.rows()[0]["code"]
    told = office.show(code)
    assert told.exit_code == 0, told.stdout
    for words in ("a code on paper, for gala", "A*7", "good, by office", "would be taken now"):
        assert words in told.stdout
    assert "A17" not in told.stdout
    account = office.told(code)
    assert (account["event"], account["problem"], account["signed_by"]) == ("gala", None, "office")
    assert account["not_after"] == 4_081_334_400


def test_show_vouches_for_nothing_that_is_not_signed_by_a_known_key(office: Office):
    office.issue()
    code = office.rows()[0]["code"]
    other = Office(office.folder / "other") if (office.folder / "other").mkdir() is None else office
    other.issue()
    told = other.show(code)
    assert told.exit_code == 1
    assert "NOT vouched for" in told.stdout
    assert "signed by a key that is not known here" in told.stdout
    bent = code[:-8] + ("0" if code[-8] != "0" else "1") + code[-7:]
    assert office.show(bent).exit_code == 1
    assert office.told(bent)["signed_by"] == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "foreign"),
        ("", "foreign"),
        ("M1:", "malformed"),
        ("M2:123456:ABC", "malformed"),
        ("M1:é", "malformed"),
    ],
)
def test_show_knows_what_is_no_code(office: Office, text: str, problem: str):
    office.run("keys", "make", "--key", office.key)
    assert office.told(text)["problem"] == problem
    assert office.show(text).exit_code == 1


def test_a_code_out_of_its_time_is_genuine_and_not_taken(office: Office):
    office.issue("--from", "2098-01-01T00:00")
    account = office.told(office.rows()[0]["code"])
    assert (account["signed_by"], account["problem"]) == ("office", "not_yet_valid")


def test_of_a_changing_code_the_steps_are_told(office: Office):
    office.change()
    office.issue("--rotating", office.rotating, "--step-s", "3600")
    row, now = office.rows()[0], time.time()
    hourly = ("--rotating", office.rotating, "--step-s", "3600")
    assert office.told(phone(row, now), *hourly)["problem"] is None
    late = office.told(phone(row, now - 5 * 3600), *hourly)
    assert (late["problem"], late["signed_by"]) == ("wrong_step", "office")
    assert late["off_steps"] in (-5, -6)  # should the hour strike between the two
    assert "behind; now is" in office.show(phone(row, now - 5 * 3600), *hourly).stdout
    assert "no step near now" in office.show(phone(row, now - 90 * 3600), *hourly).stdout
    unknown = office.told(phone(row, now))
    assert (unknown["problem"], unknown["signed_by"], unknown["step_now"]) == ("no_secret", "office", None)


def test_a_table_without_a_code_is_told_and_nothing_is_written(office: Office):
    office.table.write_text(TABLE.replace("ticket_code,A-17", f"resident_id,{CARD}").replace("ticket_code,b 18", ","))
    told = office.issue()
    assert (told.exit_code, office.out.exists()) == (1, False)
    assert "document=ticket_code" in told.stderr


def test_a_code_that_would_end_before_it_begins_is_told_by_its_ticket(office: Office):
    told = office.issue("--until", "2001-01-01T00:00")
    assert (told.exit_code, office.out.exists()) == (1, False)
    assert "ticket T1: a code can't end before it begins" in told.stderr


def test_wrong_use_and_lost_files_have_their_exit_codes(office: Office):
    assert office.issue("--from", "tomorrow").exit_code == 2
    office.rotating.write_bytes(b"too short")
    office.rotating.chmod(0o600)
    assert office.issue("--rotating", office.rotating).exit_code == 4
    office.table.write_text("ticket\nT1\n")
    assert office.issue().exit_code == 1
