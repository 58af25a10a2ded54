"""The request number never falls."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.contract import NUMBER_HEADER
from sync.numbers import AHEAD, KeptNumber
from sync.signing import Signer

KEY = Ed25519PrivateKey.generate()


def test_numbers_go_on_after_a_restart_with_a_clock_that_fell_back(tmp_path: Path):
    first = KeptNumber(tmp_path / "number")
    signer = Signer("hall", "gate-1", KEY, lambda: 1_780_000_000.0)
    signer.headers("GET", "/", b"")
    first.reserve(signer.last)
    again = Signer("hall", "gate-1", KEY, lambda: 5.0, KeptNumber(tmp_path / "number").kept)
    assert int(again.headers("GET", "/", b"")[NUMBER_HEADER]) > signer.last


def test_the_file_is_written_once_a_minute_and_never_lower(tmp_path: Path):
    kept = KeptNumber(tmp_path / "number")
    assert not kept.covers(1)
    kept.reserve(1000)
    assert kept.covers(1000 + AHEAD // 2)
    assert not kept.covers(1000 + AHEAD // 2 + 1)
    kept.reserve(5)
    assert KeptNumber(tmp_path / "number").kept == 1000 + AHEAD


@pytest.mark.parametrize("content", ["", "zero", "-7\n"])
def test_a_file_without_a_number_counts_as_none(tmp_path: Path, content: str):
    (tmp_path / "number").write_text(content)
    assert KeptNumber(tmp_path / "number").kept == 0
