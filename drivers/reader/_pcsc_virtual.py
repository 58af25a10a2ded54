"""Simulated cards for a virtual reader, and a bench with one of each. For tests: see `drivers._virtual_card`."""

from __future__ import annotations

import os
import threading

from drivers._virtual_card import PORTS, Chip, VirtualCard
from drivers.reader._pcsc_cards import SOCIAL_AID
from drivers.reader._pcsc_desfire import BLOCK, Session, cbc, rotated, session_key
from models.ids import check_digit

CLASSIC_ATR = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")
ULTRALIGHT_ATR = bytes.fromhex("3B8F8001804F0CA0000003060300030000000068")
CPU_ATR = bytes.fromhex("3B8180018080")
OK, UNKNOWN, FAILED, NOT_FOUND = (bytes.fromhex(sw) for sw in ("9000", "6D00", "6300", "6A82"))
_FRAME = 59  # bytes of data in one DESFire frame


class UidCard:
    """A card that says its UID and nothing else."""

    def __init__(self, uid: bytes = bytes.fromhex("04A1B2C3D4E5F6"), atr: bytes = ULTRALIGHT_ATR) -> None:
        self.uid, self.atr = uid, atr

    def answer(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        return self.uid + OK if apdu == bytes.fromhex("FFCA000000") else UNKNOWN


class ClassicCard(UidCard):
    """A MIFARE Classic 1K with one sector's block behind a key. The reader's key store is played too."""

    def __init__(self, block: int, content: bytes, key: bytes, *, key_b: bool = False) -> None:
        super().__init__(bytes.fromhex("DEADBEEF"), CLASSIC_ATR)
        self._block, self._content, self._key = block, content.ljust(16, b"\x00"), key
        self._which = 0x61 if key_b else 0x60
        self._loaded, self._open = b"", False

    def answer(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        match apdu[:2]:
            case b"\xff\x82" if len(apdu) == 11:
                self._loaded = apdu[5:]
                return OK
            case b"\xff\x86":
                _, _, block, which, _ = apdu[5:10]
                same_sector = block // 4 == self._block // 4
                self._open = same_sector and which == self._which and self._loaded == self._key
                return OK if self._open else FAILED
            case b"\xff\xb0":
                return self._content + OK if self._open and apdu[3] == self._block else FAILED
        return super().answer(apdu)


class DesfireCard:
    """A DESFire EV1 that shows a random UID until its key is proved, with one file (enciphered, or with a MAC)."""

    def __init__(
        self,
        app: int,
        key: bytes,
        uid: bytes = bytes.fromhex("04112233445566"),
        file: bytes = b"",
        *,
        full: bool = True,
    ) -> None:
        self.atr = CPU_ATR
        self.uid, self._app, self._key, self._file, self._full = uid, app, key, file, full
        self._selected = False
        self._challenge = b""
        self._session: Session | None = None
        self._rest = b""

    def answer(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        if apdu == bytes.fromhex("FFCA000000"):
            return b"\x08" + os.urandom(3) + OK
        if apdu[0] != 0x90:
            return UNKNOWN
        data = apdu[5:-1] if len(apdu) > 5 else b""
        answer, status = self._native(apdu[1], data)
        return answer + bytes((0x91, status))

    def _native(self, command: int, data: bytes) -> tuple[bytes, int]:
        match command:
            case 0x5A:
                self._selected, self._session = data == self._app.to_bytes(3, "little"), None
                return b"", 0x00 if self._selected else 0xA0
            case 0xAA if self._selected and data == b"\x00":
                self._challenge = os.urandom(BLOCK)
                return cbc(self._key, bytes(BLOCK), self._challenge, encrypt=True), 0xAF
            case 0xAA:
                return b"", 0x40
            case 0xAF if self._challenge:
                return self._prove(data)
            case 0xAF if self._rest:
                return self._part()
            case 0x51 if self._session is not None:
                self._session.mac(b"\x51")
                return self._session.encipher(self.uid), 0x00
            case 0xBD if self._session is not None:
                return self._read(self._session, data)
        return b"", 0xAE

    def _prove(self, token: bytes) -> tuple[bytes, int]:
        challenge, self._challenge = self._challenge, b""
        if len(token) != 2 * BLOCK:
            return b"", 0x7E
        start = cbc(self._key, bytes(BLOCK), challenge, encrypt=True)
        plain = cbc(self._key, start, token, encrypt=False)
        if plain[BLOCK:] != rotated(challenge):
            return b"", 0xAE
        self._session = Session(session_key(plain[:BLOCK], challenge))
        return cbc(self._key, token[-BLOCK:], rotated(plain[:BLOCK]), encrypt=True), 0x00

    def _read(self, session: Session, place: bytes) -> tuple[bytes, int]:
        offset, length = int.from_bytes(place[1:4], "little"), int.from_bytes(place[4:7], "little")
        if place[0] != 1 or offset + length > len(self._file):
            return b"", 0xF0 if place[0] != 1 else 0xBE
        session.mac(b"\xbd" + place)
        data = self._file[offset : offset + length]
        self._rest = session.encipher(data) if self._full else data + session.mac(data + b"\x00")[:8]
        return self._part()

    def _part(self) -> tuple[bytes, int]:
        part, self._rest = self._rest[:_FRAME], self._rest[_FRAME:]
        return part, 0xAF if self._rest else 0x00


class SocialCard:
    """A social security card. `by_tag` reads its fields by tag, otherwise by record number."""

    def __init__(self, number: str, name: str = "测试样本", *, by_tag: bool = True) -> None:
        self.atr = CPU_ATR
        self._fields = {
            0x08: number.encode("ascii"),
            0x09: name.encode("gbk").ljust(30, b"\x00"),
            0x0A: b"1",
            0x0D: bytes.fromhex("19900101"),
        }
        self._by_tag = by_tag
        self._selected = self._opened = False

    def answer(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        if apdu[:4] == bytes.fromhex("00A40400"):
            self._selected, self._opened = apdu[5:] == SOCIAL_AID, False
            return OK if self._selected else NOT_FOUND
        if apdu == bytes.fromhex("00A4020002EF06"):
            self._opened = self._selected
            return OK if self._opened else NOT_FOUND
        if apdu[:2] == bytes.fromhex("00B2"):
            return self._record(apdu[2], by_tag=apdu[3] == 0x00) if self._opened else bytes.fromhex("6986")
        return UNKNOWN

    def _record(self, which: int, *, by_tag: bool) -> bytes:
        if by_tag and self._by_tag and which in self._fields:
            return self._fields[which] + OK
        if by_tag or self._by_tag or not 1 <= which <= len(self._fields):
            return bytes.fromhex("6A83")
        tag, value = list(self._fields.items())[which - 1]
        return bytes((tag, len(value))) + value + OK


BENCH_APP = 0x4D454E
BENCH_KEY = bytes.fromhex("6D656E7368656E2062656E6368206B79")  # for the bench alone: no secret

_HELP = "uid [HEX], classic TEXT, desfire, social, remove"


class PcscBench:
    """A virtual slot and a hand that lays cards on it, for `gatectl simulate pcsc`. pcscd must run, with vpcd."""

    def __init__(self, port: int = PORTS[0]) -> None:
        self._port = port
        self._card: VirtualCard | None = None
        self._plugged = True
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The first slot of vpcd."""
        return f"pcsc:///Virtual%20PCD%2000%20{PORTS.index(self._port):02d}"

    def run(self, stop: threading.Event) -> None:
        """Cards answer by themselves; this waits for the end."""
        stop.wait()

    def command(self, text: str) -> str:
        """Lay a card on, or take it away."""
        word, _, rest = text.strip().partition(" ")
        try:
            chip = self._chip(word, rest.strip())
        except ValueError:
            return "the UID is given in hexadecimal digits"
        if word == "remove":
            self._lay(None)
            return "removed"
        if chip is None:
            return f"commands: {_HELP}"
        if not self._plugged:
            return "unplugged: replug first"
        try:
            self._lay(chip)
        except OSError:
            return f"no virtual reader listens at port {self._port}: start pcscd with vpcd"
        return f"done: {word}"

    def unplug(self) -> None:
        """The slot stays, since it is pcscd's; no card comes until `replug`."""
        self._plugged = False
        self._lay(None)

    def replug(self) -> None:
        """Cards come again."""
        self._plugged = True

    def close(self) -> None:
        """Take the card away."""
        self._lay(None)

    def _lay(self, chip: Chip | None) -> None:
        with self._lock:
            if self._card is not None:
                self._card.remove()
                self._card = None
            if chip is not None:
                card = VirtualCard(chip, self._port)
                card.insert()
                self._card = card

    def _chip(self, word: str, rest: str) -> Chip | None:
        match word:
            case "uid":
                return UidCard(bytes.fromhex(rest)) if rest else UidCard()
            case "classic":
                return ClassicCard(4, (rest or "M0001").encode("gbk"), bytes.fromhex("FFFFFFFFFFFF"))
            case "desfire":
                return DesfireCard(BENCH_APP, BENCH_KEY)
            case "social":
                number = "00000019900101001"
                return SocialCard(number + check_digit(number))
        return None
