"""Travel documents over a real pcscd, shown and laid on by the simulator that `gatectl simulate emrtd` is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers import connect
from drivers.errors import BadAnswer
from drivers.reader._emrtd import issue
from drivers.reader._emrtd.presenter import DocumentHolder
from drivers.reader.emrtd import EmrtdReader
from models.credential import Assurance, CardFault, CardProblem, Credential
from tests.pcsc_stack import PcscStack, _pcscd_users, occupied, pcscd, until  # noqa: F401

OTHER = issue.td3("EB7654321", "MUSTERMANN", "ERIKA", "640812", "F", "330305", "CHN")


@pytest.fixture
def holder(pcscd: PcscStack, tmp_path: Path) -> Iterator[DocumentHolder]:  # noqa: F811
    """Somebody with a test document at a real reader's virtual slot."""
    (tmp_path / "csca").mkdir()
    with closing(DocumentHolder(tmp_path / "csca")) as someone:
        yield someone
        someone.remove()


@pytest.fixture
def reader(holder: DocumentHolder) -> Iterator[EmrtdReader]:
    with closing(connect("reader", holder.url)) as opened:
        assert isinstance(opened, EmrtdReader)
        yield opened


def do(holder: DocumentHolder, *orders: str) -> None:
    for order in orders:
        assert holder.command(order) == "ok", order


def soon(reader: EmrtdReader) -> Credential | CardFault:
    """What the reader gives, asked as the pump asks."""
    for _ in range(40):
        outcome = reader.read(0.25)
        if outcome is not None:
            return outcome
    raise AssertionError("nothing came")


def credential(outcome: object) -> Credential:
    assert isinstance(outcome, Credential), outcome
    return outcome


@pytest.mark.parametrize(
    ("document", "assurance"),
    [
        ("new bac", Assurance.SIGNED),
        ("new pace 3des", Assurance.SIGNED),
        ("new pace aes256", Assurance.SIGNED),
        ("new bac proof 3des", Assurance.AUTHENTICATED),
        ("new pace proof", Assurance.AUTHENTICATED),
        ("new pace proof strange", Assurance.UID_ONLY),
    ],
)
def test_documents_are_read_through_pcscd(
    holder: DocumentHolder, reader: EmrtdReader, document: str, assurance: Assurance
) -> None:
    do(holder, document, "show", "lay")
    read = credential(soon(reader))
    assert (read.number, read.assurance) == ("EA1234567", assurance)
    picture = cv2.imdecode(np.frombuffer(read.portrait, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (600, 480, 3)
    assert 0 < read.read_s < 15


def test_a_typed_card_access_number_opens_a_card_through_pcscd(holder: DocumentHolder, reader: EmrtdReader) -> None:
    do(holder, "new pace", "lay")
    assert reader.expect(holder.command("can")) == ""
    assert credential(soon(reader)).number == "EA1234567"


@pytest.mark.parametrize(
    ("document", "problem", "says"),
    [
        ("new bac forged", CardProblem.REJECTED, "DG2 has been changed"),
        ("new pace clone", CardProblem.REJECTED, "chip authentication failed"),
    ],
)
def test_forgeries_are_rejected_through_pcscd(
    holder: DocumentHolder, reader: EmrtdReader, document: str, problem: CardProblem, says: str
) -> None:
    do(holder, document, "lay", "show")
    outcome = soon(reader)
    assert isinstance(outcome, CardFault)
    assert outcome.problem is problem
    assert says in outcome.detail


@pytest.mark.parametrize("document", ["new bac", "new pace"])
def test_the_wrong_page_and_then_the_right_one_through_pcscd(
    holder: DocumentHolder, reader: EmrtdReader, document: str
) -> None:
    do(holder, document, "lay")
    assert reader.expect(OTHER) == ""
    outcome = soon(reader)
    assert isinstance(outcome, CardFault)
    assert outcome.problem is CardProblem.UNREADABLE
    assert "not this chip's" in outcome.detail
    do(holder, "show")
    assert credential(soon(reader)).number == "EA1234567"


@pytest.mark.parametrize("turn", [0, 3, 20])
def test_a_document_pulled_away_comes_again_through_pcscd(
    holder: DocumentHolder, reader: EmrtdReader, turn: int
) -> None:
    do(holder, "new bac", "show", f"pull {turn + 1}")
    with pytest.raises(BadAnswer) as caught:
        soon(reader)
    assert caught.value.card_present
    until(lambda: not any(occupied()), "the slot is empty")
    do(holder, "lay")
    assert credential(soon(reader)).number == "EA1234567"


def test_the_simulator_says_what_it_does_not_know(holder: DocumentHolder) -> None:
    assert holder.command("dance").startswith("error: 'dance'")
    assert "there are" in holder.command("new dancing")
    assert holder.command("mrz").startswith("P<UTOZHENGJIAN<<YANGBEN")
    assert list(holder.folder.iterdir()) == [holder.folder / "utopia.cer"]
