"""What people do at the lane, in their own words: the verbs of the stories."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.demo.cast import Person
from gate.demo.readers import DemoReader
from gate.demo.rig import Rig
from models.command import Presented
from models.decision import Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.passage import Direction
from models.view import LaneView, Phase

VERDICT_S = 15.0
DEVICE_S = 12.0


class NotAsTold(AssertionError):
    """The lane did something that the story does not know."""


@dataclass
class Night:
    """The lane as the visitors meet it. `pace_s` is how long people take between two things; 0 in a hurry."""

    rig: Rig
    pace_s: float = 0.0
    on_view: Callable[[LaneView], None] = lambda view: None
    relay_ms: list[float] = field(default_factory=list)
    visits: int = 0
    _settled: set[int] = field(default_factory=set)
    _used: DemoReader | None = None

    def enters(self, one: Person, direction: Direction = Direction.ENTRY, *, walks: bool = True) -> None:
        """Shows card and face, is let through, and walks. Or is let through and does not."""
        pulses = self.rig.relay.pulses
        view = self.comes(one, direction=direction)
        self._expect(view, Verdict.ADMIT)
        self._is_released(view, pulses, direction, walks=walks)

    def is_stopped(self, one: Person, *, face: Person | None = None, then: StewardAction | None = None) -> None:
        """Is not let through; a steward may have the last word."""
        pulses = self.rig.relay.pulses
        view = self.comes(one, face=face)
        if view.verdict is Verdict.ADMIT:
            raise NotAsTold(f"the lane admitted: {view.reason}")
        if then is not None:
            self._says(view, then, lambda later: later.verdict is Verdict.DENY)
        self.leaves()
        if self.rig.relay.pulses != pulses:
            raise NotAsTold("the relay moved for somebody who was stopped")

    def is_settled(self, one: Person, action: StewardAction) -> None:
        """Is referred to the steward, who settles it."""
        pulses = self.rig.relay.pulses
        view = self.comes(one)
        self._expect(view, Verdict.REFER)
        self._settle(view, action, pulses)

    def is_typed_in(self, one: Person) -> None:
        """Has a temporary ID that no reader reads; the steward types its number, compares by eye, and lets in."""
        pulses = self.rig.relay.pulses
        self._step_up(one, one)
        view = self._presents(lambda: self._types(Presented(DocumentType.TEMPORARY_ID, one.number)))
        self._expect(view, Verdict.REFER)
        self._settle(view, StewardAction.ADMIT, pulses)

    def pulls_card_too_soon(self, one: Person) -> None:
        """Takes the card away while it is read, and then shows it properly."""
        self._step_up(one, one)
        self._expect(self._presents(lambda: self.rig.entry.pull_too_soon(one)), Verdict.DENY)
        self.leaves()
        self.enters(one)

    def has_garbled_card(self, one: Person) -> None:
        """What the reader says arrives disturbed, and then rightly."""
        self._step_up(one, one)
        self._expect(self._presents(lambda: self.rig.entry.garble(one)), Verdict.DENY)
        self.leaves()
        self.enters(one)

    def shows_forged(self, one: Person) -> None:
        """A document that is not genuine."""
        self._expect(self._presents(lambda: self.rig.entry.forge(one)), Verdict.DENY)
        self.leaves()

    def shows_bus_card(self, one: Person) -> None:
        """A card that is no document at all."""
        self._expect(self._presents(lambda: self.rig.entry.show_something_else(one)), Verdict.DENY)
        self.leaves()

    def covers_face_then_shows_it(self, one: Person) -> None:
        """Comes wrapped up; uncovers the face when the steward asks."""
        pulses = self.rig.relay.pulses
        self.visits += 1
        self.rig.stage.show(one.looks.frames(self.visits, covered=True))
        view = self._presents(lambda: self.rig.entry.present(one))
        self._expect(view, Verdict.REFER)
        self.rig.stage.show(one.looks.frames(self.visits))
        self._settle(view, StewardAction.RETRY_FACE, pulses)

    def is_followed(self, one: Person) -> None:
        """Somebody slips in behind a visitor."""
        pulses = self.rig.relay.pulses
        view = self.comes(one)
        self._expect(view, Verdict.ADMIT)
        self._wait_for_pulse(pulses)
        self.rig.sensor.second_person()
        self._walks(view, Direction.ENTRY)

    def comes_when_camera_fails(self, one: Person) -> None:
        """The camera's plug is out; the visitor is referred, the camera comes back, the steward has it look again."""
        pulses = self.rig.relay.pulses
        self.rig.stage.unplug()
        view = self.comes(one)
        self._expect(view, Verdict.REFER)
        self.rig.plug_camera()
        self.rig.link.wait(lambda s: all(device.up for device in s.devices), DEVICE_S)
        self._settle(view, StewardAction.RETRY_FACE, pulses)

    def loses_power(self, one: Person) -> None:
        """The power goes at the moment the relay clicks. When it is back, nobody knows whether anybody passed."""
        pulses = self.rig.relay.pulses
        self._step_up(one, one)
        self.rig.entry.present(one)
        self._wait_for_pulse(pulses, VERDICT_S)
        self.rig.kill()
        self.leaves()
        self.rig.start()
        self.is_settled(one, StewardAction.ADMIT)

    def climbs_over(self) -> None:
        """The turnstile turns and nobody was released."""
        self.rig.sensor.turn()
        self.rig.link.wait(lambda s: s.counts.get("intrusion", 0) > 0, VERDICT_S)

    def comes(self, one: Person, *, face: Person | None = None, direction: Direction = Direction.ENTRY) -> LaneView:
        """Steps up, presents the card, and waits for the word."""
        self._step_up(one, face or one)
        reader = self._used = self.rig.entry if direction is Direction.ENTRY else self.rig.leaving
        return self._presents(lambda: reader.present(one))

    def leaves(self) -> None:
        """Takes the card and goes. Whoever comes next leaves the reader the time to see the empty field."""
        self.rig.stage.clear()
        for reader in (self.rig.entry, self.rig.leaving):
            reader.remove()
        if self.rig.process.poll() is None:
            (self._used or self.rig.entry).rest()
        self._pause()

    def _step_up(self, one: Person, face: Person) -> None:
        self.visits += 1
        self.rig.stage.show(face.looks.frames(self.visits))
        self._pause()

    def _types(self, presented: Presented) -> None:
        answer = self.rig.link.present(presented)
        if not answer.ok:
            raise NotAsTold(f"the steward could not type it: {answer.error}")

    def _presents(self, present: Callable[[], None]) -> LaneView:
        link = self.rig.link
        since, before = link.seen, link.snapshot.view.attempt if link.snapshot else 0
        present()
        view = link.wait_view(lambda v: v.attempt > before and _is_decided(v), VERDICT_S, since)
        self.on_view(view)
        return view

    def _settle(self, view: LaneView, action: StewardAction, pulses: int) -> None:
        later = self._says(view, action, lambda v: v.verdict is Verdict.ADMIT)
        self._is_released(later, pulses, Direction.ENTRY, walks=True)

    def _says(self, view: LaneView, action: StewardAction, until: Callable[[LaneView], bool]) -> LaneView:
        self._pause()
        self._settled.add(view.attempt)
        since = self.rig.link.seen
        answer = self.rig.link.steward(view.attempt, action)
        if not answer.ok:
            raise NotAsTold(f"the steward could not {action}: {answer.error}")
        later = self.rig.link.wait_view(
            lambda v: v.attempt == view.attempt and _is_decided(v) and until(v), VERDICT_S, since
        )
        self.on_view(later)
        return later

    def _is_released(self, view: LaneView, pulses: int, direction: Direction, *, walks: bool) -> None:
        self._wait_for_pulse(pulses)
        if view.reason in (Reason.OK, Reason.OK_WITHOUT_FACE) and view.attempt not in self._settled:
            self._measure()
        if walks:
            self._pause()
            self._walks(view, direction)
            return
        self._is_over(view)
        self.leaves()

    def _walks(self, view: LaneView, direction: Direction) -> None:
        self.rig.sensor.turn(direction)
        self._is_over(view)
        self.leaves()

    def _is_over(self, view: LaneView) -> None:
        self.rig.link.wait_view(lambda v: v.attempt > view.attempt or v.phase is Phase.IDLE, VERDICT_S)

    def _wait_for_pulse(self, pulses: int, timeout_s: float = 2.0) -> None:
        if not self.rig.relay.wait_for(lambda: self.rig.relay.pulses > pulses, timeout_s):
            raise NotAsTold("the relay did not move")

    def _measure(self) -> None:
        """Card to relay, where no person came in between: from the reader's last byte to the contact."""
        answered_at = max(self.rig.entry.last_answer_at, self.rig.leaving.last_answer_at)
        self.relay_ms.append((self.rig.relay.changes[-1].at - answered_at) * 1000)

    def _expect(self, view: LaneView, verdict: Verdict) -> None:
        if view.verdict is not verdict:
            raise NotAsTold(f"the lane said {view.verdict} ({view.reason})")

    def _pause(self) -> None:
        if self.pace_s:
            threading.Event().wait(self.pace_s)


def _is_decided(view: LaneView) -> bool:
    return view.verdict is not None and view.phase not in (Phase.LOOKUP, Phase.CAPTURE)
