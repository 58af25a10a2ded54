"""A request is believed for what was signed, and for nothing else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.contract import DEVICE_HEADER, NUMBER_HEADER, SIGNATURE_HEADER, SITE_HEADER
from sync.signing import NotSigned, Signer, claimed_by, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def _signer(now: float = 1000.0, last: int = 0) -> Signer:
    return Signer("hall", "gate-1", KEY, lambda: now, last)


def test_what_was_signed_is_believed() -> None:
    headers = _signer().headers("POST", "/v1/gate/contact?x=1", b"{}")
    claimed = claimed_by(headers)
    assert (claimed.site, claimed.device, claimed.number) == ("hall", "gate-1", 1_000_000_000)
    verify(claimed, PUBLIC, "POST", "/v1/gate/contact?x=1", b"{}")


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("PUT", "/a", b"x"), ("POST", "/b", b"x"), ("POST", "/a?q", b"x"), ("POST", "/a", b"y")],
)
def test_another_request_is_not(method: str, target: str, body: bytes) -> None:
    claimed = claimed_by(_signer().headers("POST", "/a", b"x"))
    with pytest.raises(NotSigned):
        verify(claimed, PUBLIC, method, target, body)


@pytest.mark.parametrize("header", [SITE_HEADER, DEVICE_HEADER, NUMBER_HEADER])
def test_changed_headers_are_not(header: str) -> None:
    headers = _signer().headers("POST", "/a", b"x")
    headers[header] = "7" if header == NUMBER_HEADER else "other"
    with pytest.raises(NotSigned):
        verify(claimed_by(headers), PUBLIC, "POST", "/a", b"x")


def test_a_number_never_falls_even_when_the_clock_does() -> None:
    moments = iter([2000.0, 0.0, 0.0, 3000.0])
    signer = Signer("hall", "gate-1", KEY, lambda: next(moments))
    numbers = [int(signer.headers("GET", "/", b"")[NUMBER_HEADER]) for _ in range(4)]
    assert numbers == [2_000_000_000, 2_000_000_001, 2_000_000_002, 3_000_000_000]


@pytest.mark.parametrize(
    "change", [{NUMBER_HEADER: "-1"}, {NUMBER_HEADER: "9" * 30}, {NUMBER_HEADER: "x"}, {SIGNATURE_HEADER: "zz"}]
)
def test_damaged_headers_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(NotSigned):
        claimed_by(_signer().headers("POST", "/a", b"") | change)


def test_without_headers_nobody_has_signed() -> None:
    with pytest.raises(NotSigned):
        claimed_by({})
