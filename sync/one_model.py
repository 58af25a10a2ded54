"""A manifest's faces are of one model: a gate has one engine, and a face that another enrolled never matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.ticket import TicketStatus
from sync.holding import Holding, Listed

HOW_TO_MEND = (
    "Enrol all of them by the gates' model: make the manifest anew from the photographs (gatectl manifest build PEOPLE"
    " PHOTOS --face URL), or import at the server the photographs of the others again; who has no photograph left can"
    " go without a face, and a person looks"
)


def mixed_models(holdings: Sequence[Holding], listed: Sequence[Listed]) -> str:
    """What is wrong where the faces of valid tickets and list entries come from several models; else empty."""
    tickets: dict[str, list[str]] = {}
    for ticket in (holding.ticket for holding in holdings):
        if ticket.reference is not None and ticket.status is TicketStatus.VALID:
            tickets.setdefault(ticket.reference.model_version, []).append(ticket.ticket)
    entries = Counter(item.entry.model_version for item in listed if item.entry.model_version)
    models = sorted({*tickets, *entries}, key=lambda model: (-len(tickets.get(model, ())), model))
    if len(models) < 2:
        return ""
    told = "; ".join(f"{model} {_whose(tickets.get(model, []), entries[model])}" for model in models)
    return f"the faces were enrolled by {len(models)} models, and a gate has one: {told}. {HOW_TO_MEND}"


def _whose(tickets: Sequence[str], entries: int) -> str:
    parts = []
    if tickets:
        parts.append(f"{len(tickets)} {'ticket' if len(tickets) == 1 else 'tickets'}, such as {tickets[0]}")
    if entries:
        parts.append(f"{entries} of the list's entries")
    return f"({' and '.join(parts)})"
