"""EF.SOD (Doc 9303-10, 4.6.2): the hashes of all data groups, in a CMS message signed by the issuer. And certificates.

Parsing is asn1crypto's, which takes certificates that stricter libraries refuse though countries issued them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, core, x509  # type: ignore[import-untyped]

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.security import PublicKey, UnknownKey, digest_of, public_key, signature_agrees

LDS_OBJECT = "2.23.136.1.1.1"


class _GroupHash(core.Sequence):  # type: ignore[misc]
    _fields = [("number", core.Integer), ("digest", core.OctetString)]  # noqa: RUF012  as the library wants it


class _GroupHashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _GroupHash


class LdsSecurityObject(core.Sequence):  # type: ignore[misc]
    """LDSSecurityObject (Doc 9303-10, annex D)."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("algorithm", cms.DigestAlgorithm),
        ("hashes", _GroupHashes),
        ("lds_version", core.Any, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What of an X.509 certificate counts here. Names are canonical DER text, for comparing."""

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    serial: int
    key_id: bytes
    issuer_key_id: bytes
    not_before: datetime
    not_after: datetime
    is_ca: bool
    key: PublicKey = field(repr=False)

    @classmethod
    def load(cls, der: bytes) -> Certificate:
        """Read DER. Raises `UnknownKey` for a key that isn't known here, `BadAnswer` for what is no certificate."""
        try:
            cert = x509.Certificate.load(der, strict=True)
            validity = cert["tbs_certificate"]["validity"]
            return cls(
                der,
                cert.subject.hashable,
                cert.issuer.hashable,
                cert.serial_number,
                cert.key_identifier or b"",
                cert.authority_key_identifier_value["key_identifier"].native or b""
                if cert.authority_key_identifier_value
                else b"",
                _utc(validity["not_before"].native),
                _utc(validity["not_after"].native),
                bool(cert.ca),
                public_key(cert.public_key.dump()),
            )
        except BadAnswer:
            raise
        except Exception as error:  # the library raises whatever malformed input makes it stumble over
            raise BadAnswer(f"a certificate that can't be read ({type(error).__name__})") from error

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether `issuer`'s key made this certificate's signature. Raises `UnknownKey`, `BadAnswer` if unreadable."""
        try:
            cert = x509.Certificate.load(self.der)
            data = cert["tbs_certificate"].dump()
            return _agrees(issuer.key, cert["signature_algorithm"], None, data, cert["signature_value"].native)
        except BadAnswer:
            raise
        except Exception as error:  # parsed on first use, and nothing above vouched for the outer fields
            raise BadAnswer(f"a certificate whose signature can't be read ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """A parsed EF.SOD. `failure` says why the signature within doesn't hold; empty: it holds."""

    algorithm: str
    hashes: Mapping[int, bytes] = field(repr=False)
    signer: Certificate
    signed_at: datetime | None
    failure: str = ""


def read_sod(data: bytes) -> SecurityObject:
    """Read EF.SOD and check that its own certificate signed it.

    Raises `UnknownKey` for an algorithm that can't be checked here, `BadAnswer` for what is no EF.SOD.
    """
    try:
        return _read_sod(data)
    except BadAnswer:
        raise
    except Exception as error:  # as above
        raise BadAnswer(f"EF.SOD can't be read ({type(error).__name__})", card_present=True) from error


def _read_sod(data: bytes) -> SecurityObject:
    message = cms.ContentInfo.load(tlv.single(data, 0x77).value, strict=True)
    if message["content_type"].native != "signed_data":
        raise BadAnswer("EF.SOD holds no signed data", card_present=True)
    signed = message["content"]
    kind = signed["encap_content_info"]["content_type"].dotted
    content: bytes = signed["encap_content_info"]["content"].contents
    if kind != LDS_OBJECT or len(signed["signer_infos"]) != 1:
        raise BadAnswer("EF.SOD holds something else than one signed LDS object", card_present=True)
    lds = LdsSecurityObject.load(content, strict=True)
    hashes = {entry["number"].native: entry["digest"].native for entry in lds["hashes"]}
    if len(hashes) != len(lds["hashes"]):
        raise BadAnswer("EF.SOD names a data group twice", card_present=True)
    info = signed["signer_infos"][0]
    signer = _signer(signed, info["sid"])
    failure, signed_at = _check_signature(info, signer, content)
    return SecurityObject(lds["algorithm"]["algorithm"].native, hashes, signer, signed_at, failure)


def _signer(signed: Any, sid: Any) -> Certificate:
    certificates = [Certificate.load(choice.chosen.dump()) for choice in signed["certificates"] or []]
    for cert in certificates:
        if sid.name == "subject_key_identifier":
            if cert.key_id and cert.key_id == sid.native:
                return cert
        elif (cert.issuer, cert.serial) == (sid.chosen["issuer"].hashable, sid.chosen["serial_number"].native):
            return cert
    raise BadAnswer("EF.SOD does not carry its signer's certificate", card_present=True)


def _check_signature(info: Any, signer: Certificate, content: bytes) -> tuple[str, datetime | None]:
    digest_name = info["digest_algorithm"]["algorithm"].native
    if not info["signed_attrs"]:
        good = _agrees(signer.key, info["signature_algorithm"], digest_name, content, info["signature"].native)
        return "" if good else "the signature of EF.SOD is not its signer's", None
    attributes = {a["type"].native: a["values"] for a in info["signed_attrs"]}
    if len(attributes) != len(info["signed_attrs"]) or any(len(values) != 1 for values in attributes.values()):
        return "EF.SOD has a signed attribute twice", None
    if "content_type" not in attributes or attributes["content_type"][0].dotted != LDS_OBJECT:
        return "EF.SOD signs another kind of content", None
    digest = attributes["message_digest"][0].native if "message_digest" in attributes else b""
    if digest != digest_of(digest_name, content):
        return "EF.SOD signs other hashes than it holds", None
    signed_at = _utc(attributes["signing_time"][0].native) if "signing_time" in attributes else None
    data = b"\x31" + info["signed_attrs"].dump()[1:]  # signed as a SET OF, carried under an implicit tag
    good = _agrees(signer.key, info["signature_algorithm"], digest_name, data, info["signature"].native)
    return "" if good else "the signature of EF.SOD is not its signer's", signed_at


def _agrees(key: PublicKey, algorithm: Any, digest_name: str | None, data: bytes, signature: bytes) -> bool:
    """Whether `signature`, made as the AlgorithmIdentifier says, is of `key` over `data`."""
    salt = None
    try:
        kind = algorithm.signature_algo
    except ValueError as error:
        raise UnknownKey("a signature algorithm that isn't known here") from error
    if kind == "rsassa_pss":
        parameters = algorithm["parameters"]
        digest_name, salt = algorithm.hash_algo, parameters["salt_length"].native
        if parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native != digest_name:
            raise UnknownKey("a PSS signature with two hashes can't be checked here")
    elif algorithm["algorithm"].native not in ("rsassa_pkcs1v15", "ecdsa"):
        digest_name = algorithm.hash_algo
    if digest_name is None:
        raise UnknownKey("a signature that doesn't say its hash")
    return signature_agrees(key, digest_of(digest_name, data), digest_name, signature, salt)


def _utc(moment: datetime) -> datetime:
    """A time without a zone counts as UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
