"""One PC/SC reader, watched for cards; and the card in it.

On `smartcard.scard` alone: pyscard's own monitors end for good when pcscd does. Here any error but a time-out costs the
context and is `DeviceLost`; the next call makes a new one, so that a pcscd that was killed and came back is found.

    slot = CardSlot("ACR1252")
    card = slot.wait(0.25)
    if card is not None:
        with closing(card):
            card.transmit(bytes.fromhex("FFCA000000"))
"""

from __future__ import annotations

import threading
import time
from typing import Any

from smartcard import scard  # type: ignore[import-untyped,import-not-found,unused-ignore]

from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, UnknownDevice
from drivers.reader._pcsc_calls import CALL_S, CardGone, Context

__all__ = ["CardChannel", "CardGone", "CardSlot"]

SLICE_S = 0.2  # one look for cards; also what `close` may have to wait for
CONNECT_S = 3.0  # powering a card up takes its time
MOST_PARTS = 257  # of an answer: 64 KiB in parts of 256 bytes
_PNP = "\\\\?PnP?\\Notification"  # this "reader" changes when readers come and go
_PCI = {scard.SCARD_PROTOCOL_T0: scard.SCARD_PCI_T0, scard.SCARD_PROTOCOL_T1: scard.SCARD_PCI_T1}
_READER_GONE = scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE | scard.SCARD_STATE_IGNORE


class CardSlot:
    """The reader whose name is `reader`, or the only one whose name holds it (in any case of letters).

    An empty name is the only reader there is. Readers are named as pcscd names them (`pcsc_scan` lists them); a leading
    slash, as in the location of `pcsc:///ACR1252`, doesn't count. `transmit_s` is the longest wait for one answer of
    the card. Raises `DeviceLost` where pcscd or the reader isn't there, `UnknownDevice` where several readers fit.
    """

    def __init__(self, reader: str, *, transmit_s: float = 2.0) -> None:
        self._wanted, self._transmit_s = reader.lstrip("/"), transmit_s
        self._closed = threading.Event()
        self._context: Context | None = None
        self._states: list[Any] = []
        self._served: int | None = None  # the event counter of the insertion that was given last
        self.name = ""
        self._watch()

    def wait(self, timeout: float) -> CardChannel | None:
        """The card that was laid on since the last call, connected; `None` when none came within `timeout` seconds.

        Each insertion is given once. A card that lies there when the slot is opened counts. Raises `CardGone` or
        `BadAnswer` (both with `card_present`) when the card can't be connected, `DeviceLost` for pcscd or the reader,
        `DeviceTimeout` when the reader hangs, `DeviceRefused` when another program holds the card.
        """
        deadline = time.monotonic() + timeout
        while True:
            left_s = deadline - time.monotonic()
            if self._inserted(min(max(left_s, 0.001), SLICE_S)):
                return CardChannel(self.name, self._transmit_s)
            if left_s <= 0:
                return None

    def close(self) -> None:
        """Let go of the reader; from any thread. May be called twice."""
        self._closed.set()
        self._forget()

    def _inserted(self, slice_s: float) -> bool:
        """Whether a card came that was not given yet. Waits up to `slice_s`."""
        if self._closed.is_set():
            raise DeviceLost("the reader was closed")
        try:
            context = self._watch()
            milliseconds = max(1, round(slice_s * 1000))
            found = context.call(
                lambda handle: scard.SCardGetStatusChange(handle, milliseconds, self._states),
                slice_s + CALL_S,
                quiet=(scard.SCARD_E_TIMEOUT,),
            )
            return self._take_in(found[0]) if found else False
        except (DeviceLost, DeviceTimeout):
            self._forget()
            raise

    def _take_in(self, events: list[tuple[str, int, list[int]]]) -> bool:
        """Remember what was seen, so that the next look waits for a change of it."""
        self._states = [(name, event & ~scard.SCARD_STATE_CHANGED) for name, event, _ in events]
        event = events[0][1]
        if event & _READER_GONE:
            raise DeviceLost(f"the reader {self.name!r} is gone")
        # The upper half counts insertions and removals: another number is another insertion, even if nobody looked
        # while the card was away.
        counter = event >> 16
        if not event & scard.SCARD_STATE_PRESENT or counter == self._served:
            return False
        self._served = counter
        return True

    def _watch(self) -> Context:
        """The context that watches, a new one where the last one broke."""
        if self._context is None:
            self._context = Context()
            try:
                self.name = self._find(self._context)
            except BaseException:
                self._forget()
                raise
            self._states = [(self.name, scard.SCARD_STATE_UNAWARE), (_PNP, scard.SCARD_STATE_UNAWARE)]
        return self._context

    def _forget(self) -> None:
        context, self._context = self._context, None
        self._served = None  # counters begin anew with a new pcscd
        if context is not None:
            context.release()

    def _find(self, context: Context) -> str:
        listed = context.call(
            lambda handle: scard.SCardListReaders(handle, []), quiet=(scard.SCARD_E_NO_READERS_AVAILABLE,)
        )
        names: list[str] = listed[0] if listed else []
        fitting = [name for name in names if self._wanted.lower() in name.lower()]
        if self._wanted in names:
            return self._wanted
        if len(fitting) > 1:
            raise UnknownDevice(f"several readers are called {self._wanted!r}: {', '.join(fitting)}; give one in full")
        if not fitting:
            raise DeviceLost(f"no reader is called {self._wanted!r}, there are: {', '.join(names) or 'none'}")
        return fitting[0]


