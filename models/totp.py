"""Codes that change every few seconds, so that a screenshot of one is soon worth nothing (RFC 4226, RFC 6238).

A phone and a gate share a key and a clock. Both number the time in steps; the code is an HMAC of the step's number.
Which steps were used already stands in the ledger, with the releases (`models.passage.Use`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

KEY_BYTES = 20


def hotp(key: bytes, counter: int, digits: int = 6) -> str:
    """The code of one counter (RFC 4226, section 5.3): HMAC-SHA1, six to eight decimal digits."""
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def ticket_key(secret: bytes, event: str, ticket: str) -> bytes:
    """The key of one ticket, 20 bytes, out of the event's secret: phones get theirs, gates can derive all."""
    name = b"\0".join((b"menshen rotating code", event.encode(), ticket.encode()))
    return hmac.digest(secret, name, "sha256")[:KEY_BYTES]


@dataclass(frozen=True, slots=True)
class Rotation:
    """How codes change: a new one every `step_s` seconds; `drift` steps before and after are taken as well."""

    step_s: int = 15
    drift: int = 1
    digits: int = 6

    def __post_init__(self) -> None:
        if self.step_s < 1 or self.drift < 0 or not 6 <= self.digits <= 8:
            raise ValueError("a rotation has steps of a second or more, no negative drift, and 6 to 8 digits")

    def counter(self, now: float) -> int:
        """The step that `now` (Unix seconds) falls in."""
        return int(now // self.step_s)

    def code(self, key: bytes, now: float) -> str:
        """What the phone shows at `now`."""
        return hotp(key, self.counter(now), self.digits)

    def find(self, key: bytes, code: str, now: float) -> int | None:
        """The step that `code` belongs to, or `None` where it belongs to none that counts at `now`."""
        here, given = self.counter(now), code.encode()
        found = None
        for counter in range(max(here - self.drift, 0), here + self.drift + 1):
            if hmac.compare_digest(hotp(key, counter, self.digits).encode(), given):
                found = counter
        return found
