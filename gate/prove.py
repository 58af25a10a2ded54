"""The self-proof of a running gate: a test admission when somebody asks for it, and a round of questions in a silence.

A test admission has a window: the first card in it is the test card, whoever's it is, and never reaches the lane. What
it opens is a ticket in a manifest of its own (`gate.prove_lane`), so nobody is let in and nobody is counted; the
turnstile is released only where that was asked for, and once. It stands in the ledger as `proof`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gate.accept_height import Heights
from gate.clock import Clock
from gate.config import Config
from gate.core.events import StaffNoted
from gate.devices import LaneDevices
from gate.lane import LaneRunner
from gate.messages import FaceFailed, FaceHint, FaceProbed, Message, ReaderGave, SensorGave
from gate.prove_ask import Asking, never_asks
from gate.prove_lane import TRIAL, NoBarrier, OnePulse, Outcome, Trial, TrialLane, nobodys_card, trial_policy
from gate.prove_silence import Silence
from gate.vitals import bare_trace
from models.command import Answer, Command, Snapshot
from models.credential import CardFault, Credential
from models.decision import Verdict
from models.face import FaceReference
from models.ledger import EntryKind
from models.link import LaneWord
from models.passage import Passage, SignalKind
from models.proof import ProofBody, ProofState, ProofStep, ProofWish
from models.store.errors import StoreError
from models.view import Phase

_log = logging.getLogger("gate.prove")

LEAST_WINDOW_S, MOST_WINDOW_S, FACE_S, SLACK_S = 1.0, 300.0, 10.0, 2.0
BUSY = "a visitor is in the lane: when it is at rest, ask again"
NEEDED = "the lane was needed for a visitor, or by an order, and the test gave way"


class NotProven(Exception):
    """The test ended here, and not well."""


@dataclass
class Prover:
    """Belongs to the event loop. `takes` sees every message before the lane does; `tick` is called once a second."""

    config: Config
    devices: LaneDevices
    runner: LaneRunner
    clock: Clock
    tell: Callable[[], None]
    state: ProofState | None = field(default=None, init=False)
    _ended_at: float = field(default=0.0, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _card: asyncio.Future[Credential] | None = field(default=None, init=False)
    _face: asyncio.Future[FaceReference] | None = field(default=None, init=False)
    _lane: TrialLane | None = field(default=None, init=False)
    _heights: Heights = field(default_factory=Heights, init=False)
    _test_card: str | None = field(default=None, init=False, repr=False)
    _sees_turns: bool = field(default=False, init=False)
    _barrier: NoBarrier | OnePulse = field(default_factory=NoBarrier, init=False)
    _stopping: bool = field(default=False, init=False)
    _fault: str = field(default="", init=False)

    def __post_init__(self) -> None:
        devices = self.devices
        self._folder = self.config.gate.state_dir / "self-proof"
        shutil.rmtree(self._folder, ignore_errors=True)  # a power cut in a test may have left it
        self._asking = Asking(
            devices.health, devices.relay, devices.eyes, never_asks(self.config.devices), self.clock.wall
        )
        self._silence = Silence(self.config.gate.ask_after_min * 60.0, self._asking.ask)

    # --- what the daemon hands in ---------------------------------------------------------------------------------

    def takes(self, message: Message) -> bool:
        """Whether the message was a test's, and is none of the lane's."""
        match message:
            case ReaderGave():
                self._silence.ends(self.clock.now().mono)
                if self._takes_card(message):
                    return True
                self._give_way()
            case SensorGave(_, signal) if signal.kind is SignalKind.TURNED:
                self._silence.ends(self.clock.now().mono)
                if self._sees_turns and self._lane is not None and self._barrier.pulses:  # before that, an intrusion
                    self._lane.take(message)
                    return True
            case FaceHint() | FaceProbed() | FaceFailed() if message.attempt >= TRIAL:
                self._takes_face(message)
                return True
            case FaceProbed(_, probe) if probe.problem is None:
                self._heights.add(probe.eyes_at)
        return False

    def tick(self) -> None:
        """Ask the devices when nobody has come for so long; never while somebody or a test is in the lane."""
        quiet = self._is_at_rest() and self._task is None
        self._silence.tick(self.clock.now().mono, quiet)
        if not self._is_at_rest():
            self._give_way()

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what was proved. A device that does not answer is a fault, whatever its driver thinks."""
        asked, told = self._silence.asked, snapshot.view.faults
        faults = (*told, *(name for name in asked.silent if name not in told)) if asked else told
        view, height = replace(snapshot.view, faults=faults), self._heights.height
        return replace(snapshot, view=view, proof=self.state, asked=asked, camera_height=height)

    def complete_word(self, word: LaneWord) -> LaneWord:
        """What the authority is told, with the same."""
        asked, ended = self._silence.asked, self.state.ended if self.state else None
        word = replace(word, asked_at=asked.at, silent=asked.silent) if asked else word
        return replace(word, proved_at=self._ended_at, proved=bool(ended and ended.ok))

    async def stop(self) -> None:
        """Let go of everything."""
        self._stopping = True
        tasks = [task for task in (self._task, self._silence.task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- a test admission -----------------------------------------------------------------------------------------

    def begin(self, command: Command) -> Answer:
        """Start one; how it ends is told by the snapshots. Who may ask was judged before."""
        wish, error = command.proof or ProofWish(), ""
        if not LEAST_WINDOW_S <= wish.window_s <= MOST_WINDOW_S:
            error = f"a test's window is {LEAST_WINDOW_S:g} to {MOST_WINDOW_S:g} seconds"
        elif self._task is not None:
            error = "a test is under way already"
        elif not self._is_at_rest():
            error = BUSY
        if not error:
            self._silence.ends(self.clock.now().mono)  # two would ask for the camera at once
            self.state, self._fault = ProofState(self.clock.wall(), ProofStep.DEVICES), ""
            self._barrier = NoBarrier()
            self._task = asyncio.get_running_loop().create_task(self._prove(command.actor, wish))
        return Answer(command.id, ok=not error, error=error)

    async def _prove(self, actor: str, wish: ProofWish) -> None:
        body = ProofBody(actor, ok=False, step=ProofStep.DEVICES, card=wish.card, face=wish.face)
        if held := self.runner.rules.manifest:
            body = replace(body, event=held.event, manifest=held.version)
        try:
            body = await self._walk(body, wish)
        except asyncio.CancelledError:
            if self._stopping:
                raise
            body = replace(body, step=self._step, why=NEEDED)
        except NotProven as error:
            body = replace(body, step=self._step, why=str(error))
        except (StoreError, OSError) as error:
            body = replace(body, step=ProofStep.LEDGER, why=f"the disk took no test ledger: {type(error).__name__}")
        except Exception as error:  # whatever it is: a test must not cost the lane its process
            _log.critical("the test admission met an error of its own:\n%s", bare_trace(error))
            body = replace(body, step=self._step, why=f"an error of the gate's own: {type(error).__name__}")
        finally:
            self._card = self._face = self._lane = self._test_card = self._task = None
            self._sees_turns = False
        body = replace(body, pulses=min(1, self._barrier.pulses))
        if not await self.runner.ask(StaffNoted(EntryKind.PROOF, body)):
            body = replace(body, ok=False, step=ProofStep.LEDGER, why="the ledger took no entry")
        assert self.state is not None
        self.state = replace(self.state, step=body.step, ended=body)
        self._ended_at = self.clock.wall()
        self.tell()

    async def _walk(self, body: ProofBody, wish: ProofWish) -> ProofBody:
        devices = self.devices
        asked = await self._asking.ask()
        body = replace(body, devices=asked.devices)
        if asked.silent:
            raise NotProven(f"no answer: {', '.join(asked.silent)}")
        face = wish.face and devices.eyes is not None
        reference = await self._see(min(FACE_S, wish.window_s)) if face else None
        self._at(ProofStep.CARD)
        credential = await self._read(wish.window_s) if wish.card else nobodys_card()
        self._at(ProofStep.DECISION)
        self._barrier = OnePulse(devices.relay) if wish.pulse else NoBarrier()
        self._sees_turns = wish.pulse and devices.sensor is not None
        policy = trial_policy(
            self.runner.rules.policy,
            face_model=devices.eyes.model_version if face and devices.eyes else "",
            has_sensor=self._sees_turns,
        )
        gate, lost = self.config.gate.name, self.runner.lane.lost
        trial = Trial(gate, self._folder, credential, policy, lost, reference, self._sees_turns)
        self._lane = TrialLane(trial, self._barrier, devices.eyes, self.clock)
        return self._judge(replace(body, face=face), await self._lane.run())

    def _judge(self, body: ProofBody, outcome: Outcome) -> ProofBody:
        word, passage = outcome.decision, outcome.passage
        body = replace(body, passage=passage.passage if passage else None)
        if word is None:
            return replace(body, step=ProofStep.DECISION, why="the lane came to no decision")
        said = word.decision
        body = replace(body, verdict=said.verdict, reason=said.reason, ms=word.ms)
        if said.verdict is not Verdict.ADMIT:
            return replace(body, step=ProofStep.DECISION, why=f"{said.verdict}: {said.reason}")
        if self._sees_turns and body.passage is not Passage.PASSED:
            return replace(body, step=ProofStep.PASSAGE, why="the turnstile was released, and no turn was seen")
        return replace(body, ok=True, step=ProofStep.DONE)

    async def _see(self, seconds: float) -> FaceReference:
        """The test face's features: of whoever, or whichever picture, stands there now. They live for this test."""
        assert self.devices.eyes is not None
        self._at(ProofStep.FACE)
        self._face = asyncio.get_running_loop().create_future()
        self.devices.eyes.capture(TRIAL, seconds)
        try:
            async with asyncio.timeout(seconds + SLACK_S):
                return await self._face
        except TimeoutError:
            raise NotProven("the camera gave no word") from None
        finally:
            self._face = None

    async def _read(self, window_s: float) -> Credential:
        self._card = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(window_s):
                return await self._card
        except TimeoutError:
            raise NotProven(self._fault or f"no card within {window_s:g} s") from None
        finally:
            self._card = None

    def _takes_card(self, message: ReaderGave) -> bool:
        if isinstance(message.item, Credential) and message.item.number == self._test_card:
            return True  # it lies on the reader still, or was presented twice
        if self._card is None or self._card.done():
            return False
        if isinstance(message.item, CardFault):
            self._fault = f"a card came and could not be read: {message.item.problem}"
        else:
            self._test_card = message.item.number
            self._card.set_result(message.item)
        return True

    def _takes_face(self, message: FaceHint | FaceProbed | FaceFailed) -> None:
        self._asking.take(message)
        if self._face is not None and not self._face.done():
            if isinstance(message, FaceFailed):
                self._face.set_exception(NotProven(f"the camera: {message.why}"))
            elif isinstance(message, FaceProbed) and message.probe.problem is not None:
                self._face.set_exception(NotProven(f"no test face before the camera: {message.probe.problem}"))
            elif isinstance(message, FaceProbed):
                probe = message.probe
                self._face.set_result(FaceReference(probe.model_version, probe.template, "self-proof"))
        elif self._lane is not None:
            self._lane.take(message)

    def _give_way(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @property
    def _step(self) -> ProofStep:
        return self.state.step if self.state else ProofStep.DEVICES

    def _at(self, step: ProofStep) -> None:
        assert self.state is not None
        self.state = replace(self.state, step=step)
        self.tell()

    def _is_at_rest(self) -> bool:
        return self.runner.lane.phase in (Phase.IDLE, Phase.PAUSED, Phase.FAULT)
