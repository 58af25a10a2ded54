"""This site's connection to a partner: signed with the issuer's key, and no other authority trusted than the card's."""

from __future__ import annotations

import hashlib

from sqlalchemy import Row

from sync.client import Client, authority_only, read_all
from sync.contract import VERSION
from sync.contract_partner import EntrustedEntries, HitCounts, Receipts, Taken
from sync.failures import RefusedBy
from sync.numbers import AHEAD, KeptNumber
from sync.server.hub import Hub
from sync.signing import Signer
from sync.watch_fetch import LARGEST_PAGE

WITHIN_S = 60.0


class PartnerClient(Client):
    """For one event loop; one process alone."""

    bell = f"/{VERSION}/partner/doorbell"

    async def page(self, after: int) -> bytes:
        """What is new in the partner's list after this revision."""
        async with self.stream("GET", f"/{VERSION}/partner/watch?after={after}") as response:
            return await read_all(response, LARGEST_PAGE)

    async def tell(self, what: str, noun: HitCounts | Receipts | EntrustedEntries) -> Taken:
        """Tell the partner something: `hits`, `receipts` or `entries`. Where our number fell behind, it leaps."""
        async with self._uploads:
            try:
                return (await self._ask("POST", f"/{VERSION}/partner/{what}", noun, Taken, WITHIN_S))[0]
            except RefusedBy as refused:
                if refused.code == "replayed":
                    self.signer.last += AHEAD
                raise


def open_partner(hub: Hub, site: str, row: Row[object]) -> PartnerClient:
    """A connection of `site`, which is ours, to the partner of `row`. Raises `OSError`, `ssl.SSLError`."""
    folder = hub.settings.state_dir / "partners"
    folder.mkdir(mode=0o700, exist_ok=True)
    numbers = KeptNumber(folder / hashlib.sha256(row.partner.encode()).hexdigest()[:32])
    signer = Signer(row.partner, site, hub.issuer_key, hub.clock)
    return PartnerClient(row.url, authority_only(row.authority), signer, numbers)
