"""MIFARE DESFire EV1 and later: the card proves an AES key, and then says who it is. See `DesfireReading`.

Native commands in ISO frames (CLA 90, status 91 xx). A session's messages hang together by one chaining value: each
command and answer goes through CBC or CMAC (NIST SP 800-38B) that begins with the last block of the one before.
"""

from __future__ import annotations

import hmac
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.errors import BadAnswer
from drivers.reader._pcsc_cards import Card, Outcome, Spelling
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.ids import DocumentType

BLOCK = 16
_ZEROS = bytes(BLOCK)
_MAC = 8  # bytes of a CMAC that are sent
_MOST_FRAMES = 64

DONE, MORE = 0x00, 0xAF
_NO_APP = 0xA0
_REFUSALS = {0xAE: "the card does not take the key", 0x9D: "the key may not read this"}


class Secrecy(StrEnum):
    """How a file is sent, as it was made."""

    MAC = "mac"  # in clear with a CMAC; after AES authentication plain files come so too
    FULL = "full"  # enciphered


@dataclass(frozen=True)
class DesfireFile:
    """Which bytes of which file hold the number."""

    number: int
    length: int
    offset: int = 0
    secrecy: Secrecy = Secrecy.FULL


@dataclass(frozen=True)
class DesfireReading:
    """A card of a site's own: application, AES key, and what to take for its number (its UID, or a file).

    `AUTHENTICATED`: the card has proved the key, and the answer is bound to that proof. It is worth as much as the
    key: where all cards share one, one opened card opens them all.
    """

    app: int
    key: bytes = field(repr=False)
    key_number: int = 0
    file: DesfireFile | None = None
    spelling: Spelling = field(default_factory=Spelling)
    chance: Callable[[int], bytes] = field(default=os.urandom, repr=False)

    def read(self, card: Card) -> Outcome:
        """See `Reading`."""
        status, _ = send(card, 0x5A, self.app.to_bytes(3, "little"))
        if status is None or status == _NO_APP:
            return None
        if status != DONE:
            return _fault(status)
        try:
            session = self._authenticate(card)
            uid = session.enciphered(card, 0x51, b"", 7)
            if self.file is None:
                number = uid.hex().upper()
                level = Assurance.AUTHENTICATED
                return Credential(Medium.CONTACTLESS_CARD, DocumentType.CARD_UID, number, level, uid=uid)
            return self.spelling.credential(self._content(card, session, self.file), Assurance.AUTHENTICATED, uid)
        except Refused as refusal:
            return _fault(refusal.status)
        except NotProved as error:
            return CardFault(CardProblem.REJECTED, str(error))

    def _authenticate(self, card: Card) -> Session:
        """Mutual proof of the key (command AA)."""
        challenge = _expect(send(card, 0xAA, bytes((self.key_number,))), MORE)
        if len(challenge) != BLOCK:
            raise BadAnswer(f"a challenge of {len(challenge)} bytes, expected {BLOCK}", card_present=True)
        theirs = cbc(self.key, _ZEROS, challenge, encrypt=False)
        ours = self.chance(BLOCK)
        token = cbc(self.key, challenge, ours + rotated(theirs), encrypt=True)
        proof = _expect(send(card, 0xAF, token), DONE)
        if len(proof) != BLOCK:
            raise BadAnswer(f"a proof of {len(proof)} bytes, expected {BLOCK}", card_present=True)
        if not hmac.compare_digest(cbc(self.key, token[-BLOCK:], proof, encrypt=False), rotated(ours)):
            raise NotProved("the card does not know the key")
        return Session(session_key(ours, theirs))

    def _content(self, card: Card, session: Session, file: DesfireFile) -> bytes:
        place = bytes((file.number,)) + file.offset.to_bytes(3, "little") + file.length.to_bytes(3, "little")
        fetch = session.enciphered if file.secrecy is Secrecy.FULL else session.maced
        return fetch(card, 0xBD, place, file.length)


class Refused(Exception):
    """The card's own no."""

    def __init__(self, status: int) -> None:
        super().__init__(f"91 {status:02X}")
        self.status = status


class NotProved(Exception):
    """Key, MAC or checksum do not agree: not this card's own words."""


