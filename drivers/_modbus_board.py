"""A Modbus board with eight relays and eight inputs: the far end of the wire for `relay/modbus` and `sensor/modbus`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers._modbus import Function, is_whole, pack_bits, seal, unpack_bits
from drivers.transport import PtyPort
from models.passage import Direction

CHANNELS = 8
TURN_INPUTS = {Direction.ENTRY: 1, Direction.EXIT: 2}
FIRE_INPUT = 3
BEAM_INPUTS = {"a": 6, "b": 7}

_ALL = 0xFF
_FLASH_ON, _FLASH_OFF = 2, 4  # high byte of the coil's address
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE, _FAILURE = 1, 2, 3, 4
_STILL_S = 0.06  # longer than any debounce
_SILENCE_S = 0.04  # much longer than on a real line, since a busy computer makes pauses of its own


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a relay's contact. `at` is monotonic time in seconds."""

    at: float
    channel: int
    on: bool


class ModbusSimulator:
    """A board on the far end of `port`. `run` works until told to stop; the rest may be used from any thread.

    `waveshare`: knows the flash and toggle codes, else refuses them. `mute`: obeys and never answers. `jam`: the
    contacts no longer move, which such a board does not notice. `fault`: refuses everything with this exception code.
    `on_pulse` is called with the channel's number whenever a contact closes. Input 3 is a closed fire loop at rest.
    """

    def __init__(self, port: PtyPort, *, address: int = 1, waveshare: bool = True) -> None:
        self.port = port
        self.waveshare = waveshare
        self.mute = False
        self.jam = False
        self.fault = 0
        self.patience_s = 0.5
        self.on_pulse: Callable[[int], None] | None = None
        self.changes: list[Change] = []
        self.pulses = 0
        self._address = address
        self._coils = [False] * CHANNELS
        self._contacts = [False] * CHANNELS
        self._inputs = [number == FIRE_INPUT for number in range(1, CHANNELS + 1)]
        self._flashes: dict[int, float] = {}
        self._polled = 0
        self._news = threading.Condition()
        self._pace = threading.Event()  # never set: people need time
        self._buffer = b""
        self._heard_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Serve the wire."""
        while not stop.is_set():
            self._serve(self.port.read(self._nap_s()))

    def state(self, channel: int) -> bool:
        """Whether the contact of `channel` is closed."""
        return self._contacts[channel - 1]

    def set_input(self, number: int, level: bool) -> None:
        """Give input `number`, 1 to 8, a level."""
        self._inputs[number - 1] = level

    def turn(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody goes through: the input of `direction` changes and changes back.

        It stays each time until the host has asked often enough to see it; each wait for it ends after `patience_s`.
        """
        number = TURN_INPUTS[direction]
        for _ in range(2):
            self.set_input(number, not self._inputs[number - 1])
            self._wait_until_seen()

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds; looked at after every frame and every end of a flash."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def command(self, text: str) -> str:
        """One of the commands that `help` names."""
        match text.split():
            case ["state"]:
                closed = [str(n) for n in range(1, CHANNELS + 1) if self.state(n)]
                high = [str(n) for n in range(1, CHANNELS + 1) if self._inputs[n - 1]]
                told = (f"closed: {', '.join(closed) or 'none'}", f"pulses: {self.pulses}")
                return "; ".join((*told, f"inputs: {', '.join(high) or 'none'}"))
            case ["jam" | "free" as word]:
                self.jam = word == "jam"
            case ["mute" | "speak" as word]:
                self.mute = word == "mute"
            case ["refuse" | "obey" as word]:
                self.fault = _FAILURE if word == "refuse" else 0
            case ["turn"] | ["turn", "entry" | "exit"] as words:
                self.turn(Direction.EXIT if words[-1] == "exit" else Direction.ENTRY)
            case ["fire", "on" | "off" as fire]:
                self.set_input(FIRE_INPUT, fire == "off")
            case ["beam", "a" | "b" as beam, "on" | "off" as level]:
                self.set_input(BEAM_INPUTS[beam], level == "on")
            case ["input", number, "on" | "off" as level] if number in "12345678" and len(number) == 1:
                self.set_input(int(number), level == "on")
            case _:
                inputs = "turn, turn exit, fire on, fire off, beam a on, beam b off, input 1 on, input 1 off"
                return f"commands: state, jam, free, mute, speak, refuse, obey, {inputs}"
        return "done"

    def _wait_until_seen(self) -> None:
        """Until the host has looked, the contact has been still for a while, and the host has looked again."""
        self._wait_for_polls(1)
        self._pace.wait(_STILL_S)
        self._wait_for_polls(2)  # the first of them may be older than the end of the wait

    def _wait_for_polls(self, count: int) -> None:
        with self._news:
            seen = self._polled + count
            self._news.wait_for(lambda: self._polled >= seen, self.patience_s)

    def _nap_s(self) -> float:
        """Until the next flash ends, and not for long."""
        left = [ends - time.monotonic() for ends in self._flashes.values()]
        return max(0.0, min((0.05, *left)))

    def _serve(self, data: bytes) -> None:
        self._end_flashes()
        now = time.monotonic()
        if now - self._heard_at > _SILENCE_S:
            self._buffer = b""  # silence divides the frames
        if data:
            self._heard_at = now
        self._buffer += data
        while self._buffer:
            size = self._frame_size()
            if len(self._buffer) < size:
                return
            frame = self._buffer[:size]
            if not size or not is_whole(frame):
                self._buffer = self._buffer[1:]
                continue
            self._buffer = self._buffer[size:]
            self._answer(frame)

    def _frame_size(self) -> int:
        """How long a frame that begins like the buffer is; 0 where none begins so."""
        head = self._buffer
        if head[0] != self._address or (len(head) > 1 and not 1 <= head[1] <= 16):
            return 0
        if len(head) < 7 or head[1] != Function.WRITE_COILS:
            return 8
        return 9 + head[6] if head[6] == (int.from_bytes(head[4:6], "big") + 7) // 8 else 0

    def _answer(self, frame: bytes) -> None:
        self._end_flashes()
        first, value = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        outcome = self.fault or self._act(frame, first, value)
        reads = frame[1] == Function.READ_INPUTS
        if isinstance(outcome, int):
            outcome = bytes((frame[1] | 0x80, outcome))
        if not self.mute:
            self.port.write(seal(frame[:1] + outcome))
        with self._news:
            self._polled += reads and not self.mute
            self._news.notify_all()

    def _act(self, frame: bytes, first: int, value: int) -> bytes | int:
        """Do what a frame says: its answer between address and CRC, or an exception code."""
        match frame[1]:
            case Function.READ_COILS | Function.READ_INPUTS:
                bits = self._coils if frame[1] == Function.READ_COILS else self._inputs
                packed = pack_bits(bits[first : first + value])
                return frame[1:2] + bytes((len(packed),)) + packed if self._has(first, value) else _ILLEGAL_ADDRESS
            case Function.WRITE_COIL:
                return self._write_coil(first, value) or frame[1:6]
            case Function.WRITE_COILS:
                if not self._has(first, value):
                    return _ILLEGAL_ADDRESS
                for coil, on in enumerate(unpack_bits(frame[7:-2], value), first):
                    self._switch(coil, on)
                return frame[1:6]
        return _ILLEGAL_FUNCTION

    def _write_coil(self, first: int, value: int) -> int:
        """One write, plain or Waveshare's own. Gives an exception code or 0."""
        high, coil = divmod(first, 256)
        if high in (_FLASH_ON, _FLASH_OFF) and self.waveshare and coil < CHANNELS:
            self._switch(coil, high == _FLASH_ON)
            self._flashes[coil] = time.monotonic() + value / 10
            return 0
        everyone = self.waveshare and first == _ALL
        if not everyone and not self._has(first, 1):
            return _ILLEGAL_ADDRESS
        if value not in (0xFF00, 0) and not (self.waveshare and value == 0x5500):
            return _ILLEGAL_VALUE
        for one in range(CHANNELS) if everyone else [coil]:
            self._switch(one, not self._coils[one] if value == 0x5500 else value == 0xFF00)
        return 0

    @staticmethod
    def _has(first: int, count: int) -> bool:
        return count > 0 and first + count <= CHANNELS

    def _end_flashes(self) -> None:
        for coil in [coil for coil, ends in self._flashes.items() if time.monotonic() >= ends]:
            self._switch(coil, not self._coils[coil])
            with self._news:
                self._news.notify_all()

    def _switch(self, coil: int, on: bool) -> None:
        self._flashes.pop(coil, None)
        self._coils[coil] = on
        if self.jam or self._contacts[coil] == on:
            return
        self._contacts[coil] = on
        self.changes.append(Change(time.monotonic(), coil + 1, on))
        self.pulses += on
        if on and self.on_pulse is not None:
            self.on_pulse(coil + 1)
