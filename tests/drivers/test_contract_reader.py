"""The contract of card readers, for every reader with a simulator at the far end of a line."""

from __future__ import annotations

from drivers.reader.sam import resident_card
from tests.contract import Kit, ReaderContract

CARD = resident_card("测试样本", "000000190001010017")


class TestSam(ReaderContract):
    """A SAM module; polled faster than in the field, so that the tests are short."""

    kit = Kit(
        "reader",
        "sam",
        "?poll_ms=10&answer_s=0.3",
        margin_s=4.0,
        tap=lambda module: module.present(CARD),
        lift=lambda module: module.remove(),
    )
