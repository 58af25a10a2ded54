"""Why was it decided so? The decision run again, from the facts and by the policy that the ledger holds.

Pure: whoever has the two entries can ask, on any machine. `Answer.same` says whether the word comes out as recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gate.core.case import Missing, Objection
from gate.core.decide import Step, explain
from gate.core.lists import UNANSWERED
from models.decision import Decision, Need, Now, Policy, Reason, Verdict
from models.record import DecisionBody
from models.words import Words, words_of


class Finding(StrEnum):
    """What a rule said."""

    FINE = "fine"
    OBJECTS = "objects"
    SETTLED = "settled"  # it objected, and a person settled that
    CAN_NOT_TELL = "can_not_tell"  # a fact was missing


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule that was asked. `sentence` is what it holds true; reason and verdict are those of an objection."""

    rule: str
    sentence: str
    finding: Finding
    verdict: Verdict | None = None
    reason: Reason | None = None
    need: Need | None = None
    flags: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The recorded word, the word that comes out now, and every rule asked on the way to it."""

    attempt: int
    at: float
    recorded: Decision
    again: Decision
    asked: tuple[Asked, ...]
    words: Words
    remark: str = ""  # what the lane added to the rules' word
    portrait_problem: str = ""  # why the document's portrait gave no reference

    @property
    def same(self) -> bool:
        """Whether the word comes out as it was recorded."""
        return self.recorded == self.again


def why(body: DecisionBody, policy: Policy) -> Answer:
    """Run the decision in `body` again by `policy`."""
    word, steps = explain(body.facts, policy, Now(wall=body.at, mono=0.0))
    again, remark = _as_the_lane_says_it(word, body.decision)
    asked = tuple(_asked(step, body) for step in steps)
    medium = body.facts.card.medium if body.facts.card else body.facts.problem_medium
    words = words_of(body.decision.reason, medium)
    portrait_problem = body.facts.face.portrait_problem if body.facts.face else ""
    return Answer(body.attempt, body.at, body.decision, again, asked, words, remark, portrait_problem)


def _as_the_lane_says_it(word: Decision, recorded: Decision) -> tuple[Decision, str]:
    """The rules' word with what the lane makes of it in free passage, and when nobody came to settle it."""
    if "free_passage" in recorded.flags:
        remark = "the barrier stood open: this is the word that would have been said"
        return replace(word, awaiting=(), flags=(*word.flags, "free_passage")), remark
    if UNANSWERED in recorded.flags:
        remark = "nobody had looked when the lane was needed by others; the word stood"
        return replace(word, flags=(*word.flags, UNANSWERED)), remark
    if recorded.reason is Reason.STEWARD_TIMEOUT and word.verdict is Verdict.REFER:
        remark = f"staff were asked ({word.reason}), and nobody settled it in time"
        return Decision(Verdict.DENY, Reason.STEWARD_TIMEOUT, (), word.ticket), remark
    return word, ""


def _asked(step: Step, body: DecisionBody) -> Asked:
    sentence = (step.rule.__doc__ or "").strip().splitlines()[0]
    asked = Asked(step.rule.__name__, sentence, Finding.FINE)
    match step.finding:
        case Objection() as objection:
            finding = Finding.SETTLED if step.settled else Finding.OBJECTS
            word = step.word
            who = tuple(name for name in (word.actor, word.second) if name) if word is not None else ()
            return replace(
                asked,
                finding=finding,
                verdict=objection.verdict,
                reason=objection.reason,
                settled_by=who,
            )
        case Missing() as missing:
            return replace(asked, finding=Finding.CAN_NOT_TELL, reason=missing.reason, need=missing.need)
        case passed:
            return replace(asked, flags=passed.flags)
