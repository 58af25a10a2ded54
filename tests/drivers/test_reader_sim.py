"""The reader without a card: lines of JSON over a pty."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers
from drivers.errors import BadAnswer, DeviceLost
from drivers.interfaces import CardReader
from drivers.reader.sim import LONGEST_LINE, SimPresenter, read_line, simulator, write_line
from drivers.transport import PtyPort
from models.credential import Assurance, CardFault, CardProblem, Credential, Holder, Medium
from models.ids import DocumentType

PERSON = Credential(
    Medium.CHIP_CARD,
    DocumentType.RESIDENT_ID,
    "000000190001010017",
    Assurance.AUTHENTICATED,
    Holder("测试样本", date(1900, 1, 1), "1"),
    uid=b"\x00\xff",
    valid_from=date(2020, 1, 1),
    portrait=bytes(1024),
    read_s=0.5,
)
CODE = Credential(Medium.CODE, DocumentType.TICKET_CODE, "T-17", Assurance.SIGNED)
FAULT = CardFault(CardProblem.UNREADABLE, "pulled too soon")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(tmp_path / "sim") as port:
        yield port


@pytest.fixture
def presenter(port: PtyPort) -> SimPresenter:
    return simulator(port)


@pytest.fixture
def reader(port: PtyPort) -> Iterator[CardReader]:
    reader = drivers.connect("reader", f"sim+serial://{port.path}")
    yield reader
    reader.close()
    reader.close()


def test_taps_arrive_one_by_one_and_whole(reader: CardReader, presenter: SimPresenter) -> None:
    presenter.present(PERSON, FAULT, CODE)
    assert [reader.read(5) for _ in range(3)] == [PERSON, FAULT, CODE]
    assert reader.read(0) is None


def test_a_line_may_come_in_pieces(port: PtyPort, reader: CardReader) -> None:
    line = write_line(PERSON)
    port.write(line[:100])
    assert reader.read(0.02) is None
    port.write(line[100:])
    assert reader.read(5) == PERSON


def test_a_short_line_means_a_resident() -> None:
    credential = read_line('{"number": "000000190001010017", "holder": {"name": "测试样本"}}'.encode())
    assert isinstance(credential, Credential)
    assert (credential.medium, credential.document, credential.assurance) == (
        Medium.CHIP_CARD,
        DocumentType.RESIDENT_ID,
        Assurance.AUTHENTICATED,
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"hello", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "number"),
        (b'{"number": 7}', r"Expected `str`, got `int` - at `\$\.number`"),
        (b'{"nubmer": "7"}', "did you mean 'number'"),
        (b'{"problem": "tired"}', "problem"),
        (b'{"number": "7", "valid_to": "someday"}', "valid_to"),
        (b'{"number": "\xff"}', "not a credential"),
        (b'{"number": ' + b"[" * 5000, "not a credential"),
    ],
)
def test_a_bad_line_is_a_bad_answer_and_the_next_is_read(
    port: PtyPort, reader: CardReader, presenter: SimPresenter, line: bytes, words: str
) -> None:
    port.write(line + b"\n")
    with pytest.raises(BadAnswer, match=words):
        reader.read(5)
    presenter.present(CODE)
    assert reader.read(5) == CODE


@given(st.binary(max_size=100))
def test_any_line_gives_an_outcome_or_a_bad_answer(line: bytes) -> None:
    with contextlib.suppress(BadAnswer):
        assert isinstance(read_line(line), Credential | CardFault)


def test_a_line_without_an_end_is_given_up(port: PtyPort, reader: CardReader, presenter: SimPresenter) -> None:
    def flood() -> None:
        for _ in range(LONGEST_LINE // 2000 + 1):
            port.write(b"x" * 2000)

    thread = threading.Thread(target=flood)
    thread.start()
    with pytest.raises(BadAnswer, match="more than 65536 bytes"):
        reader.read(5)
    thread.join()


def test_without_a_wire_nobody_comes() -> None:
    reader = drivers.connect("reader", "sim:")
    assert reader.read(0.001) is None
    reader.close()
    reader.close()


def test_an_unplugged_wire_is_a_lost_device(port: PtyPort, reader: CardReader) -> None:
    port.unplug()
    with pytest.raises(DeviceLost):
        reader.read(5)


def test_a_hand_can_present_cards(reader: CardReader, presenter: SimPresenter) -> None:
    assert presenter.command("present 000000190001010017 测试样本 birth=1900-01-01 valid_to=2030-01-01") == "ok"
    credential = reader.read(5)
    assert isinstance(credential, Credential)
    assert (credential.holder.name, credential.holder.birth, credential.valid_to) == (
        "测试样本",
        date(1900, 1, 1),
        date(2030, 1, 1),
    )
    assert presenter.command("fault rejected") == "ok"
    assert reader.read(5) == CardFault(CardProblem.REJECTED)
    assert (
        presenter.command('json {"number": "T-17", "document": "ticket_code", "medium": "code", "assurance": 2}')
        == "ok"
    )
    assert reader.read(5) == CODE
    assert presenter.command("remove") == "ok"


@pytest.mark.parametrize(
    "line", ["", "dance", "present", "present 1 name colour=red", "fault", "fault tired", "json {"]
)
def test_a_line_that_makes_no_sense_is_answered_so(presenter: SimPresenter, line: str) -> None:
    assert presenter.command(line).startswith("error: ")
