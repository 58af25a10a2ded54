"""A venue hub's connection to its centre: a device's, and what only a hub says."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

from models.wire import WireError, from_json
from sync.client import LARGEST_ANSWER, Client, authority_only, read_all
from sync.contract import VERSION, LedgerBatch, LedgerReceipt
from sync.contract_hub import HeldClaim, HeldClaims, HubGates, HubStanding
from sync.enrolment import Enrolment
from sync.failures import Garbled, RefusedBy
from sync.numbers import AHEAD, KeptNumber
from sync.server.hub import Hub
from sync.server.upstream_papers import folder_of, signing_key_of
from sync.signing import Signer

WITHIN_S = 30.0

T = TypeVar("T")


class CentreClient(Client):
    """For one event loop. One process alone may upload; the others ask for claims."""

    async def tell_gates(self, told: HubGates) -> HubStanding:
        """All our gates; what the centre wants of them and us."""
        return await self._spend("PUT", f"/{VERSION}/hub/gates", told, HubStanding)

    async def pass_on(self, batch: LedgerBatch) -> LedgerReceipt:
        """Lines that one of our gates wrote."""
        return await self._spend("POST", f"/{VERSION}/hub/ledger", batch, LedgerReceipt)

    async def held_claims(self, event: str) -> list[HeldClaim]:
        """All tickets of `event` that are in use."""
        found: list[HeldClaim] = []
        while True:
            after = quote(found[-1].ticket, safe="") if found else ""
            target = f"/{VERSION}/hub/claims/{quote(event, safe='')}?after={after}"
            async with self.stream("GET", target) as response:
                raw = await read_all(response, LARGEST_ANSWER)
            try:
                page = from_json(HeldClaims, raw).claims
            except WireError as error:
                raise Garbled(f"the centre's claims can't be read ({error}): is its program older?") from None
            if not page:
                return found
            found += page

    async def _spend(self, method: str, target: str, noun: object, kind: type[T]) -> T:
        """A request whose number is spent. Where ours fell behind, it leaps until it fits."""
        async with self._uploads:
            try:
                return (await self._ask(method, target, noun, kind, WITHIN_S))[0]
            except RefusedBy as refused:
                if refused.code == "replayed":
                    self.signer.last += AHEAD
                raise


class Unkept(KeptNumber):
    """Numbers of requests that nobody counts: claims. Nothing of them goes to the disk."""

    def __init__(self) -> None:
        self.kept = 0

    def reserve(self, number: int) -> None:
        """In memory alone."""
        self.kept = number + AHEAD


def open_client(hub: Hub, papers: Enrolment, numbers: KeptNumber | None = None) -> CentreClient:
    """A connection to the centre; with `numbers` None, for claims alone. Raises `UnsafeKey`."""
    signer = Signer(papers.site, papers.device, signing_key_of(hub.settings), hub.clock)
    server = hub.settings.upstream or papers.server
    return CentreClient(server, authority_only(papers.authority), signer, numbers or Unkept())


def kept_number(hub: Hub) -> KeptNumber:
    """The number of the hub's last upload."""
    return KeptNumber(folder_of(hub.settings) / "number")
