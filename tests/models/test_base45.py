"""Base45 against the examples of RFC 9285, section 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base45 import ALPHABET, decode, encode


@pytest.mark.parametrize(
    ("raw", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_the_published_examples(raw, text):
    assert encode(raw) == text
    assert decode(text) == raw


@pytest.mark.parametrize("text", ["A", "::", ":::", "GGW", "BB8A", "bb8", "BB8é"])
def test_a_text_that_no_bytes_have_is_refused(text):
    with pytest.raises(ValueError, match="Base45"):
        decode(text)


@given(st.binary(max_size=64))
def test_bytes_come_back_and_the_text_does_not_end_in_a_blank(raw):
    assert decode(encode(raw)) == raw
    assert not encode(raw).endswith(" ")


@given(st.text(ALPHABET, max_size=12))
def test_each_text_has_one_meaning_at_most(text):
    try:
        raw = decode(text)
    except ValueError:
        return
    assert encode(raw) == text
