"""Public keys on paper: what is written is read, and one kind is never taken for another."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.store.public_key import KeyUse, PublicKey, WrongKey, read_public_key, write_public_key

GOOD = PublicKey(KeyUse.DEVICE, "G1", bytes(range(32)))
NAMES = st.text(st.characters(min_codepoint=32, exclude_categories=["C", "Z"]), min_size=1, max_size=128)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key.pub"


@given(use=st.sampled_from(KeyUse), name=NAMES, raw=st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(tmp_path_factory, use, name, raw):
    path = tmp_path_factory.getbasetemp() / "key.pub"
    write_public_key(path, PublicKey(use, name, raw))
    assert read_public_key(path, use) == PublicKey(use, name, raw)


def test_a_name_may_have_blanks_inside_and_the_line_other_blanks(path):
    path.write_text(f"{KeyUse.ISSUER}\t{'AB' * 32}   the old hall \r\n")
    assert read_public_key(path, KeyUse.ISSUER) == PublicKey(KeyUse.ISSUER, "the old hall", b"\xab" * 32)


def test_a_key_for_something_else_is_named(path):
    write_public_key(path, GOOD)
    with pytest.raises(WrongKey, match="holds menshen-device-x25519, and menshen-issuer-ed25519 is needed"):
        read_public_key(path, KeyUse.ISSUER)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        bytes(32),
        b"ab" * 32,
        str(GOOD).encode()[:-4],
        f"{GOOD}\n{GOOD}".encode(),
        f"{KeyUse.DEVICE} {'ab' * 31} G1".encode(),
        f"{GOOD}{'x' * 2000}".encode(),
    ],
)
def test_what_is_no_key_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(WrongKey, match="is no public key"):
        read_public_key(path, KeyUse.DEVICE)


def test_a_file_of_secrets_is_never_repeated(path):
    path.write_text("secret-word " + "ab" * 32 + " x")
    with pytest.raises(WrongKey) as caught:
        read_public_key(path, KeyUse.DEVICE)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " G1", "a\nb", "x" * 129])
def test_a_name_that_would_not_be_read_again_is_not_written(path, name):
    with pytest.raises(WrongKey):
        write_public_key(path, PublicKey(KeyUse.DEVICE, name, bytes(32)))
    assert not path.exists()
