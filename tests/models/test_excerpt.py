"""An excerpt proves the lines it shows, without those it doesn't."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from models import wire
from models.store.chain import line_hash, root_hash, sign_checkpoint
from models.store.excerpt import Excerpt, ExcerptRefused, Seal, check, cut, line_of
from tests.examples import examples

KEY = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()


def _excerpt(first: int, count: int, show: set[int]) -> Excerpt:
    """Lines `first` to `first + count - 1` of a ledger that the gate "north" wrote."""
    hash_, lines, before = root_hash("north", "e1"), [], b""
    for seq in range(1, first + count):
        before = hash_ if seq == first else before
        body = wire.to_json({"attempt": seq, "who": f"visitor {seq}"})
        hash_ = line_hash(hash_, "north", "e1", seq, 100.0 + seq, "decision", body)
        lines.append(line_of(seq, 100.0 + seq, "decision", body.decode()))
    sealed = sign_checkpoint(KEY, "north", "e1", first + count - 1, 500.0, hash_)
    seal = Seal(500.0, sealed.public_key.hex(), sealed.signature.hex())
    return Excerpt("north", "e1", before.hex(), cut(lines[first - 1 :], show), seal)


@given(st.integers(1, 20), st.integers(1, 30), st.sets(st.integers(1, 50)))
def test_an_excerpt_from_anywhere_proves_itself(first: int, count: int, show: set[int]) -> None:
    excerpt = _excerpt(first, count, show)
    check(excerpt, {PUBLIC})
    assert {line.seq for line in excerpt.shown} == show & set(range(first, first + count))


def test_what_is_left_out_is_not_in_it() -> None:
    excerpt = _excerpt(3, 5, {4})
    assert "visitor 4" in str(excerpt)
    assert "visitor 5" not in str(excerpt)


@settings(max_examples=examples(300), deadline=None)
@given(st.data())
def test_whatever_is_changed_is_found(data: st.DataObject) -> None:
    excerpt = _excerpt(3, 6, {4, 6})
    at = data.draw(st.integers(0, 5))
    line = excerpt.lines[at]
    changes = [
        replace(line, at=line.at + 1),
        replace(line, kind="passage"),
        replace(line, digest="0" * 64),
        replace(line, body='{"attempt":1}'),
        replace(line, seq=line.seq + 1),
    ]
    lines = list(excerpt.lines)
    lines[at] = data.draw(st.sampled_from(changes))
    others = [
        replace(excerpt, lines=tuple(lines)),
        replace(excerpt, lines=excerpt.lines[:at] + excerpt.lines[at + 1 :]),
        replace(excerpt, gate="south"),
        replace(excerpt, epoch="e2"),
        replace(excerpt, before="00" * 32),
        replace(excerpt, seal=replace(excerpt.seal, at=501.0)),
        replace(excerpt, seal=replace(excerpt.seal, signature="zz")),
        replace(excerpt, lines=()),
    ]
    with pytest.raises(ExcerptRefused):
        check(data.draw(st.sampled_from(others)), {PUBLIC})


def test_another_gates_seal_proves_nothing() -> None:
    with pytest.raises(ExcerptRefused, match="not among those"):
        check(_excerpt(1, 3, {2}), {"ab" * 32})


def test_a_first_line_must_follow_from_the_root() -> None:
    """Else whoever has the gate's key could show a second beginning of the same ledger."""
    excerpt = _excerpt(1, 3, {2})
    with pytest.raises(ExcerptRefused, match="begin"):
        check(replace(excerpt, before="11" * 32), {PUBLIC})
