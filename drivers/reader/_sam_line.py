"""Question and answer with a SAM module: resending, strays, silence and damage."""

from __future__ import annotations

import time

from drivers.errors import BadAnswer, DeviceTimeout
from drivers.reader._sam_frames import (
    FIND,
    FOUND,
    IDENTITY,
    NEWEST_ADDRESS,
    OK,
    READ,
    READ_WITH_FINGERPRINT,
    SELECT,
    Answer,
    Command,
    Decoder,
    Reaction,
    Stats,
    split_base_info,
)
from drivers.transport import Transport

_GAP_S = 0.5  # longest silence within a frame
_WHOLE_S = 5.0  # longest time for an answer, however it trickles


class SamLine:
    """The host's end of the wire. `answer_s` is the longest silence before an answer, twice that for a card's data."""

    def __init__(self, stream: Transport, answer_s: float) -> None:
        self._stream = stream
        self._answer_s = answer_s
        self.stats = Stats()
        self._decoder = Decoder(Answer, self.stats)

    def close(self) -> None:
        """Give the wire back."""
        self._stream.close()

    def ask(self, command: Command) -> Answer:
        """The module's answer; asked once again where the first was lost, damaged, or the question not understood.

        Raises `DeviceTimeout` where nothing came, `BadAnswer` where nothing useful came, `DeviceLost`.
        """
        try:
            answer = self._ask_once(command)
            if answer.reaction is not Reaction.RESEND:
                return answer
        except (BadAnswer, DeviceTimeout):
            pass
        self.stats.retries += 1
        return self._ask_once(command)

    def rest_until(self, then: float) -> None:
        """Wait, with an ear on the wire: a plug that is pulled is heard at once, stray bytes are nothing."""
        while (left := then - time.monotonic()) > 0:
            self._stream.read(left)

    def _ask_once(self, command: Command) -> Answer:
        self._stream.discard()
        self._decoder.clear()
        self._stream.write(command.to_bytes())
        start = last = time.monotonic()
        silence_s = self._answer_s * (2 if command.code == READ.code else 1)
        faults, heard = self.stats.checksum_errors, False
        while True:
            patience = min(_GAP_S, silence_s) if self._decoder.partial else silence_s
            data = self._stream.read(max(min(last + patience, start + _WHOLE_S) - time.monotonic(), 0))
            now = time.monotonic()
            if not data or now > start + _WHOLE_S:
                raise self._silent(heard)
            heard, last = True, now
            for answer in self._decoder.feed(data, now):
                if _fits(command, answer):
                    return answer
            if self.stats.checksum_errors > faults:
                raise BadAnswer("the SAM module's answer has a wrong checksum")

    def _silent(self, heard: bool) -> BadAnswer | DeviceTimeout:
        self.stats.timeouts += 1
        if heard:
            return BadAnswer("the SAM module's answer is damaged or belongs to another question")
        return DeviceTimeout("the SAM module does not answer")


def _fits(command: Command, answer: Answer) -> bool:
    """Whether `answer` can belong to `command`. Answers do not name their question, and one may come late.

    Raises `BadAnswer` for a card's data that do not add up.
    """
    size = len(answer.data)
    if answer.status not in (OK, FOUND):
        return size == 0
    if command == FIND or answer.status == FOUND:
        return command == FIND and answer.status == FOUND
    if command in (READ, READ_WITH_FINGERPRINT):
        if size > 70:
            split_base_info(answer.data, command == READ_WITH_FINGERPRINT)
        return size > 70
    if command == NEWEST_ADDRESS:
        return size > 0 and size % 70 == 0
    return size == {SELECT: 8, IDENTITY: 16}.get(command, 0)
