"""Cards on any reader that pcscd serves: by UID, by a block or file behind a key, or by their free part.

    pcsc:///ACS%20ACR1252?cards=uid
    pcsc:///ACR122?cards=classic&block=4&key=site-key&decode=ascii&slice=0:8&buzzer=0
    pcsc:///OMNIKEY?cards=desfire,social&app=4D454E&key=desfire-key

| card            | what is read                                                        | assurance       |
|-----------------|---------------------------------------------------------------------|-----------------|
| `uid`           | the UID (4, 7, 8 or 10 bytes); random UIDs are refused              | `UID_ONLY`      |
| `classic`       | MIFARE Classic: `slice` of one block, read with key A or B          | `UID_ONLY`      |
| `desfire`       | DESFire EV1 and later: the true UID or a file, after AES proof      | `AUTHENTICATED` |
| `social`        | social security card: the holder's ID number, name, sex, birth date | `UID_ONLY`      |

**What it's worth.** A UID is copied in seconds, and so is a MIFARE Classic, whose cipher is broken: its key changes
nothing. The free part of a social security card can be read by anybody and written to another card; its number is an
ID number, but nothing proves it. Only DESFire proves something, and no more than its key: where all cards share one,
one opened card opens them all. Let the event's policy ask for more than `UID_ONLY` where that matters.

**Several kinds** are tried in the order given, and the first that knows the card decides: a card that is of a kind and
fails there (wrong key, say) is refused, and not read as another kind. A UID behind a stronger kind (`desfire,uid`)
admits what isn't DESFire by its UID.

**Keys** are files of mode 0600 with the raw bytes (DESFire: 16, Classic: 6). A relative name is one of systemd's
credentials, or of the working folder. Never run vpcd, the virtual reader of the tests, on an appliance.

The reader's slot is in `_pcsc_slot`, kinds of cards in `_pcsc_cards` and `_pcsc_desfire`, their far end in
`_pcsc_virtual`.

Device: PC/SC contactless readers (ACR1252, ACR122U, Omnikey 5x22 and others that pcscd serves)
Does: UIDs, MIFARE Classic blocks, DESFire EV1 with AES, social security cards
Tried: simulated cards through a real pcscd (vpcd): wrong keys, cards pulled, hung and missed, pcscd killed
Untried: any real reader or card
"""

from __future__ import annotations

import os
import re
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from drivers.errors import DeviceLost, UnknownDevice
from drivers.reader._pcsc_cards import ClassicReading, Decoding, Reading, SocialReading, Spelling, UidReading
from drivers.reader._pcsc_desfire import BLOCK, DesfireFile, DesfireReading, Secrecy
from drivers.reader._pcsc_slot import CardChannel, CardSlot
from drivers.reader._pcsc_virtual import PcscBench
from drivers.url import DeviceUrl, did_you_mean
from models.credential import CardFault, CardProblem, Credential
from models.ids import DocumentType
from models.store.errors import UnsafeKey
from models.store.key_file import read_secret

__all__ = ["OPTIONS", "PcscReader", "bench_simulator", "open"]

KINDS = ("uid", "classic", "desfire", "social")
OPTIONS = {
    "cards": "kinds of cards in the order in which they are tried: uid, classic, desfire, social (uid)",
    "key": "file with the key, mode 0600: 16 bytes for desfire, 6 for classic",
    "classic_key": "the key file for classic, where key is that for desfire",
    "block": "classic: the block that holds the number, counted through the card (4)",
    "key_type": "classic: which key of the sector, A or B (A)",
    "app": "desfire: the application, six hexadecimal digits",
    "key_number": "desfire: which key of the application (0)",
    "file": "desfire: the file that holds the number, 0 to 31; without it the true UID is the number",
    "file_bytes": "desfire: how many bytes of the file to read (16)",
    "file_mode": "desfire: how the file is sent, full (enciphered) or mac, also for plain ones (full)",
    "decode": "what the bytes of block or file spell: hex, bcd, ascii, gbk (hex)",
    "slice": "which bytes of block or file, as first:end, counted from 0 (all)",
    "document": "what a number in block or file belongs to: card_uid or ticket_code (card_uid)",
    "buzzer": "0 to have an ACR122U keep quiet (1)",
    "answer_s": "longest wait for one answer of a card (2)",
}

_ACR122_QUIET = bytes.fromhex("FF00520000")


