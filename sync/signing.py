"""How a device proves that a request is its own: see `sync.contract.SIGNED_FORM`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.contract import DEVICE_HEADER, NUMBER_HEADER, SIGNATURE_HEADER, SIGNED_FORM, SITE_HEADER

LARGEST_NUMBER = 2**63 - 1
TIME_FORM = "menshen time\n{device}\n{number}\n{time}"
"""What the authority signs of its clock, with the number of the request: an old answer sets no clock."""


class NotSigned(ValueError):
    """The request bears no signature, or one that is not this device's for this very request."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a request says of itself; to be believed once `verify` has passed."""

    site: str
    device: str
    number: int
    signature: bytes = field(repr=False)


class Signer:
    """Signs one device's requests, each with a number above the one before, also across a clock that went back.

    `clock` gives Unix seconds; `last` is the last number that this device ever used.
    """

    def __init__(
        self, site: str, device: str, key: Ed25519PrivateKey, clock: Callable[[], float], last: int = 0
    ) -> None:
        self.site, self.device = site, device
        self._key, self._clock = key, clock
        self.last = last

    def change_key(self, key: Ed25519PrivateKey) -> None:
        """From the next request on it signs with `key`."""
        self._key = key

    def signs_with(self, key: Ed25519PrivateKey) -> bool:
        """Whether `key` is the one in use."""
        return self._key.public_key() == key.public_key()

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The headers that go with this request. `target` is the path with its query."""
        self.last = max(int(self._clock() * 1_000_000), self.last + 1)
        signature = self._key.sign(_form(self.site, self.device, self.last, method, target, body))
        return {
            SITE_HEADER: self.site,
            DEVICE_HEADER: self.device,
            NUMBER_HEADER: str(self.last),
            SIGNATURE_HEADER: signature.hex(),
        }


def claimed_by(headers: Mapping[str, str]) -> Claimed:
    """Who a request says it comes from. Raises `NotSigned`."""
    try:
        number, signature = int(headers[NUMBER_HEADER]), bytes.fromhex(headers[SIGNATURE_HEADER])
        site, device = headers[SITE_HEADER], headers[DEVICE_HEADER]
    except (KeyError, ValueError):
        raise NotSigned("the request is not signed by a device, or its headers are damaged") from None
    if not 0 < number <= LARGEST_NUMBER:
        raise NotSigned("the request's number is out of range")
    return Claimed(site, device, number, signature)


def verify(claimed: Claimed, public_key: bytes, method: str, target: str, body: bytes) -> None:
    """Hold a request against the key of the device that it names. Raises `NotSigned`."""
    form = _form(claimed.site, claimed.device, claimed.number, method, target, body)
    try:
        _key_of(public_key).verify(claimed.signature, form)
    except InvalidSignature:
        raise NotSigned("the signature is not this device's for this request") from None


def time_form(device: str, number: int, time: float) -> bytes:
    """What the time's signature covers."""
    return TIME_FORM.format(device=device, number=number, time=repr(time)).encode()


def time_is_signed(signature: str, keys: Iterable[bytes], device: str, number: int, time: float) -> bool:
    """Whether one of the issuers' raw `keys` signed this time in answer to request `number`."""
    form = time_form(device, number, time)
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), form)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


@lru_cache(16_384)
def _key_of(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _form(site: str, device: str, number: int, method: str, target: str, body: bytes) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return SIGNED_FORM.format(
        site=site, device=device, number=number, method=method, target=target, digest=digest
    ).encode()
