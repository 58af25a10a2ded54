"""What staff are told beside the lane's own words: whose list hints at the person, and why."""

from __future__ import annotations

from gate.core.case import Case
from gate.core.rules import live_hits
from gate.core.state import Lane
from models.decision import Now, Policy, Reason
from models.view import ShownHit
from models.watch import WatchAction


def shown_hits(lane: Lane, policy: Policy, now: Now) -> tuple[ShownHit, ...]:
    """The hints that are to be settled now; none while the lane asks for something else. Never who is listed."""
    word = lane.decision
    if word is None or word.awaiting or word.reason is not Reason.WATCHLISTED:
        return ()
    asked = (hit for hit in live_hits(Case(lane.facts, policy, now)) if hit.action is not WatchAction.NOTIFY)
    return tuple(dict.fromkeys(ShownHit(hit.purpose, hit.owner, hit.action, hit.means) for hit in asked))
