"""A country that issues simulated documents: its keys are made on the spot and vouch for nothing.

The counterpart of `files` and `passive`: what those read and check is written and signed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from asn1crypto import algos, cms, core  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.curves import Curve
from drivers.reader._emrtd.files import TAGS
from drivers.reader._emrtd.security import oid_bytes
from drivers.reader._emrtd.sod import LDS_OBJECT, LdsSecurityObject
from models.mrz import check_digit

Scheme = Literal["ecdsa", "rsa", "pss"]


class Issuer:
    """A country's CSCA and one document signer under it. `certificate` is the CSCA's, DER."""

    def __init__(self, today: date, name: str = "Utopia", scheme: Scheme = "ecdsa", digest: str = "sha256") -> None:
        self._scheme, self._digest = scheme, digest
        self._now = datetime.combine(today, time(), UTC)
        self._name = _name("UT", name)
        csca_key = ec.generate_private_key(ec.BrainpoolP256R1())
        self.certificate = self._certify(self._name, csca_key.public_key(), csca_key, is_ca=True)
        self._key: Any = (
            ec.generate_private_key(ec.SECP256R1()) if scheme == "ecdsa" else rsa.generate_private_key(65537, 2048)
        )
        self.signer = self._certify(_name("UT", f"{name} DS"), self._key.public_key(), csca_key, is_ca=False)

    def sign(self, groups: Mapping[int, bytes]) -> bytes:
        """EF.SOD over whole files by data group number."""
        hash_entries = [{"number": n, "digest": hashlib.new(self._digest, groups[n]).digest()} for n in sorted(groups)]
        algorithm = {"algorithm": self._digest}
        content = LdsSecurityObject({"version": 0, "algorithm": algorithm, "hashes": hash_entries}).dump()
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": [LDS_OBJECT]},
                {"type": "message_digest", "values": [hashlib.new(self._digest, content).digest()]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": self._now})]},
            ]
        )
        certificate = asn1_x509.Certificate.load(self.signer)
        sid = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        signer_info = {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": sid}),
            "digest_algorithm": algorithm,
            "signed_attrs": attributes,
            "signature_algorithm": self._algorithm(),
            "signature": self._sign(attributes.dump()),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [algorithm],
            "encap_content_info": {"content_type": LDS_OBJECT, "content": core.ParsableOctetString(content)},
            "certificates": [certificate],
            "signer_infos": [signer_info],
        }
        return tlv.pack(
            0x77, cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()
        )

    def _algorithm(self) -> Any:
        if self._scheme == "ecdsa":
            return {"algorithm": f"{self._digest}_ecdsa"}
        if self._scheme == "rsa":
            return {"algorithm": f"{self._digest}_rsa"}
        parameters = {
            "hash_algorithm": {"algorithm": self._digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": self._digest}},
            "salt_length": 32,
        }
        return {"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)}

    def _sign(self, data: bytes) -> bytes:
        name: hashes.HashAlgorithm = getattr(hashes, self._digest.upper())()
        if self._scheme == "ecdsa":
            return bytes(self._key.sign(data, ec.ECDSA(name)))
        scheme = padding.PKCS1v15() if self._scheme == "rsa" else padding.PSS(padding.MGF1(name), 32)
        return bytes(self._key.sign(data, scheme, name))

    def _certify(self, subject: x509.Name, key: Any, by: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> bytes:
        builder = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=30))
            .not_valid_after(self._now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(is_ca, 0 if is_ca else None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        )
        if is_ca:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def td3(number: str, surname: str, given: str, birth: str, sex: str, expiry: str, country: str = "UTO") -> str:
    """The two lines of a passport, with their check digits."""
    first = f"P<{country}{surname}<<{given}".replace(" ", "<").ljust(44, "<")[:44]
    number = number.ljust(9, "<")
    second = f"{number}{check_digit(number)}{country}{birth}{check_digit(birth)}{sex}{expiry}{check_digit(expiry)}"
    second = second.ljust(43, "<")
    return first + "\n" + second + check_digit(second[0:10] + second[13:20] + second[21:43])


def dg1(mrz: str) -> bytes:
    """The machine readable zone."""
    return tlv.pack(0x61, tlv.pack(0x5F1F, "".join(mrz.split()).encode("ascii")))


def dg2(picture: bytes) -> bytes:
    """One portrait in an ISO/IEC 19794-5 record."""
    size = 20 + 12 + len(picture)
    face = size.to_bytes(4, "big") + bytes(16) + b"\x01\x00" + bytes(10) + picture
    record = b"FAC\x00010\x00" + (14 + size).to_bytes(4, "big") + b"\x00\x01" + face
    kind = tlv.pack(0xA1, bytes.fromhex("81010287020101880200 08"))
    return tlv.pack(0x75, tlv.pack(0x7F61, b"\x02\x01\x01" + tlv.pack(0x7F60, kind + tlv.pack(0x5F2E, record))))


def dg11(name: str, personal_number: str) -> bytes:
    """The name in the country's script and the personal number."""
    fields = tlv.pack(0x5F0E, name.encode()) + tlv.pack(0x5F10, personal_number.encode())
    return tlv.pack(0x6B, tlv.pack(0x5C, bytes.fromhex("5F0E5F10")) + fields)


def ec_key_info(curve: Curve, point: tuple[int, int], *, written_out: bool = True) -> bytes:
    """SubjectPublicKeyInfo of a point; the curve's parameters written out, as many documents have them, or named."""
    parameters = tlv.pack(0x06, oid_bytes(curve.oid))
    if written_out:
        field = tlv.pack(0x30, tlv.pack(0x06, oid_bytes("1.2.840.10045.1.1")) + der_integer(curve.p))
        sides = tlv.pack(0x30, b"".join(tlv.pack(0x04, v.to_bytes(curve.size, "big")) for v in (curve.a, curve.b)))
        base = tlv.pack(0x04, curve.encode(curve.base))
        parameters = tlv.pack(0x30, der_integer(1) + field + sides + base + der_integer(curve.n) + der_integer(1))
    algorithm = tlv.pack(0x30, tlv.pack(0x06, oid_bytes("1.2.840.10045.2.1")) + parameters)
    return tlv.pack(0x30, algorithm + tlv.pack(0x03, b"\x00" + curve.encode(point)))


def rsa_key_info(key: rsa.RSAPrivateKey) -> bytes:
    """SubjectPublicKeyInfo of an RSA key."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, spki)


def security_info(oid: str, *rest: bytes) -> bytes:
    """One SecurityInfo."""
    return tlv.pack(0x30, tlv.pack(0x06, oid_bytes(oid)) + b"".join(rest))


def der_integer(value: int) -> bytes:
    """INTEGER, not negative."""
    return tlv.pack(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def com(groups: Mapping[int, bytes]) -> bytes:
    """EF.COM: versions, and which groups there are."""
    listed = tlv.pack(0x5C, bytes(TAGS[n] for n in sorted(groups)))
    return tlv.pack(0x60, tlv.pack(0x5F01, b"0107") + tlv.pack(0x5F36, b"040000") + listed)


def _name(country: str, name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, country), x509.NameAttribute(NameOID.COMMON_NAME, name)])
