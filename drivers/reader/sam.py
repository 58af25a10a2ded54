"""Chinese resident ID card readers with a SAM module (GA/T 467), and the same module simulated.

    sam+serial:///dev/gate-reader                 115,200 baud unless told
    sam+tcp://10.0.0.7:7001                       behind a serial device server

| what                                        | supported |
|---------------------------------------------|-----------|
| resident's card; HK, Macau, Taiwan permit   | yes, number's check digit and dates verified |
| foreigner's card of 2017 and of 2023        | yes; the 2023 layout is known from one source |
| portrait                                    | as the chip has it (1024 bytes WLT, a closed codec) |
| fingerprints                                | never kept; `fingerprint=1` for modules that give nothing else |
| USB modules without a serial port (HID)     | no |

The module authenticates the card and the card the module before any data flow, so what comes is `AUTHENTICATED`.

This file is the host's half; the wire is in `_sam_line`, frames are in `_sam_frames`, the card's text is in
`_sam_cards`, and the device's half, made of the same frames, in `_sam_device`.

Device: ID-card reader with SAM module (GA 467)
Does: four card layouts, status reactions, card-still-there, check digits; assurance `authenticated`
Tried: simulator at wire speed, over ptys with split, late, lost and garbled bytes
Untried: any real module; the 2023 foreigner's layout
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time

from drivers.errors import BadAnswer, DeviceRefused
from drivers.reader._sam_cards import (
    Card,
    foreigner_card_2017,
    foreigner_card_2023,
    permit_card,
    read_card,
    resident_card,
)
from drivers.reader._sam_device import Port, SamSimulator
from drivers.reader._sam_frames import (
    FIND,
    FOUND,
    IDENTITY,
    NEWEST_ADDRESS,
    OK,
    RADIO_FRAME_80,
    READ,
    READ_WITH_FINGERPRINT,
    RESET,
    SELECT,
    STATUS,
    Answer,
    Reaction,
    split_base_info,
)
from drivers.reader._sam_line import SamLine
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.credential import CardFault, CardProblem, Credential

__all__ = [
    "OPTIONS",
    "TRANSPORTS",
    "Card",
    "SamReader",
    "SamSimulator",
    "foreigner_card_2017",
    "foreigner_card_2023",
    "open",
    "permit_card",
    "resident_card",
    "simulator",
]

TRANSPORTS = ("serial", "tcp", "unix")
OPTIONS = {
    "poll_ms": "pause between two looks for a card (200)",
    "again_s": "report a card that stays in the field again after this time; 0 for never (0)",
    "answer_s": "longest silence before an answer; reading a card may take twice as long (1)",
    "fingerprint": "1 to ask with the command that includes fingerprints, which are thrown away (0)",
}

HEARTBEAT_S = 3.0
_TRIES = 3  # looks at a card that fails to read, before its holder is told
_PRESENT = (Reaction.GO_ON, Reaction.NO_CONTENT)
_NEVER_WELL = (Reaction.REJECTED, Reaction.UNSUPPORTED)


def open(url: DeviceUrl) -> SamReader:
    """Open the reader and greet its module."""
    poll_s = url.option("poll_ms", float, 200.0, low=1, high=5000) / 1000
    again_s = url.option("again_s", float, 0.0, low=0)
    answer_s = url.option("answer_s", float, 1.0, low=0.01, high=10)
    fingerprint = url.option("fingerprint", bool, False)
    stream = open_transport(url, 115200)
    try:
        return SamReader(stream, poll_s=poll_s, again_s=again_s, answer_s=answer_s, fingerprint=fingerprint)
    except BaseException:
        stream.close()
        raise


def simulator(port: Port) -> SamSimulator:
    """The device at the far end of `port`: `run(stop)` serves, `command(text)` drives (see `SamSimulator.command`)."""
    return SamSimulator(port)


class SamReader:
    """A reader with a SAM module. `stats` counts what happened on the wire, `module_id` is the module's own number."""

    def __init__(
        self,
        stream: Transport,
        *,
        poll_s: float = 0.2,
        again_s: float = 0.0,
        answer_s: float = 1.0,
        fingerprint: bool = False,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._line = SamLine(stream, answer_s)
        self.stats = self._line.stats
        self._poll_s, self._again_s = poll_s, again_s
        self._fingerprint = fingerprint
        self._next_poll = 0.0
        self._idle_polls = 0
        # counted in looks, not in seconds, so that a replayed tape asks what the host asked then
        self._polls_a_beat = max(1, math.ceil(heartbeat_s / poll_s))
        self._resets = 0
        self._salt = secrets.token_bytes(16)
        self._last_card = b""  # a salted hash: enough to know the card again, no person in it
        self._forget()
        self.module_id = self._greet()

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`. `timeout` is for a card to come: one that came is read to its end."""
        deadline = time.monotonic() + timeout
        while True:
            self._line.rest_until(min(self._next_poll, deadline))
            if self._next_poll > deadline:
                return None
            try:
                outcome = self._poll()
            finally:
                hurry = 0 < self._tries < _TRIES
                self._next_poll = time.monotonic() + (0 if hurry else self._poll_s)
            if outcome is not None or time.monotonic() >= deadline:
                return outcome

    def close(self) -> None:
        """See `Device.close`."""
        self._line.close()

    # the card in the field

    def _forget(self) -> None:
        """The field is empty."""
        self._lying_since: float | None = None  # a card that was read lies there
        self._remembers = False  # the module doesn't find that card again, so a find is a new tap
        self._told = False  # its holder knows that it can't be read
        self._tries = 0
        self._fault: CardFault | None = None  # to be told when the card is taken away

    def _poll(self) -> Credential | CardFault | None:
        """One look for a card."""
        self._recycle()
        answer = self._line.ask(FIND)
        if answer.status == FOUND:
            self._resets = self._idle_polls = 0
            return self._take_card()
        if answer.reaction is Reaction.NO_CARD:
            self._resets = 0
            return self._no_card()
        if answer.reaction is Reaction.PRESENT_AGAIN:
            return None  # a card at the edge of the field
        if answer.reaction in _NEVER_WELL:
            return self._failed(answer)
        self._raise_alarm(answer)
        self._count_reset(answer)
        return None

    def _recycle(self) -> None:
        """Let the module find a card again that has lain in the field for `again_s`: a reset makes it."""
        since = self._lying_since
        if since is not None and self._again_s and time.monotonic() - since >= self._again_s:
            self._reset()
            self._forget()

    def _no_card(self) -> CardFault | None:
        """The module says "no card": either there is none, or the one that was read still lies there."""
        if self._lying_since is not None:
            answer = self._line.ask(NEWEST_ADDRESS)
            self._raise_alarm(answer)
            if answer.reaction in _PRESENT:
                self._remembers = True
                return None
        fault = None if self._told else self._fault
        self._forget()
        self._idle_polls += 1
        if self._idle_polls % self._polls_a_beat == 0:
            self._check_module()
        return fault

    def _take_card(self) -> Credential | CardFault | None:
        """Select and read the card that was found."""
        found_at = time.monotonic()
        try:
            answer = self._line.ask(SELECT)
            if answer.status == OK:
                answer = self._ask_base_info()
        except BadAnswer as error:
            raise BadAnswer(str(error), card_present=True) from error
        if answer.status != OK:
            return self._failed(answer)
        text, portrait = split_base_info(answer.data, self._fingerprint)
        return self._deliver(text, read_card(text, portrait, time.monotonic() - found_at))

    def _deliver(self, text: bytes, outcome: Credential | CardFault) -> Credential | CardFault | None:
        """One tap, one outcome: a module that finds the same card again and again is heard once."""
        card = hashlib.blake2b(text, key=self._salt).digest()
        same = self._lying_since is not None and not self._remembers and card == self._last_card
        since = self._lying_since if same else time.monotonic()
        self._forget()
        self._lying_since, self._last_card = since, card
        return None if same else outcome

    def _failed(self, answer: Answer) -> CardFault | None:
        """A card could not be read, or the module is in trouble."""
        self._raise_alarm(answer)
        match answer.reaction:
            case Reaction.REJECTED:
                return self._tell(CardFault(CardProblem.REJECTED, answer.meaning))
            case Reaction.UNSUPPORTED:
                return self._tell(CardFault(CardProblem.UNSUPPORTED, answer.meaning))
            case Reaction.RESET | Reaction.RESEND:
                self._count_reset(answer)
        self._tries += 1
        self._fault = CardFault(CardProblem.UNREADABLE, answer.meaning)
        return self._tell(self._fault) if self._tries >= _TRIES else None

    def _tell(self, fault: CardFault) -> CardFault | None:
        told, self._told = self._told, True
        return None if told else fault

    # the module

    def _greet(self) -> str:
        self._check_module()
        self._line.ask(RADIO_FRAME_80)
        answer = self._line.ask(IDENTITY)
        return module_id(answer.data) if answer.status == OK else ""

    def _check_module(self) -> None:
        answer = self._line.ask(STATUS)
        self._raise_alarm(answer)
        if answer.status != OK:
            self._count_reset(answer)

    def _raise_alarm(self, answer: Answer) -> None:
        if answer.reaction is Reaction.ALARM:
            raise DeviceRefused(f"the SAM module is out of order: {answer.meaning}")

    def _count_reset(self, answer: Answer) -> None:
        self._resets += 1
        if self._resets > _TRIES:
            self._resets = 0
            raise DeviceRefused(f"the SAM module does not recover through resets: {answer.meaning}")
        self._reset()

    def _reset(self) -> None:
        answer = self._line.ask(RESET)
        self._raise_alarm(answer)

    def _ask_base_info(self) -> Answer:
        """The card's data. Old modules know no fingerprint command; they are not asked with it twice."""
        if not self._fingerprint:
            return self._line.ask(READ)
        answer = self._line.ask(READ_WITH_FINGERPRINT)
        if answer.status not in (0x21, 0x24):
            return answer
        self._fingerprint = False
        return self._line.ask(READ)


def module_id(data: bytes) -> str:
    """The module's number as it is printed on it, or empty where `data` (16 bytes) is none."""
    if len(data) != 16:
        return ""
    short = [int.from_bytes(data[n : n + 2], "little") for n in (0, 2)]
    long = [int.from_bytes(data[n : n + 4], "little") for n in (4, 8, 12)]
    return f"{short[0]:02d}.{short[1]:02d}-{long[0]:08d}-{long[1]:010d}-{long[2]:010d}"
