"""How often somebody may be wrong: failed attempts are counted by address and in total, and too many are refused."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address

from sqlalchemy import Connection, delete, func, insert, select

from sync.contract import Problem
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused

TOO_MANY: dict[int | str, dict[str, object]] = {
    429: {"model": Problem, "description": "Too many failed attempts: wait"}
}
_TOLD_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many failures in `window_s`, from one address and from all of them together."""

    what: str
    for_address: int
    for_all: int
    window_s: float = 15 * 60.0

    def refusal(self, hub: Hub, connection: Connection, address: str) -> Refused | None:
        """Why `address` may not try now, if it may not. The audit hears of it once a minute, not once a try."""
        failed, since = tables.failed_attempt, hub.clock() - self.window_s
        counted = select(func.count()).where(failed.c.what == self.what, failed.c.at > since)
        in_all = connection.execute(counted).scalar_one()
        by_address = connection.execute(counted.where(failed.c.address == _caller(address))).scalar_one()
        if by_address < self.for_address and in_all < self.for_all:
            return None
        self._tell(hub, connection, _caller(address) if by_address >= self.for_address else "")
        return Refused(429, "too_many_attempts", f"too many failed attempts: wait {self.window_s / 60:.0f} minutes")

    def count(self, hub: Hub, connection: Connection, address: str) -> None:
        """Write a failure down, and forget those that no longer count."""
        failed, now = tables.failed_attempt, hub.clock()
        connection.execute(delete(failed).where(failed.c.what == self.what, failed.c.at <= now - self.window_s))
        connection.execute(insert(failed).values(what=self.what, address=_caller(address), at=now))

    def _tell(self, hub: Hub, connection: Connection, address: str) -> None:
        audit, act = tables.audit, f"{self.what}.limited"
        told = select(func.count()).where(
            audit.c.act == act, audit.c.from_address == address, audit.c.at > hub.clock() - _TOLD_EVERY_S
        )
        if not connection.execute(told).scalar_one():
            hub.audit(connection, "server", act, from_address=address)


def _caller(address: str) -> str:
    """Who is counted as one: an IPv4 address, or the /64 of which whoever has one IPv6 address has all."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return address if known.version == 4 else str(IPv6Network((int(known) >> 64 << 64, 64)))
