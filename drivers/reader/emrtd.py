"""Passports and other travel documents with a chip (ICAO Doc 9303), on a contactless PC/SC reader.

    emrtd:///ACR1252?csca=/etc/menshen/csca&mrz=/dev/gate-mrz     page by a machine that reads print, chip by radio
    emrtd:?csca=/etc/menshen/csca                                 the only reader there is; the page is typed

| what                                          | supported                                                    |
|-----------------------------------------------|--------------------------------------------------------------|
| opening                                       | BAC, PACE with generic mapping over EC; by MRZ or by CAN     |
| passive authentication                        | by the country certificates (CSCA) of `csca=`                |
| chip and active authentication                | yes: `authenticated`                                         |
| no certificate of the country                 | `uid_only`: nobody vouches for what was read                 |
| changed data, a copied chip                   | rejected                                                     |
| portrait                                      | JPEG or JPEG 2000, as the chip has it                        |
| fingerprints, irises                          | never read                                                   |
| revocation lists, PACE by other mappings      | no                                                           |

A chip opens with what stands on its page alone, so page and chip come as a pair, in any order, within `pair_s`. The
page comes from the machine at `mrz=` or is typed (`expect`). A chip that was lost half-way may be laid on again while
its page is still known; a chip that its page didn't open may be shown another page. Nothing of a page outlives its
pair. `csca=` is a folder of certificates, read again when it changes; a country that isn't in it vouches for nothing.

The protocol is in `_emrtd`, the machine's line in `_mrz_line`, what pages look like in `_mrz_shown`.

Device: contactless PC/SC reader for ICAO 9303 passports and cards, with or without a serial MRZ reader
Does: BAC, PACE, passive, chip and active authentication; assurance `uid_only`, `signed` or `authenticated`
Tried: worked examples of Doc 9303; simulated documents through a real pcscd; MRZ readers over ptys
Untried: any real document, reader or MRZ machine
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, DriverError, UnknownDevice
from drivers.reader._emrtd.apdu import Chip
from drivers.reader._emrtd.folder import TrustFolder
from drivers.reader._emrtd.passive import Trust
from drivers.reader._emrtd.read import read_document
from drivers.reader._mrz_line import Misread, MrzLine
from drivers.reader._mrz_shown import read_typed
from drivers.reader._pcsc_slot import CardSlot
from drivers.transport import SerialStream
from drivers.url import DeviceUrl
from models.credential import CardFault, CardProblem, Credential, Medium
from models.mrz import Secret

if TYPE_CHECKING:
    from drivers.reader._emrtd.presenter import DocumentHolder

TRANSPORTS = ("",)
OPTIONS = {
    "csca": "folder of country certificates, .cer, .crt, .der or .pem (none: nobody vouches for a document)",
    "mrz": "serial port of a machine that reads the page (none: the page is typed)",
    "mrz_baud": "its speed in bits per second (9600)",
    "pair_s": "longest time between page and chip (20)",
    "read_s": "longest time for reading one document (15)",
}

SLICE_S = 0.1  # one look at the slot, while the line waits
ANSWER_S = 3.0  # a chip computes for a while in PACE


def open(url: DeviceUrl) -> EmrtdReader:
    """Open slot and line. Raises `UnknownDevice` for a folder that can't be used, naming the file at fault."""
    pair_s = url.option("pair_s", float, 20.0, low=0.1, high=120)
    read_s = url.option("read_s", float, 15.0, low=0.1, high=60)
    baud = url.option("mrz_baud", int, 9600, low=50, high=4_000_000)
    port = url.option("mrz", str, "")
    trust = _trust(url)
    slot = CardSlot(url.location, transmit_s=min(ANSWER_S, read_s))
    try:
        line = MrzLine(SerialStream(port, baud), time.monotonic) if port else None
    except BaseException:
        slot.close()
        raise
    return EmrtdReader(slot, line, trust, pair_s=pair_s, read_s=read_s)


def bench_simulator() -> DocumentHolder:
    """A holder of a test document, on the first slot of vpcd: see `DocumentHolder.command`."""
    from drivers.reader._emrtd.presenter import DocumentHolder

    return DocumentHolder()


def _trust(url: DeviceUrl) -> Callable[[], Trust]:
    folder = url.option("csca", Path, None)
    if folder is None:
        return Trust
    try:
        return TrustFolder(folder).trust
    except (OSError, ValueError) as error:
        raise UnknownDevice(f"{url}: {error}") from error


class Card(Chip, Protocol):
    """A connected chip."""

    def close(self) -> None:
        """Let go of it."""


class Slot(Protocol):
    """Where chips are laid on: see `CardSlot`."""

    def wait(self, timeout: float) -> Card | None:
        """A chip that was laid on, once."""

    def close(self) -> None:
        """Let go of the reader."""


@dataclass(slots=True)
class _Page:
    """A page that waits for its chip. `again`: it was read already, so that nobody need be told if no chip comes."""

    secret: Secret = field(repr=False)
    until: float
    again: bool = False


@dataclass(slots=True)
class _Laid:
    """A chip in the field. `told`: somebody was told already that its page is missing, or (`mismatched`) another's."""

    card: Card
    until: float
    told: bool = False
    mismatched: bool = False


