"""What staff are told beside the lane's own words: whose list hints at the person, and why; and who looks."""

from __future__ import annotations

from gate.core.case import Case
from gate.core.decide import chosen_ticket
from gate.core.lists import asks, is_review, live_hits, owner_of
from gate.core.state import Lane
from models.decision import Now, Policy
from models.view import ShownHit, ShownReview
from models.watch import WatchAction


def shown_hits(lane: Lane, policy: Policy, now: Now) -> tuple[ShownHit, ...]:
    """The hints that are to be settled now; none while the lane asks for something else. Never who is listed."""
    if not is_review(lane.decision):
        return ()
    case = Case(lane.facts, policy, now, chosen_ticket(lane.facts, policy, now))
    asked = ((hit, asks(hit, case)) for hit in live_hits(case))
    told = (
        ShownHit(hit.purpose, hit.owner, action, hit.means, hit.appeal)
        for hit, action in asked
        if action is not WatchAction.NOTIFY
    )
    return tuple(dict.fromkeys(told))


def shown_review(lane: Lane, policy: Policy, now: Now) -> ShownReview | None:
    """The review of these hints; `None` while there is none."""
    if not is_review(lane.decision) or lane.review_mono is None or lane.decision is None:
        return None
    goes_on = policy.watch_fallback if lane.decision.settleable else None
    since = now.wall - (now.mono - lane.review_mono)
    return ShownReview(owner_of(lane.facts), since, policy.watch_review_s, goes_on)
