"""What a list of tickets would change: those that are new, changed, the same, and those that it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.ticket import TicketStatus
from sync.holding import Document, Holding


@dataclass(frozen=True, slots=True)
class Difference:
    """`reinstated` are among the changed: revoked so far, and valid again. `absent` are valid and not in the list."""

    new: tuple[Holding, ...] = field(default=(), repr=False)
    changed: tuple[Holding, ...] = field(default=(), repr=False)
    same: int = 0
    reinstated: int = 0
    absent: tuple[str, ...] = ()

    @property
    def written(self) -> tuple[Holding, ...]:
        """What has to be written."""
        return (*self.new, *self.changed)


def compare(before: Mapping[str, Holding], listed: Sequence[Holding]) -> Difference:
    """Hold a list against the tickets that there are."""
    new, changed, reinstated = [], [], 0
    for holding in (keep_face(before.get(each.ticket.ticket), each) for each in listed):
        old = before.get(holding.ticket.ticket)
        if old is None:
            new.append(holding)
        elif old != holding:
            changed.append(holding)
            reinstated += old.ticket.status is TicketStatus.REVOKED and holding.ticket.status is TicketStatus.VALID
    names = {holding.ticket.ticket for holding in listed}
    absent = tuple(name for name, old in before.items() if name not in names and _is_valid(old))
    return Difference(tuple(new), tuple(changed), len(listed) - len(new) - len(changed), reinstated, absent)


def keep_face(old: Holding | None, new: Holding) -> Holding:
    """`new`, with the template that was made for this person before, unless it was declined or made anew.

    A table or a ticketing platform that says nothing of a face doesn't mean that it should be forgotten; another
    document means another person.
    """
    if old is None or new.ticket.reference is not None or new.ticket.face_declined:
        return new
    if old.ticket.reference is None or _numbers(old.documents) != _numbers(new.documents):
        return new
    consent = new.guardian_consent or old.guardian_consent
    return replace(new, ticket=replace(new.ticket, reference=old.ticket.reference), guardian_consent=consent)


def after(before: Mapping[str, Holding], difference: Difference, *, without_absent: bool) -> list[Holding]:
    """The tickets as they would be."""
    gone = set(difference.absent) if without_absent else set()
    merged = dict(before) | {holding.ticket.ticket: holding for holding in difference.written}
    return [holding for name, holding in merged.items() if name not in gone]


def _is_valid(holding: Holding) -> bool:
    return holding.ticket.status is TicketStatus.VALID


def _numbers(documents: Iterable[Document]) -> set[tuple[str, str]]:
    return {(document.kind, document.number) for document in documents}
