"""A lane beside the lane: the same steps, rules, stores and camera, with a manifest and a ledger that are thrown away.

A test admission goes through here. The real manifest never holds a test ticket, and the real lane never hears of the
test card: so it can let nobody in, and nothing of it is counted. The turnstile is its own only where a barrier is
handed in.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.claims import Nobody
from gate.clock import Clock
from gate.core.state import Lane, new_lane
from gate.hardware import Barrier, Eyes
from gate.lane import LaneRunner
from gate.messages import Message, ReaderGave
from gate.stores import Stores
from gate.tally import Tally
from models.credential import Assurance, Credential, Medium
from models.decision import CodeNeed, Policy, Profile, Verdict
from models.face import FaceBands, FaceReference
from models.face_models import SHIPPED_BANDS
from models.ids import DocumentType, check_digit
from models.ledger import EntryKind
from models.profiles import policy_of
from models.record import Body, DecisionBody, PassageBody
from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.manifest_rows import ManifestContents
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import DeviceKey, load_or_make_event_secret, seal_row
from models.ticket import Entitlement, ManifestState, Ticket, Validity

TRIAL = 1 << 40
"""Attempts from here on are test admissions. A lane that serves a visitor a second needs 34,000 years to get there."""

EVENT, TICKET = "self-proof", "TEST"
HOUR_S = 3600.0
CAPTURE_S, PASSAGE_S, UNSEEN_S, SLACK_S = 6.0, 15.0, 0.2, 5.0


def nobodys_card() -> Credential:
    """A resident ID's number of a region that does not exist: for a test admission without a card."""
    stem = "00000019000101001"
    return Credential(
        Medium.CHIP_CARD, DocumentType.RESIDENT_ID, stem + check_digit(stem), assurance=Assurance.AUTHENTICATED
    )


class NoBarrier:
    """A turnstile that stays shut."""

    pulses = 0

    def pulse(self, seconds: float) -> Future[None]:
        """Done, and nothing moved."""
        return _done()

    def hold(self, closed: bool) -> Future[None]:
        """The same."""
        return _done()


class OnePulse:
    """The real turnstile, for one release and no more."""

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier
        self.pulses = 0

    def pulse(self, seconds: float) -> Future[None]:
        """Release, the first time."""
        self.pulses += 1
        return self._barrier.pulse(seconds) if self.pulses == 1 else _done()

    def hold(self, closed: bool) -> Future[None]:
        """A test holds nothing."""
        return _done()


