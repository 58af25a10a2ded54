"""The device half of the SAM protocol: a module with a card in its field, or none, at the far end of a wire."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Protocol

from drivers.reader._sam_cards import Card
from drivers.reader._sam_frames import (
    CARD_NUMBER,
    FIND,
    FOUND,
    IDENTITY,
    NEWEST_ADDRESS,
    OK,
    READ,
    READ_WITH_FINGERPRINT,
    RESET,
    SELECT,
    STATUS,
    Answer,
    Command,
    Decoder,
    Stats,
    join_base_info,
)

_SLICE = 16
"""Bytes sent at once when keeping the pace of the wire: 1.4 ms at 115,200 baud."""

_IDENTITY = bytes.fromhex("05000100 35293301 87D61200 D2029649")
_BAUD_COMMAND, _RADIO_FRAME_COMMAND = 0x60, 0x61


class Port(Protocol):
    """The device's end of a wire, such as `PtyPort`."""

    def read(self, timeout: float) -> bytes:
        """What the host wrote, empty after `timeout` seconds."""

    def write(self, data: bytes) -> object:
        """Send to the host."""


@dataclass(slots=True)
class _Lying:
    """A card in the field. `read_status` is what the module says of it when asked for its data."""

    card: Card
    read_status: int = OK
    selected: bool = False
    was_read: bool = False


