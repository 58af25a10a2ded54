"""The contract of card readers, for every reader with a simulator at the far end of a line."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.reader.line import LineSimulator
from drivers.reader.sam import SamSimulator, resident_card
from models.code import SignedCode
from models.store.code_signature import sign_code
from models.store.public_key import KeyUse, PublicKey, write_public_key
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


class TestLine(ReaderContract):
    """A scanner that sends each code once."""

    kit = Kit("reader", "line", "?end=cr&again_ms=60", tap=lambda scanner: scanner.scan("T17"))


class TestSignedLine(ReaderContract):
    """A scanner that sends the code for as long as it is held up. On a bad wire the signature tells."""

    @pytest.fixture(autouse=True)
    def issuer(self, tmp_path: Path) -> None:
        """An issuer whose key the driver knows, and one of its tickets."""
        key = Ed25519PrivateKey.generate()
        write_public_key(tmp_path / "k.pub", PublicKey(KeyUse.ISSUER, "hall", key.public_key().public_bytes_raw()))
        text = sign_code(SignedCode("hall", "T17", 0, 2_000_000_000), key)
        options = f"?keys={tmp_path}/k.pub&event=hall&gap_ms=150&again_ms=350"
        self.kit = Kit("reader", "line", options, tap=lambda s: s.show(text), lift=LineSimulator.remove, looks=24)


class TestWedge(ReaderContract):
    """A scanner that types."""

    kit = Kit("reader", "wedge", "?again_ms=60", tap=lambda keys: keys.scan("T17"))
