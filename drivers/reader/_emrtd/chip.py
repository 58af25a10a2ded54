"""Proofs that the chip is the one that was issued, and no copy (Doc 9303-11, 6).

Chip authentication: a key agreement with the chip's static key of DG14, after which secure messaging works with the new
keys or not at all. Active authentication: the chip signs a challenge with the key of DG15. The public keys count only
after passive authentication of the file that they stand in.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import Channel, ChipRefused, Command
from drivers.reader._emrtd.curves import Curve
from drivers.reader._emrtd.files import CHUNK, COM
from drivers.reader._emrtd.keys import Cipher
from drivers.reader._emrtd.messaging import SecureMessaging
from drivers.reader._emrtd.security import (
    EcKey,
    PublicKey,
    RsaKey,
    UnknownKey,
    digest_of,
    integer,
    oid_bytes,
    public_key,
    security_infos,
    signature_agrees,
)

CA_ECDH = "0.4.0.127.0.7.2.2.3.2"
CA_KEY_ECDH = "0.4.0.127.0.7.2.2.1.2"
AA_INFO = "2.23.136.1.1.5"
_AA_HASHES = {
    f"0.4.0.127.0.7.1.1.4.1.{n}": name for n, name in enumerate(("sha1", "sha224", "sha256", "sha384", "sha512"), 1)
}
_TRAILERS = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}


class NotGenuine(Exception):
    """The chip lacks the key that its document says it has: a copy."""


@dataclass(frozen=True, slots=True)
class ChipAuthentication:
    """How a chip can be authenticated: its static key, and the key's number where it has several."""

    oid: str
    cipher: Cipher
    key: EcKey
    key_id: int | None = None


def choose(dg14: bytes) -> ChipAuthentication | None:
    """The best way in DG14 that is spoken here, or `None`. A key without a protocol means 3DES (6.2.4.2)."""
    infos = security_infos(tlv.need(dg14, 0x6E))
    protocols: dict[int | None, list[str]] = {}
    for info in infos:
        if info.oid.startswith(CA_ECDH + "."):
            protocols.setdefault(integer(info.optional) if info.optional else None, []).append(info.oid)
    ways = []
    for info in infos:
        if info.oid != CA_KEY_ECDH:
            continue
        try:
            key = public_key(info.required.whole)
        except UnknownKey:
            continue
        key_id = integer(info.optional) if info.optional else None
        oids = protocols.get(key_id, []) or [CA_ECDH + ".1"]
        if isinstance(key, EcKey):
            ways += [ChipAuthentication(o, Cipher.of(int(o.rpartition(".")[2])), key, key_id) for o in oids]
    return max(ways, key=lambda way: way.cipher is not Cipher.DES3, default=None)


def authenticate_chip(
    channel: Channel, way: ChipAuthentication, scalar: Callable[[Curve], int] = lambda curve: curve.random()
) -> None:
    """Agree on new keys with the chip and prove them with one command. Raises `NotGenuine`."""
    curve = way.key.curve
    secret = scalar(curve)
    ephemeral = curve.encode(curve.multiply_to_point(secret, curve.base))
    shared = curve.x_bytes(curve.multiply_to_point(secret, way.key.point))
    key_id = (
        b"" if way.key_id is None else tlv.pack(0x84, way.key_id.to_bytes(max(1, way.key_id.bit_length() + 7 >> 3)))
    )
    try:
        if way.cipher is Cipher.DES3:
            channel.ask(Command(0x22, 0x41, 0xA6, tlv.pack(0x91, ephemeral) + key_id), "chip authentication")
        else:
            announced = tlv.pack(0x80, oid_bytes(way.oid)) + key_id
            channel.ask(Command(0x22, 0x41, 0xA4, announced), "choosing chip authentication")
            data = tlv.pack(0x7C, tlv.pack(0x80, ephemeral))
            channel.ask(Command(0x86, 0, 0, data, le=256), "chip authentication")
        channel.protection = SecureMessaging.of_secret(way.cipher, shared)
        channel.ask(Command(0xA4, 2, 0x0C, COM.to_bytes(2, "big")), "speaking with the authenticated keys")
    except (ChipRefused, BadAnswer) as error:
        raise NotGenuine(f"chip authentication failed: {error}") from error


def signature_hash(dg14: bytes | None) -> str:
    """The hash of an ECDSA active authentication, as DG14 names it; SHA-256 where it doesn't."""
    for info in security_infos(tlv.need(dg14, 0x6E)) if dg14 else []:
        if info.oid == AA_INFO and info.optional is not None:
            name = next((n for oid, n in _AA_HASHES.items() if oid_bytes(oid) == info.optional.value), None)
            if name is None:
                raise UnknownKey("active authentication with a signature that isn't known here")
            return name
    return "sha256"


def authenticate_actively(
    channel: Channel, key: PublicKey, hash_name: str, random: Callable[[int], bytes] = secrets.token_bytes
) -> None:
    """Let the chip sign a challenge. Raises `NotGenuine`."""
    challenge = random(8)
    size = (key.n.bit_length() + 7) // 8 if isinstance(key, RsaKey) else 2 * key.curve.size
    try:
        signature = channel.ask(
            Command(0x88, 0, 0, challenge, le=256 if size <= CHUNK else 65536), "active authentication"
        )
    except ChipRefused as error:
        raise NotGenuine(str(error)) from error
    good = (
        recovers(key, signature, challenge)
        if isinstance(key, RsaKey)
        else _plain_ecdsa(key, signature, challenge, hash_name)
    )
    if not good:
        raise NotGenuine("active authentication failed: the signature is not of the document's key")


def recovers(key: RsaKey, signature: bytes, challenge: bytes) -> bool:
    """Whether `signature` is one of ISO/IEC 9796-2 scheme 1, partial recovery, over its own message and `challenge`."""
    size = (key.n.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= key.n:
        return False
    opened = pow(value, key.e, key.n)
    if opened & 0x0F != 0x0C:
        opened = key.n - opened  # the signer may have taken the smaller of the two roots
    block = opened.to_bytes(size, "big")
    if block[-1] == 0xBC:
        name, trailer = "sha1", 1
    elif block[-1] == 0xCC and block[-2] in _TRAILERS:
        name, trailer = _TRAILERS[block[-2]], 2
    else:
        return False
    length = len(digest_of(name, b""))
    message, digest = block[1 : -length - trailer], block[-length - trailer : -trailer]
    return block[0] == 0x6A and hmac.compare_digest(digest_of(name, message + challenge), digest)


def _plain_ecdsa(key: EcKey, signature: bytes, challenge: bytes, hash_name: str) -> bool:
    half = len(signature) // 2
    if not signature or len(signature) % 2:
        return False
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    return signature_agrees(key, digest_of(hash_name, challenge), hash_name, encode_dss_signature(r, s))