class SamSimulator:
    """A SAM module at the far end of `port`; `run` it in a thread, drive it from another.

    It behaves as the real ones are known to: a card is found once, then read; from then on it answers "no card" until
    the card leaves the field or the module is reset.

    `pace` sends at the speed of the wire; `read_takes_s` is the module's own time to read a card. Attributes switch its
    faults: `mute` answers nothing, `old` knows no fingerprints, `forgetful` finds the same card again and again,
    `pull_during_read` lets the next card leave while it is read. `force`, `spoil_checksum` and `lose` plan single ones.

    `last_answer_at` is the monotonic time at which the last bytes of the latest base information answer were written;
    `asked` counts the questions.
    """

    def __init__(self, port: Port, *, pace: bool = False, baud: int = 115200, read_takes_s: float = 0.0) -> None:
        self._port = port
        self._pace = pace
        self._byte_s = 10 / baud
        self.read_takes_s = read_takes_s
        self.stats = Stats()
        self._decoder = Decoder(Command, self.stats)
        self._lock = threading.Lock()
        self._lying: _Lying | None = None
        self._forced: dict[Command, deque[int]] = {}
        self._spoils: Counter[Command | None] = Counter()
        self._losses: Counter[Command | None] = Counter()
        self.mute = self.old = self.forgetful = self.pull_during_read = False
        self.last_answer_at = 0.0
        self.asked: Counter[Command] = Counter()

    def present(self, card: Card, read_status: int = OK) -> None:
        """Put a card into the field, in place of the one there. 0x32 makes it a forged one, 0x40 no ID card at all."""
        with self._lock:
            self._lying = _Lying(card, read_status)

    def reject(self) -> None:
        """The card in the field and the module do not accept each other from now on."""
        with self._lock:
            if self._lying:
                self._lying.read_status = 0x32

    def not_an_id_card(self) -> None:
        """Put a bus ticket or a bank card into the field."""
        self.present(Card(bytes(256)), read_status=0x40)

    def remove(self) -> None:
        """Take the card out of the field."""
        with self._lock:
            self._lying = None

    def force(self, command: Command, status: int, times: int = 1) -> None:
        """Answer the next `times` questions of this command with `status`."""
        self._forced.setdefault(command, deque()).extend([status] * times)

    def spoil_checksum(self, times: int = 1, of: Command | None = READ) -> None:
        """Send the next `times` answers to a command (`None`: to any) with a wrong checksum."""
        self._spoils[of] += times

    def lose(self, times: int = 1, of: Command | None = READ) -> None:
        """Send nothing for the next `times` questions of a command (`None`: of any)."""
        self._losses[of] += times

    def run(self, stop: threading.Event) -> None:
        """Serve the host until `stop` is set."""
        while not stop.is_set():
            self.serve(0.02)

    def serve(self, timeout: float) -> None:
        """Answer what the host asks within `timeout` seconds; returns after the first bytes."""
        data = self._port.read(timeout)
        faults = self.stats.checksum_errors
        for command in self._decoder.feed(data, time.monotonic()):
            self._reply(command)
        if self.stats.checksum_errors > faults and not self.mute:
            self._port.write(Answer(0x10).to_bytes())

    def _reply(self, command: Command) -> None:
        self.asked[command] += 1
        if self.mute or _due(self._losses, command):
            return
        if command in (READ, READ_WITH_FINGERPRINT) and self.read_takes_s:
            time.sleep(self.read_takes_s)
        forced = self._forced.get(command)
        with self._lock:
            answer = Answer(forced.popleft()) if forced else self._answer(command)
        frame = bytearray(answer.to_bytes())
        if _due(self._spoils, command):
            frame[-1] ^= 0x55
        self._send(bytes(frame), notes_time=len(answer.data) > 256)

    def _send(self, frame: bytes, notes_time: bool) -> None:
        start = time.monotonic() + 10 * self._byte_s  # the question took its time, too
        step = _SLICE if self._pace else len(frame)
        for at in range(0, len(frame), step):
            piece = frame[at : at + step]
            if self._pace:
                time.sleep(max(0.0, start + (at + len(piece)) * self._byte_s - time.monotonic()))
            if notes_time and at + step >= len(frame):
                self.last_answer_at = time.monotonic()  # before the write: the host may be faster than this thread
            self._port.write(piece)

    def _answer(self, command: Command) -> Answer:
        if command == FIND:
            return self._find()
        if command == SELECT:
            return self._select()
        if command in (READ, READ_WITH_FINGERPRINT):
            return self._read(command)
        if command in (NEWEST_ADDRESS, CARD_NUMBER):
            return self._read_more(command)
        if command == RESET and self._lying:
            self._lying.selected = self._lying.was_read = False
        if command == IDENTITY:
            return Answer(OK, _IDENTITY)
        known = command in (RESET, STATUS) or command.code in (_BAUD_COMMAND, _RADIO_FRAME_COMMAND)
        return Answer(OK if known else 0x21)

    def _find(self) -> Answer:
        if not self._lying or (self._lying.was_read and not self.forgetful):
            return Answer(0x80)
        self._lying.selected = False
        return Answer(FOUND, bytes(4))

    def _select(self) -> Answer:
        if not self._lying:
            return Answer(0x81)
        self._lying.selected = True
        return Answer(OK, bytes(8))

    def _read(self, command: Command) -> Answer:
        if self.old and command == READ_WITH_FINGERPRINT:
            return Answer(0x21)
        if self.pull_during_read:
            self.pull_during_read, self._lying = False, None
        if not self._lying:
            return Answer(0x41)
        if not self._lying.selected:
            return Answer(0x23)
        if self._lying.read_status != OK:
            return Answer(self._lying.read_status)
        self._lying.was_read = True
        card = self._lying.card
        return Answer(OK, join_base_info(card.text, card.portrait, None if command == READ else card.fingerprint))

    def _read_more(self, command: Command) -> Answer:
        if not self._lying or not self._lying.selected:
            return Answer(0x41)
        if command == CARD_NUMBER:
            return Answer(OK, bytes(28))
        address = self._lying.card.newest_address.encode("utf-16-le")
        return Answer(OK, address.ljust(70, b" ")[:70]) if address else Answer(0x91)

    def command(self, text: str) -> str:
        """Do what one line of text says, and answer with one line; `_sam_console` lists the commands."""
        from drivers.reader._sam_console import execute

        return execute(self, text)

    def describe(self) -> str:
        """What lies in the field, without naming anyone."""
        with self._lock:
            if not self._lying:
                return "no card"
            return "a card, read" if self._lying.was_read else "a card, not read yet"


def _due(counts: Counter[Command | None], command: Command) -> bool:
    """Use up one of the planned faults, if there is one for this command."""
    for key in (command, None):
        if counts[key] > 0:
            counts[key] -= 1
            return True
    return False
