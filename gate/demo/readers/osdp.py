"""Badges on a reader at an OSDP line, in libosdp's secure channel: Wiegand frames with a UID of seven bytes."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from drivers.reader._wiegand import with_parity
from drivers.reader.osdp import OsdpSimulator
from gate.demo.cast import Person
from gate.demo.readers import Bench, DemoReader, Wire
from models.credential import Assurance
from models.ids import DocumentType
from models.store.key_file import write_secret

_BUS_CARD = with_parity(f"{0x1234567:024b}"[:24])


class BadgeReader(DemoReader):
    """A reader with a key of its own."""

    def __init__(self, bench: Bench, name: str) -> None:
        key, path = os.urandom(16), bench.folder / f"{name}.key"
        path.unlink(missing_ok=True)
        write_secret(path, key)
        self.url = f"osdp+serial://{bench.folder / name}?key={path}&format=uid56&baud=115200"
        self._reader = OsdpSimulator(bench.line(name), key)
        bench.run(self._reader.run)

    def present(self, one: Person) -> None:
        """See `DemoReader`."""
        self._tap(with_parity(_bits(one)))

    def garble(self, one: Person) -> None:
        """A bit of the badge was misread by the reader, and its parity shows it."""
        bits = with_parity(_bits(one))
        self._tap(bits[:5] + ("1" if bits[5] == "0" else "0") + bits[6:])

    def show_something_else(self, one: Person) -> None:
        """A card of 26 bits, where badges have 58."""
        self._tap(_BUS_CARD)

    def _tap(self, bits: str) -> None:
        self.last_answer_at = time.monotonic()
        self._reader.present(bits)


def _bits(one: Person) -> str:
    return f"{int(_uid(one), 16):056b}"


def _uid(one: Person) -> str:
    return f"04{int(one.number[4:17]):012X}"


WIRE = Wire(
    "osdp",
    "badges by their UID, through the secure channel of libosdp on a serial line",
    fit=lambda bench: (BadgeReader(bench, "reader"), BadgeReader(bench, "exit-reader")),
    document=lambda one: (DocumentType.CARD_UID, _uid(one)),
    policy=lambda policy: replace(policy, min_assurance=Assurance.UID_ONLY),
    meaning=(
        "This evening's rules take badges that anybody can copy (min_assurance uid_only), or nobody would come in: "
        "the secure channel hides the line and proves the reader, and says nothing of the badge. The face is all "
        "that is left."
    ),
    left_out={
        "expired card": "a badge's number bears no dates",
        "card pulled too soon": "a badge's number comes in one frame: it is there or it isn't",
        "card the module rejects": "a badge proves nothing, so there is nothing in it to reject",
    },
    titles={
        "card with a bad checksum": "badge with a bit misread",
        "a bus card": "a bus card of 26 bits",
        "two tickets on one ID": "two tickets on one badge",
        "wrong person with the right card": "wrong person with the right badge",
    },
    timed="from the tap, the line's own time included",
)
