"""One attempt laid out for the rules: facts, policy, time, and the ticket that is being judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from models.credential import Medium
from models.decision import (
    CardFacts,
    CodeNeed,
    Facts,
    LookupFacts,
    Need,
    Now,
    Policy,
    Reason,
    StewardAction,
    TicketFacts,
    Verdict,
)
from models.passage import Direction, Use


@dataclass(frozen=True)
class Pass:
    """A rule has nothing against it. `flags` say what was let pass although it was not plain."""

    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """A rule says no, or asks for a person. A `final` one can't be settled by the steward at the lane."""

    verdict: Verdict
    reason: Reason
    final: bool


@dataclass(frozen=True)
class Missing:
    """A rule can't tell before a fact is gathered. `reason` is the word as things stand."""

    need: Need
    reason: Reason


Finding = Pass | Objection | Missing

PASS = Pass()


def deny(reason: Reason, *, final: bool = True) -> Objection:
    """A plain no."""
    return Objection(Verdict.DENY, reason, final)


def refer(reason: Reason, *, final: bool = False) -> Objection:
    """A person decides."""
    return Objection(Verdict.REFER, reason, final)


FACE_REASONS = frozenset(
    {
        Reason.FACE_DECLINED,
        Reason.NO_REFERENCE,
        Reason.MODEL_MISMATCH,
        Reason.NO_FACE,
        Reason.POOR_FACE,
        Reason.NOT_LIVE,
        Reason.FACE_UNCERTAIN,
        Reason.FACE_MISMATCH,
        Reason.DEVICE_FAULT,
    }
)
"""Told one of these, a steward who says "admit" has compared the portrait and the person by eye."""

BY_EYE = FACE_REASONS | {Reason.DOCUMENT_NEEDED}
"""So he has told this: who looks at an ID looks at the portrait on it, and no camera need look again."""


def code_need(facts: Facts, policy: Policy) -> CodeNeed:
    """What the presented thing needs beside itself, a code or a typed document; a card needs nothing of this."""
    if facts.card is not None and facts.card.typed_by:
        return CodeNeed(policy.typed_needs.value)
    by_code = facts.card is not None and facts.card.medium is Medium.CODE
    return policy.code_needs if by_code else CodeNeed.NOTHING


def needs_face(facts: Facts, policy: Policy) -> bool:
    """Whether a face is to be compared: of everybody, or of those who bring a code."""
    return policy.needs_face or code_need(facts, policy) is CodeNeed.FACE


@dataclass(frozen=True)
class Case:
    """What a rule may look at."""

    facts: Facts
    policy: Policy
    now: Now
    ticket: TicketFacts | None = None

    def about(self, ticket: TicketFacts | None) -> Case:
        """The same case with another ticket under judgement."""
        return replace(self, ticket=ticket)

    @property
    def card(self) -> CardFacts:
        """The card; rules that ask come after the rule that makes sure of it."""
        assert self.facts.card is not None
        return self.facts.card

    @property
    def lookup(self) -> LookupFacts:
        """What the stores said; rules that ask come after the rule that makes sure of it."""
        assert self.facts.lookup is not None
        return self.facts.lookup

    @property
    def code_need(self) -> CodeNeed:
        """What the code or typed document needs beside itself; nothing where it is none."""
        return code_need(self.facts, self.policy)

    @property
    def needs_face(self) -> bool:
        """Whether a face is to be compared."""
        return needs_face(self.facts, self.policy)

    @property
    def entering(self) -> bool:
        """Whether the person wants in."""
        return self.facts.direction is Direction.ENTRY

    @cached_property
    def today(self) -> str:
        """The day at the venue, as cards print it: `2026-01-31`."""
        moment = datetime.fromtimestamp(self.now.wall, UTC) + timedelta(seconds=self.policy.utc_offset_s)
        return moment.date().isoformat()

    @cached_property
    def last_use(self) -> Use | None:
        """The ticket's latest use."""
        assert self.ticket is not None
        uses = [use for use in self.lookup.uses if use.ticket == self.ticket.ticket]
        return max(uses, key=lambda use: use.at, default=None)

    def said(self, action: StewardAction, on: Reason | None = None) -> bool:
        """Whether a person said this of the attempt; with `on`, in answer to that."""
        return any(word.action is action and on in (None, word.on) for word in self.facts.steward)

    @property
    def compared_by_eye(self) -> bool:
        """Whether a person stood in for the camera."""
        return any(word.action is StewardAction.ADMIT and word.on in BY_EYE for word in self.facts.steward)

    def settles(self, objection: Objection) -> bool:
        """Whether a person's word settles this: it settles what he was shown when he gave it, and that alone."""
        return not objection.final and any(
            word.action is StewardAction.ADMIT and word.on is objection.reason for word in self.facts.steward
        )