class TrialEyes:
    """The lane's camera for a test: it looks when asked, shows nobody on a screen, and changes nothing for the lane."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self.capture, self.cancel = eyes.capture, eyes.cancel

    def opens(self, portrait: bytes) -> str:
        """A test card's portrait is left closed."""
        return ""

    def shows(self, portrait: bytes) -> bool:
        """Nor is it shown."""
        return False

    def watch(self, seconds: float, frames: int, apart: dict[str, float]) -> None:
        """How faces are looked at is the lane's own business."""

    def show(self, attempt: int, seconds: float, *, live: bool, portrait: bytes = b"") -> None:
        """Nobody is shown."""

    def hide(self, attempt: int) -> None:
        """Nobody was."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test admission needs. `policy` is the one in force, `lost` the devices that the lane misses now."""

    gate: str
    folder: Path
    credential: Credential
    policy: Policy
    lost: tuple[str, ...] = ()
    reference: FaceReference | None = None
    has_sensor: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `decision` is missing where the lane came to none in time."""

    decision: DecisionBody | None = None
    passage: PassageBody | None = None


class TrialLane:
    """Runs one test admission. Belongs to the event loop's thread; `take` hands it what devices tell."""

    def __init__(self, trial: Trial, barrier: Barrier, eyes: Eyes | None, clock: Clock) -> None:
        self._trial, self._barrier, self._clock = trial, barrier, clock
        self._eyes = TrialEyes(eyes) if eyes is not None else None
        self._scribe = _Scribe()
        self._runner: LaneRunner | None = None

    def take(self, message: Message) -> None:
        """A face, or a turn, that belongs to this test."""
        if self._runner is not None:
            self._runner.take(message)

    async def run(self) -> Outcome:
        """From the card to the end of the passage. Raises `StoreError` and `OSError` where the disk takes nothing."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="trial") as store:
            stores = await loop.run_in_executor(store, self._open)
            try:
                return await self._admit(stores, store)
            finally:
                self._runner = None
                await loop.run_in_executor(store, stores.close)
                shutil.rmtree(self._trial.folder, ignore_errors=True)

    async def _admit(self, stores: Stores, store: ThreadPoolExecutor) -> Outcome:
        loop, trial = asyncio.get_running_loop(), self._trial
        rules = await loop.run_in_executor(store, lambda: stores.rules(None))
        lane = new_lane(trial.gate, has_sensor=trial.has_sensor, attempt=TRIAL, lost=trial.lost)
        self._runner = LaneRunner(
            replace(lane, clock_trusted=self._clock.trusted),
            stores=stores,
            rules=rules,
            barrier=self._barrier,
            eyes=self._eyes,
            clock=self._clock,
            store=store,
            tell=lambda view: None,
            authority=Nobody(),
            tally=self._scribe,
        )
        running = loop.create_task(self._runner.run())
        ended = loop.create_task(self._scribe.ended.wait())
        self._runner.take(ReaderGave("reader", replace(trial.credential, event=""), self._clock.now().mono))
        limit_s = rules.policy.lookup_s + 3 * rules.policy.capture_s + rules.policy.passage_s + SLACK_S
        try:
            await asyncio.wait({running, ended}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running  # it ends by an error alone
        finally:
            for task in (running, ended):
                task.cancel()
            await asyncio.gather(running, ended, return_exceptions=True)
        return Outcome(self._scribe.decision, self._scribe.passage)

    def _open(self) -> Stores:
        """In the store thread: a manifest of one ticket, and an empty ledger."""
        trial = self._trial
        shutil.rmtree(trial.folder, ignore_errors=True)  # what a power cut left behind
        trial.folder.mkdir(mode=0o700)
        key = DeviceKey.make(trial.folder / "device-key")
        writer = ManifestWriter(trial.folder / "manifest.db", key)
        try:
            writer.apply(_contents(trial, self._clock.wall()), self._clock.wall())
        finally:
            writer.close()
        signing = Ed25519PrivateKey.generate()
        ledger = Ledger.open(trial.folder / "ledger.db", signing, gate=trial.gate, clock=self._clock.wall)
        return Stores(ledger, ManifestReader(trial.folder / "manifest.db", key), lambda policy: policy)


class _Scribe(Tally):
    """Hears what the trial's ledger took."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        self.decision: DecisionBody | None = None
        self.passage: PassageBody | None = None

    def wrote(self, kind: EntryKind, body: Body, at: float, lane: Lane) -> None:
        """An entry: a word, or the end of a passage."""
        if isinstance(body, DecisionBody):
            self.decision = body
            if body.decision.verdict is not Verdict.ADMIT:
                self.ended.set()
        elif isinstance(body, PassageBody):
            self.passage = body
            self.ended.set()


def trial_policy(policy: Policy, *, face_model: str, has_sensor: bool) -> Policy:
    """The rules of a test: `policy`'s waits and bands; every card is good enough. No model: no face is asked for."""
    profile = Profile.CONCERT if face_model else Profile.CARD
    return replace(
        policy_of(profile, EVENT),
        needs_face=bool(face_model),
        bands=(_bands(policy, face_model),) if face_model else (),
        min_assurance=Assurance.UID_ONLY,
        min_code_assurance=Assurance.UID_ONLY,
        code_needs=CodeNeed.NOTHING,
        lookup_s=policy.lookup_s,
        capture_s=CAPTURE_S,
        passage_s=PASSAGE_S if has_sensor else UNSEEN_S,
        pulse_s=policy.pulse_s,
    )


def _bands(policy: Policy, model: str) -> FaceBands:
    """Plain bands for this model: the event's, those that ship with it, or careful ones."""
    known = [one for one in (*policy.bands, *SHIPPED_BANDS) if one.model_version == model and not one.cohort]
    return known[0] if known else FaceBands(model, "any", 0.4, 0.6)


def _contents(trial: Trial, now: float) -> ManifestContents:
    """One ticket, opened by the test card."""
    secret = load_or_make_event_secret(trial.folder / "event-secret")
    card = trial.credential
    ticket = Ticket(
        TICKET,
        Entitlement(EVENT),
        Validity(now - HOUR_S, now + HOUR_S),
        bound_at=now - HOUR_S,
        reference=trial.reference,
    )
    row = seal_row(EVENT, secret, TICKET, ticket_to_bytes(ticket), [(card.document, card.number)])
    return ManifestContents(
        ManifestState(EVENT, 1, now - 1, now + HOUR_S, 1, "self-proof"),
        "self-proof",
        trial.policy,
        secret,
        [(row.row, row.sealed)],
        [(key, row.row, wrapped) for key, wrapped in row.openings],
        (),
    )


def _done() -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done