class CardChannel:
    """A connected card. It is ours alone until `close`."""

    def __init__(self, reader: str, transmit_s: float) -> None:
        self._transmit_s = transmit_s
        self._context = Context()
        try:
            self._context.card, protocol = self._context.call(
                lambda handle: scard.SCardConnect(
                    handle, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
                ),
                CONNECT_S,
            )
            self._pci = _PCI.get(protocol, scard.SCARD_PCI_RAW)
            self.atr = bytes(self._context.call(lambda _: scard.SCardStatus(self._context.card))[3])
        except BaseException:
            self._context.release()
            raise

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command and give the answer, data and SW1 SW2.

        Fetches what a card holds back (61 xx) and asks again where it names the right length (6C xx), as ISO 7816-4
        clause 5.3.4 has it. Raises `CardGone`, `BadAnswer` for less than a status, `DeviceTimeout` after `transmit_s`
        (the channel is dead then) and `DeviceLost`.
        """
        answer = self._exchange(apdu)
        if answer[-2] == 0x6C:
            answer = self._exchange(with_length(apdu, answer[-1]))
        data = b""
        for _ in range(MOST_PARTS):
            data += answer[:-2]
            if answer[-2] != 0x61:
                return data + answer[-2:]
            answer = self._exchange(bytes((0x00, 0xC0, 0x00, 0x00, answer[-1])))
        raise BadAnswer("the card's answer has no end", card_present=True)

    def close(self) -> None:
        """Let go of the card, which is reset. Never raises; may be called twice."""
        self._context.release()

    def _exchange(self, apdu: bytes) -> bytes:
        (answer,) = self._context.call(
            lambda _: scard.SCardTransmit(self._context.card, self._pci, list(apdu)), self._transmit_s
        )
        if not answer:  # some readers' drivers report a card that went in this way
            self._context.card_went = True
            raise CardGone("the card was taken away too soon: its answer is empty")
        if len(answer) < 2:
            raise BadAnswer("the card answered less than a status", card_present=True)
        return bytes(answer)


def with_length(apdu: bytes, length: int) -> bytes:
    """A command of short form with the expected length `length` (Le) in place of its own, or added to it."""
    bare = len(apdu) == 4 or (len(apdu) > 5 and len(apdu) == 5 + apdu[4])
    return (apdu if bare else apdu[:-1]) + bytes((length,))
