"""A crowd at one lane: a daemon in a process of its own, wired to simulated devices, and visitors one after the other.

Pictures are drawn, faces enrolled and tickets sold before the first visitor comes: while times are taken, this process
only plays the devices.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from drivers import connect
from drivers.camera import _visitors as visitors
from drivers.interfaces import Frame
from drivers.reader._sam_frames import FIND
from drivers.reader.sam import Card
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Looks, person
from gate.demo.link import GateSilent
from gate.demo.night import NotAsTold
from gate.demo.rig import Rig, Wiring
from models.decision import Profile
from models.face import FaceReference

PULSE_S = 0.06
"""The relay's pulse: short, since the next visitor waits until the contact is open again."""

PATIENCE_S = 5.0
LOOKS, FRAMES = 16, 3
"""How many different people come, and how many pictures the camera has of each."""


@dataclass(frozen=True, slots=True)
class Visit:
    """When things happened, in monotonic seconds. `read_at`: just before the card's last bytes went to the gate."""

    presented_at: float
    read_at: float
    relay_at: float

    @property
    def card_to_relay_ms(self) -> float:
        """What the gate itself takes: from the card's last bytes on the wire to the closed contact."""
        return (self.relay_at - self.read_at) * 1000

    @property
    def reading_ms(self) -> float:
        """What the reader takes: from the card in the field to its last bytes on the wire."""
        return (self.read_at - self.presented_at) * 1000


class Crowd:
    """Visitors with valid tickets. With `faces` each is looked at and compared, with `ready_s` before the card."""

    def __init__(self, rig: Rig, count: int, *, faces: bool, ready_s: float = 0.0) -> None:
        self.rig = rig
        self._stands = ready_s > 0.0
        self._drawn = _drawn() if faces else []
        handed_in = Looks(pictures=(_stand_in(rig.folder),))  # nobody looks at it: the references are known
        self._people = [replace(person(index, handed_in), declined=not faces) for index in range(count)]
        self._next = 0
        profile = Profile.CONCERT if faces else Profile.CARD
        policy = replace(evening_policy(profile), pulse_s=PULSE_S, show_s=0.2, face_ready_s=ready_s)
        sell(rig, self._people, policy, known=self._references() if faces else None)

    def enter(self, count: int) -> list[Visit]:
        """The next `count` visitors come, are admitted, and walk through."""
        return [self.comes() for _ in range(count)]

    def comes(self, then: Callable[[], object] = lambda: None) -> Visit:
        """One visitor; `then` is called before he walks. Raises `NotAsTold` when the relay does not move."""
        who, number = self._people[self._next], self._next
        self._next += 1
        rig, relay = self.rig, self.rig.relay
        if self._drawn:
            rig.stage.show(self._drawn[number % len(self._drawn)])
        if self._stands:
            self._is_seen()
        pulses, presented_at = relay.pulses, time.monotonic()
        rig.reader.present(who.card())
        if not relay.wait_for(lambda: relay.pulses > pulses, PATIENCE_S):
            raise NotAsTold(f"visitor {number} was not let in: {self._state()}")
        visit = Visit(presented_at, rig.reader.last_answer_at, relay.changes[-1].at)
        then()
        self._walks()
        return visit

    def next_card(self) -> Card:
        """The card of the next visitor, who does not walk in by himself."""
        self._next += 1
        return self._people[self._next - 1].card()

    def _is_seen(self) -> None:
        """Stands there and feels for the card, until the camera has taken three pictures of him."""
        wanted, ends = self.rig.stage.frames_taken + 3, time.monotonic() + PATIENCE_S
        while self.rig.stage.frames_taken < wanted and time.monotonic() < ends:
            time.sleep(0.005)

    def _walks(self) -> None:
        """Takes the card away and goes through; the lane is at rest afterwards."""
        rig = self.rig
        rig.stage.clear()
        rig.reader.remove()
        looked, since = rig.reader.asked[FIND], rig.link.seen
        rig.sensor.turn()
        rig.link.wait_view(lambda view: view.phase == "idle", PATIENCE_S, since)
        rig.relay.wait_for(lambda: not rig.relay.state(1), PATIENCE_S)
        ends = time.monotonic() + PATIENCE_S
        while rig.reader.asked[FIND] < looked + 2 and time.monotonic() < ends:
            time.sleep(0.005)  # the reader sees the empty field

    def _references(self) -> dict[str, FaceReference]:
        with closing(connect("face", self.rig.wiring.face)) as engine:
            probes = [engine.enrol(visitors.portrait(visitors.identity(seed))) for seed in _seeds()]
        known = [FaceReference(probe.model_version, probe.template) for probe in probes]
        return {one.ticket: known[index % len(known)] for index, one in enumerate(self._people)}

    def _state(self) -> str:
        snapshot = self.rig.link.snapshot
        return f"{snapshot.view.phase}, {snapshot.view.reason}" if snapshot else "the lane is silent"


@contextmanager
def lane(folder: Path, count: int, *, faces: bool, pace: bool = True, ready_s: float = 0.0) -> Iterator[Crowd]:
    """A running lane and `count` visitors before it. `pace`: the reader's bytes take as long as on a real line."""
    wiring = Wiring(camera=faces, exit_reader=False, pace=pace, poll_ms=20)
    with Rig(folder, wiring) as rig:
        crowd = Crowd(rig, count, faces=faces, ready_s=ready_s)
        try:
            rig.start()
            yield crowd
        except (GateSilent, NotAsTold) as error:
            error.add_note(f"the daemon's log ends:\n{rig.log()[-2000:]}")
            raise


def _stand_in(folder: Path) -> Path:
    path = folder / "stand-in.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    return path


def _seeds() -> tuple[int, ...]:
    return visitors.CHOSEN[:LOOKS]


@functools.cache
def _drawn() -> list[list[Frame]]:
    """What the camera sees of each looks, drawn once and kept."""
    return [list(itertools.islice(visitors.walk(visitors.identity(seed), 1), FRAMES)) for seed in _seeds()]
