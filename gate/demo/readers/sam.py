"""Resident ID cards on a reader with a SAM module, over a serial line at its real speed."""

from __future__ import annotations

import threading
import time

from drivers.reader._sam_frames import FIND
from drivers.reader.sam import SamSimulator
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.readers import Bench, DemoReader, Wire
from gate.demo.stories import BY_STEWARD, PASSED, Book, does, ends
from models.decision import Reason, Verdict
from models.ids import DocumentType

SEE_S = 1.0


class SamReader(DemoReader):
    """A module on a serial line. `simulator` is the module itself."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.url = f"sam+serial://{bench.folder / name}?poll_ms={bench.poll_ms}"
        self.simulator = SamSimulator(bench.line(name), pace=bench.pace)
        bench.run(self.simulator.run)

    @property
    def last_answer_at(self) -> float:  # type: ignore[override]
        """See `DemoReader`."""
        return self.simulator.last_answer_at

    def present(self, one: Person) -> None:
        """See `DemoReader`."""
        self.simulator.present(one.card())

    def pull_too_soon(self, one: Person) -> None:
        """See `DemoReader`."""
        self.simulator.pull_during_read = True
        self.present(one)

    def garble(self, one: Person) -> None:
        """The answers arrive with a wrong checksum."""
        self.simulator.spoil_checksum(2)
        self.present(one)

    def forge(self, one: Person) -> None:
        """Card and module do not accept each other."""
        self.simulator.present(one.card(), 0x32)

    def show_something_else(self, one: Person) -> None:
        """A bus card."""
        self.simulator.not_an_id_card()

    def remove(self) -> None:
        """See `DemoReader`."""
        self.simulator.remove()

    def rest(self) -> None:
        """See `DemoReader`."""
        asked = self.simulator.asked[FIND]
        ends = time.monotonic() + SEE_S
        while self.simulator.asked[FIND] < asked + 2 and time.monotonic() < ends:
            threading.Event().wait(0.01)


def _more(book: Book) -> None:
    one = book.someone()
    book.tell(
        "temporary ID, typed by the steward",
        (one,),
        does(Night.is_typed_in, one),
        ends(Verdict.REFER, Reason.DOCUMENT_NEEDED),
        BY_STEWARD,
        leaves=(PASSED,),
    )


WIRE = Wire(
    "sam",
    "resident ID cards on a SAM module, over a serial line at its real speed",
    fit=lambda bench: (SamReader(bench, "reader"), SamReader(bench, "exit-reader")),
    document=lambda one: (DocumentType.RESIDENT_ID, one.number),
    more=_more,
)
