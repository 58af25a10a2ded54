"""What was seen at the far end of the gate's wires, and what must be true of it and of the ledger together.

Each check gives plain sentences, one for each thing that is wrong; none means that all is well. None of them knows the
gate's own code: they read entries as anybody with a copy of the ledger would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from drivers.relay.lcus import Change
from models.ledger import Entry, EntryKind
from models.passage import Passage

SLACK_S = 0.5
"""How late a thread of a loaded machine may be with opening the contact."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The contact closed. `seq`, `hash` and `ticket` are those of the newest release that stood in the ledger then."""

    at: float
    seq: int = 0
    hash: bytes = b""
    ticket: str = ""


@dataclass(slots=True)
class Kill:
    """One end without warning. Monotonic seconds; `None` where the next kill came before it.

    `started_at`: the process was started anew; `back_at`: it had its relay again; `again_at`: the first admission.
    """

    at: float
    phase: str = ""
    started_at: float | None = None
    back_at: float | None = None
    again_at: float | None = None


@dataclass(slots=True)
class History:
    """All that was seen of an evening. `pulse_s` is how long the contact should stay closed."""

    pulse_s: float
    pulses: list[Pulse] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def problems(history: History, entries: Sequence[Entry]) -> list[str]:
    """Everything that is wrong."""
    return [
        *holes(entries),
        *motion_without_ink(history.pulses, entries),
        *ink_without_motion(history.pulses, entries),
        *admitted_twice(entries),
        *left_open(entries),
        *held_closed(history),
    ]


def holes(entries: Sequence[Entry]) -> Iterator[str]:
    """Lines are numbered from 1 without a gap, and each follows from the one before it."""
    for expected, entry in enumerate(entries, 1):
        if entry.seq != expected:
            yield f"line {expected} is missing: line {entry.seq} stands in its place"
            return
    for before, entry in pairwise(entries):
        if entry.prev_hash != before.hash:
            yield f"line {entry.seq} does not follow from the line before it"


def motion_without_ink(pulses: Sequence[Pulse], entries: Sequence[Entry]) -> Iterator[str]:
    """Each pulse had a line of its own in the ledger before it, and that line is still the same."""
    lines = {entry.seq: entry for entry in entries}
    used: set[int] = set()
    for number, pulse in enumerate(pulses, 1):
        if not pulse.seq or pulse.seq in used:
            yield f"pulse {number} came without a line in the ledger"
            continue
        used.add(pulse.seq)
        entry = lines.get(pulse.seq)
        if entry is None or entry.hash != pulse.hash:
            yield f"pulse {number} stood in line {pulse.seq}, which was lost or changed afterwards"
        elif not _admits(entry):
            yield f"pulse {number} came upon line {pulse.seq}, which admits nobody"


def ink_without_motion(pulses: Sequence[Pulse], entries: Sequence[Entry]) -> Iterator[str]:
    """A line that admits is followed by a pulse, unless the gate was killed between them, or says what went wrong."""
    moved = {pulse.seq for pulse in pulses}
    ends = _ends(entries)
    for entry in entries:
        passage, detail = ends.get(entry.seq, ("", ""))
        if _admits(entry) and entry.seq not in moved and detail not in ("restart", "release_failed"):
            yield f"line {entry.seq} admits, ended as {passage or 'nothing'}, and the contact never moved"


def admitted_twice(entries: Sequence[Entry]) -> Iterator[str]:
    """A ticket admits once, unless nobody passed then, or a person decided."""
    ends, former = _ends(entries), dict[str, int]()
    for entry in filter(_admits, entries):
        ticket, reason = entry.body["opens"]["ticket"], entry.body["decision"]["reason"]
        before = former.get(ticket)
        if before is not None and ends.get(before, ("", ""))[0] != Passage.NO_SHOW and reason != "ok_by_steward":
            yield f"line {entry.seq} admits a ticket again that line {before} had admitted ({reason})"
        former[ticket] = entry.seq


def left_open(entries: Sequence[Entry]) -> Iterator[str]:
    """What a kill left open is settled as unknown before anything else is written; at the end nothing is open."""
    opened: dict[int, None] = {}
    left: set[int] = set()
    for entry in entries:
        if entry.kind is EntryKind.START:
            left = set(opened)
            continue
        settled: dict[str, Any] = entry.body.get("settles") or {"seq": 0, "passage": ""}
        if left and (settled["seq"] not in left or settled["passage"] != Passage.UNKNOWN):
            yield f"line {entry.seq} was written while {len(left)} releases of a killed process were open"
        left.discard(settled["seq"])
        opened.pop(settled["seq"], None)
        if _admits(entry):
            opened[entry.seq] = None
    if opened:
        yield f"lines {', '.join(map(str, opened))} were never settled"


def held_closed(history: History) -> Iterator[str]:
    """The contact is closed for one pulse; if the gate is killed in it, until its next process has the relay."""
    closed_at: float | None = None
    for change in history.changes:
        if change.on:
            closed_at = change.at
        elif closed_at is not None:
            yield from _too_long(history, closed_at, change.at)
            closed_at = None
    if closed_at is not None:
        yield "the contact was closed at the end"


def _too_long(history: History, closed_at: float, opened_at: float) -> Iterator[str]:
    in_it = [kill for kill in history.kills if closed_at <= kill.at <= opened_at]
    if not in_it:
        if opened_at - closed_at > history.pulse_s + SLACK_S:
            yield f"the contact was closed for {opened_at - closed_at:.1f} s, and nobody was killed"
    elif opened_at > _back_at(history, in_it[-1]) + SLACK_S:
        yield f"the contact stayed closed for {opened_at - in_it[-1].at:.1f} s after a kill, beyond the restart"


def _back_at(history: History, kill: Kill) -> float:
    """When the relay was in a process's hands again: as far as was seen, or by the next kill at the latest."""
    later = [other.at for other in history.kills if other.at > kill.at]
    return kill.back_at if kill.back_at is not None else min(later, default=kill.at)


def _admits(entry: Entry) -> bool:
    """Whether this line releases the turnstile for somebody who was judged."""
    return (
        entry.kind is EntryKind.DECISION
        and bool(entry.body.get("opens"))
        and entry.body["decision"]["verdict"] == "admit"
    )


def _ends(entries: Sequence[Entry]) -> dict[int, tuple[str, str]]:
    """How each release ended, and the detail given: by the line that opened it."""
    return {
        entry.body["settles"]["seq"]: (entry.body["settles"]["passage"], entry.body.get("detail", ""))
        for entry in entries
        if entry.body.get("settles")
    }
