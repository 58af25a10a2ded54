"""A claim on its way: from the gate process's words to the authority's, and back."""

from __future__ import annotations

from models.decision import ClaimAnswer
from models.link import Ask, Told
from models.passage import Direction, Passage, Use
from sync.client import Client
from sync.contract import ClaimBatch, ClaimRequest, FirstUse
from sync.failures import Garbled


async def forward(client: Client, ask: Ask, gate: str, within_s: float) -> Told:
    """The authority's answer to `ask`. Raises `SyncFailed`, at the latest after `within_s`."""
    claim = ClaimRequest(ask.claim, ask.event, ask.ticket, ask.direction, gate, ask.at, ask.code_step)
    answers = (await client.claim(ClaimBatch((claim,)), within_s)).answers
    if len(answers) != 1 or answers[0].claim != ask.claim or answers[0].answer not in set(ClaimAnswer):
        raise Garbled("the authority answered another claim than the one that was asked")
    first = answers[0].first
    return Told(ask.claim, ClaimAnswer(answers[0].answer), _use(first, ask.ticket) if first else None)


def _use(first: FirstUse, ticket: str) -> Use:
    """`held`, a turn that is still awaited elsewhere, is not known to have passed."""
    passage = Passage.PASSED if first.passage == Passage.PASSED else Passage.UNKNOWN
    return Use(ticket, "", Direction.ENTRY, passage, first.at, first.gate)