class Session:
    """One authenticated session, for either side: its key and its chaining value."""

    def __init__(self, key: bytes) -> None:
        self._key, self._chain = key, _ZEROS

    def enciphered(self, card: Card, command: int, place: bytes, length: int) -> bytes:
        """Send a command in clear, and decipher and check an answer of `length` bytes."""
        self.mac(bytes((command,)) + place)
        return self.decipher(_expect(gather(card, command, place), DONE), length)

    def maced(self, card: Card, command: int, place: bytes, length: int) -> bytes:
        """Send a command in clear, and check the MAC of an answer of `length` bytes in clear."""
        self.mac(bytes((command,)) + place)
        answer = _expect(gather(card, command, place), DONE)
        data, mac = answer[:-_MAC], answer[-_MAC:]
        if len(data) != length or not hmac.compare_digest(self.mac(data + bytes((DONE,)))[:_MAC], mac):
            raise NotProved("the answer's MAC does not agree")
        return data

    def mac(self, message: bytes) -> bytes:
        """The CMAC of `message`, which becomes the chaining value."""
        self._chain = cmac(self._key, message, self._chain)
        return self._chain

    def decipher(self, data: bytes, length: int) -> bytes:
        """The first `length` bytes of an enciphered answer, its checksum checked."""
        if not data or len(data) % BLOCK or len(data) < length + 4:
            raise NotProved("an enciphered answer of the wrong length")
        plain = cbc(self._key, self._chain, data, encrypt=False)
        self._chain = data[-BLOCK:]
        if not hmac.compare_digest(crc(plain[:length] + bytes((DONE,))), plain[length : length + 4]):
            raise NotProved("the answer's checksum does not agree")
        return plain[:length]

    def encipher(self, data: bytes) -> bytes:
        """The card's half of `decipher`."""
        plain = data + crc(data + bytes((DONE,)))
        sent = cbc(self._key, self._chain, plain + bytes(-len(plain) % BLOCK), encrypt=True)
        self._chain = sent[-BLOCK:]
        return sent


def send(card: Card, command: int, data: bytes = b"") -> tuple[int | None, bytes]:
    """One native command; status and data, or no status where the card does not speak DESFire."""
    body = bytes((len(data),)) + data if data else b""
    answer = card.transmit(bytes((0x90, command, 0x00, 0x00)) + body + b"\x00")
    return (answer[-1], answer[:-2]) if answer[-2] == 0x91 else (None, b"")


def gather(card: Card, command: int, data: bytes) -> tuple[int | None, bytes]:
    """As `send`, with all the frames that follow (status AF)."""
    status, answer = send(card, command, data)
    for _ in range(_MOST_FRAMES):
        if status != MORE:
            return status, answer
        status, part = send(card, MORE)
        answer += part
    raise BadAnswer("the card's answer has no end", card_present=True)


def cbc(key: bytes, start: bytes, data: bytes, *, encrypt: bool) -> bytes:
    """AES-CBC without padding."""
    cipher = Cipher(algorithms.AES(key), modes.CBC(start))
    turn = cipher.encryptor() if encrypt else cipher.decryptor()
    return turn.update(data) + turn.finalize()


def cmac(key: bytes, message: bytes, start: bytes = _ZEROS) -> bytes:
    """AES-CMAC (RFC 4493) that begins with `start` instead of zeros."""
    first = _doubled(cbc(key, _ZEROS, _ZEROS, encrypt=True))
    whole = bool(message) and len(message) % BLOCK == 0
    subkey = first if whole else _doubled(first)
    padded = message if whole else message + b"\x80" + bytes(-(len(message) + 1) % BLOCK)
    last = bytes(a ^ b for a, b in zip(padded[-BLOCK:], subkey, strict=True))
    return cbc(key, start, padded[:-BLOCK] + last, encrypt=True)[-BLOCK:]


def crc(data: bytes) -> bytes:
    """The card's checksum: CRC-32 without the last inversion, low byte first."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def rotated(data: bytes) -> bytes:
    """One byte to the left."""
    return data[1:] + data[:1]


def session_key(reader: bytes, card: bytes) -> bytes:
    """Of the two random numbers."""
    return reader[:4] + card[:4] + reader[12:] + card[12:]


def _doubled(block: bytes) -> bytes:
    value = int.from_bytes(block, "big") << 1
    return ((value ^ (0x87 if value >> 128 else 0)) & ((1 << 128) - 1)).to_bytes(BLOCK, "big")


def _expect(answer: tuple[int | None, bytes], status: int) -> bytes:
    given, data = answer
    if given is None:
        raise BadAnswer("the card stopped speaking DESFire", card_present=True)
    if given != status:
        raise Refused(given)
    return data


def _fault(status: int) -> CardFault:
    words = _REFUSALS.get(status)
    if words:
        return CardFault(CardProblem.REJECTED, words)
    return CardFault(CardProblem.UNSUPPORTED, f"the card says 91 {status:02X}")
