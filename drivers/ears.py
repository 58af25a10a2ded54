"""How the wires of our drivers sound: decoders that listen only, for the signal doctor (see `drivers.traffic`).

They are made of the same parts as the drivers. A driver that is not named here may bring its own as `ear()`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from drivers import _modbus
from drivers.reader._code_lines import CodeCutter, TooLong
from drivers.reader._osdp_frames import Frames
from drivers.reader._sam_frames import FOUND, IDENTITY, OK, Answer, Decoder, Reaction, Stats
from drivers.sensor._contact_lines import Broken, LineCutter
from drivers.traffic import DeafEar, Ear

_CONTACT_LINE = 9  # characters in a message
_STRANGE = frozenset({*range(9), 11, 12, *range(14, 29), 30, 31, 127, 128, 255})  # no text has them: wrong speed has
_FORWARDED_TIMEOUT = bytes.fromhex("AAAAAA9669 0005 05050505")  # a forwarding processor whose far end was late


class SamEar(DeafEar):
    """Frames of a SAM module, and what it says of the cards in its field."""

    asks = True

    def __init__(self) -> None:
        super().__init__()
        self._stats = Stats()
        self._decoder = Decoder(Answer, self._stats)
        self._question = b""
        self._came = self._whole = 0

    def asked(self, question: bytes) -> None:
        """See `Ear`. What is no frame when the next question is asked never becomes one."""
        self._decoder.clear()
        self._question = question
        self.heard.noise = self._came - self._whole

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""
        self._came += len(data)
        self.heard.remote += data.count(_FORWARDED_TIMEOUT)
        for answer in self._decoder.feed(data, now):
            self._whole += len(answer.to_bytes())
            self._note(answer)
        self.heard.frames, self.heard.bad_checks = self._stats.frames, self._stats.checksum_errors

    def _note(self, answer: Answer) -> None:
        self.heard.found += answer.status == FOUND
        self.heard.radio += answer.reaction is Reaction.PRESENT_AGAIN
        self.heard.alarms += answer.reaction is Reaction.ALARM
        if self._question == IDENTITY.to_bytes():
            tells_number = answer.status == OK and len(answer.data) == 16
            self.heard.local += tells_number
            self.heard.remote += not tells_number


class ModbusEar(DeafEar):
    """Answers of Modbus RTU boards."""

    asks = True

    def __init__(self) -> None:
        super().__init__()
        self._question = self._rest = b""

    def asked(self, question: bytes) -> None:
        """See `Ear`."""
        self.heard.noise += len(self._rest)
        self._question, self._rest = question, b""

    def echo_tells(self, question: bytes) -> bool:
        """A board confirms a write in the very words of the order; it never does so to a read."""
        return question[1:2] != bytes((_modbus.Function.WRITE_COIL,))

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""
        self._rest += data
        ours = self._rest[:1] == self._question[:1] and self._rest != self._question
        confirmed = self._rest == self._question and not self.echo_tells(self._question)
        if _modbus.is_whole(self._rest) and (ours or confirmed):
            self.heard.frames, self._rest = self.heard.frames + 1, b""
        elif ours and len(self._rest) == _size(self._rest):
            self.heard.bad_checks, self._rest = self.heard.bad_checks + 1, b""


def _size(answer: bytes) -> int:
    """How long an answer that begins like `answer` says it is."""
    if len(answer) < 3 or answer[1] & 0x80:
        return 5
    return 8 if answer[1] == _modbus.Function.WRITE_COIL else 5 + answer[2]


class OsdpEar(DeafEar):
    """Whole OSDP frames; what stands between them is noise."""

    asks = True

    def __init__(self) -> None:
        super().__init__()
        self._frames = Frames()
        self._came = self._whole = 0

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""
        self._came += len(data)
        self._whole += len(self._frames.take(data))
        self.heard.frames, self.heard.noise = self._frames.count, self._came - self._whole


class ContactEar(DeafEar):
    """The lines of a contact board, which talks by itself once a second."""

    def __init__(self) -> None:
        super().__init__()
        self._cutter = LineCutter()

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""
        for line in self._cutter.feed(data):
            if isinstance(line, Broken):
                self.heard.bad_checks += line.size == _CONTACT_LINE
                self.heard.noise += 0 if line.size == _CONTACT_LINE else line.size
            else:
                self.heard.frames += 1


class TextEar(DeafEar):
    """Codes of a scanner, which are text."""

    def __init__(self) -> None:
        super().__init__()
        self._cutter = CodeCutter()

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""
        self.heard.noise += sum(byte in _STRANGE for byte in data)
        for piece in [*self._cutter.quiet(now), *self._cutter.feed(data, now)]:
            self.heard.frames += not isinstance(piece, TooLong) and not _STRANGE & set(piece)


_EARS: dict[str, Callable[[], Ear]] = {
    "reader/sam": SamEar,
    "reader/osdp": OsdpEar,
    "reader/line": TextEar,
    "relay/modbus": ModbusEar,
    "sensor/modbus": ModbusEar,
    "sensor/serial": ContactEar,
}


def ear_of(kind: str, name: str, module: ModuleType) -> Ear | None:
    """An ear for the driver, or `None` where nobody knows how its wire sounds."""
    make = getattr(module, "ear", None) or _EARS.get(f"{kind}/{name}")
    return make() if make is not None else None
