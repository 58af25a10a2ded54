"""What an entry on a list of persons must have to be lawful here, and what it still lacks.

Nobody is listed without an owner, a purpose, an end and a place to appeal to; a face, and being stopped, need a basis
in law besides (PIPL articles 6, 19, 26 and 28); and a child under 14 is on a list to be found, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from models.watch import DEFAULT_TERM_S, WatchAction, WatchPurpose
from sync.findings import CHILD_YEARS, birth_of
from sync.holding import Document
from sync.sources.people import wrong_number

DAY_S = 86_400.0
AHEAD_S = 365 * DAY_S
"""No entry begins later than this."""

LONGEST_TERM_S = {
    WatchPurpose.SCALPING: 3 * 365 * DAY_S,
    WatchPurpose.ORDER: 3 * 365 * DAY_S,
    WatchPurpose.COURT_BAN: 10 * 365 * DAY_S,  # as long as the court said
    WatchPurpose.FREQUENT: 90 * DAY_S,
    WatchPurpose.MISSING: 365 * DAY_S,
}
"""From beginning to end; whoever is to stay longer is proposed, looked at and approved again."""

_CHINA = timedelta(hours=8)


class Fault(StrEnum):
    """What is wrong with an entry or missing from it."""

    NO_OWNER = "no_owner"
    NO_PURPOSE = "no_purpose"
    NO_ACTION = "no_action"
    NO_APPEAL = "no_appeal"
    NO_PERSON = "no_person"
    NO_BASIS_FACE = "no_basis_face"
    NO_BASIS_REFUSE = "no_basis_refuse"
    REFUSE_BY_FACE = "refuse_by_face"
    BAD_NUMBER = "bad_number"
    BAD_TIMES = "bad_times"
    EXPIRED = "expired"
    TOO_LONG = "too_long"
    TOO_EARLY = "too_early"
    UNDER_14 = "under_14"
    NO_EVIDENCE = "no_evidence"
    # Of a table's rows:
    NO_END = "no_end"
    NO_APPROVERS = "no_approvers"
    BAD_CELL = "bad_cell"
    BAD_PHOTOGRAPH = "bad_photograph"
    TWICE = "twice"
    LISTED = "listed"


LATER = frozenset({Fault.NO_EVIDENCE})
"""Keeps an entry from being approved, and not from being proposed."""

TOLD = frozenset({Fault.NO_END, Fault.NO_APPROVERS, Fault.BAD_PHOTOGRAPH})
"""Worth knowing, and no obstacle: a term is set, two people here approve, the photograph is left out."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry as somebody wants it. Times are Unix seconds; without an end it lasts a year.

    `template` is as an engine of `model_version` made it; `sites` are the partners that may get it, `entrances` the
    gates where it counts: empty means all.
    """

    owner: str
    purpose: str
    action: str
    appeal: str
    legal_basis: str = ""
    document: Document | None = field(default=None, repr=False)
    valid_from: float | None = None
    valid_to: float | None = None
    sites: tuple[str, ...] = ()
    entrances: tuple[str, ...] = ()
    template: bytes = field(default=b"", repr=False)
    model_version: str = ""

    def term(self, now: float) -> tuple[float, float]:
        """From when to when, with what goes without saying."""
        begins = now if self.valid_from is None else self.valid_from
        return begins, begins + default_term_s(self.purpose) if self.valid_to is None else self.valid_to


def default_term_s(purpose: str) -> float:
    """How long an entry of this purpose lasts where nobody says: a year, or the longest that is allowed."""
    return min(DEFAULT_TERM_S, longest_term_s(purpose))


def longest_term_s(purpose: str) -> float:
    """How long an entry of this purpose may last."""
    return LONGEST_TERM_S[WatchPurpose(purpose)] if purpose in set(WatchPurpose) else DEFAULT_TERM_S


def faults_of(proposal: Proposal, now: float) -> list[Fault]:
    """Why the entry can't be proposed as it is; empty when it can."""
    has_face, refuses = bool(proposal.template), proposal.action == WatchAction.REFUSE_UNLESS_CLEARED
    begins, ends = proposal.term(now)
    is_upside_down = proposal.valid_from is not None and ends <= begins
    checks = {
        Fault.NO_OWNER: not proposal.owner.strip(),
        Fault.NO_PURPOSE: proposal.purpose not in set(WatchPurpose),
        Fault.NO_ACTION: proposal.action not in set(WatchAction),
        Fault.NO_APPEAL: not proposal.appeal.strip(),
        Fault.NO_PERSON: proposal.document is None and not has_face,
        Fault.NO_BASIS_FACE: has_face and not proposal.legal_basis.strip(),
        Fault.NO_BASIS_REFUSE: refuses and not proposal.legal_basis.strip(),
        Fault.REFUSE_BY_FACE: refuses and proposal.document is None,
        Fault.BAD_NUMBER: proposal.document is not None
        and bool(wrong_number(proposal.document.kind, proposal.document.number)),
        Fault.BAD_TIMES: is_upside_down,
        Fault.EXPIRED: ends <= now and not is_upside_down,
        Fault.TOO_LONG: ends - begins > longest_term_s(proposal.purpose) + DAY_S,  # a leap day
        Fault.TOO_EARLY: begins > now + AHEAD_S,
        Fault.UNDER_14: proposal.purpose != WatchPurpose.MISSING and is_under_14(proposal.document, now),
    }
    return [fault for fault, holds in checks.items() if holds]


def is_under_14(document: Document | None, now: float) -> bool:
    """Whether the document's number says that its holder is a child, on the day that it is in China."""
    birth = None if document is None else birth_of(document.kind, document.number)
    if birth is None:
        return False
    today: date = (datetime.fromtimestamp(now, UTC) + _CHINA).date()
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day)) < CHILD_YEARS


def bars(faults: Collection[Fault]) -> bool:
    """Whether something in `faults` keeps an entry from being proposed at all."""
    return any(fault not in LATER | TOLD for fault in faults)
