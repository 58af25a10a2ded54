"""Calls into PC/SC that end in time: a context, what its errors mean, and a watchdog.

`SCardTransmit` knows no time-out. A card that answers after a minute blocks for a minute; one that never answers blocks
for ever, and neither `SCardCancel` nor a signal ends it. So each call runs in a thread of its own. When the time is
over, the thread is left behind (a daemon: it can't keep the process alive) and so is its whole context, since the PC/SC
library locks a context while a call is in it, and releasing it here would block just the same. The thread gives card
and context back by itself, should it ever return.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from smartcard import scard  # type: ignore[import-untyped,import-not-found,unused-ignore]

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout

CALL_S = 2.0
"""How long a call may take that asks nothing of the card."""

_CARD_GONE = {
    scard.SCARD_E_NO_SMARTCARD,
    scard.SCARD_E_NOT_TRANSACTED,
    scard.SCARD_W_REMOVED_CARD,
    scard.SCARD_W_RESET_CARD,
    scard.SCARD_W_UNPOWERED_CARD,
}
_CARD_BAD = {
    scard.SCARD_E_CARD_UNSUPPORTED,
    scard.SCARD_E_PROTO_MISMATCH,
    scard.SCARD_W_UNRESPONSIVE_CARD,
    scard.SCARD_W_UNSUPPORTED_CARD,
}


class CardGone(BadAnswer):
    """The card was taken away while it was read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, card_present=True)


class Context:
    """One PC/SC context, for one call at a time. Raises `DeviceLost` when the service isn't there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = False  # given up or released: no more calls
        self._caller: threading.Thread | None = None
        self._handle: Any = None
        self.card_went = False
        self.card: Any = None  # the card that is connected through this context, let go with it
        (self._handle,) = self.call(lambda _: scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))

    def call(self, work: Callable[[Any], Any], limit_s: float = CALL_S, *, quiet: tuple[int, ...] = ()) -> list[Any]:
        """Have `work` done with the context's handle; gives what it gave after the status.

        Raises what `failure` makes of the status, unless it is one of `quiet`: then the list is empty. `DeviceTimeout`
        after `limit_s`, from when on the context is dead.
        """
        outcome: list[Any] = []
        thread = threading.Thread(target=self._turn, args=(work, outcome), name="pcsc-call", daemon=True)
        with self._lock:
            if self._ended:
                raise DeviceLost("the connection to the PC/SC service is closed")
            self._caller = thread
            thread.start()
        thread.join(limit_s)
        with self._lock:
            if not outcome:
                self._ended = True
                raise DeviceTimeout(f"no answer from the card reader in {limit_s:g} s")
        (answer,) = outcome
        if isinstance(answer, BaseException):
            raise answer
        status, rest = _status(answer), answer[1:]
        if status != scard.SCARD_S_SUCCESS and status not in quiet:
            raise failure(status)
        return rest if status == scard.SCARD_S_SUCCESS else []

    def release(self) -> None:
        """Give the context back, and reset its card. Never raises; may be called twice, and from any thread.

        A call that is under way gives it back at its end: released under its feet, it would not end at all.
        """
        with self._lock:
            ended, self._ended = self._ended, True
            if ended:
                return
            if self._caller is None:
                self._caller = threading.Thread(target=self._give_back, name="pcsc-release", daemon=True)
                self._caller.start()
            last = self._caller
        last.join(CALL_S)

    def _turn(self, work: Callable[[Any], Any], outcome: list[Any]) -> None:
        try:
            answer = work(self._handle)
        except Exception as error:  # handed to the thread that waits, which raises it
            answer = error
        with self._lock:
            outcome.append(answer)
            self.card_went = isinstance(answer, Exception) or _status(answer) != scard.SCARD_S_SUCCESS
            self._caller = None
            late = self._ended
        if late:
            self._give_back()

    def _give_back(self) -> None:
        # A reset ends what the card has agreed on with us. One that was torn away must not be reset: pcscd would take
        # it for absent without having seen it go, and then miss the next card. What fails here is gone already.
        if self.card is not None:
            scard.SCardDisconnect(self.card, scard.SCARD_LEAVE_CARD if self.card_went else scard.SCARD_RESET_CARD)
        scard.SCardReleaseContext(self._handle)


def _status(answer: Any) -> int:
    """The status in what pyscard gives."""
    return int(answer[0])


def failure(status: int) -> Exception:
    """The error that a PC/SC status is."""
    words = f"{scard.SCardGetErrorMessage(status).rstrip('. ')} ({status & 0xFFFFFFFF:08X})"
    if status in _CARD_GONE:
        return CardGone(f"the card was taken away too soon: {words}")
    if status in _CARD_BAD:
        return BadAnswer(f"the card does not answer as a card: {words}", card_present=True)
    if status == scard.SCARD_E_SHARING_VIOLATION:
        return DeviceRefused("another program holds the card: end it, or give it another reader")
    return DeviceLost(f"PC/SC: {words}")
