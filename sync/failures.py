"""Why the authority's answer did not come, or is no good.

SyncFailed
├── Unreachable     no connection, no answer in time, a connection that was cut, a server in trouble
├── Garbled         an answer that is none of ours: too large, not JSON, not what was asked for
└── RefusedBy       the authority said no: `status`, `code`, `detail`
    └── Revoked     this device may not serve any more
"""

from __future__ import annotations


class SyncFailed(Exception):
    """Root of the tree. The words are for a technician; nothing personal is in them."""


class Unreachable(SyncFailed):
    """Nobody answered. Try again later."""


class Garbled(SyncFailed):
    """Somebody answered, and not as documented."""


class RefusedBy(SyncFailed):
    """The authority said no. `code` is stable."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status, self.code, self.detail = status, code, detail


class Revoked(RefusedBy):
    """This device may not serve any more."""
