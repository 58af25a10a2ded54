"""Virtual card slots, as readers by PC/SC have them: a chip is laid on and taken away."""

from __future__ import annotations

import threading
import time

from drivers._virtual_card import Chip, VirtualCard
from gate.demo.readers import Bench
from gate.demo.readers.pcscd import OwnPcscd

SEE_S = 3.0
POLLED_S = 1.0  # pcscd looks at a slot every 0.4 s, and misses a card that goes and another that comes in between


class Slot:
    """One slot. `last_answer_at` is when the chip in it last said something, monotonic seconds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._card: VirtualCard | None = None
        self._torn = False
        self.last_answer_at = 0.0

    def lay(self, chip: Chip, *, leaves_after: int = 0, garbled: int = 0) -> None:
        """Lay a chip on. It may be gone after so many answers, or answer number `garbled` may be disturbed."""
        self.lift()
        self._card = VirtualCard(_Heard(chip, self, leaves_after, garbled), self._port)
        self._card.insert()

    def tear(self) -> None:
        """Take the chip away at once, in the middle of whatever it says."""
        if self._card is not None:
            self._torn = True
            self._card.remove()

    def lift(self) -> None:
        """Take it away, and wait until the reader has seen that."""
        card, self._card = self._card, None
        if card is not None:
            card.lift(SEE_S)
        if self._torn:
            self._torn = False
            threading.Event().wait(POLLED_S)


class _Heard:
    """A chip whose answers are timed; it may be torn away, or disturbed."""

    def __init__(self, chip: Chip, slot: Slot, leaves_after: int, garbled: int) -> None:
        self.atr = chip.atr
        self._chip, self._slot, self._leaves_after, self._garbled = chip, slot, leaves_after, garbled
        self._said = 0

    def answer(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        self._said += 1
        if self._leaves_after and self._said > self._leaves_after:
            self._slot.tear()
            raise EOFError
        answer = self._chip.answer(apdu)
        if self._said == self._garbled:
            answer = bytes((answer[0] ^ 0x55,)) + answer[1:]
        self._slot.last_answer_at = time.monotonic()
        return answer


def two_slots(bench: Bench) -> tuple[Slot, Slot]:
    """Two slots of a pcscd that lives as long as the bench."""
    pcscd = OwnPcscd()
    bench.closing.callback(pcscd.close)
    bench.environment["PCSCLITE_CSOCK_NAME"] = str(pcscd.path)
    slots = (Slot(pcscd.ports[0]), Slot(pcscd.ports[1]))
    for slot in slots:
        bench.closing.callback(slot.tear)
    return slots
