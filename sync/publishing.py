"""The rules of publishing a concert's manifest.

After the notice of the Ministry of Culture and Tourism and the Ministry of Public Security on real-name performances
(September 2023): one ticket per identity; work, sponsor and invitation tickets bound to a person a day before; and,
above 5,000 spectators, at least 85 % of the tickets on public sale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.decision import Policy, Profile
from models.ids import normalise_number
from models.ticket import Ticket, TicketStatus
from sync.bundle_build import CannotBuild
from sync.holding import Document, Holding

LARGE_SHOW = 5_000
PUBLIC_SHARE = 0.85

_SHOWN = 20


class RulesBroken(CannotBuild):
    """Published like this, the manifest would break the rules of real-name performances: all are in `violations`."""

    def __init__(self, violations: Sequence[str]) -> None:
        self.violations = tuple(violations)
        shown = "".join(f"\n  {violation}" for violation in self.violations[:_SHOWN])
        more = len(self.violations) - _SHOWN
        super().__init__(f"{len(violations)} rules are broken{shown}" + (f"\n  and {more} more" if more > 0 else ""))


def refuse_broken_rules(holdings: Sequence[Holding], policy: Policy, issued_at: float) -> None:
    """Raise `RulesBroken` when `policy` is a concert's and the tickets, revoked ones aside, break its rules."""
    if policy.profile is not Profile.CONCERT:
        return
    valid = [holding for holding in holdings if holding.ticket.status is TicketStatus.VALID]
    tickets = [holding.ticket for holding in valid]
    violations = [*_identities(valid, policy), *_bindings(tickets, policy, issued_at), *_share(tickets, policy)]
    if violations:
        raise RulesBroken(violations)


def _identities(holdings: Sequence[Holding], policy: Policy) -> Iterator[str]:
    holders: dict[Document, str] = {}
    for holding in holdings if policy.one_per_identity else ():
        ticket = holding.ticket.ticket
        for document in holding.documents:
            first = holders.setdefault(Document(document.kind, normalise_number(document.number)), ticket)
            if first != ticket:
                yield f"one ticket per identity: tickets {first} and {ticket} have the same {document.kind}"


def _bindings(tickets: Sequence[Ticket], policy: Policy, issued_at: float) -> Iterator[str]:
    if policy.bound_before_s is None:
        return
    for ticket in tickets:
        latest = ticket.validity.not_before - policy.bound_before_s
        bound_at = issued_at if ticket.bound_at is None else ticket.bound_at  # to nobody yet: there may be time left
        if ticket.category in policy.bound_categories and bound_at > latest:
            hours = policy.bound_before_s / 3600
            yield f"bound {hours:g} hours before: ticket {ticket.ticket} ({ticket.category}) was not"


def _share(tickets: Sequence[Ticket], policy: Policy) -> Iterator[str]:
    public = sum(ticket.category not in policy.bound_categories for ticket in tickets)
    if len(tickets) > LARGE_SHOW and public < PUBLIC_SHARE * len(tickets):
        yield f"{PUBLIC_SHARE:.0%} on public sale: {public} of {len(tickets)} tickets are"
