"""One travel document from "card found" to credential: open, read, judge, prove the chip.

| what is shown                                             | assurance       |
|-----------------------------------------------------------|-----------------|
| signed by a country we know, and the chip proved its key  | `AUTHENTICATED` |
| signed by a country we know                               | `SIGNED`        |
| no certificate of the country at hand                     | `UID_ONLY`      |
| changed data, or a chip without the key that was signed   | none: rejected  |

Without the country's certificate a proof of the chip proves nothing, since a forger makes keys of his own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from drivers.errors import BadAnswer
from drivers.reader._emrtd import chip as proofs
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import NOT_FOUND, SECURITY_STATUS, Channel, Chip, ChipRefused, WrongSecret
from drivers.reader._emrtd.bac import open_bac
from drivers.reader._emrtd.files import (
    CARD_ACCESS,
    COM,
    SOD,
    TAGS,
    Details,
    fid_of,
    groups_in_com,
    read_details,
    read_file,
    read_mrz,
    read_portrait,
    select_application,
)
from drivers.reader._emrtd.pace import choose, open_pace
from drivers.reader._emrtd.passive import Forged, Trust, Unverified, Verdict, judge
from drivers.reader._emrtd.security import UnknownKey, public_key
from drivers.reader._emrtd.sod import SecurityObject, read_sod
from models.credential import Assurance, CardFault, CardProblem, Credential, Holder, Medium
from models.ids import DocumentType, normalise_number
from models.mrz import Can, Mrz, MrzKey, Secret

_SEX = {"M": "1", "F": "2"}


class Proof(StrEnum):
    """How the chip showed that it is no copy."""

    NONE = "none"  # the document has no key for it
    CHIP = "chip authentication"
    ACTIVE = "active authentication"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read. `credential.portrait` is JPEG or JPEG 2000; `verdict` says who vouches for it."""

    credential: Credential
    mrz: Mrz = field(repr=False)
    details: Details = field(repr=False)
    verdict: Verdict
    proof: Proof
    access: str  # PACE or BAC

    @property
    def unverified(self) -> bool:
        """Whether nobody we trust vouches for the data."""
        return isinstance(self.verdict, Unverified)


def read_document(
    chip: Chip,
    secret: Secret,
    trust: Trust,
    today: date,
    clock: Callable[[], float] = time.monotonic,
) -> Document | CardFault:
    """Read the document in the field.

    A chip that refuses, and a document that is forged or copied, is a `CardFault`. Raises `BadAnswer`
    (`card_present`) for bytes that break the protocol, and what `chip` itself raises when the card is gone.
    """
    started = clock()
    channel = Channel(chip)
    key = secret.key if isinstance(secret, Mrz) else secret
    try:
        access = _open(channel, key)
        document = _read(channel, key, access, trust, today)
    except WrongSecret as error:
        return CardFault(CardProblem.UNREADABLE, f"{error}: the MRZ or CAN that was shown is not this chip's")
    except ChipRefused as error:
        kind = CardProblem.UNREADABLE if error.sw == SECURITY_STATUS else CardProblem.UNSUPPORTED
        return CardFault(kind, str(error))
    except proofs.NotGenuine as error:
        return CardFault(CardProblem.REJECTED, str(error))
    except BadAnswer as error:
        raise BadAnswer(str(error), card_present=True) from error
    if isinstance(document, CardFault):
        return document
    return replace(document, credential=replace(document.credential, read_s=clock() - started))


def _open(channel: Channel, key: MrzKey | Can) -> str:
    """PACE where the chip offers it in a form spoken here, BAC otherwise. Leaves the application selected."""
    if _open_by_pace(channel, key):
        select_application(channel)
        return "PACE"
    if isinstance(key, Can):
        raise ChipRefused("this chip opens with its MRZ alone, not with a card access number", NOT_FOUND)
    select_application(channel)
    open_bac(channel, key.information)
    return "BAC"


