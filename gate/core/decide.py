"""`decide(facts, policy, now) -> Decision`: pure, total, deterministic.

It walks the rules of `gate.core.rules` from the top. The first objection stands, unless it is of the kind that a person
may settle and one has. While a fact is missing the word is REFER "as things stand", with what is awaited.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.core.case import Case, Finding, Missing, Objection, Pass, first_use
from gate.core.hospital import companion_ticket, was_named
from gate.core.lists import silent_notes
from gate.core.rules import ENTRY_RULES, EXIT_RULES, SCREENING_RULES, TICKET_RULES, Rule
from models.decision import (
    Decision,
    Facts,
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
from models.ticket import Note


@dataclass(frozen=True, slots=True)
class Step:
    """One rule's finding, and the word by which a person settled it."""

    rule: Rule
    finding: Finding
    word: StewardWord | None = None

    @property
    def settled(self) -> bool:
        """Whether a person did."""
        return self.word is not None


def decide(facts: Facts, policy: Policy, now: Now) -> Decision:
    """The verdict on `facts`. Never raises; what isn't known is never taken for a yes."""
    case = _lay_out(facts, policy, now)
    return _conclude(case, _walk(case))


def explain(facts: Facts, policy: Policy, now: Now) -> tuple[Decision, tuple[Step, ...]]:
    """The same decision, with every rule that was asked on the way to it."""
    case = _lay_out(facts, policy, now)
    steps = _walk(case)
    return _conclude(case, steps), steps


def chosen_ticket(facts: Facts, policy: Policy, now: Now) -> TicketFacts | None:
    """The ticket that the rules judge: of several, the one that comes furthest."""
    return _lay_out(facts, policy, now).ticket


def _lay_out(facts: Facts, policy: Policy, now: Now) -> Case:
    case = Case(facts, policy, now)
    tickets = facts.lookup.tickets if facts.lookup else ()
    ranked = sorted(
        tickets, key=lambda ticket: (*_shortfall(case.about(ticket)), ticket.validity.not_before, ticket.ticket)
    )
    return case.about(ranked[0] if ranked else companion_ticket(facts, policy))


def _shortfall(case: Case) -> tuple[int, int]:
    """How many ticket rules this ticket fails to reach, and how many it passes with a flag; leaving: is it outside?"""
    if not case.entering:
        return int(case.last_use is None or case.last_use.direction is not Direction.ENTRY), 0
    flags = 0
    for passed, rule in enumerate(TICKET_RULES):
        finding = rule(case)
        if isinstance(finding, Objection):
            return len(TICKET_RULES) - passed, flags
        flags += len(finding.flags) if isinstance(finding, Pass) else 0
    return 0, flags


def _rules_for(case: Case) -> tuple[Rule, ...]:
    if not case.entering:
        return EXIT_RULES
    return ENTRY_RULES if case.policy.needs_ticket else SCREENING_RULES


def _walk(case: Case) -> tuple[Step, ...]:
    """Ask the rules in order, up to the first objection that stands or the fact without which none can be asked."""
    steps: list[Step] = []
    for rule in _rules_for(case):
        finding = rule(case)
        word = case.settled_by(finding) if isinstance(finding, Objection) else None
        steps.append(Step(rule, finding, word))
        if isinstance(finding, Objection) and word is None:
            break
        if isinstance(finding, Missing) and finding.need is Need.LOOKUP:
            break
    return tuple(steps)


def _conclude(case: Case, steps: tuple[Step, ...]) -> Decision:
    notes = _notes(case)
    ticket = case.ticket.ticket if case.ticket else ""
    missing = tuple(step.finding for step in steps if isinstance(step.finding, Missing))
    if missing:
        needs = tuple(finding.need for finding in missing)
        return Decision(Verdict.REFER, missing[0].reason, needs, ticket, notes)
    last = steps[-1]
    if isinstance(last.finding, Objection) and not last.settled:
        objection = last.finding
        overridable = objection.final and case.may_be_overridden(objection.reason)
        return Decision(
            objection.verdict,
            objection.reason,
            (),
            ticket,
            notes,
            settleable=not objection.final,
            overridable=overridable,
        )
    flags, first = _flags(steps), _sits_there(case, steps)
    return Decision(Verdict.ADMIT, _why_admitted(case, steps), (), ticket, notes, flags, first_use=first)


def _why_admitted(case: Case, steps: tuple[Step, ...]) -> Reason:
    if case.compared_by_eye or was_named(case) or any(step.settled for step in steps):
        return Reason.OK_BY_STEWARD
    compared = case.needs_face and case.policy.needs_ticket and case.entering
    return Reason.OK if compared else Reason.OK_WITHOUT_FACE


def _flags(steps: tuple[Step, ...]) -> tuple[str, ...]:
    flags: list[str] = []
    for step in steps:
        if isinstance(step.finding, Pass):
            flags += step.finding.flags
        if isinstance(step.finding, Objection) and step.word is not None:
            overridden = step.word.action is StewardAction.OVERRIDE
            flags.append(f"{'override' if overridden else 'settled'}_{step.finding.reason}")
            flags += ["seat_check"] if step.word.action is StewardAction.HOLDER_HERE else []
    return tuple(dict.fromkeys(flags))


def _sits_there(case: Case, steps: tuple[Step, ...]) -> Use | None:
    """The use by which somebody else may sit on the seat of a holder who stands here."""
    ticket = case.ticket.ticket if case.ticket else ""
    doubted = (step.word.on for step in steps if step.word and step.word.action is StewardAction.HOLDER_HERE)
    return next((first_use(case.facts, ticket, reason) for reason in doubted if reason), None)


def _notes(case: Case) -> tuple[Note, ...]:
    return (case.ticket.notes if case.ticket else ()) + silent_notes(case)
