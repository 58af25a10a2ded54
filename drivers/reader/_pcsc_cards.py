"""What a PC/SC reader makes of a card: its UID, a block of a MIFARE Classic, the free part of a social security card.

Each kind of card is a `Reading`: it gives a credential, or a fault where the card is of its kind and unfit, or `None`
where the card is not of its kind and the next one may try. APDUs for storage cards are those of PC/SC part 3.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from models.credential import Assurance, CardFault, CardProblem, Credential, Holder, Medium
from models.ids import DocumentType, normalise_number, number_is_valid

Outcome: TypeAlias = Credential | CardFault | None
OK = b"\x90\x00"

_STORAGE_CARD = bytes.fromhex("3B8F8001804F0CA000000306")  # then the standard, two bytes of name, four zeros, check
_CLASSICS = {0x0001: "1K", 0x0002: "4K", 0x0026: "Mini"}
_RANDOM = 0x08  # ISO/IEC 14443-3: a single-size UID that begins so is drawn anew each time
SOCIAL_AID = b"sx1.sh." + "社会保障".encode("gbk")
_NUMBER, _NAME, _SEX, _BIRTH = 0x08, 0x09, 0x0A, 0x0D  # tags of a social security card's EF06
_LENGTHS = {_NUMBER: 18, _NAME: 30, _SEX: 1, _BIRTH: 4}
_MOST_RECORDS = 12


class Card(Protocol):
    """A connected card, see `CardChannel`."""

    atr: bytes

    def transmit(self, apdu: bytes) -> bytes:
        """Data and SW1 SW2."""


class Reading(Protocol):
    """One kind of card."""

    def read(self, card: Card) -> Outcome:
        """What the card holds. Raises what `CardChannel.transmit` does."""


class Decoding(StrEnum):
    """How bytes on a card spell a number."""

    HEX = "hex"
    BCD = "bcd"  # two digits a byte, up to the first half byte that is none
    ASCII = "ascii"
    GBK = "gbk"

    def text(self, data: bytes) -> str:
        """The number; padding (zeros, spaces, FF) taken off text. `ValueError` where the bytes spell none."""
        if self is Decoding.HEX:
            return data.hex().upper()
        if self is Decoding.BCD:
            digits = data.hex().rstrip("f")
            if not digits.isdecimal():
                raise ValueError("not decimal digits")
            return digits
        text = data.rstrip(b"\x00\xff ").decode(self.value).strip()
        if not text.isprintable():
            raise ValueError("not printable")
        return text


@dataclass(frozen=True)
class Spelling:
    """Which bytes are the number, how they spell it, and what it is the number of."""

    decoding: Decoding = Decoding.HEX
    part: slice = field(default_factory=lambda: slice(None))
    document: DocumentType = DocumentType.CARD_UID

    def credential(self, data: bytes, assurance: Assurance, uid: bytes = b"") -> Credential | CardFault:
        """The credential that `data` spells, or the fault in it."""
        part = data[self.part]
        try:
            number = self.decoding.text(part)
        except ValueError:
            return CardFault(CardProblem.UNREADABLE, f"what stands on the card is not {self.decoding.value}")
        if not number or not any(part):
            return CardFault(CardProblem.UNSUPPORTED, "nothing is written where the number should be")
        return Credential(Medium.CONTACTLESS_CARD, self.document, number, assurance, uid=uid)


def uid_of(card: Card) -> bytes | None:
    """The UID as the reader saw it in the field; `None` where it gives none."""
    answer = card.transmit(bytes.fromhex("FFCA000000"))
    return answer[:-2] if answer.endswith(OK) and len(answer) > 2 else None


def is_random(uid: bytes) -> bool:
    """Whether the card says of itself that its UID is a new one each time (phones, passports, private DESFire)."""
    return len(uid) == 4 and uid[0] == _RANDOM


class UidReading:
    """Any card, by its UID. Anybody can copy it: `UID_ONLY`."""

    def read(self, card: Card) -> Outcome:
        """See `Reading`."""
        uid = uid_of(card)
        if uid is None:
            return None
        if is_random(uid):
            return CardFault(CardProblem.UNSUPPORTED, "the card draws a new UID each time, which identifies nobody")
        number = uid.hex().upper()
        return Credential(Medium.CONTACTLESS_CARD, DocumentType.CARD_UID, number, Assurance.UID_ONLY, uid=uid)


@dataclass(frozen=True)
class ClassicReading:
    """A MIFARE Classic, by what stands in one block. `key` is 6 bytes, `key_b` says which of the sector's two it is.

    The cipher of these cards has been broken since 2008, and a copy takes seconds. The key keeps honest people honest;
    it proves nothing, so this too is `UID_ONLY`.
    """

    block: int
    key: bytes = field(repr=False)
    key_b: bool = False
    spelling: Spelling = field(default_factory=Spelling)

    def read(self, card: Card) -> Outcome:
        """See `Reading`."""
        if not is_classic(card.atr):
            return None
        uid = uid_of(card) or b""
        if not card.transmit(bytes.fromhex("FF82000006") + self.key).endswith(OK):
            return CardFault(CardProblem.UNSUPPORTED, "the reader takes no keys for MIFARE Classic")
        which = 0x61 if self.key_b else 0x60
        prove = bytes.fromhex("FF860000050100") + bytes((self.block, which, 0x00))
        if not card.transmit(prove).endswith(OK):
            return CardFault(CardProblem.REJECTED, f"the card does not take the key for block {self.block}")
        data = card.transmit(bytes((0xFF, 0xB0, 0x00, self.block, 0x10)))
        if not data.endswith(OK) or len(data) != 18:
            return CardFault(CardProblem.UNREADABLE, f"block {self.block} can't be read: {data[-2:].hex().upper()}")
        return self.spelling.credential(data[:16], Assurance.UID_ONLY, uid)


def is_classic(atr: bytes) -> bool:
    """Whether an ATR is that of a MIFARE Classic (PC/SC part 3, table of card names)."""
    return atr.startswith(_STORAGE_CARD) and int.from_bytes(atr[13:15], "big") in _CLASSICS


class SocialReading:
    """A social security card, by the holder's file that is free to read (EF06; LD/T 32).

    The number is the holder's ID number and its check digit is held to GB 11643. Nothing proves the card: whoever can
    read it can write the same to another card. `UID_ONLY`, so that a policy which asks for more sends to the ID reader.
    """

    def read(self, card: Card) -> Outcome:
        """See `Reading`."""
        select = bytes((0x00, 0xA4, 0x04, 0x00, len(SOCIAL_AID))) + SOCIAL_AID
        if not card.transmit(select).endswith(OK):
            return None
        if not card.transmit(bytes.fromhex("00A4020002EF06")).endswith(OK):
            return CardFault(CardProblem.UNSUPPORTED, "a social security card without the holder's file")
        data = self._by_tag(card) or self._by_record(card)
        try:
            number = normalise_number(data.get(_NUMBER, b"").decode("ascii").strip("\x00"))
        except UnicodeDecodeError:
            number = ""
        if not number_is_valid(number):
            return CardFault(CardProblem.UNREADABLE, "the social security number is not an ID number")
        holder = self._holder(data)
        return Credential(Medium.CONTACTLESS_CARD, DocumentType.RESIDENT_ID, number, Assurance.UID_ONLY, holder)

    def _by_tag(self, card: Card) -> dict[int, bytes]:
        """The fields one by one, from cards whose records go by tag; nothing where the number isn't found so."""
        found = {}
        for tag, length in _LENGTHS.items():
            answer = card.transmit(bytes((0x00, 0xB2, tag, 0x00, length)))
            if answer.endswith(OK):
                found[tag] = _bare(tag, answer[:-2])
            elif tag == _NUMBER:
                return {}
        return found

    def _by_record(self, card: Card) -> dict[int, bytes]:
        """All records in order, each a tag, a length and a value."""
        found = {}
        for record in range(1, _MOST_RECORDS + 1):
            answer = card.transmit(bytes((0x00, 0xB2, record, 0x04, 0x00)))
            if not answer.endswith(OK) or len(answer) < 4:
                break
            found[answer[0]] = _bare(answer[0], answer[:-2])
        return found

    def _holder(self, data: dict[int, bytes]) -> Holder:
        name, birth = "", None
        with suppress(ValueError):
            name = Decoding.GBK.text(data.get(_NAME, b""))
        with suppress(ValueError):
            birth = datetime.strptime(Decoding.BCD.text(data.get(_BIRTH, b"")), "%Y%m%d").date()
        sex = data.get(_SEX, b"").decode("ascii", "replace")
        return Holder(name, birth, sex if sex in ("0", "1", "2", "9") else "")


def _bare(tag: int, data: bytes) -> bytes:
    """A field's value; some cards send it with tag and length before it."""
    wrapped = len(data) >= 2 and data[0] == tag and data[1] == len(data) - 2
    return data[2:] if wrapped else data