def _open_by_pace(channel: Channel, key: MrzKey | Can) -> bool:
    try:
        way = choose(read_file(channel, CARD_ACCESS, 0x31))
        if way is not None:
            open_pace(channel, way, key)
    except WrongSecret:
        raise
    except ChipRefused:
        return False  # an older chip: it has no EF.CardAccess, and says so in various ways
    return way is not None


def _read(channel: Channel, key: MrzKey | Can, access: str, trust: Trust, today: date) -> Document | CardFault:
    sod = read_file(channel, SOD, 0x77)
    try:
        security: SecurityObject | None = read_sod(sod)
        reason = ""
    except UnknownKey as error:
        security, reason = None, str(error)
    groups = _read_groups(channel, security)
    mrz = read_mrz(groups[1])
    if isinstance(key, MrzKey) and key.information != mrz.information:
        return CardFault(CardProblem.REJECTED, "the chip holds another MRZ than the page that opened it")
    verdict = _judge(security, reason, groups, trust, today)
    if isinstance(verdict, Forged):
        return CardFault(CardProblem.REJECTED, f"forged: {verdict.reason}")
    proof = _prove(channel, groups)
    details = read_details(groups[11]) if 11 in groups else Details()
    portrait = read_portrait(groups[2]) if 2 in groups else b""
    assurance = _assurance(verdict, proof)

    credential = _credential(mrz, details, portrait, assurance, today)
    return Document(credential, mrz, details, verdict, proof, access)


def _read_groups(channel: Channel, security: SecurityObject | None) -> dict[int, bytes]:
    """The data groups that EF.SOD signs and that matter here. EF.COM is asked only where EF.SOD can't be understood."""
    listed = set(security.hashes) if security else groups_in_com(read_file(channel, COM, 0x60))
    groups = {}
    for group in sorted({1} | listed & (set(TAGS) - {12})):
        try:
            groups[group] = read_file(channel, fid_of(group), TAGS[group])
        except ChipRefused as error:
            if security and error.sw == NOT_FOUND:
                raise proofs.NotGenuine(f"DG{group} was signed and is not on the chip") from error
            raise
    return groups


def _judge(
    security: SecurityObject | None, reason: str, groups: dict[int, bytes], trust: Trust, today: date
) -> Verdict:
    if security is None:
        return Unverified(reason)
    try:
        return judge(security, groups, trust, today)
    except UnknownKey as error:
        return Unverified(str(error))


def _prove(channel: Channel, groups: dict[int, bytes]) -> Proof:
    """Chip authentication, or active where there is no key for the first. Raises `NotGenuine`."""
    way = proofs.choose(groups[14]) if 14 in groups else None
    if way is not None:
        proofs.authenticate_chip(channel, way)
        return Proof.CHIP
    if 15 in groups:
        try:
            key = public_key(tlv.need(groups[15], 0x6F))
            proofs.authenticate_actively(channel, key, proofs.signature_hash(groups.get(14)))
        except UnknownKey:
            return Proof.NONE
        return Proof.ACTIVE
    return Proof.NONE


def _assurance(verdict: Verdict, proof: Proof) -> Assurance:
    if isinstance(verdict, Unverified):
        return Assurance.UID_ONLY
    return Assurance.SIGNED if proof is Proof.NONE else Assurance.AUTHENTICATED


def _credential(mrz: Mrz, details: Details, portrait: bytes, assurance: Assurance, today: date) -> Credential:
    return Credential(
        medium=Medium.E_PASSPORT,
        document=DocumentType.PASSPORT if mrz.code.startswith("P") else DocumentType.TRAVEL_PERMIT,
        number=normalise_number(mrz.number),
        assurance=assurance,
        holder=Holder(details.name or mrz.name, mrz.birth_date(today), _SEX.get(mrz.sex, "9")),
        valid_to=mrz.expiry_date(today),
        portrait=portrait,
    )
