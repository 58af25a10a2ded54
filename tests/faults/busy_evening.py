"""A busy evening at one lane whose daemon is killed again and again, and what the people at it see.

`Crowd` sends visitors through the real daemon, one after the other without a pause, while a `Nemesis` kills it. Who was
cut off comes again, with the card in hand before the daemon is back. What was seen of all this is a `History`.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from drivers.face.sim import MODEL_VERSION
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Looks, Person, person
from gate.demo.link import GateSilent
from gate.demo.night import Night
from gate.demo.rig import Rig, Wiring
from models.decision import Policy, StewardAction, Verdict
from models.face import FaceBands
from models.store.ledger_db import read_ledger, verify
from models.view import LaneView, Phase
from tests.faults.history import History, Kill, Pulse
from tests.faults.nemesis import Aim, Moment, Nemesis, draw_aim, vision_children

WIRING = Wiring(face="sim:", exit_reader=False, poll_ms=20)
VISIT_S = 20.0
LOOK_S = 0.003


class Crowd:
    """The visitors, and a steward who settles what the gate can't know after a kill."""

    def __init__(self, rig: Rig, chance: random.Random, kills: int) -> None:
        policy = _policy()
        self.rig, self.nemesis, self.history = rig, Nemesis(rig), History(policy.pulse_s)
        self.problems: list[str] = []
        self.helped: Counter[str] = Counter()  # by the reason for which a good ticket needed the steward
        self.visits = 0
        self._chance, self._night = chance, Night(rig)
        self._people = [person(index, Looks(mark=index)) for index in range(3 * kills + 30)]
        self._holders = deque(self._people)
        self._used: list[Person] = []
        self._strangers = (replace(person(index, Looks(mark=index)), has_ticket=False) for index in count(60_000))
        self._copies = rig.folder / "copies"
        self._here: Person | None = None  # who stands at the reader
        self._came_at = 0.0
        sell(rig, self._people, policy)
        rig.relay.on_pulse = self._witness

    def evening(self, kills: int) -> History:
        """Let people through, with so many kills on the way, and close in good order."""
        self.rig.start()
        assert vision_children([self.rig.process.pid]), "else the last check of an evening sees nothing"
        self._visit(self._holders.popleft())
        waiting: Person | None = None
        for _ in range(kills):
            aim = draw_aim(self._chance)
            if aim.moment is Moment.START:
                self.nemesis.arm(aim)
                waiting = waiting or self._die_idle()
            if waiting is not None:
                self._come_back(waiting)
            if aim.moment is not Moment.START:
                self._pass_time()
                self.nemesis.arm(aim)
            while not self.nemesis.killed.is_set():
                self._visit(self._anybody(aim))
            waiting = self._bury()
        self._come_back(waiting or self._holders.popleft())
        self._visit(self._holders.popleft())
        self.rig.stop()
        if left := vision_children(self.nemesis.pids):
            self.problems.append(f"{len(left)} vision children outlived their gate")
        self.history.changes = list(self.rig.relay.changes)
        return self.history

    # --- the daemon's ends and beginnings -------------------------------------------------------------------------

    def _die_idle(self) -> Person:
        """The first kill has no process before it that was killed."""
        self.rig.kill()
        self.history.kills.append(Kill(time.monotonic(), "idle"))
        return self._holders.popleft()

    def _bury(self) -> Person:
        """Note where the blow fell, and look at what is left. Returns who stands at the reader."""
        self.nemesis.rest()
        self.rig.kill()
        self._check_remains()
        one, self._here = self._here, None
        phase, pulsed = self._where(one)
        self.history.kills.append(Kill(self.nemesis.killed_at, phase))
        if one is None or not one.has_ticket or one in self._used:
            return self._holders.popleft()
        if not pulsed:
            return one
        self._used.append(one)
        return self._holders.popleft()

    def _check_remains(self) -> None:
        """The files as the kill left them hold a sound ledger with everything that was acknowledged."""
        self._copies.mkdir(exist_ok=True)
        for name in ("ledger.db", "ledger.db-wal"):
            (self._copies / name).unlink(missing_ok=True)
            if (self.rig.state_dir / name).exists():
                shutil.copyfile(self.rig.state_dir / name, self._copies / name)
        found = verify(self._copies / "ledger.db")
        told = max((pulse.seq for pulse in self.history.pulses), default=0)
        number = len(self.history.kills) + 1
        self.problems += [f"after kill {number}: {problem}" for problem in found.problems]
        if found.last_seq < told:
            self.problems.append(f"after kill {number}: the ledger ends at {found.last_seq}; {told} had been told")

    def _where(self, one: Person | None) -> tuple[str, bool]:
        """In which phase of the visit the kill came, and whether this visit's pulse was seen."""
        if one is None:
            return "idle", False
        if self._pulsed(one):
            return ("pulse" if self.rig.relay.state(1) else "passage"), True
        with read_ledger(self._copies / "ledger.db") as ledger:
            if any(left.ticket == one.ticket for left in ledger.open_releases()):
                return "inked, not moved", False
        phase = self._view().phase
        return {Phase.FAULT: "starting", Phase.IDLE: "card being read"}.get(phase, str(phase)), False

    def _come_back(self, one: Person) -> None:
        """Start the daemon anew while `one` stands at the reader already."""
        self._steps_up(one)
        kill = self.history.kills[-1]
        kill.started_at = time.monotonic()
        self.nemesis.tell(Moment.START)
        try:
            self.rig.start(ready=False)
        except GateSilent:
            if not self.nemesis.killed.wait(1.0):
                raise
            return
        self._goes_through(one, 0)

    # --- visits ---------------------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        for _ in range(self._chance.randrange(3)):
            self._visit(self._anybody(None))

    def _anybody(self, aim: Aim | None) -> Person:
        """Mostly somebody with a good ticket; only such a visit has a pulse to wait for."""
        dice = self._chance.random()
        if aim is None or aim.moment is Moment.CARD:
            if dice < 0.15 and self._used:
                return self._chance.choice(self._used)
            if dice < 0.25:
                return next(self._strangers)
        return self._holders.popleft()

    def _visit(self, one: Person) -> None:
        snapshot = self.rig.link.snapshot
        before = snapshot.view.attempt if snapshot else 0
        self._steps_up(one)
        self._goes_through(one, before)

    def _steps_up(self, one: Person) -> None:
        self.visits += 1
        self._here, self._came_at = one, time.monotonic()
        self.rig.stage.show(one.looks.frames(self.visits))
        self.rig.reader.present(one.card())
        self.nemesis.tell(Moment.CARD)

    def _goes_through(self, one: Person, before: int) -> None:
        """From the card on, up to whatever end. After a kill all that is left is to go back to the start."""
        view = self._waits(one, before)
        if view is not None and not self._pulsed(one):
            self._is_stopped(one, view)
        if self._pulsed(one) and one not in self._used:
            self._walks(one)
        if self.nemesis.killed.is_set():
            return
        self._here = None
        self._night.leaves()

    def _is_stopped(self, one: Person, view: LaneView) -> None:
        """A good ticket is settled by the steward, any other is not."""
        good = one.has_ticket and one not in self._used
        if good and view.verdict is Verdict.DENY:
            self.problems.append(f"a good ticket was refused: {view.reason}")
        if view.verdict is not Verdict.REFER:
            return
        self._says(view, StewardAction.ADMIT if good else StewardAction.REFUSE)
        if good and not self.nemesis.killed.is_set():
            self.helped[str(view.reason)] += 1
            self._until(lambda: self._pulsed(one))

    def _says(self, view: LaneView, action: StewardAction) -> None:
        try:
            self.rig.link.steward(view.attempt, action)
        except (GateSilent, OSError):
            if not self.nemesis.killed.wait(1.0):
                raise

    def _walks(self, one: Person) -> None:
        """Most go through. Some don't: nobody passed, and they come again."""
        attempt = self._view().attempt
        walks = self._chance.random() > 0.04
        if walks:
            self.rig.sensor.turn()
            self.nemesis.tell(Moment.TURN)
        over = self._until(lambda: self._view().attempt > attempt or self._view().phase is Phase.IDLE)
        if not over or not self._until(lambda: not self.rig.relay.state(1)):  # nobody walks faster than a pulse
            return
        if walks:
            self._used.append(one)
        else:
            self._holders.appendleft(one)

    def _waits(self, one: Person, before: int) -> LaneView | None:
        """Until the contact moves for this person or the lane says no."""

        def decided() -> bool:
            view = self._view()
            refused = view.attempt > before and view.verdict in (Verdict.DENY, Verdict.REFER)
            return self._pulsed(one) or (refused and view.phase not in (Phase.LOOKUP, Phase.CAPTURE))

        return self._view() if self._until(decided) else None

    def _until(self, condition: Callable[[], bool]) -> bool:
        """Whether it came true before a kill. Raises `GateSilent` when neither comes, and ends at the first problem."""
        ends = time.monotonic() + VISIT_S
        while not self.nemesis.killed.is_set():
            assert not self.problems, self.problems
            self._note_return()
            if condition():
                return True
            if time.monotonic() > ends:
                raise GateSilent(f"the lane did not go on: {self._view()}\n{self.rig.log()[-2000:]}")
            self.nemesis.killed.wait(LOOK_S)
        return False

    def _note_return(self) -> None:
        """The first signs of life after a kill."""
        if not self.history.kills:
            return
        kill, snapshot = self.history.kills[-1], self.rig.link.snapshot
        if kill.back_at is None and snapshot and any(each.name == "relay" and each.up for each in snapshot.devices):
            kill.back_at = time.monotonic()
        pulse = self.history.pulses[-1] if self.history.pulses else None
        if kill.again_at is None and pulse is not None and kill.started_at and pulse.at > kill.started_at:
            kill.again_at = pulse.at

    def _pulsed(self, one: Person) -> bool:
        return any(pulse.ticket == one.ticket and pulse.at >= self._came_at for pulse in self.history.pulses[-2:])

    def _view(self) -> LaneView:
        snapshot = self.rig.link.snapshot
        return snapshot.view if snapshot else LaneView("", Phase.FAULT, 0)

    def _witness(self, channel: int) -> None:
        """The contact closes: look into the ledger before anything else happens. On the relay's thread."""
        at = self.rig.relay.changes[-1].at
        with read_ledger(self.rig.ledger) as ledger:
            opening = [entry for entry in ledger.tail(20) if entry.kind == "decision" and entry.body.get("opens")]
        told = max((pulse.seq for pulse in self.history.pulses), default=0)
        if not opening or opening[-1].seq <= told:
            self.problems.append("the contact closed, and no new line of the ledger says why")
            self.history.pulses.append(Pulse(at))
        else:
            newest = opening[-1]
            self.history.pulses.append(Pulse(at, newest.seq, newest.hash, newest.body["opens"]["ticket"]))
        self.nemesis.tell(Moment.PULSE)


def _policy() -> Policy:
    return replace(evening_policy(), bands=(FaceBands(MODEL_VERSION, "any", 0.4, 0.6),), pulse_s=0.3, passage_s=1.2)
