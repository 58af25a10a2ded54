"""Contactless cards through a pcscd of the demo's own: DESFire with a key, bare UIDs, social security cards."""

from __future__ import annotations

import os
from dataclasses import replace

from drivers._virtual_card import Chip
from drivers.reader._pcsc_virtual import DesfireCard, SocialCard, UidCard
from gate.demo.cast import Person
from gate.demo.readers import Bench, DemoReader, Wire, pcscd
from gate.demo.readers.slots import Slot, two_slots
from models.credential import Assurance
from models.ids import DocumentType
from models.store.key_file import write_secret

APP = 0x4D454E
RANDOM_UID = bytes.fromhex("08C0FFEE")
_DESFIRE, _UID, _SOCIAL = "DESFire", "UID", "social security"


class CardReader(DemoReader):
    """A slot, and the key that the house has put into its cards."""

    def __init__(self, bench: Bench, key: bytes, slot: Slot, number: int) -> None:
        self._key, self._slot = key, slot
        place, cards = f"Virtual%20PCD%2000%20{number:02}", "desfire,social,uid"
        self.url = f"pcsc:///{place}?cards={cards}&app={APP:06X}&key={bench.folder / 'cards.key'}"

    @property
    def last_answer_at(self) -> float:  # type: ignore[override]
        """See `DemoReader`."""
        return self._slot.last_answer_at

    def present(self, one: Person) -> None:
        """See `DemoReader`."""
        self._slot.lay(self._card(one))

    def pull_too_soon(self, one: Person) -> None:
        """See `DemoReader`."""
        self._slot.lay(DesfireCard(APP, self._key, _uid(one)), leaves_after=1)

    def forge(self, one: Person) -> None:
        """A DESFire card that says the right UID, and does not know the house's key."""
        self._slot.lay(DesfireCard(APP, os.urandom(16), _uid(one)))

    def show_something_else(self, one: Person) -> None:
        """A card that draws a new UID each time, as phones do."""
        self._slot.lay(UidCard(RANDOM_UID))

    def remove(self) -> None:
        """See `DemoReader`."""
        self._slot.lift()

    def _card(self, one: Person) -> Chip:
        match _kind(one):
            case "DESFire":
                return DesfireCard(APP, self._key, _uid(one))
            case "UID":
                return UidCard(_uid(one))
        return SocialCard(one.number, one.name)


def _kind(one: Person) -> str:
    """One card in three is of each kind."""
    return (_DESFIRE, _UID, _SOCIAL)[int(one.number[14:17]) % 3]


def _uid(one: Person) -> bytes:
    """Seven bytes, the first of them a maker's."""
    return bytes((0x04,)) + int(one.number[4:17]).to_bytes(6, "big")


def _document(one: Person) -> tuple[DocumentType, str]:
    if _kind(one) == _SOCIAL:
        return DocumentType.RESIDENT_ID, one.number
    return DocumentType.CARD_UID, _uid(one).hex().upper()


def _fit(bench: Bench) -> tuple[DemoReader, DemoReader]:
    key, path = os.urandom(16), bench.folder / "cards.key"
    path.unlink(missing_ok=True)
    write_secret(path, key)
    entry, leaving = two_slots(bench)
    return CardReader(bench, key, entry, 0), CardReader(bench, key, leaving, 1)


WIRE = Wire(
    "pcsc",
    "contactless cards, a third each DESFire, bare UID and social security, through a pcscd of our own",
    fit=_fit,
    document=_document,
    needs=pcscd.check,
    policy=lambda policy: replace(policy, min_assurance=Assurance.UID_ONLY),
    meaning=(
        "This evening's rules take cards that anybody can copy (min_assurance uid_only), or two in three would be "
        "turned away: a UID and a social security card are copied in seconds, and the face is all that is left. "
        "Where every card is a DESFire, leave the rules as strict as they come."
    ),
    left_out={
        "expired card": "these cards bear no dates",
        "card with a bad checksum": "the radio's checksums are the reader's own business: it asks the card again",
    },
    titles={
        "card the module rejects": "a card that does not know the house's key",
        "a bus card": "a phone, whose UID is a new one each time",
        "two tickets on one ID": "two tickets on one card",
    },
)
