"""The reader of travel documents: page and chip in any order, too late, wrong, torn away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, UnknownDevice
from drivers.reader._emrtd import issue
from drivers.reader._emrtd.document import ChipKey, Contents, SimulatedDocument, personalise
from drivers.reader._emrtd.files import fid_of
from drivers.reader._emrtd.folder import TrustFolder
from drivers.reader._emrtd.keys import Cipher
from drivers.reader._emrtd.passive import Trust
from drivers.reader._emrtd.sod import Certificate
from drivers.reader._mrz_line import MrzLine
from drivers.reader.emrtd import EmrtdReader
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium

TODAY = date(2026, 6, 1)
MRZ = issue.td3("EA1234567", "ZHENGJIAN", "YANGBEN", "810203", "F", "330305", "CHN")
OTHER = issue.td3("EB7654321", "MUSTERMANN", "ERIKA", "640812", "F", "330305", "CHN")
PORTRAIT = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4 + b"\xff\xd9"
PAIR_S = 20.0


@cache
def country() -> issue.Issuer:
    return issue.Issuer(TODAY)


def document(mrz: str = MRZ, **more: object) -> Contents:
    return personalise(country(), mrz, PORTRAIT, **more)  # type: ignore[arg-type]


class Card:
    """A chip in the field; gone after `leave_after` commands, and each answer takes `slow_s`."""

    def __init__(self, bench: Bench, contents: Contents, leave_after: int = 10_000, slow_s: float = 0.0) -> None:
        self._chip, self._bench = SimulatedDocument(contents), bench
        self._left, self._slow_s = leave_after, slow_s
        self.closed = 0

    def transmit(self, apdu: bytes) -> bytes:
        self._left -= 1
        self._bench.now += self._slow_s
        if self._left < 0:
            raise self._bench.torn_as
        return self._chip.transmit(apdu)

    def take_away(self) -> None:
        self._left = 0

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A reader whose slot and line the test holds, and whose clock goes on with each look at the slot."""

    def __init__(self, *, line: bool = True, trust: Callable[[], Trust] | None = None) -> None:
        self.now = 0.0
        self.torn_as: Exception = BadAnswer("gone", card_present=True)
        self.cards: list[Card] = []
        self._sent = b""
        self._coming: list[Card] = []
        stream = SimpleNamespace(read=self._hear, close=lambda: None)
        anchors = Trust([Certificate.load(country().certificate)])
        self.reader = EmrtdReader(
            SimpleNamespace(wait=self._wait, close=lambda: None),
            MrzLine(stream, lambda: self.now) if line else None,
            trust or (lambda: anchors),
            pair_s=PAIR_S,
            read_s=15.0,
            clock=lambda: self.now,
            today=lambda: TODAY,
        )

    def show(self, mrz: str = MRZ) -> None:
        self._sent += mrz.replace("\n", "\r").encode() + b"\r"

    def lay(self, contents: Contents, **more: float) -> None:
        self.cards.append(Card(self, contents, **more))  # type: ignore[arg-type]
        self._coming.append(self.cards[-1])

    def read(self, timeout: float = 1.0) -> Credential | CardFault | None:
        return self.reader.read(timeout)

    def _wait(self, timeout: float) -> Card | None:
        self.now += max(timeout, 0.01)
        return self._coming.pop(0) if self._coming else None

    def _hear(self, timeout: float) -> bytes:
        sent, self._sent = self._sent, b""
        return sent


def credential(outcome: object) -> Credential:
    assert isinstance(outcome, Credential), outcome
    return outcome


def unreadable(outcome: object) -> str:
    assert isinstance(outcome, CardFault), outcome
    assert (outcome.problem, outcome.medium) == (CardProblem.UNREADABLE, Medium.E_PASSPORT)
    assert not any(number in outcome.detail for number in ("1234567", "7654321", "810203"))
    return outcome.detail


