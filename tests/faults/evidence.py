"""What was seen of a site under faults: visits, faults, ledgers, the server's own rows. `judge` says what it is worth.

Times are the monotonic seconds of whoever watched, so that no clock under test is believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.ledger import Entry
from sync.contract import LedgerLine

BEYOND = "centre"


@dataclass(frozen=True, slots=True)
class Visit:
    """A ticket was presented. `verdict` is empty where the gate died before it said a word."""

    gate: str
    ticket: str
    came_at: float
    ended_at: float
    attempt: int = 0
    verdict: str = ""
    reason: str = ""
    walked: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was broken at `gate`, or everywhere where that is empty. `until` is infinite while it lasts.

    At `BEYOND`: between the venue's hub, which answers claims, and the centre, from which withdrawals come.
    """

    kind: str
    gate: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Stall:
    """The machine had too much to do: nobody got anything done between these moments, not even whoever watched."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Revocation:
    """A ticket was withdrawn; `effective` has, by gate, since when the gate holds the manifest that says so.

    `at` is before the organiser's command, which returns when the withdrawal is on the disk and the bell has rung.
    `starved_s` is for how much of that time the programs on the way to the gate got no processor from a busy machine.
    """

    ticket: str
    at: float
    effective: dict[str, float] = field(default_factory=dict)
    starved_s: dict[str, float] = field(default_factory=dict)

    def took_s(self, gate: str) -> float:
        """How long it took to `gate`, on a machine that is not busy with other things."""
        return self.effective[gate] - self.at - self.starved_s.get(gate, 0.0)


@dataclass(frozen=True, slots=True)
class Clone:
    """A copied gate was started; it spoke first at `met_at`, and at `noticed_at` the server had marked its ledger."""

    device: str
    met_at: float
    noticed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A gate at the end: its whole ledger, the mark that it takes for acknowledged, and what the server holds of it."""

    gate: str
    entries: tuple[Entry, ...]
    acknowledged: int
    at_server: tuple[LedgerLine, ...]
    agrees: str = "agrees"


@dataclass(frozen=True, slots=True)
class Seen:
    """A release as the server projects it."""

    ticket: str
    gate: str
    direction: str
    passage: str | None
    claim: str = ""


@dataclass(slots=True)
class Evidence:
    """All that was seen. `conflicts` has how long after healing each conflict (ticket, how manieth) was first seen.

    `timeouts` are claims that a gate waited for in vain: nobody broke anything, and it did not reach its authority.
    """

    visits: list[Visit] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    timeouts: list[Fault] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    clones: list[Clone] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    uses: list[Seen] = field(default_factory=list)
    conflicts: dict[tuple[str, int], float] = field(default_factory=dict)

    def stalled_s(self, since: float, until: float) -> float:
        """For how much of this time the machine stood still."""
        return sum(max(0.0, min(one.until, until) - max(one.since, since)) for one in self.stalls)
