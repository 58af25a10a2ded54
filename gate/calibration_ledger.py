"""Scores from what a lane decided: distances stand in its ledger, and who was let in is taken for the holder.

A machine's own admission only says that the distance was small, so these scores can't set a threshold: that would be
measured by itself. They show whether the lane still sees what it saw before: a camera that was turned, a hall that got
darker, another crowd.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.calibration import Score
from models.decision import Reason, Verdict
from models.face import Comparison
from models.ledger import EntryKind
from models.record import DecisionBody
from models.store.ledger_read import LedgerReader
from models.wire import from_builtins


@dataclass(frozen=True, slots=True)
class Recorded:
    """Scores of one model and one cohort, those of the latest decision; `passed_over` are of others."""

    model_version: str = ""
    cohort: str = ""
    scores: list[Score] = field(default_factory=list, repr=False)
    passed_over: int = 0


def recorded(reader: LedgerReader) -> Recorded:
    """The last word on each attempt with a comparison, where it was an admission or a steward's refusal."""
    last: dict[int, tuple[Comparison, bool]] = {}
    seq = 0
    while entries := reader.entries(seq):
        seq = entries[-1].seq
        for entry in entries:
            if entry.kind is EntryKind.DECISION:
                body = from_builtins(DecisionBody, entry.body)
                if found := _score(body):
                    last[body.attempt] = found
    if not last:
        return Recorded()
    newest, _ = list(last.values())[-1]
    kind = (newest.model_version, newest.cohort)
    scores = [Score(one.distance, same) for one, same in last.values() if (one.model_version, one.cohort) == kind]
    return Recorded(*kind, scores, len(last) - len(scores))


def _score(body: DecisionBody) -> tuple[Comparison, bool] | None:
    comparison = body.facts.face.comparison if body.facts.face else None
    admitted = body.decision.verdict is Verdict.ADMIT
    if comparison is None or not (admitted or body.decision.reason is Reason.REFUSED_BY_STEWARD):
        return None
    return comparison, admitted
