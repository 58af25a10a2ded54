"""The support bundle of a lane after a thousand admissions, and of one whose logs told everything they knew.

Whether anything of the people is left is not asked of the detector: an own search looks for each known name, number,
portrait and template, in every encoding and wrapping.
"""

from __future__ import annotations

import base64
import itertools
import json
import logging
import random
import tarfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from drivers.face import sim
from drivers.reader._sam_frames import READ, wrap
from drivers.reader.sam import resident_card
from drivers.tape import Spy
from gate.check.around import Around
from gate.cli import main
from gate.diagnose import Bundle, collect, write
from gate.diagnose_parts import gathers
from gate.log import OneLine
from models.credential import Assurance, Credential, Holder, Medium
from models.ids import DocumentType, check_digit
from tests.gate.lane_bench import Bench, Guest, contents, play, ticket_of

SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "晓明子涵雨桐浩然欣怡"
CODES = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


class Known(Guest):
    """Somebody whose name and number look like a real person's."""

    @property
    def number(self) -> str:
        stem = f"9{self.serial % 89999 + 10000}199{self.serial % 10}0101{self.serial:03d}"
        return stem + check_digit(stem)

    @property
    def name(self) -> str:
        return SURNAMES[self.serial % 10] + GIVEN[self.serial // 10 % 10] + GIVEN[self.serial // 100 % 10]

    @property
    def picture(self) -> bytes:
        return b"\xff\xd8\xff\xe0\0\x10JFIF\0" + random.Random(self.serial).randbytes(60)

    @property
    def vector(self) -> bytes:
        return np.random.default_rng(self.serial).normal(0, 0.1, 128).astype("<f4").tobytes()

    def card(self) -> Credential:
        holder = Holder(self.name, date(1990, 1, 1))
        id_ = DocumentType.RESIDENT_ID
        return Credential(
            Medium.CHIP_CARD, id_, self.number, Assurance.AUTHENTICATED, holder, date(2090, 1, 1), portrait=self.picture
        )

    def chip(self) -> bytes:
        """What the module answers: text in UTF-16, then the portrait."""
        return wrap(bytes([0, 0, 0x90]) + resident_card(self.name, self.number).text + self.picture)

    def secrets(self) -> Iterator[bytes]:
        """What must not be found."""
        for code in CODES:
            yield from (self.name.encode(code), self.number.encode(code))
        yield from (self.picture[12:60], self.vector[:64], self.vector[200:264], sim.template(self.serial, 0.1)[:48])
        yield str(np.frombuffer(self.vector, "<f4")[7]).encode()


def needles(secret: bytes) -> Iterator[bytes]:
    """The secret as it is, in hexadecimal digits, and in the middle of any base64."""
    yield from (secret, secret.hex().encode(), secret.hex().upper().encode())
    yield from (secret.hex(" ").encode(), secret.hex(" ").upper().encode())
    for shift in range(3):
        padded = base64.b64encode(bytes(shift) + secret)
        first, last = (shift * 4 + 2) // 3, len(secret + bytes(shift)) // 3 * 4
        if last - first >= 8:
            yield padded[first:last]
    yield repr(secret)[2:-1].encode()
    yield json.dumps(secret.decode("latin-1"))[1:-1].encode()


def searched(data: bytes, people: list[Known]) -> int:
    """How many people something is told of."""
    return sum(any(needle in data for one in known.secrets() for needle in needles(one)) for known in people)


class Answers:
    """The wire's far end."""

    def __init__(self, people: list[Known]) -> None:
        self._said = itertools.chain.from_iterable(self._torn(one.chip()) for one in people)

    def _torn(self, answer: bytes) -> list[bytes]:
        return [answer[:40], answer[40:101], answer[101:]]

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout: float) -> bytes:
        return next(self._said, b"")

    def discard(self) -> None:
        pass

    def close(self) -> None:
        pass


def write_tape(path: Path, people: list[Known]) -> None:
    spy = Spy(Answers(people), path, "sam+serial")  # type: ignore[arg-type]
    for _ in people:
        spy.write(READ.to_bytes())
        for _ in range(3):
            spy.read(0.0)
    spy.close()


def write_config(folder: Path) -> Path:
    path = folder / "gate.toml"
    path.write_text(f"""
        [gate]
        name = "G1"
        timezone = "Asia/Shanghai"
        state_dir = "{folder}"
        controller = "Hall Ltd, 13912345678"
        [devices]
        reader = "sam+spy+serial:///dev/gate-reader?tape={folder}/reader.tape"
        camera = ""
        relay = "lcus+serial:///dev/gate-relay?channel=1"
        [secrets]
        device_key = "device.key"
        """)
    return path


def bundle_of(config: Path, log: Path) -> Bundle:
    around = Around(config, run=lambda words: None)
    return collect(around, gathers(log, probe=False))


