"""What a steward saw of a suspected scalper: one of a closed list, so that nobody types, and nobody is described."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sight(StrEnum):
    """What was seen. What somebody did, never who or what kind of person did it."""

    OFFERS_TICKETS = "offers_tickets"
    LEADS_OTHERS = "leads_others"
    OTHERS_CARD = "others_card"
    MANY_TICKETS = "many_tickets"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SightingBody:
    """Who saw what. `attempt`: it was the person of this attempt; 0: somebody about, or nobody who came to the lane."""

    actor: str
    sight: Sight
    attempt: int = 0
