"""The clock: can it be right, does it agree with the authority's, and who keeps it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.check.ledger import last_entry_at
from gate.clock import BUILD_FLOOR, SLACK_S


@dataclass(frozen=True, slots=True)
class Facts:
    """`now` is this machine's; `gate_at` the gate's own at the same moment, which follows the authority's.

    `kept`: whether something keeps the clock by the network; `None` where nobody can say.
    """

    now: float
    last_entry_at: float | None = None
    gate_at: float | None = None
    gate_trusts: bool = True
    kept: bool | None = None
    has_rtc: bool = True
    by_word: str = ""  # who said which event it is


def gather(around: Around) -> Facts:
    """Ask the gate, the ledger and systemd."""
    told = (around.run(("timedatectl", "show", "--property=NTPSynchronized", "--value")) or "").strip()
    snapshot = around.snapshot
    return Facts(
        around.now,
        last_entry_at(around.state_dir / "ledger.db") if around.state_dir else None,
        snapshot.at if snapshot else None,
        snapshot.clock_trusted if snapshot else True,
        {"yes": True, "no": False}.get(told),
        any((around.root / "sys/class/rtc").glob("rtc*")),
        snapshot.window.actor if snapshot and snapshot.window else "",
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if facts.now < BUILD_FLOOR - SLACK_S or not facts.gate_trusts:
        yield Finding(Code.CLOCK_UNTRUSTED, "clock", facts.by_word and f"the event is known by word of {facts.by_word}")
    if facts.gate_at is not None and abs(facts.gate_at - facts.now) > SLACK_S:
        yield Finding(Code.CLOCK_OFF, "clock", f"{facts.now - facts.gate_at:+.0f} s beside the authority's")
    if facts.last_entry_at is not None and facts.last_entry_at > facts.now + SLACK_S:
        ahead = facts.last_entry_at - facts.now
        yield Finding(Code.LEDGER_FROM_THE_FUTURE, "clock", f"the last entry is {ahead / 60:.0f} min ahead")
    if facts.kept is False:
        yield Finding(Code.CLOCK_NOT_KEPT, "clock")
    if not facts.has_rtc:
        yield Finding(Code.NO_RTC, "clock")