def unpacked(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {one.name.removeprefix("menshen-diagnose/"): tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """All that the lane logs, at the lowest level."""
    path = tmp_path / "gate.log"
    writer = logging.FileHandler(path)
    writer.setFormatter(OneLine("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(writer)
    root.setLevel(5)
    yield path
    root.setLevel(level)
    root.removeHandler(writer)
    writer.close()


def admit(folder: Path, people: list[Known]) -> None:
    async def scene(bench: Bench) -> None:
        for one in people:
            await bench.admitted(one)
            await bench.turns()
        words = bench.stores.ledger.count_by_verdict()
        assert words == {"admit": len(people)}

    play(folder, scene, manifest=contents([(one, ticket_of(one)) for one in people]))


HIDE: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    lambda data: data.hex().encode(),
    lambda data: data.hex(" ").upper().encode(),
    base64.b64encode,
    lambda data: base64.b64encode(base64.b64encode(data)),
    lambda data: repr(data).encode(),
)


def tell_all(log: Path, people: list[Known]) -> None:
    """A program gone wrong: it logs everything it knows of everybody, each time in another way."""
    chance = random.Random(7)
    with log.open("ab") as file:
        for one in people:
            code, hide = chance.choice(CODES), chance.choice(HIDE)
            vector = np.frombuffer(one.vector, "<f4").tolist()
            said = hide(f"visitor name={one.name} number {one.number} came".encode(code))
            file.write(b"gate.lane: " + said + b"\n")
            file.write(b"gate.vision: portrait " + chance.choice(HIDE[1:5])(one.picture) + b"\n")
            told = chance.choice((json.dumps(vector).encode(), chance.choice(HIDE[1:5])(one.vector)))
            file.write(b"gate.vision: probe " + told + b"\n")


@pytest.mark.long
def test_a_thousand_admissions_leave_nothing_of_anybody_in_the_bundle(tmp_path: Path, log: Path):
    people = [Known(serial) for serial in range(1000)]
    admit(tmp_path, people)
    write_tape(tmp_path / "reader.tape", people)
    before = log.read_bytes() + (tmp_path / "reader.tape").read_bytes()
    assert searched(before, people[:50]) == 50, "else the search would find nothing anywhere"

    out = tmp_path / "bundle.tar.gz"
    bundle = bundle_of(write_config(tmp_path), log)
    write(bundle, out, 0.0)
    parts = unpacked(out)
    assert bundle.left_out == {}
    assert parts.keys() >= {
        "log.txt",
        "config.toml",
        "versions.json",
        "ledger.json",
        "steps.json",
        "check.json",
        "scan.json",
    }
    assert searched(b"\n".join(parts.values()), people) == 0
    assert json.loads(parts["ledger.json"])["verdicts"] == {"admit": 1000}
    assert json.loads(parts["steps.json"])["steps"]
    assert parts["tapes/reader.tape"].count(b"\n") == 4002, "the conversation is all there"
    assert b"13912345678" not in parts["config.toml"]
    assert b"device.key" not in parts["config.toml"]


@pytest.mark.long
def test_a_log_that_told_everything_tells_nothing_in_the_bundle(tmp_path: Path):
    people = [Known(serial) for serial in range(0, 1000, 7)]
    log = tmp_path / "gate.log"
    tell_all(log, people)
    log.write_bytes(log.read_bytes() + b"gate.lane: attempt 812: admit ok; lookup 4.2 ms\n")
    assert searched(log.read_bytes(), people) > len(people) * 0.9, "some told everything in base64 of base64"
    bundle = bundle_of(write_config(tmp_path), log)
    assert "log.txt" in bundle.parts, bundle.left_out
    assert searched(bundle.parts["log.txt"], people) == 0
    assert b"attempt 812: admit ok; lookup 4.2 ms" in bundle.parts["log.txt"]
    assert {"id-number", "name", "picture", "vector"} <= bundle.blanked["log.txt"].keys()


def test_a_part_that_fails_is_named_and_hides_no_other(tmp_path: Path):
    def failing(around: Around) -> Iterator[tuple[str, bytes]]:
        raise ValueError("11010519491231002X")

    bundle = collect(
        Around(write_config(tmp_path)), [("bad", failing), ("good", lambda a: iter([("good.txt", b"well")]))]
    )
    assert bundle.parts == {"good.txt": b"well"}
    assert bundle.left_out == {"bad": "could not be gathered: ValueError"}


def test_the_lanes_own_key_is_in_no_part(tmp_path: Path):
    key = bytes(range(32))
    told = [("x", lambda a: iter([("x.txt", b"sealed by " + base64.b64encode(key) + b" it was")]))]
    bundle = collect(Around(write_config(tmp_path)), told, [key])
    assert bundle.parts["x.txt"] == b"sealed by [known] it was"


def gatectl(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


def test_the_command_writes_for_its_owner_alone_and_scans_what_it_wrote(tmp_path: Path):
    config, out = write_config(tmp_path), tmp_path / "b.tar.gz"
    log = tmp_path / "my.log"
    log.write_text("name=张晓明 came with 11010519491231002X\nall is well\n", encoding="utf-8")
    status, said = gatectl("diagnose", "--config", config, "--log", log, "--out", out, "--json")
    told = json.loads(said)
    assert status == 1, "there is no ledger, and that is said"
    assert told["left_out"].keys() == {"ledger.json", "steps.json"}
    assert told["blanked"]["log.txt"] == {"id-number": 1, "name": told["blanked"]["log.txt"]["name"]}
    assert out.stat().st_mode & 0o777 == 0o600
    assert gatectl("diagnose", "--scan", out) == (0, f"{out}: nothing personal and no secret was found\n")
    status, said = gatectl("diagnose", "--scan", log, "--json")
    assert (status, json.loads(said.splitlines()[-1])) == (1, {"ok": False, "parts": 1})
    assert "张" not in said


def test_a_bundle_that_can_not_be_written_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "b.tar.gz").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(Bundle({"x": b"y"}), tmp_path / "b.tar.gz", 0.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz"]
