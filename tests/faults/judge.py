"""What must be true of a site's history under faults, whatever was broken meanwhile.

Each check gives plain sentences, one for each thing that is wrong; none means that all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from models.ledger import EntryKind
from models.passage import Direction, Passage
from tests.faults.evidence import BEYOND, Box, Evidence, Fault, Revocation

GRACE_S = 4.0
"""How long after a fault a gate may still take its authority for absent: its back-off, and a contact."""

REVOKED_S = 3.0
CONFLICT_S = 10.0
NOTICED_S = 1.5
"""A gate that begins speaks every two seconds: what is noticed sooner was noticed at the first contact."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A line that let somebody in, and how that ended."""

    gate: str
    seq: int
    attempt: int
    ticket: str
    claim: str | None
    passage: str


def problems(evidence: Evidence) -> list[str]:
    """Everything that is wrong."""
    return [
        *broken_chains(evidence.boxes),
        *lost_lines(evidence.boxes),
        *lines_twice(evidence.boxes),
        *granted_twice(evidence),
        *passed_twice_in_calm(evidence),
        *wrong_uses(evidence),
        *wrong_conflicts(evidence),
        *late_revocations(evidence),
        *refused_for_nothing(evidence),
        *unnoticed_clones(evidence),
        *other_counts(evidence.boxes),
    ]


def broken_chains(boxes: Sequence[Box]) -> Iterator[str]:
    """Lines are numbered from 1 without a gap, and each follows from the one before it."""
    for box in boxes:
        for expected, entry in enumerate(box.entries, 1):
            if entry.seq != expected:
                yield f"{box.gate}: line {expected} is missing"
                break
        for before, entry in pairwise(box.entries):
            if entry.prev_hash != before.hash:
                yield f"{box.gate}: line {entry.seq} does not follow from the line before it"


def lost_lines(boxes: Sequence[Box]) -> Iterator[str]:
    """What was acknowledged is held as it was written; once all is healed, everything is."""
    for box in boxes:
        held = {line.seq: line.hash for line in box.at_server}
        for entry in box.entries:
            word = "acknowledged" if entry.seq <= box.acknowledged else "written"
            if entry.seq not in held:
                yield f"{box.gate}: line {entry.seq} was {word} and is not at the server"
            elif held[entry.seq] != entry.hash.hex():
                yield f"{box.gate}: line {entry.seq} was {word} and is another one at the server"
        if box.acknowledged > len(box.entries):
            yield f"{box.gate}: line {box.acknowledged} was acknowledged and is gone at the gate"


def lines_twice(boxes: Sequence[Box]) -> Iterator[str]:
    """The server holds no line twice, and none that nobody wrote."""
    for box in boxes:
        for seq, number in Counter(line.seq for line in box.at_server).items():
            if number > 1:
                yield f"{box.gate}: line {seq} is at the server {number} times"
            if seq > len(box.entries):
                yield f"{box.gate}: line {seq} is at the server, and the gate never wrote it"


def granted_twice(evidence: Evidence) -> Iterator[str]:
    """An authority gives a ticket away once, until nobody came or somebody left."""
    for ticket, admissions in _entries_by_ticket(evidence.boxes).items():
        granted = [one for one in admissions if one.claim == "granted" and _counts(one)]
        if len(granted) > 1:
            gates = ", ".join(f"{one.gate} line {one.seq}" for one in granted)
            yield f"ticket {ticket} was granted to {len(granted)} visits: {gates}"


def passed_twice_in_calm(evidence: Evidence) -> Iterator[str]:
    """While two gates reach their authority, no ticket passes at both."""
    by_line = {(visit.gate, visit.attempt): visit for visit in evidence.visits if visit.verdict == "admit"}
    for ticket, admissions in _entries_by_ticket(evidence.boxes).items():
        passed = [one for one in admissions if one.passage == Passage.PASSED]
        for one, other in combinations(passed, 2):
            visits = [by_line.get((each.gate, each.attempt)) for each in (one, other)]
            if None in visits:
                continue
            since = min(visit.came_at for visit in visits if visit)
            until = max(visit.ended_at for visit in visits if visit)
            if is_calm(evidence.faults + evidence.timeouts, (one.gate, other.gate), since, until):
                yield f"ticket {ticket} passed at {one.gate} and at {other.gate} while both reached their authority"


def wrong_uses(evidence: Evidence) -> Iterator[str]:
    """The server knows of exactly the releases that stand in the ledgers, each once and with the same ending."""
    wanted = Counter((one.gate, one.ticket, one.passage) for one in _releases(evidence.boxes))
    found = Counter((one.gate, one.ticket, one.passage or "") for one in evidence.uses)
    for (gate, ticket, passage), number in (wanted - found).items():
        yield f"{gate}: {number} release of {ticket} that ended as {passage or 'nothing'} is unknown to the server"
    for (gate, ticket, passage), number in (found - wanted).items():
        yield f"{gate}: the server has {number} release of {ticket} as {passage or 'open'} that no ledger has"