@pytest.mark.parametrize("page_first", [True, False])
def test_page_and_chip_come_in_any_order(page_first: bool) -> None:
    bench = Bench()
    first, second = (bench.show, lambda: bench.lay(document()))[:: 1 if page_first else -1]
    first()
    assert bench.read(5.0) is None
    second()
    read = credential(bench.read())
    assert (read.medium, read.number, read.assurance) == (Medium.E_PASSPORT, "EA1234567", Assurance.SIGNED)
    assert read.portrait == PORTRAIT
    assert bench.cards[0].closed == 1
    assert bench.read(60.0) is None  # one chip, one credential, and nothing is left of the page


def test_a_page_without_a_chip_is_told_once_its_time_is_up() -> None:
    bench = Bench()
    bench.show()
    assert bench.read(PAIR_S - 1) is None
    assert "no chip" in unreadable(bench.read(5.0))
    bench.lay(document())
    assert bench.read(PAIR_S - 1) is None, "the page is forgotten"


def test_a_chip_whose_page_is_not_shown_is_told_once_its_time_is_up() -> None:
    bench = Bench()
    bench.lay(document())
    assert bench.read(PAIR_S - 1) is None
    assert "page was not shown" in unreadable(bench.read(5.0))
    assert bench.cards[0].closed
    assert bench.read(PAIR_S * 2) is None


def test_without_a_machine_a_person_is_told_to_type_at_once() -> None:
    bench = Bench(line=False)
    bench.lay(document())
    assert "type its MRZ" in unreadable(bench.read())
    assert bench.read(5.0) is None, "it is told once"
    assert bench.reader.expect(MRZ) == ""
    assert credential(bench.read()).number == "EA1234567"


def test_a_typed_page_that_is_wrong_is_told_and_counts_for_nothing() -> None:
    bench = Bench(line=False)
    wrong = MRZ.replace("EA1234567", "EA1234568")
    assert bench.reader.expect(wrong) == "the check digit does not agree: line 2, document number"
    bench.lay(document())
    assert "type its MRZ" in unreadable(bench.read())


def test_a_card_access_number_may_be_typed() -> None:
    bench = Bench(line=False)
    assert bench.reader.expect("123456") == ""
    bench.lay(document(can="123456", pace=((13, Cipher.AES128),)))
    assert credential(bench.read()).number == "EA1234567"


def test_a_page_is_typed_while_the_reader_waits() -> None:
    bench = Bench(line=False)
    bench.lay(document())
    unreadable(bench.read())
    typist = threading.Thread(target=bench.reader.expect, args=(MRZ,))
    typist.start()
    typist.join(5.0)
    assert credential(bench.read()).number == "EA1234567"


def test_the_wrong_page_is_told_and_the_right_one_may_follow() -> None:
    bench = Bench()
    bench.show(OTHER)
    bench.lay(document())
    assert "not this chip's" in unreadable(bench.read())
    assert not bench.cards[0].closed
    bench.show()
    assert credential(bench.read()).number == "EA1234567"


def test_a_mismatched_chip_that_was_taken_away_costs_the_next_visitor_nothing() -> None:
    bench = Bench()
    bench.show(MRZ)
    bench.lay(document(OTHER))
    unreadable(bench.read())
    bench.cards[0].take_away()
    bench.show(MRZ)
    assert bench.read() is None
    assert bench.cards[0].closed == 1
    bench.lay(document(MRZ))
    assert credential(bench.read()).number == "EA1234567"


def test_a_misread_page_is_told() -> None:
    bench = Bench()
    bench.show(MRZ.replace("EA1234567", "EA1234568"))
    assert "line 2, document number" in unreadable(bench.read())


@pytest.mark.parametrize("turn", [0, 1, 4, 9, 15])
def test_a_chip_torn_away_may_be_laid_on_again_without_its_page(turn: int) -> None:
    bench = Bench()
    bench.show()
    bench.lay(document(), leave_after=turn)
    with pytest.raises(BadAnswer) as caught:
        bench.read()
    assert caught.value.card_present
    assert bench.cards[0].closed == 1
    bench.lay(document())
    assert credential(bench.read()).number == "EA1234567"


