"""A passage sensor made of the discrete inputs of a Modbus RTU board, which is polled.

    modbus+serial:///dev/gate-relay?turn_in=1&turn_out=2&fire=3&tamper=4&held=5

The options name inputs by number, from 1; 0 is none. A board with relays too may be used by `relay/modbus` at the same
time, when both URLs name the same line and speed.

**What happens between two polls isn't seen.** A contact must keep its level for `poll_ms` + `debounce_ms` and the time
of two questions (about 120 ms with the defaults at 9600 baud), or it may be missed, and so must the pause between two
turns. When polls failed, a turn may have been missed too: `read` then raises, so that somebody knows of it.

The fire input frees the turnstile by its own wire. What arrives here is only seen and written down. It is a closed loop
at rest (`fire_active=low`): a cut wire is a fire.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers import _modbus
from drivers._modbus import Unit, open_unit
from drivers._modbus_board import ModbusSimulator
from drivers.errors import BadAnswer, DriverError, UnknownDevice
from drivers.pty_port import PtyPort
from drivers.url import DeviceUrl
from models.passage import Direction, SensorSignal, SignalKind

TRANSPORTS = _modbus.TRANSPORTS
OPTIONS: dict[str, str] = {
    **_modbus.OPTIONS,
    "turn_in": "input that shows a turn inwards (1)",
    "turn_out": "input that shows a turn outwards (0, none)",
    "fire": "input of the fire loop (0, none)",
    "tamper": "input of the cover's contact (0, none)",
    "held": "input that shows the turnstile kept from closing (0, none)",
    "active": "level that means something, high or low, of all but fire (high)",
    "fire_active": "level that means fire, high or low (low)",
    "poll_ms": "time between two polls, 5 to 1000 (50)",
    "debounce_ms": "how long a level must last to count, 20 to 50 (30)",
    "stuck_s": "a turn that lasts longer is a stuck contact, in seconds (10)",
}

POLL_S = 0.05
DEBOUNCE_S = 0.03
STUCK_S = 10.0
HIGHEST_INPUT = 64

_BLIND_S = 0.2  # a repeated question that took longer may have hidden a turn
_TURNS = {"turn_in": Direction.ENTRY, "turn_out": Direction.EXIT}
_STATES = {"fire": SignalKind.FIRE, "tamper": SignalKind.TAMPER, "held": SignalKind.HELD_OPEN}
_LEVELS = ("high", "low")


@dataclass(slots=True)
class Contact:
    """One input: which level means something, and what has been seen of it. Times are the clock's.

    `settled` is whether it is active, debounced; `None` before the first look.
    """

    number: int
    active_level: bool = True
    settled: bool | None = None
    settled_at: float = 0.0
    differs_since: float | None = None
    stuck: bool = False

    def look(self, level: bool, now: float, debounce_s: float) -> bool:
        """Take in a level. Gives whether the contact has just settled on another state than before."""
        active = level == self.active_level
        if self.settled is None:
            self.settled, self.settled_at = active, now
        elif active == self.settled:
            self.differs_since = None
        elif self.differs_since is None:
            self.differs_since = now
        elif now - self.differs_since >= debounce_s:
            self.settled, self.settled_at, self.differs_since = active, now, None
            return True
        return False


class ModbusSensor:
    """The host's half. It polls while it is read, and only then."""

    def __init__(
        self,
        unit: Unit,
        contacts: Mapping[str, Contact],
        *,
        poll_s: float = POLL_S,
        debounce_s: float = DEBOUNCE_S,
        stuck_s: float = STUCK_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Takes over `unit` and polls once. `contacts`, at least one, go by the names of their options.

        A turn that stands at the first look isn't one; a state that stands then is told.
        """
        self._unit = unit
        self._contacts = dict(contacts)
        self._poll_s, self._debounce_s, self._stuck_s = poll_s, debounce_s, stuck_s
        self._clock, self._wait = clock, wait
        self._due = self._seen_at = clock()
        self._repeats = 0
        self._open_causes = 0
        self._queue: deque[SensorSignal | BadAnswer] = deque()
        for name in _STATES.keys() & self._contacts.keys():
            self._contacts[name].settled = False
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
        numbers = [contact.number for contact in self._contacts.values()]
        first = min(numbers)
        levels = self._unit.read_inputs(first - 1, max(numbers) - first + 1)
        now = self._clock()
        self._notice_blindness(now)
        for name, contact in self._contacts.items():
            settled = contact.look(levels[contact.number - first], now, self._debounce_s)
            if name in _STATES:
                self._see_state(_STATES[name], contact, settled)
            else:
                self._see_turn(_TURNS[name], contact, settled, now)
        if any(contact.differs_since is not None for contact in self._contacts.values()):
            self._due = min(self._due, now + self._debounce_s)

    def _notice_blindness(self, now: float) -> None:
        blind_s, repeated = now - self._seen_at, self._unit.repeats > self._repeats
        self._seen_at, self._repeats = now, self._unit.repeats
        if repeated and blind_s > _BLIND_S:
            self._queue.append(BadAnswer(f"passage sensor: blind for {blind_s:.2f} s, a turn may have been missed"))

    def _see_turn(self, direction: Direction, contact: Contact, settled: bool, now: float) -> None:
        if settled and contact.settled:
            self._queue.append(SensorSignal(SignalKind.TURNED, direction))
        if contact.settled and not contact.stuck and now - contact.settled_at > self._stuck_s:
            contact.stuck = True
            self._open_causes += 1
            self._queue.append(SensorSignal(SignalKind.HELD_OPEN, direction, f"stuck input {contact.number}"))
        elif contact.stuck and not contact.settled:
            contact.stuck = False
            self._end_of_open()

    def _see_state(self, state: SignalKind, contact: Contact, settled: bool) -> None:
        if not settled:
            return
        held = state is SignalKind.HELD_OPEN
        if contact.settled:
            self._open_causes += held
            self._queue.append(SensorSignal(state))
        elif held:
            self._end_of_open()
        else:
            self._queue.append(SensorSignal(SignalKind.CLEARED, detail=state.value))

    def _end_of_open(self) -> None:
        """Stuck inputs and the held one make one state, which ends with the last of them."""
        self._open_causes -= 1
        if not self._open_causes:
            self._queue.append(SensorSignal(SignalKind.CLEARED, detail=SignalKind.HELD_OPEN.value))


def open(url: DeviceUrl) -> ModbusSensor:
    """Connect, and poll once: a board that doesn't answer is no sensor."""
    contacts = _contacts_of(url)
    poll_s = url.option("poll_ms", float, POLL_S * 1000, low=5, high=1000) / 1000
    debounce_s = url.option("debounce_ms", float, DEBOUNCE_S * 1000, low=20, high=50) / 1000
    stuck_s = url.option("stuck_s", float, STUCK_S, low=1, high=3600)
    unit = open_unit(url)
    try:
        return ModbusSensor(unit, contacts, poll_s=poll_s, debounce_s=debounce_s, stuck_s=stuck_s)
    except DriverError:
        unit.close()
        raise


def _contacts_of(url: DeviceUrl) -> dict[str, Contact]:
    high = url.choice("active", _LEVELS, "high") == "high"
    fire_high = url.choice("fire_active", _LEVELS, "low") == "high"
    contacts: dict[str, Contact] = {}
    for name in (*_TURNS, *_STATES):
        number = url.option(name, int, int(name == "turn_in"), low=0, high=HIGHEST_INPUT)
        if number in [other.number for other in contacts.values()]:
            raise UnknownDevice(f"{url}: input {number} is given twice, the second time as {name}")
        if number:
            contacts[name] = Contact(number, fire_high if name == "fire" else high)
    if not contacts:
        raise UnknownDevice(f"{url}: no input is given; name at least one, such as turn_in=1")
    return contacts


def simulator(port: PtyPort) -> ModbusSimulator:
    """The board's half on `port`: turns at the inputs 1 and 2, the fire loop at 3."""
    return ModbusSimulator(port)
