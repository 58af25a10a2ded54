"""Passive authentication (Doc 9303-11, 5.1): are the data what the issuing country signed?

Certificates count at the time of issue: a document outlives the key that signed it. Where EF.SOD doesn't say when it
was signed, the start of its signer's certificate stands for it. Dates that don't fit take the trust away and prove no
forgery: countries make mistakes. Revocation lists are not looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TypeAlias

from asn1crypto import pem  # type: ignore[import-untyped]

from drivers.errors import BadAnswer
from drivers.reader._emrtd.security import UnknownKey, digest_of
from drivers.reader._emrtd.sod import Certificate, SecurityObject, read_sod

_SUFFIXES = (".cer", ".crt", ".der", ".pem")


@dataclass(frozen=True, slots=True)
class Verified:
    """The data are as signed, and the signer is of a country whose certificate we have."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """Nothing speaks against the data, but nothing we trust speaks for them."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forged:
    """The data are not what was signed."""

    reason: str


Verdict: TypeAlias = Verified | Unverified | Forged


class Trust:
    """The countries' own certificates (CSCA), which we have from a source that we trust."""

    def __init__(self, certificates: Iterable[Certificate] = ()) -> None:
        self.certificates = tuple(certificates)

    @classmethod
    def of_folder(cls, folder: Path) -> Trust:
        """All .cer, .crt, .der and .pem files in `folder`.

        A certificate with a key that isn't known here is passed over: it would verify nothing. Raises `ValueError`
        naming a file that holds no certificate, `OSError` where the folder can't be read.
        """
        found = []
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in _SUFFIXES:
                found += _certificates(path)
        return cls(found)

    def issuers_of(self, signer: Certificate) -> list[Certificate]:
        """Certificates that claim to be above `signer`, by name, and by key identifier where both have one."""
        return [
            c
            for c in self.certificates
            if c.subject == signer.issuer
            and c.is_ca
            and (not c.key_id or not signer.issuer_key_id or c.key_id == signer.issuer_key_id)
        ]


def verify(sod: bytes, groups: Mapping[int, bytes], trust: Trust, today: date) -> Verdict:
    """Judge the data groups (number: whole file). Raises `BadAnswer` where `sod` is no EF.SOD."""
    try:
        return judge(read_sod(sod), groups, trust, today)
    except UnknownKey as error:
        return Unverified(str(error))


def judge(security: SecurityObject, groups: Mapping[int, bytes], trust: Trust, today: date) -> Verdict:
    """As `verify`, for a parsed EF.SOD. Raises `UnknownKey` for what can't be checked here, else `BadAnswer`."""
    if security.failure:
        return Forged(security.failure)
    for number, data in sorted(groups.items()):
        signed = security.hashes.get(number)
        if signed is None:
            return Forged(f"DG{number} is not among the signed files")
        if not hmac.compare_digest(digest_of(security.algorithm, data), signed):
            return Forged(f"DG{number} has been changed")
    issuers = trust.issuers_of(security.signer)
    if not issuers:
        return Unverified("no certificate of the issuing country (CSCA) is at hand")
    above = [issuer for issuer in issuers if security.signer.signed_by(issuer)]
    if not above:
        return Forged("the signer's certificate is not its country's")
    return _at_issue(security, above, today)


def _at_issue(security: SecurityObject, issuers: list[Certificate], today: date) -> Verdict:
    signer = security.signer
    issued = security.signed_at or signer.not_before
    if issued > datetime.combine(today, time.max, UTC):
        return Unverified("it was signed in the future")
    if not signer.not_before <= issued <= signer.not_after:
        return Unverified("its signer's certificate was not valid at issue")
    if not any(i.not_before <= signer.not_before <= i.not_after for i in issuers):
        return Unverified("the country's certificate was not valid when it made the signer's")
    return Verified()


def _certificates(path: Path) -> list[Certificate]:
    data = path.read_bytes()
    try:
        ders = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
        found = []
        for der in ders:
            try:
                found.append(Certificate.load(der))
            except UnknownKey:
                continue
    except (BadAnswer, ValueError) as error:
        raise ValueError(f"{path.name} in the folder of country certificates: {error}") from error
    return found