def test_a_chip_that_falls_silent_is_told_to_its_holder() -> None:
    bench = Bench()
    bench.torn_as = DeviceTimeout("no answer")
    bench.show()
    bench.lay(document(), leave_after=5)
    with pytest.raises(BadAnswer, match="silent") as caught:
        bench.read()
    assert caught.value.card_present


def test_a_lost_reader_forgets_page_and_chip() -> None:
    bench = Bench()
    bench.torn_as = DeviceLost("unplugged")
    bench.show()
    bench.lay(document(), leave_after=5)
    with pytest.raises(DeviceLost):
        bench.read()
    bench.lay(document())
    assert bench.read(5.0) is None


def test_a_reading_ends_in_its_time_and_shows_life_meanwhile() -> None:
    bench = Bench()
    beats: list[float] = []
    bench.reader.alive = lambda: beats.append(bench.now)
    bench.show()
    bench.lay(document(), slow_s=1.0)
    began = bench.now
    with pytest.raises(BadAnswer, match="too long"):
        bench.read()
    assert bench.now - began < 18.0
    assert len(beats) >= 15
    assert max(b - a for a, b in pairwise(beats)) < 2.0


def test_another_chip_takes_the_place_of_the_first() -> None:
    bench = Bench()
    bench.lay(document(OTHER))
    assert bench.read() is None
    bench.lay(document())
    bench.show()
    assert credential(bench.read()).number == "EA1234567"
    assert [card.closed for card in bench.cards] == [1, 1]


def test_a_page_swiped_twice_is_no_second_visitor() -> None:
    bench = Bench()
    bench.show()
    bench.lay(document())
    credential(bench.read())
    bench.show()
    assert bench.read(PAIR_S * 2) is None


def test_a_forgery_is_rejected() -> None:
    bench = Bench()
    bench.show()
    bench.lay(document().with_file(fid_of(2), issue.dg2(b"\xff\xd8\xff another")))
    outcome = bench.read()
    assert isinstance(outcome, CardFault)
    assert (outcome.problem, outcome.medium) == (CardProblem.REJECTED, Medium.E_PASSPORT)
    assert "DG2" in outcome.detail
    assert bench.cards[0].closed == 1


def test_without_certificates_nobody_vouches() -> None:
    bench = Bench(trust=Trust)
    bench.show()
    bench.lay(document(chip_key=ChipKey.make()))
    assert credential(bench.read()).assurance is Assurance.UID_ONLY


def test_nothing_of_a_page_shows() -> None:
    bench = Bench()
    bench.show()
    bench.read()
    assert "1234567" not in repr(vars(bench.reader))


def test_the_folder_of_certificates_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "one.cer").write_bytes(country().certificate)
    folder = TrustFolder(tmp_path)
    first = folder.trust()
    assert len(first.certificates) == 1
    assert folder.trust() is first
    (tmp_path / "two.der").write_bytes(issue.Issuer(TODAY, "Ruritania").certificate)
    assert len(folder.trust().certificates) == 2
    (tmp_path / "three.pem").write_text("no certificate")
    with caplog.at_level(logging.WARNING):
        assert len(folder.trust().certificates) == 2
        assert len(folder.trust().certificates) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "three.pem" in caplog.text
    (tmp_path / "three.pem").unlink()
    (tmp_path / "two.der").unlink()
    assert len(folder.trust().certificates) == 1


def test_a_folder_that_can_not_be_used_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnknownDevice, match="nowhere"):
        connect("reader", f"emrtd:?csca={tmp_path}/nowhere")
    with pytest.raises(UnknownDevice, match="holds no country certificate"):
        connect("reader", f"emrtd:?csca={tmp_path}")
    (tmp_path / "bad.cer").write_bytes(b"0\x03abc")
    with pytest.raises(UnknownDevice, match=r"bad\.cer"):
        connect("reader", f"emrtd:?csca={tmp_path}")
