"""What may happen at a lane in an evening, as a Hypothesis strategy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from gate.core.events import (
    CardFailed,
    CardRead,
    ClaimAnswered,
    ClockJudged,
    DeviceBack,
    DeviceLost,
    Event,
    FaceCompared,
    FaceHinted,
    LookupFailed,
    ModeEnded,
    ModeSet,
    Passed,
    RecordFailed,
    ReleaseFailed,
    SensorSaw,
    StaffNoted,
    StewardSaid,
    TicketFound,
    TimedOut,
    Timer,
)
from gate.core.state import Lane
from models.credential import CardProblem
from models.decision import (
    ClaimAnswer,
    FaceFacts,
    LookupFacts,
    Need,
    StewardAction,
)
from models.face import FaceProblem
from models.ledger import EntryKind
from models.passage import STANDING, Direction, Passage, SensorSignal, SignalKind
from models.record import ShiftBody
from models.staff import Cause
from models.ticket import ManifestState, Note, NoteKind, TicketStatus
from models.view import Mode, Phase
from models.watch import HitMeans, WatchAction, WatchHit
from tests.gate.core.strategies import DAY, DOORS, EVENT, NOW, STEP, card, code, face, hit, lookup, mostly, ticket, use


@dataclass(frozen=True)
class Reply:
    """What the stores, the authority, the camera and the steward answer if the lane is waiting for them."""

    found: LookupFacts = field(default_factory=lookup)
    answer: ClaimAnswer = ClaimAnswer.GRANTED
    seen: FaceFacts = field(default_factory=face)
    hits: tuple[WatchHit, ...] = ()
    said: StewardAction = StewardAction.ADMIT
    claim_first: bool = True
    who: str = "an"

    def to(self, lane: Lane) -> Event:
        """The event that this lane is waiting for, of attempt 0."""
        awaiting = lane.decision.awaiting if lane.decision else ()
        if Need.CLAIM in awaiting and (self.claim_first or Need.FACE not in awaiting):
            return ClaimAnswered(0, self.answer)
        fitting: dict[Phase, Event] = {
            Phase.LOOKUP: TicketFound(0, self.found),
            Phase.CAPTURE: FaceCompared(0, self.seen, self.hits),
            Phase.RELEASED: Passed(lane.facts.direction),
            Phase.REFERRED: StewardSaid(0, self.said, "steward-4"),
            Phase.PAUSED: ModeSet(Mode.CONTROLLED, "steward-4"),
            Phase.FAULT: DeviceBack(lane.lost[0] if lane.lost else "reader"),
        }
        return fitting.get(lane.phase, CardRead(1, card(), self.who))


@dataclass(frozen=True)
class Move:
    """After `wait_s` something happens: `odd`, whatever the lane is doing, or the reply that it waits for.

    `late` shifts the attempt that an answer belongs to.
    """

    wait_s: float
    reply: Reply
    odd: Event | None
    late: int

    def event_at(self, lane: Lane) -> Event:
        """The event that this move is for `lane`."""
        return of_attempt(lane.attempt + self.late, self.odd or self.reply.to(lane))


def of_attempt(attempt: int, event: Event) -> Event:
    """The same event about another attempt, if it is about one."""
    return replace(event, attempt=attempt) if hasattr(event, "attempt") else event  # type: ignore[arg-type]


FOUND = (
    lookup(),
    lookup(ticket(gates=())),
    lookup(ticket(gates=("south",))),
    lookup(tickets=()),
    lookup(ticket("T1"), ticket("T2")),
    lookup(ticket(status=TicketStatus.REVOKED)),
    lookup(ticket(notes=(Note(NoteKind.CHECK, hold=True),))),
    lookup(ticket(face_declined=True)),
    lookup(ticket(reference_model="")),
    lookup(ticket(guardian="T9")),
    lookup(uses=(use(),)),
    lookup(uses=(use(passage=Passage.UNKNOWN),)),
    lookup(hits=(hit(),)),
    lookup(hits=(hit(WatchAction.REFUSE_UNLESS_CLEARED),)),
    lookup(manifest=None),
    lookup(manifest=ManifestState(EVENT, 7, DOORS - 9 * DAY, DOORS - DAY)),
)

SEEN = (
    face(),
    face(0.5),
    face(0.9),
    FaceFacts(problem=FaceProblem.NO_FACE),
    FaceFacts(problem=FaceProblem.BLURRED),
    FaceFacts(fault="camera gone"),
    FaceFacts(),
)

DEVICES = ("reader", "relay", "ledger", "camera", "sensor", "signal", "input")
SENSORS = ("sensor", "input")

REPLIES = (
    *(Reply(claim_first=first, who=who) for first in (True, False) for who in ("an", "wei") for _ in range(3)),
    *(Reply(found=found) for found in FOUND),
    *(Reply(answer=answer) for answer in ClaimAnswer for _ in range(5)),
    *(Reply(seen=seen, claim_first=first) for seen in SEEN[1:] for first in (True, False) for _ in range(2)),
    *(Reply(hits=(hit(action, means=HitMeans.FACE),)) for action in WatchAction),
    *(Reply(said=said) for said in StewardAction),
)

OVERRIDES = tuple(
    StewardSaid(0, StewardAction.OVERRIDE, "supervisor-1", "vouched for", cause, second)
    for cause in (None, Cause.HELPDESK)
    for second in ("", "supervisor-1", "supervisor-2")
)

EVENTS: tuple[Event, ...] = (
    *(CardRead(2, card(), who) for who in ("", "an", "wei")),
    CardRead(3, card(), "an", Direction.EXIT),
    *(CardRead(5, code(event=event, code_step=STEP), "an") for event in (EVENT, "arena-0616")),
    *(CardFailed(problem) for problem in CardProblem),
    *(TicketFound(0, found) for found in FOUND[:6]),
    LookupFailed(0, "store"),
    *(ClaimAnswered(0, answer) for answer in ClaimAnswer),
    *(FaceCompared(0, seen) for seen in SEEN),
    FaceHinted(0, FaceProblem.TOO_DARK),
    *(Passed(direction) for direction in Direction),
    *(SensorSaw(SensorSignal(kind)) for kind in SignalKind),
    *(SensorSaw(SensorSignal(kind), "input") for kind in (SignalKind.STUCK, SignalKind.FIRE)),
    *(SensorSaw(SensorSignal(SignalKind.CLEARED, detail=kind), device) for kind in STANDING for device in SENSORS),
    *(TimedOut(0, timer) for timer in Timer),
    *(StewardSaid(0, action, "steward-4") for action in StewardAction),
    *OVERRIDES,
    *(ModeSet(mode, "steward-4") for mode in Mode),
    *(ModeSet(mode, "supervisor-1", until=NOW.wall + 5.0) for mode in Mode),
    ModeEnded(NOW.wall + 5.0),
    StaffNoted(EntryKind.SHIFT, ShiftBody("steward-4", on=True)),
    *(DeviceLost(device) for device in DEVICES),
    *(DeviceBack(device) for device in DEVICES),
    *(ClockJudged(trusted) for trusted in (True, False)),
    RecordFailed(0, "disk full"),
    ReleaseFailed(0, "no answer"),
)


def events() -> st.SearchStrategy[Event]:
    """Any event at all, of attempt 0; often the next person's card, a change of mode or a steward's word."""
    modes = st.sampled_from([ModeSet(mode, "steward-4") for mode in Mode])
    skips = st.just(StewardSaid(0, StewardAction.SKIP_FACE, "steward-4"))
    words = st.sampled_from([StewardSaid(0, action, "steward-4") for action in StewardAction])
    overrides = st.sampled_from(OVERRIDES[-2:])
    return st.one_of(st.sampled_from(EVENTS), st.just(CardRead(4, card(), "wei")), words, overrides, skips, modes)


def moves() -> st.SearchStrategy[Move]:
    """One move of a story; two of three are what the lane waits for. Few draws, for stories are long."""
    return st.builds(
        Move,
        wait_s=st.sampled_from([0.0, 0.05, 0.05, 0.1, 0.1, 0.4, 0.4, 0.4, 1.0, 1.0, 2.5, 7.0, 130.0]),
        reply=st.sampled_from(REPLIES),
        odd=mostly(None, events(), weight=3),
        late=mostly(0, st.sampled_from([-1, 1]), weight=15),
    )


def stories() -> st.SearchStrategy[list[Move]]:
    """What happens at a lane in one evening."""
    return st.lists(moves(), max_size=8) | st.lists(moves(), min_size=8, max_size=25)
