"""The staff book: PINs worth having, a file that is always whole, and the commands that write it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main
from gate.config import load, sample
from gate.kept import write_whole
from gate.pins import DECOY, hash_pin, is_pin, refuse_weak
from gate.staff_book import StaffBook
from models.staff import Role
from models.store.errors import StoreFailed, WrongStore

PIN, OTHER = "4071", "904726"


@pytest.mark.parametrize("pin", ["0000", "111111", "1234", "4321", "987654", "0987", "7890", "1212", "123123"])
def test_a_pin_that_is_tried_first_is_refused(pin: str):
    with pytest.raises(ValueError, match="tried first"):
        refuse_weak(pin)


@pytest.mark.parametrize("pin", ["", "123", "4071369", "12a4", "１２３４", "4071 ", "-407"])
def test_a_pin_is_four_to_six_digits(pin: str):
    with pytest.raises(ValueError, match="4 to 6 digits"):
        refuse_weak(pin)


@pytest.mark.parametrize("pin", [PIN, OTHER, "1243", "000102"])
def test_any_other_pin_will_do(pin: str):
    refuse_weak(pin)


def test_a_pin_is_known_by_what_is_kept_of_it_and_not_contained_in_it():
    kept = hash_pin(PIN)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert kept != hash_pin(PIN)
    assert PIN not in kept
    assert [is_pin(pin, kept) for pin in (PIN, "4072", "")] == [True, False, False]
    assert not is_pin(PIN, "")


def test_for_nobody_it_takes_as_long_as_for_somebody():
    """The decoy names the cost of a real one."""
    assert DECOY.split("$")[:4] == hash_pin(PIN).split("$")[:4]
    assert [len(part) for part in DECOY.split("$")[4:]] == [len(part) for part in hash_pin(PIN).split("$")[4:]]


@pytest.fixture
def book(tmp_path: Path) -> StaffBook:
    """A book with a steward and a supervisor."""
    book = StaffBook(tmp_path / "staff.json")
    book.add("s7", "Li", Role.STEWARD, PIN)
    book.add("v1", "Wang", Role.SUPERVISOR, OTHER)
    return book


def test_who_is_written_in_is_found_by_another_reader(book: StaffBook):
    told = {m.actor: (m.name, m.role, is_pin(PIN, m.pin)) for m in StaffBook(book.path).members().values()}
    assert told == {"s7": ("Li", Role.STEWARD, True), "v1": ("Wang", Role.SUPERVISOR, False)}


def test_no_pin_stands_in_the_file_and_no_stranger_reads_it(book: StaffBook):
    text = book.path.read_text()
    assert PIN not in text
    assert OTHER not in text
    assert stat.S_IMODE(book.path.stat().st_mode) & 0o007 == 0
    assert PIN not in repr(book.members())
    assert "argon2" not in repr(book.members())


def test_a_change_by_another_process_is_seen(book: StaffBook):
    reader = StaffBook(book.path)
    assert set(reader.members()) == {"s7", "v1"}
    book.remove("s7")
    assert set(reader.members()) == {"v1"}
    book.set_pin("v1", PIN)
    assert is_pin(PIN, reader.members()["v1"].pin)


@pytest.mark.parametrize(
    ("actor", "name", "pin", "words"),
    [
        ("s7", "Li", PIN, "stands in the book already"),
        ("a b", "Li", PIN, "letters, digits"),
        ("", "Li", PIN, "letters, digits"),
        ("visitor", "Li", PIN, "nobody on staff"),
        ("Unknown", "Li", PIN, "nobody on staff"),
        ("s8", " ", PIN, "a name has"),
        ("s8", "x" * 41, PIN, "a name has"),
        ("s8", "Li", "1234", "tried first"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(book: StaffBook, actor: str, name: str, pin: str, words: str):
    before = book.path.read_bytes()
    with pytest.raises(ValueError, match=words):
        book.add(actor, name, Role.STEWARD, pin)
    assert book.path.read_bytes() == before


def test_nobody_can_be_struck_out_who_is_not_there(book: StaffBook):
    with pytest.raises(KeyError):
        book.remove("s9")
    with pytest.raises(KeyError):
        book.set_pin("s9", PIN)


def test_a_file_that_is_no_book_is_told_as_such(tmp_path: Path):
    path = tmp_path / "staff.json"
    with pytest.raises(StoreFailed, match="can't be read"):
        StaffBook(path).members()
    for content in (b"", b"[]", b'{"staff": [{"actor": 4}]}', b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(WrongStore, match="is no staff book"):
            StaffBook(path).members()
        with pytest.raises(WrongStore):
            StaffBook(path).add("s7", "Li", Role.STEWARD, PIN)
        assert path.read_bytes() == content, "what can't be read is not overwritten"


def test_a_file_keeps_its_rights_and_no_draft_is_left(tmp_path: Path):
    path = tmp_path / "kept.json"
    write_whole(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    write_whole(path, b"two")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o640)
    assert list(tmp_path.iterdir()) == [path]


# --- gatectl staff ------------------------------------------------------------------------------------------------


@pytest.fixture
def gatectl(tmp_path: Path):
    """A function that runs `gatectl staff`, with the answers to its questions."""
    config = tmp_path / "gate.toml"
    config.write_text(sample().replace('# book = ""', f'book = "{tmp_path / "staff.json"}"'))
    assert load(config).staff.book == tmp_path / "staff.json"

    def run(*arguments: str, typed: str = ""):
        return CliRunner().invoke(main, ["staff", *arguments], env={"MENSHEN_CONFIG": str(config)}, input=typed)

    return run


def test_somebody_is_written_in_listed_and_struck_out(gatectl, tmp_path: Path):
    done = gatectl("add", "v1", "--name", "Wang", "--role", "supervisor", typed=f"{PIN}\n{PIN}\n")
    assert (done.exit_code, done.stdout) == (0, "")
    assert PIN not in done.output
    assert gatectl("list").stdout.split() == ["v1", "supervisor", "Wang"]
    assert json.loads(gatectl("list", "--json").stdout) == {"actor": "v1", "name": "Wang", "role": "supervisor"}
    assert gatectl("set-pin", "v1", typed=f"{OTHER}\n{OTHER}\n").exit_code == 0
    assert is_pin(OTHER, StaffBook(tmp_path / "staff.json").members()["v1"].pin)
    assert gatectl("remove", "v1").exit_code == 0
    assert gatectl("list").stdout == ""


def test_a_pin_is_typed_twice(gatectl, tmp_path: Path):
    asked_again = gatectl("add", "s7", "--name", "Li", typed=f"{PIN}\n{OTHER}\n{PIN}\n{PIN}\n")
    assert asked_again.exit_code == 0
    assert "do not match" in asked_again.output
    assert is_pin(PIN, StaffBook(tmp_path / "staff.json").members()["s7"].pin)


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("add", "s7", "--name", "Li"), "1234\n1234\n", "tried first"),
        (("add", "s7"), "", "--name"),
        (("add", "s7", "--name", "Li", "--role", "king"), "", "king"),
    ],
)
def test_wrong_use_is_told(gatectl, arguments, typed: str, words: str):
    told = gatectl(*arguments, typed=typed)
    assert told.exit_code == 2
    assert words in told.output


def test_nobody_is_changed_who_is_not_there_and_no_book_is_a_fault_of_its_own(gatectl):
    assert gatectl("list").exit_code == 4
    gatectl("add", "s7", "--name", "Li", typed=f"{PIN}\n{PIN}\n")
    for words in (("remove", "s9"), ("set-pin", "s9")):
        told = gatectl(*words)
        assert (told.exit_code, "s9 is not in the book" in told.output) == (2, True)


def test_without_a_book_in_the_configuration_the_way_to_one_is_told(tmp_path: Path):
    config = tmp_path / "gate.toml"
    config.write_text(sample())
    told = CliRunner().invoke(main, ["staff", "list"], env={"MENSHEN_CONFIG": str(config)})
    assert told.exit_code == 2
    assert "[staff]" in told.output
