"""The relay's thread: pulses that are never late, and rest whenever anything is in doubt."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from drivers.errors import DeviceLost, DeviceTimeout
from drivers.interfaces import Relay
from gate.messages import Post
from gate.pump import Pump
from gate.vitals import Backoff

POLL_S = 1.0  # an idle relay is asked this often whether it is still there
COMMAND_S = 0.5  # a relay command that waited longer than this is dead
SHORTEST_PULSE_S = 0.15  # turnstiles ask for a tenth of a second
GAP_S = 0.05  # between two pulses, so that the turnstile sees them both


@dataclass(frozen=True, slots=True)
class _Command:
    """Something for the relay to do before `deadline_mono`, and where to say that it was done."""

    act: Callable[[Relay, Callable[[], None]], None]  # calls its second argument when the contact has moved
    deadline_mono: float
    done: Future[None] = field(default_factory=Future)


class RelayPump(Pump[Relay]):
    """Drives the turnstile. Never late: a command that can't run now fails now.

    Every new connection begins with the contact at rest, and so does the end. Any error during a command leads to a
    new connection, because only rest is a state that we are sure of. A free passage that shall go on after `DeviceUp`
    is to be asked for again.

    A driver whose board can't time a pulse says so with `times_pulses = False`: the pump then closes the contact,
    tells, waits and opens it, so that nobody at the turnstile waits for the end of a pulse.
    """

    def __init__(self, name: str, connect: Callable[[], Relay], post: Post, *, backoff: Backoff | None = None) -> None:
        super().__init__(name, connect, post, backoff=backoff)
        self._commands: queue.Queue[_Command | None] = queue.Queue()
        self._asked = threading.Event()
        self._intake = threading.Lock()
        self._open = False  # guarded by _intake: with the relay away nothing enters the queue
        self._held = False

    def pulse(self, seconds: float) -> Future[None]:
        """Close the contact for `seconds`. The future ends when the contact has closed, or fails with a `DriverError`.

        Cancelling the future withdraws a pulse that has not begun. With a relay that hangs it never ends: wait with a
        limit of your own.
        """
        return self._ask(lambda relay, begun: self._pulse(relay, seconds, begun))

    def hold(self, closed: bool) -> Future[None]:
        """Keep the contact closed, or at rest."""
        return self._ask(lambda relay, begun: self._hold(relay, closed))

    def poll(self) -> Future[None]:
        """Ask the relay now whether it is there; the contact does not move."""
        return self._ask(lambda relay, begun: relay.poll())

    def stop(self, timeout_s: float = 5.0) -> bool:
        """As every pump; the contact is at rest afterwards if the relay still listens."""
        self._stopping.set()
        self._commands.put(None)  # wakes the thread
        self._asked.set()
        return super().stop(timeout_s)

    def _ask(self, act: Callable[[Relay, Callable[[], None]], None]) -> Future[None]:
        command = _Command(act, time.monotonic() + COMMAND_S)
        with self._intake:
            if self._open:
                self._commands.put(command)
                self._asked.set()
            else:
                command.done.set_exception(DeviceLost(f"{self.name} is not connected"))
        return command.done

    def _greet(self, device: Relay) -> None:
        self._hold(device, False)
        with self._intake:  # before anybody hears of `DeviceUp` and asks for something
            self._open = True

    def _serve(self, device: Relay) -> None:
        try:
            while not self._stopping.is_set():
                self._turn(device)
            device.hold(False)
        finally:
            self._close_intake()

    def _turn(self, relay: Relay) -> None:
        try:
            command = self._commands.get(timeout=POLL_S)
        except queue.Empty:
            relay.poll()
        else:
            if command is not None:
                self._obey(relay, command)
        self._vitals.beat()

    def _obey(self, relay: Relay, command: _Command) -> None:
        if not command.done.set_running_or_notify_cancel():
            return
        if time.monotonic() > command.deadline_mono:
            command.done.set_exception(DeviceTimeout(f"{self.name} was busy for more than {COMMAND_S} s"))
            return
        try:
            command.act(relay, lambda: command.done.set_result(None))
        except Exception as error:
            if not command.done.done():  # else it is opening that failed: the next connection begins at rest
                command.done.set_exception(error)
            raise
        if not command.done.done():
            command.done.set_result(None)

    def _pulse(self, relay: Relay, seconds: float, begun: Callable[[], None]) -> None:
        self._count_closing()
        if getattr(relay, "times_pulses", True):
            relay.pulse(seconds)
            return
        relay.hold(True)
        begun()
        self._dwell(seconds)
        relay.hold(self._held)
        if not self._commands.empty():
            self._stopping.wait(GAP_S)

    def _dwell(self, seconds: float) -> None:
        """Let the pulse last, but not at the next person's cost: what is asked for meanwhile cuts it short."""
        begun_at = time.monotonic()
        self._asked.clear()
        if self._commands.empty():
            self._asked.wait(seconds)
        self._stopping.wait(max(0.0, begun_at + min(seconds, SHORTEST_PULSE_S) - time.monotonic()))

    def _hold(self, relay: Relay, closed: bool) -> None:
        if closed:
            self._count_closing()
        relay.hold(closed)
        self._held = closed

    def _count_closing(self) -> None:
        """What wears a contact. One that is held already does not move."""
        if not self._held:
            self._vitals.count_use()

    def _close_intake(self) -> None:
        with self._intake:
            self._open = False
            while not self._commands.empty():
                command = self._commands.get_nowait()
                if command is not None and command.done.set_running_or_notify_cancel():
                    command.done.set_exception(DeviceLost(f"{self.name} was lost before it could obey"))
