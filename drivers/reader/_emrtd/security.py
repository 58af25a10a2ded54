"""SecurityInfos (Doc 9303-11, 9.2) and public keys, as EF.CardAccess, DG14, DG15 and certificates write them.

Documents often write a curve's parameters out where others give its name; `public_key` takes both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.curves import BY_OID, Curve, by_domain

_SET, _SEQUENCE, _OID, _INTEGER, _BITS, _OCTETS = 0x31, 0x30, 0x06, 0x02, 0x03, 0x04
_EC_KEY, _RSA_KEYS = "1.2.840.10045.2.1", ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10")

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303  documents signed with it are still carried
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_LIBRARY_CURVES: dict[str, ec.EllipticCurve] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}


class UnknownKey(BadAnswer):
    """A key or algorithm that isn't known here: nothing can be said about what it signs."""


@dataclass(frozen=True, slots=True)
class SecurityInfo:
    """One protocol that the chip speaks, with its parameters."""

    oid: str
    required: tlv.Tlv
    optional: tlv.Tlv | None = None


@dataclass(frozen=True, slots=True)
class EcKey:
    """A point on a curve."""

    curve: Curve
    point: tuple[int, int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RsaKey:
    """Modulus and exponent."""

    n: int = field(repr=False)
    e: int = field(repr=False)


PublicKey: TypeAlias = EcKey | RsaKey


def security_infos(data: bytes) -> list[SecurityInfo]:
    """Read a SET OF SecurityInfo. Raises `BadAnswer`."""
    infos = []
    for item in tlv.single(data, _SET).children:
        parts = item.children
        if item.tag != _SEQUENCE or len(parts) not in (2, 3) or parts[0].tag != _OID:
            raise BadAnswer("a SecurityInfo of an unknown form")
        infos.append(SecurityInfo(dotted(parts[0].value), parts[1], parts[2] if len(parts) == 3 else None))
    return infos


def public_key(info: bytes) -> PublicKey:
    """Read a SubjectPublicKeyInfo (DER). Raises `UnknownKey`, or `BadAnswer` where it isn't one."""
    parts = tlv.single(info, _SEQUENCE).children
    if [p.tag for p in parts] != [_SEQUENCE, _BITS] or parts[1].value[:1] != b"\x00":
        raise BadAnswer("no public key where one should be")
    algorithm, key = parts[0].children, parts[1].value[1:]
    oid = dotted(algorithm[0].value) if algorithm else ""
    if oid == _EC_KEY and len(algorithm) == 2:
        curve = _curve(algorithm[1])
        return EcKey(curve, curve.decode(key))
    if oid in _RSA_KEYS:
        numbers = [integer(part) for part in tlv.single(key, _SEQUENCE).children]
        if len(numbers) == 2 and 512 <= numbers[0].bit_length() <= 8192 and numbers[0] > numbers[1] > 1:
            return RsaKey(*numbers)
    raise UnknownKey(f"a public key of the kind {oid} isn't known here")


def signature_agrees(key: PublicKey, digest: bytes, algorithm: str, signature: bytes, salt: int | None = None) -> bool:
    """Whether `signature` over `digest` (made with hash `algorithm`) is of `key`.

    ECDSA signatures are DER; RSA is PKCS #1 v1.5, or PSS where `salt`, its length, is given. Raises `UnknownKey`.
    """
    if algorithm not in HASHES:
        raise UnknownKey(f"the hash {algorithm} isn't known here")
    name = HASHES[algorithm]
    try:
        if isinstance(key, EcKey):
            _library_ec(key).verify(signature, digest, ec.ECDSA(Prehashed(name)))
        else:
            scheme = padding.PKCS1v15() if salt is None else padding.PSS(padding.MGF1(name), salt)
            rsa.RSAPublicNumbers(key.e, key.n).public_key().verify(signature, digest, scheme, Prehashed(name))
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnknownKey(f"a signature that can't be checked here: {error}") from error
    return True


def digest_of(algorithm: str, data: bytes) -> bytes:
    """The hash of `data`. Raises `UnknownKey` for an algorithm that documents don't use."""
    if algorithm not in HASHES:
        raise UnknownKey(f"the hash {algorithm} isn't known here")
    return hashlib.new(algorithm, data).digest()


def dotted(oid: bytes) -> str:
    """An object identifier's contents as digits and dots."""
    if not oid or oid[-1] & 0x80 or len(oid) > 64:
        raise BadAnswer("an object identifier of an unknown form")
    arcs, value = [], 0
    for byte in oid:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def oid_bytes(text: str) -> bytes:
    """The contents of an object identifier."""
    first, second, *rest = map(int, text.split("."))
    out = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.insert(0, arc & 0x7F | 0x80)
        out += bytes(digits)
    return out


def integer(item: tlv.Tlv | None) -> int:
    """The value of an INTEGER that isn't negative. Raises `BadAnswer`."""
    if item is None or item.tag != _INTEGER or not item.value:
        raise BadAnswer("no INTEGER where one should be")
    return int.from_bytes(item.value, "big")


def _curve(parameters: tlv.Tlv) -> Curve:
    curve: Curve | None = None
    if parameters.tag == _OID:
        curve = BY_OID.get(dotted(parameters.value))
    elif parameters.tag == _SEQUENCE:
        parts = parameters.children
        if len(parts) >= 5 and len(parts[1].children) == 2 and len(parts[2].children) >= 2:
            a, b = (int.from_bytes(part.value, "big") for part in parts[2].children[:2])
            p = integer(parts[1].children[1])
            curve = by_domain(p, a, b, integer(parts[4])) if p else None
            if curve and curve.decode(parts[3].value) != curve.base:
                curve = None
    if curve is None:
        raise UnknownKey("a public key on a curve that isn't known here")
    return curve


def _library_ec(key: EcKey) -> ec.EllipticCurvePublicKey:
    if key.curve.name not in _LIBRARY_CURVES:
        raise UnknownKey(f"signatures on {key.curve.name} can't be checked here")
    return ec.EllipticCurvePublicNumbers(*key.point, _LIBRARY_CURVES[key.curve.name]).public_key()
