"""How long the pure core takes: one decision, and one step of the lane, in microseconds.

The decisions are of visitors at a concert: with the face to come, admitted, a stranger's face, and a ticket used
before. The steps are whole visits: card, ticket, face, passage.
"""

from __future__ import annotations

import time
from dataclasses import replace

from gate.core.decide import decide
from gate.core.events import CardRead, Event, FaceCompared, Passed, TicketFound
from gate.core.lane import step
from gate.core.state import new_lane
from models.credential import Assurance, Medium
from models.decision import CardFacts, FaceFacts, Facts, LookupFacts, Now, Profile, TicketFacts, Verdict
from models.face import Comparison
from models.ids import DocumentType
from models.passage import Direction, Passage, Use
from models.profiles import DLIB_BANDS, policy_of
from models.ticket import Entitlement, ManifestState, TicketStatus, Validity
from tests.bench.figures import quantile

_NIGHT, _DAY = 1_750_000_000.0, 86_400.0
_NOW = Now(wall=_NIGHT + 600.0, mono=50.0)
_POLICY = policy_of(Profile.CONCERT, "arena")
_TICKET = TicketFacts(
    ticket="T1",
    entitlement=Entitlement("arena", ("north",), seat="A 12"),
    validity=Validity(_NIGHT, _NIGHT + 20_000),
    status=TicketStatus.VALID,
    category="standard",
    bound_at=_NIGHT - 9 * _DAY,
    guardian="",
    face_declined=False,
    notes=(),
    reference_model=DLIB_BANDS.model_version,
)
_CARD = CardFacts(Medium.CHIP_CARD, DocumentType.RESIDENT_ID, Assurance.AUTHENTICATED, "2016-03-01", "2036-03-01")
_LOOKUP = LookupFacts(ManifestState("arena", 7, _NIGHT - 3_600, _NIGHT + _DAY), "5c" * 16, (_TICKET,), inside=100)
_USE = Use("T1", "5c" * 16, Direction.ENTRY, Passage.PASSED, _NIGHT + 100, "north")


def measure(rounds: int = 5_000) -> dict[str, float]:
    """Median and 99th percentile of single calls, in the thread's own processor time."""
    decisions = _decide_us(rounds)
    steps = _step_us(rounds)
    figures: dict[str, float] = {"decisions": len(decisions), "steps": len(steps)}
    for name, times in (("decide", decisions), ("step", steps)):
        figures |= {f"{name}_p50_us": quantile(times, 0.5), f"{name}_p99_us": quantile(times, 0.99)}
    return figures


def _face(distance: float) -> FaceFacts:
    return FaceFacts(Comparison(distance, DLIB_BANDS.model_version), model_version=DLIB_BANDS.model_version, tries=1)


def _decide_us(rounds: int) -> list[float]:
    waiting = Facts(gate="north", card=_CARD, lookup=_LOOKUP)
    admitted = replace(waiting, face=_face(0.2))
    cases = (
        waiting,
        admitted,
        replace(waiting, face=_face(0.9)),
        replace(admitted, lookup=replace(_LOOKUP, uses=(_USE,))),
    )
    assert decide(admitted, _POLICY, _NOW).verdict is Verdict.ADMIT
    times = []
    for _ in range(rounds):
        for facts in cases:
            began = time.thread_time_ns()
            decide(facts, _POLICY, _NOW)
            times.append((time.thread_time_ns() - began) / 1000)
    return times


def _step_us(rounds: int) -> list[float]:
    lane, times = new_lane("north", has_sensor=True), []
    for number in range(1, rounds + 1):
        visit: tuple[Event, ...] = (
            CardRead(number, _CARD, "5c"),
            TicketFound(number, _LOOKUP),
            FaceCompared(number, _face(0.2)),
            Passed(),
        )
        for event in visit:
            began = time.thread_time_ns()
            lane, effects = step(lane, event, _POLICY, _NOW)
            times.append((time.thread_time_ns() - began) / 1000)
            assert effects, f"{type(event).__name__} did nothing in {lane.phase}"
    return times
