"""Passports: the page on a serial line from a machine that reads print, the chip through a pcscd of the demo's own.

The country that signs them is made on the spot. Nobody hands in a picture: the portrait in each passport's chip is what
the face in the lane is compared with.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import cv2
import numpy as np

from drivers.interfaces import Frame
from drivers.reader._emrtd import issue
from drivers.reader._emrtd.document import ChipKey, Contents, personalise
from drivers.reader._emrtd.files import fid_of
from drivers.reader._emrtd.keys import Cipher
from drivers.reader._emrtd.presenter import DocumentCard
from drivers.reader._pcsc_virtual import UidCard
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.readers import Bench, DemoReader, Wire, pcscd
from gate.demo.readers.slots import Slot, two_slots
from gate.demo.stories import BY_STEWARD, PASSED, Book, does, ends
from models.decision import Reason, StewardAction, Verdict
from models.ids import DocumentType

PORTRAIT_PX, QUALITY = 480, 85
_BRAINPOOL_256 = 13
_TORN_AFTER, _GARBLED = 30, 30  # answers: in the middle of the files
_FAR = date(2041, 1, 1)


class PassportOffice:
    """Two countries that sign, one of which the gate knows."""

    def __init__(self, today: date) -> None:
        self._known, self._strange = issue.Issuer(today, "Utopia"), issue.Issuer(today, "Nowhere")
        self.certificate = self._known.certificate

    def passport(self, one: Person) -> Contents:
        """This person's passport, with the oddness that `one.document` names."""
        odd = one.document
        looks = np.full((320, 240, 3), 200, np.uint8) if odd == "faceless" else one.looks.portrait()
        contents = personalise(
            self._strange if odd == "strange" else self._known,
            _page(one),
            _jpeg(looks),
            name=one.name,
            pace=() if odd == "older" else ((_BRAINPOOL_256, Cipher.AES128),),
            chip_key=None if odd == "older" else ChipKey.make(cipher=Cipher.AES128),
        )
        if odd == "forged":
            contents = contents.with_file(fid_of(2), issue.dg2(_jpeg(np.flip(looks, 1))))
        return contents.cloned() if odd == "copied" else contents


class PassportReader(DemoReader):
    """A slot for the chip and a line for the page."""

    def __init__(self, bench: Bench, office: PassportOffice, slot: Slot, name: str, number: int) -> None:
        self._office, self._slot = office, slot
        self._line = bench.line(name)
        place = f"Virtual%20PCD%2000%20{number:02}"
        self.url = f"emrtd:///{place}?mrz={bench.folder / name}&csca={bench.folder / 'csca'}"

    @property
    def last_answer_at(self) -> float:  # type: ignore[override]
        """See `DemoReader`."""
        return self._slot.last_answer_at

    def present(self, one: Person) -> None:
        """See `DemoReader`."""
        passport = self._office.passport(one)
        self._show(self._office.passport(replace(one, number="0" * 17 + "X")) if one.document == "mixed" else passport)
        self._slot.lay(DocumentCard(passport))

    def pull_too_soon(self, one: Person) -> None:
        """See `DemoReader`."""
        passport = self._office.passport(one)
        self._show(passport)
        self._slot.lay(DocumentCard(passport), leaves_after=_TORN_AFTER)

    def garble(self, one: Person) -> None:
        """An answer of the chip is disturbed on its way through the air."""
        passport = self._office.passport(one)
        self._show(passport)
        self._slot.lay(DocumentCard(passport), garbled=_GARBLED)

    def forge(self, one: Person) -> None:
        """Another picture in the chip than the country signed."""
        self.present(replace(one, document="forged"))

    def show_something_else(self, one: Person) -> None:
        """The page is shown, and a bus card laid on."""
        self._show(self._office.passport(one))
        self._slot.lay(UidCard())

    def remove(self) -> None:
        """See `DemoReader`."""
        self._slot.lift()

    def _show(self, passport: Contents) -> None:
        """Show a page, as people do: once the passport before it is taken away."""
        self._slot.lift()
        self._line.write(passport.mrz.replace("\n", "\r").encode() + b"\r")


def number_of(one: Person) -> str:
    """The passport's number: what distinguishes people's other numbers."""
    return f"E{one.number[4:6]}{one.number[12:17]}"


def _page(one: Person) -> str:
    birth, expiry = f"{one.birth:%y%m%d}", f"{one.card_ends or _FAR:%y%m%d}"
    return issue.td3(number_of(one), "YANGBEN", f"SAMPLE {_letters(one)}", birth, "F", expiry)


def _letters(one: Person) -> str:
    """Something like a name, in the letters that a page has."""
    return "".join("ABCDEFGHIJ"[int(digit)] for digit in one.number[12:17])


def _jpeg(picture: Frame) -> bytes:
    scale = min(1.0, PORTRAIT_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return bytes(data)


def _fit(bench: Bench) -> tuple[DemoReader, DemoReader]:
    office = PassportOffice(datetime.now(UTC).date())
    (bench.folder / "csca").mkdir(exist_ok=True)
    (bench.folder / "csca" / "utopia.cer").write_bytes(office.certificate)
    entry, leaving = two_slots(bench)
    return (
        PassportReader(bench, office, entry, "page-reader", 0),
        PassportReader(bench, office, leaving, "exit-page-reader", 1),
    )


def _faceless(book: Book) -> None:
    one = book.someone(document="faceless")
    book.tell(
        "no face in the passport's portrait",
        (one,),
        does(Night.is_settled, one, StewardAction.ADMIT),
        ends(Verdict.REFER, Reason.NO_REFERENCE),
        BY_STEWARD,
        leaves=(PASSED,),
    )


def _more(book: Book) -> None:
    for name, odd, reason in (
        ("a copied chip", "copied", Reason.REJECTED_CARD),
        ("one's page, another's chip", "mixed", Reason.UNREADABLE_CARD),
        ("a country whose certificate is unknown", "strange", Reason.WEAK_CREDENTIAL),
        ("an older chip that proves nothing", "older", Reason.WEAK_CREDENTIAL),
    ):
        one = book.someone(document=odd)
        book.tell(name, (one,), does(Night.is_stopped, one), ends(Verdict.DENY, reason), unseen=True)


WIRE = Wire(
    "emrtd",
    "passports of a country made on the spot: page on a serial line, chip through a pcscd of our own",
    fit=_fit,
    document=lambda one: (DocumentType.PASSPORT, number_of(one)),
    needs=pcscd.check,
    meaning="Nobody handed in a picture: the portrait that the country signed is what each face is compared with.",
    titles={
        "expired card": "expired passport",
        "card pulled too soon": "passport taken away too soon",
        "card with a bad checksum": "passport read amid interference",
        "card the module rejects": "portrait in the chip exchanged",
        "a bus card": "a page, and a bus card on the reader",
        "wrong person with the right card": "wrong person with the right passport",
        "two tickets on one ID": "two tickets on one passport",
    },
    retold={"no picture was handed in": _faceless},
    more=_more,
    dress=lambda one: replace(one, has_photo=False),
)
