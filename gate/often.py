"""Who comes too often, at a gate that has no server: counted from its own ledger, and looked at by a person.

Where a server holds the ledger it counts over all entrances, knows who is exempt, and this gate keeps out of it.
"""

from __future__ import annotations

from models.decision import Policy
from models.passage import Direction, Passage
from models.store.ledger_read import LedgerReader
from models.watch import HitMeans, WatchAction, WatchHit, WatchPurpose

DAY_S = 86_400.0
ENTRY = "frequent"
"""What stands in the ledger for an entry that no list holds."""


def often(ledger: LedgerReader, person_key: str, policy: Policy) -> tuple[WatchHit, ...]:
    """A review of whoever has come in as often as the rules allow within the last days; nothing otherwise.

    The days end with the ledger's last line: that is as late as this gate knows. Raises `StoreFailed`.
    """
    if policy.frequent_times is None or not person_key or ledger.acknowledged():
        return ()
    latest = ledger.tail(1)
    if not latest:
        return ()
    now, window_s = latest[-1].at, policy.frequent_days * DAY_S
    came = [
        use.at
        for use in ledger.uses((), person_key)
        if use.direction is Direction.ENTRY and use.passage is not Passage.NO_SHOW and use.at > now - window_s
    ]
    if len(came) < policy.frequent_times:
        return ()
    ends = sorted(came)[-policy.frequent_times] + window_s
    hit = WatchHit(
        ENTRY, ledger.gate, WatchPurpose.FREQUENT, WatchAction.REVIEW, HitMeans.DOCUMENT, valid_from=0.0, valid_to=ends
    )
    return (hit,)