def wrong_conflicts(evidence: Evidence) -> Iterator[str]:
    """Each entry too many is one conflict, soon after the network is whole; there are no others."""
    wanted = set()
    for ticket, admissions in _entries_by_ticket(evidence.boxes).items():
        passed = sum(one.passage == Passage.PASSED for one in admissions)
        wanted |= {(ticket, nth) for nth in range(2, passed + 1)}
    for ticket, nth in sorted(wanted - evidence.conflicts.keys()):
        yield f"ticket {ticket} passed {nth} times, and there is no conflict about it"
    for ticket, nth in sorted(evidence.conflicts.keys() - wanted):
        yield f"there is a conflict about ticket {ticket} ({nth}), which did not pass so often"
    for (ticket, nth), after_s in sorted(evidence.conflicts.items()):
        if after_s > CONFLICT_S:
            yield f"the conflict about ticket {ticket} ({nth}) came {after_s:.1f} s after healing"


def late_revocations(evidence: Evidence) -> Iterator[str]:
    """A gate in reach holds a withdrawal within three seconds, and from then on refuses the ticket."""
    for revocation in evidence.revocations:
        for gate in revocation.effective:
            took = revocation.took_s(gate)
            if took > REVOKED_S and in_reach(evidence, gate, revocation):
                yield f"{gate}: the withdrawal of {revocation.ticket} took {took:.1f} s"
        for visit in evidence.visits:
            effective = revocation.effective.get(visit.gate)
            if visit.ticket != revocation.ticket or effective is None or visit.came_at < effective:
                continue
            if visit.verdict == "admit":
                later = visit.came_at - revocation.at
                yield f"{visit.gate}: {visit.ticket} was admitted {later:.1f} s after withdrawal"


def refused_for_nothing(evidence: Evidence) -> Iterator[str]:
    """Who is refused as admitted already was, or somebody stood at another gate with the same ticket at that time."""
    used = {ticket for ticket, all_ in _entries_by_ticket(evidence.boxes).items() if any(map(_counts, all_))}
    for visit in evidence.visits:
        if visit.reason != "already_admitted" or visit.ticket in used:
            continue
        others = [one for one in evidence.visits if one.ticket == visit.ticket and one is not visit]
        if not any(one.came_at < visit.ended_at and one.ended_at + GRACE_S > visit.came_at for one in others):
            yield f"{visit.gate}: {visit.ticket} was refused as admitted already, and nobody ever was"


def unnoticed_clones(evidence: Evidence) -> Iterator[str]:
    """A copied card shows at its first contact."""
    for clone in evidence.clones:
        if clone.noticed_at is None:
            yield f"nobody noticed the copy of {clone.device}"
            continue
        took = clone.noticed_at - clone.met_at - evidence.stalled_s(clone.met_at, clone.noticed_at)
        if took > NOTICED_S:
            yield f"the copy of {clone.device} was noticed {took:.1f} s after its first contact"


def other_counts(boxes: Sequence[Box]) -> Iterator[str]:
    """Issuer and gates count the same tickets."""
    for box in boxes:
        if box.agrees != "agrees":
            yield f"{box.gate}: its manifest {box.agrees.replace('_', ' ')} at the end"


def is_calm(faults: Iterable[Fault], gates: Sequence[str], since: float, until: float) -> bool:
    """Whether none of `faults` was at any of `gates` then, nor a moment before."""
    return not any(
        fault.gate in ("", *gates) and fault.since < until and fault.until + GRACE_S > since for fault in faults
    )


def in_reach(evidence: Evidence, gate: str, revocation: Revocation) -> bool:
    """Whether nothing was broken between organiser and gate when the ticket was withdrawn, nor until too late."""
    return is_calm(evidence.faults, (gate, BEYOND), revocation.at, revocation.at + REVOKED_S)


def admissions_of(box: Box) -> list[Admission]:
    """Who was let in by this ledger."""
    return [one for one, direction in _opened(box) if direction == Direction.ENTRY]


def _counts(admission: Admission) -> bool:
    """Whether the ticket is used up by it."""
    return admission.passage != Passage.NO_SHOW


def _entries_by_ticket(boxes: Sequence[Box]) -> dict[str, list[Admission]]:
    found: dict[str, list[Admission]] = defaultdict(list)
    for box in boxes:
        for one in admissions_of(box):
            found[one.ticket].append(one)
    return found


def _releases(boxes: Sequence[Box]) -> Iterator[Admission]:
    for box in boxes:
        yield from (one for one, _ in _opened(box))


def _opened(box: Box) -> Iterator[tuple[Admission, str]]:
    ends = {e.body["settles"]["seq"]: e.body["settles"]["passage"] for e in box.entries if e.body.get("settles")}
    for entry in box.entries:
        opens: dict[str, Any] = entry.body.get("opens") or {}
        if entry.kind is not EntryKind.DECISION or not opens.get("ticket"):
            continue
        claim = (entry.body.get("facts") or {}).get("claim")
        passage = ends.get(entry.seq, opens.get("passage") or "")
        ticket, attempt = opens["ticket"], int(entry.body.get("attempt", 0))
        one = Admission(box.gate, entry.seq, attempt, ticket, claim, passage)
        yield one, opens.get("direction", Direction.ENTRY)