class EmrtdReader:
    """The host's half. `alive` is called at each step of a long reading; whoever watches for hangs may set it."""

    def __init__(
        self,
        slot: Slot,
        line: MrzLine | None,
        trust: Callable[[], Trust],
        *,
        pair_s: float = 20.0,
        read_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._slot, self._line, self._trust = slot, line, trust
        self._pair_s, self._read_s, self._clock, self._today = pair_s, read_s, clock, today
        self._typed: queue.SimpleQueue[Secret] = queue.SimpleQueue()
        self._page: _Page | None = None
        self._laid: _Laid | None = None
        self._last_read = 0  # a hash of the last page that opened its chip: visitors swipe twice
        self.alive: Callable[[], None] = lambda: None

    def expect(self, text: str) -> str:
        """Take a typed page, MRZ or CAN: empty, or what is wrong with it. From any thread."""
        try:
            self._typed.put(read_typed(text))
        except ValueError as error:
            return str(error)
        return ""

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`. A reading that has begun is brought to its end, within `read_s`."""
        deadline = self._clock() + timeout
        while True:
            fault = self._look_for_page()
            if fault is None:
                self._look_for_card(deadline)
                fault = self._look_at_time()
            if fault is not None:
                return fault
            if self._page and self._laid:
                return self._read(self._page, self._laid)
            if self._clock() >= deadline:
                return None

    def close(self) -> None:
        """See `Device.close`."""
        self._page = None
        self._let_go()
        self._slot.close()
        if self._line:
            self._line.close()

    # what is shown and laid on

    def _look_for_page(self) -> CardFault | None:
        page: Secret | None = None
        with contextlib.suppress(queue.Empty):
            while True:
                page = self._typed.get_nowait()
        try:
            page = page or (self._line.read(0) if self._line else None)
        except Misread as error:
            return _unreadable(f"the page was not read: {error}; show it again")
        if page is not None:
            self._page = _Page(page, self._clock() + self._pair_s, hash(page) == self._last_read)
        return None

    def _look_for_card(self, deadline: float) -> None:
        card = self._slot.wait(min(max(deadline - self._clock(), 0), SLICE_S))
        if card is not None:
            self._let_go()
            self._laid = _Laid(card, self._clock() + self._pair_s)

    def _look_at_time(self) -> CardFault | None:
        """What has become too old, and a chip whose page nobody can show: a person must be told to type it."""
        now = self._clock()
        if self._page and now >= self._page.until and not self._laid:
            again, self._page = self._page.again, None
            return (
                None
                if again
                else _unreadable(f"a page was shown and no chip came in {self._pair_s:g} s: show both again")
            )
        if self._laid is None or self._page:
            return None
        late, told = now >= self._laid.until, self._laid.told
        if late:
            self._let_go()
        elif self._line is None:
            self._laid.told = True
        return None if told or not (late or self._line is None) else _unreadable(self._what_to_show())

    def _what_to_show(self) -> str:
        if self._line is None:
            return "a document lies here and its page is not known: type its MRZ or its card access number"
        return f"a document was laid here and its page was not shown in {self._pair_s:g} s: show both again, or type it"

    # the reading

    def _read(self, page: _Page, laid: _Laid) -> Credential | CardFault | None:
        timed = _Timed(laid.card, self._clock, self._clock() + self._read_s, lambda: self.alive())
        try:
            outcome = read_document(timed, page.secret, self._trust(), self._today(), self._clock)
        except (BadAnswer, DeviceTimeout) as error:  # a chip that moved: its page stays known, so it may come again
            page.until = self._clock() + self._pair_s
            self._let_go()
            if laid.mismatched:  # taken away since: the page is the next visitor's, whose chip is yet to come
                return None
            raise BadAnswer(str(error), card_present=True) from error
        except DriverError:
            self._page = None
            self._let_go()
            raise
        self._page = None
        if not isinstance(outcome, CardFault):
            self._let_go()
            self._last_read = hash(page.secret)
            return outcome.credential
        if outcome.problem is CardProblem.UNREADABLE:  # most likely the wrong page: the chip waits for the right one
            laid.told = laid.mismatched = True
            laid.until = self._clock() + self._pair_s
        else:
            self._let_go()
        return replace(outcome, medium=Medium.E_PASSPORT)

    def _let_go(self) -> None:
        laid, self._laid = self._laid, None
        if laid is not None:
            laid.card.close()


class _Timed:
    """A chip that must have told all until `ends`."""

    def __init__(self, card: Card, clock: Callable[[], float], ends: float, alive: Callable[[], None]) -> None:
        self._card, self._clock, self._ends, self._alive = card, clock, ends, alive

    def transmit(self, apdu: bytes) -> bytes:
        """See `Chip`. Raises `DeviceTimeout` when it took too long."""
        self._alive()
        if self._clock() >= self._ends:
            raise DeviceTimeout("the document took too long to read: lay it flat and hold it still")
        try:
            return self._card.transmit(apdu)
        except DeviceLost:
            raise
        except DeviceTimeout as error:
            raise DeviceTimeout(f"the chip fell silent: {error}") from error


def _unreadable(detail: str) -> CardFault:
    return CardFault(CardProblem.UNREADABLE, detail, Medium.E_PASSPORT)