def open(url: DeviceUrl) -> PcscReader:
    """Find the reader and watch it.

    Raises `UnknownDevice` for options that don't fit, a key that is missing or open to others, or a name that fits
    several readers; `DeviceLost` where pcscd or the reader isn't there.
    """
    readings = tuple(_reading(url, kind) for kind in _kinds(url))
    quiet = not url.option("buzzer", bool, True)
    slot = CardSlot(url.location, transmit_s=url.option("answer_s", float, 2.0, low=0.1, high=60))
    return PcscReader(slot, readings, quiet=quiet)


def bench_simulator() -> PcscBench:
    """Cards for a virtual reader; see `gatectl simulate`."""
    return PcscBench()


class PcscReader:
    """One reader; see `CardReader`."""

    def __init__(self, slot: CardSlot, readings: tuple[Reading, ...], *, quiet: bool = False) -> None:
        self._slot, self._readings = slot, readings
        self._quiet_wanted, self._quiet = quiet, False

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`. A card that is taken away too soon is `CardGone`, one that hangs `DeviceTimeout`."""
        try:
            card = self._slot.wait(timeout)
            if card is None:
                return None
            with closing(card):
                return self._read(card)
        except DeviceLost:
            self._quiet = False  # a reader that comes back beeps again
            raise

    def close(self) -> None:
        """See `Device.close`."""
        self._slot.close()

    def _read(self, card: CardChannel) -> Credential | CardFault:
        began = time.monotonic()
        self._hush(card)
        for reading in self._readings:
            outcome = reading.read(card)
            if isinstance(outcome, Credential):
                return replace(outcome, read_s=time.monotonic() - began)
            if outcome is not None:
                return outcome
        return CardFault(CardProblem.UNSUPPORTED, "the card is of no kind that this reader is to read")

    def _hush(self, card: CardChannel) -> None:
        """Turn the beep off, once; readers that know no such command say so and are left alone."""
        if self._quiet_wanted and not self._quiet:
            card.transmit(_ACR122_QUIET)
            self._quiet = True


def _kinds(url: DeviceUrl) -> list[str]:
    kinds = url.options.get("cards", "uid").split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownDevice(f"{url}: no card is called {kind!r}{did_you_mean(kind, KINDS)}: {', '.join(KINDS)}")
    if len(set(kinds)) < len(kinds):
        raise UnknownDevice(f"{url}: a kind of card is named twice")
    return kinds


def _reading(url: DeviceUrl, kind: str) -> Reading:
    match kind:
        case "classic":
            return ClassicReading(
                url.option("block", int, 4, low=0, high=255),
                _key(url, "classic_key" if "classic_key" in url.options else "key", 6),
                url.choice("key_type", ("A", "B"), "A") == "B",
                _spelling(url),
            )
        case "desfire":
            return _desfire(url)
        case "social":
            return SocialReading()
    return UidReading()


def _desfire(url: DeviceUrl) -> DesfireReading:
    app = url.options.get("app", "")
    if not re.fullmatch("[0-9A-Fa-f]{6}", app):
        raise UnknownDevice(f"{url}: give app=, the application's six hexadecimal digits")
    key = _key(url, "key", BLOCK)
    if len(set(key)) == 1:
        raise UnknownDevice(f"{url}: the DESFire key is one that everybody knows: write a random one to the cards")
    file = None
    if "file" in url.options:
        file = DesfireFile(
            url.option("file", int, 0, low=0, high=31),
            url.option("file_bytes", int, 16, low=1, high=1024),
            secrecy=Secrecy(url.choice("file_mode", Secrecy, Secrecy.FULL)),
        )
    return DesfireReading(int(app, 16), key, url.option("key_number", int, 0, low=0, high=13), file, _spelling(url))


def _spelling(url: DeviceUrl) -> Spelling:
    found = re.fullmatch(r"(\d*):(\d*)", url.options.get("slice", ":"), re.ASCII)
    first, end = (int(text) if text else None for text in found.groups()) if found else (1, 0)
    if end is not None and (first or 0) >= end:
        raise UnknownDevice(f"{url}: slice is first:end with first before end, such as 0:8")
    document = url.choice("document", (DocumentType.CARD_UID, DocumentType.TICKET_CODE), DocumentType.CARD_UID)
    decoding = Decoding(url.choice("decode", Decoding, Decoding.HEX))
    return Spelling(decoding, slice(first, end), DocumentType(document))


def _key(url: DeviceUrl, option: str, size: int) -> bytes:
    name = url.options.get(option, "")
    if not name:
        raise UnknownDevice(f"{url}: give {option}=FILE, a file of mode 0600 with the {size} bytes of the key")
    try:
        return read_secret(Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / name, size)
    except UnsafeKey as error:
        raise UnknownDevice(f"the cards' key: {error}") from error
