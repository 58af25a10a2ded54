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
    StewardWord,
    TicketFacts,
    Verdict,
)
from models.passage import Direction, Use
from models.profiles import MAY_BE_OVERRIDDEN


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

USED = frozenset({Reason.ALREADY_ADMITTED, Reason.DUPLICATE_IDENTITY})
"""To these a steward may say that the holder stands here: then somebody else passed before, and may sit on the seat."""

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
    def times(self) -> tuple[float, float] | None:
        """The earliest and the latest moment that it can be now, in Unix seconds; `None`: nobody knows.

        By a right clock they are one. Else a person may have said which event it is, if that is the one we serve.
        """
        if self.facts.clock_trusted:
            return self.now.wall, self.now.wall
        window = self.facts.window
        return (window.since, window.until) if window and window.event == self.policy.event else None

    @property
    def earliest(self) -> float:
        """It is not earlier than this, where anybody knows."""
        return self.times[0] if self.times else self.now.wall

    @property
    def latest(self) -> float:
        """It is not later than this, where anybody knows."""
        return self.times[1] if self.times else self.now.wall

    def day(self, at: float) -> str:
        """The day at the venue, as cards print it: `2026-01-31`."""
        moment = datetime.fromtimestamp(at, UTC) + timedelta(seconds=self.policy.utc_offset_s)
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

    def settled_by(self, objection: Objection) -> StewardWord | None:
        """The word that settles this: it settles what a person was shown when he gave it, and that alone.

        A steward's own word is enough where it can settle it; an override counts where nothing less does.
        """
        about = [word for word in self.facts.steward if word.on is objection.reason]
        plain = (word for word in about if not objection.final and _is_yes(word))
        overriding = (word for word in about if self.overrides(word, objection.reason))
        return next(plain, None) or next(overriding, None)

    def may_be_overridden(self, reason: Reason) -> bool:
        """Whether the policy lets a supervisor pass over this, as far as a policy may."""
        return reason in MAY_BE_OVERRIDDEN and reason in self.policy.overridable

    def overrides(self, word: StewardWord, reason: Reason) -> bool:
        """Whether this word overrides: with a cause, and by two where two are asked for."""
        by_enough = not self.policy.override_by_two or word.second not in ("", word.actor)
        is_whole = word.action is StewardAction.OVERRIDE and word.cause is not None and by_enough
        return is_whole and self.may_be_overridden(reason)


def _is_yes(word: StewardWord) -> bool:
    seated = word.action is StewardAction.HOLDER_HERE and word.on in USED
    return word.action is StewardAction.ADMIT or seated


def first_use(facts: Facts, ticket: str, reason: Reason) -> Use | None:
    """The use that stands against this ticket: what the authority told, or what this gate knows itself."""
    if facts.lookup is None or reason not in USED:
        return None
    if reason is Reason.DUPLICATE_IDENTITY:
        person = facts.lookup.person_key
        others = [use for use in facts.lookup.uses if use.person_key == person and use.ticket != ticket]
        return max((use for use in others if use.direction is Direction.ENTRY), key=lambda use: use.at, default=None)
    if facts.claim_first is not None:
        return facts.claim_first
    return max((use for use in facts.lookup.uses if use.ticket == ticket), key=lambda use: use.at, default=None)
