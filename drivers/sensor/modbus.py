"""A passage sensor made of the discrete inputs of a Modbus RTU board, which is polled.

    modbus+serial:///dev/gate-relay?turn_in=1&turn_out=2&fire=3&tamper=4&held=5

The options name inputs by number, from 1, and may say how a contact rests: see `_contacts`. A board with relays too may
be used by `relay/modbus` at the same time, when both URLs name the same line and speed.

**What happens between two polls isn't seen.** A contact must keep its level for `poll_ms` + `debounce_ms` and the time
of two questions (about 120 ms with the defaults at 9600 baud), or it may be missed, and so must the pause between two
turns. When polls failed, a turn may have been missed too: `read` then raises, so that somebody knows of it.

Light beams need fast polling (`poll_ms=10`, 38400 baud): where both are hit between two polls nobody knows the
direction, and nothing is told.

The fire input frees the turnstile by its own wire. What arrives here is only seen and written down. It is a closed loop
at rest (`fire_active=low`): a cut wire is a fire.

Device: contacts and light beams on a Modbus RTU board with discrete inputs
Does: as `sensor/gpio`, but polled: what is shorter than two polls is missed
Tried: simulator, bad wires, pymodbus's server
Untried: a real board
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from drivers import _contacts, _modbus
from drivers._inputs import Contact, Inputs, Timing
from drivers._modbus import Unit, open_unit
from drivers._modbus_board import ModbusSimulator
from drivers.errors import BadAnswer, DriverError, UnknownDevice
from drivers.pty_port import PtyPort
from drivers.url import DeviceUrl
from models.passage import SensorSignal

TRANSPORTS = _modbus.TRANSPORTS
OPTIONS: dict[str, str] = {
    **_modbus.OPTIONS,
    **_contacts.OPTIONS,
    "turn_in": "input that shows a turn inwards, from 1; 0 is none (1)",
    "active": "level of a closed contact, high or low (high)",
    "fire_active": "level that means fire where the input doesn't say no or nc, high or low (low)",
    "poll_ms": "time between two polls, 5 to 1000 (50)",
}

POLL_S = 0.05
HIGHEST_INPUT = 64

_BLIND_S = 0.2  # a repeated question that took longer may have hidden a turn


class ModbusSensor:
    """The host's half. It polls while it is read, and only then."""

    def __init__(
        self,
        unit: Unit,
        contacts: Mapping[str, Contact],
        *,
        poll_s: float = POLL_S,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Takes over `unit` and polls once. `contacts`, at least one, go by the names of their options.

        A turn that stands at the first look isn't one; a state that stands then is told.
        """
        self._unit = unit
        self._inputs = Inputs(contacts, timing or Timing())
        numbers = [int(contact.input) for contact in contacts.values()]
        self._first, self._count = min(numbers), max(numbers) - min(numbers) + 1
        self._poll_s = poll_s
        self._clock, self._wait = clock, wait
        self._due = self._seen_at = clock()
        self._repeats = 0
        self._queue: deque[SensorSignal | BadAnswer] = deque()
        self._poll()

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None`.

        Raises `DeviceTimeout`, `BadAnswer` or `DeviceRefused` for a poll that failed twice, and `BadAnswer` once where
        a repeated question took so long that a turn may have been missed.
        """
        self._unit.check_open()
        ends = self._clock() + timeout
        while not self._queue:
            pause = min(self._due, ends) - self._clock()
            if pause > 0:
                self._wait(pause)
            if self._due <= self._clock():
                self._poll()
            if not self._queue and self._clock() >= ends:
                return None
        item = self._queue.popleft()
        if isinstance(item, BadAnswer):
            raise item
        return item

    def close(self) -> None:
        """Give the line back."""
        self._unit.close()

    def _poll(self) -> None:
        self._due = self._clock() + self._poll_s
        levels = self._unit.read_inputs(self._first - 1, self._count)
        now = self._clock()
        self._notice_blindness(now)
        self._queue += self._inputs.sample({str(n): level for n, level in enumerate(levels, self._first)}, now)
        self._due = min(self._due, self._inputs.due() or self._due)

    def _notice_blindness(self, now: float) -> None:
        blind_s, repeated = now - self._seen_at, self._unit.repeats > self._repeats
        self._seen_at, self._repeats = now, self._unit.repeats
        if repeated and blind_s > _BLIND_S:
            self._queue.append(BadAnswer(f"passage sensor: blind for {blind_s:.2f} s, a turn may have been missed"))


def open(url: DeviceUrl) -> ModbusSensor:
    """Connect, and poll once: a board that doesn't answer is no sensor."""
    contacts = _contacts_of(url)
    poll_s = url.option("poll_ms", float, POLL_S * 1000, low=5, high=1000) / 1000
    timing = _contacts.timing_of(url)
    unit = open_unit(url)
    try:
        return ModbusSensor(unit, contacts, poll_s=poll_s, timing=timing)
    except DriverError:
        unit.close()
        raise


def _contacts_of(url: DeviceUrl) -> dict[str, Contact]:
    def check(name: str, source: str) -> str:
        if not (source.isascii() and source.isdigit() and int(source) <= HIGHEST_INPUT):
            raise UnknownDevice(f"{url}: {name}={source!r} is no input, expected 0 (none) to {HIGHEST_INPUT}")
        return str(int(source)) if int(source) else ""

    return _contacts.contacts_of(
        url,
        check,
        closed_level=url.choice("active", _contacts.LEVELS, "high") == "high",
        fire_level=url.choice("fire_active", _contacts.LEVELS, "low") == "high",
        defaults={"turn_in": "1"},
    )


def simulator(port: PtyPort) -> ModbusSimulator:
    """The board's half on `port`: turns at the inputs 1 and 2, the fire loop at 3."""
    return ModbusSimulator(port)
