"""The contract of card readers, for every reader with a simulator at the far end of a line."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from drivers.reader.sam import SamSimulator, resident_card
from tests.contract import Kit, ReaderContract

CARD = resident_card("测试样本", "000000190001010017")


def lay(module: SamSimulator, forgetful: bool = False) -> None:
    """Lay the card on the reader. A forgetful module finds it again and again."""
    module.forgetful = forgetful
    module.present(CARD)


class TestSim(ReaderContract):
    """The reader without a card: one line is one tap."""

    kit = Kit("reader", "sim", tap=lambda presenter: presenter.command("present 000000190001010017"))


SAM = Kit("reader", "sam", "?poll_ms=10&answer_s=0.3", margin_s=4.0, tap=lay, lift=SamSimulator.remove)
"""Polled faster than in the field, so that the tests are short."""


class TestSam(ReaderContract):
    """A SAM module."""

    kit = SAM


@pytest.mark.slow
class TestForgetfulSam(ReaderContract):
    """One that finds a card anew as long as it lies there."""

    kit = replace(SAM, tap=partial(lay, forgetful=True))
