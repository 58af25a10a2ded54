"""The ledger as a list for people: one row an attempt's word, with how its release ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from models import wire
from models.decision import Verdict
from models.ledger import Entry, EntryKind
from models.passage import Passage
from models.store.ledger_read import LedgerReader
from models.store.lines import Said

PAGE = 200
_ALARMING = (EntryKind.INTRUSION, EntryKind.TAILGATE, EntryKind.SAFETY, EntryKind.WRONG_PIN)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row. `reason` is a decision's, or a word on what else happened; `ms` from the card to the word."""

    seq: int
    at: float
    kind: EntryKind
    verdict: Verdict | None = None
    reason: str = ""
    ticket: str = ""
    attempt: int = 0
    ms: float = 0.0
    steps_ms: dict[str, float] = field(default_factory=dict)
    passage: str = ""

    @property
    def alarming(self) -> bool:
        """Whether somebody should look."""
        return self.kind in _ALARMING


@dataclass(frozen=True, slots=True)
class _Told:
    """What of an entry's body a row needs, whatever its kind."""

    attempt: int = 0
    ms: dict[str, float] = field(default_factory=dict)
    ticket: str = ""
    passage: str = ""
    mode: str = ""
    actor: str = ""
    device: str = ""
    up: bool = True
    document: str = ""
    taken: bool = True
    signal: str = ""
    event: str = ""
    version: object = ""
    digest: str = ""
    on: bool = True
    tries: int = 0
    why: str = ""
    purpose: str = ""
    count: int = 0
    room: str = ""
    window: object = None
    ok: bool = False
    step: str = ""
    sight: str = ""


def last_rows(reader: LedgerReader, count: int) -> list[LedgerRow]:
    """The last `count` rows, oldest first."""
    rows: list[LedgerRow] = []
    ends: dict[int, Passage] = {}
    for entry in _backwards(reader):
        said = wire.from_builtins(Said, entry.body)
        if said.settles is not None:
            ends[said.settles.seq] = said.settles.passage
            continue
        rows.append(_row(entry, said, ends.get(entry.seq)))
        if len(rows) == count:
            break
    return rows[::-1]


def next_rows(reader: LedgerReader, after_seq: int) -> list[LedgerRow]:
    """What has come since, passages as rows of their own."""
    return [_row(entry, wire.from_builtins(Said, entry.body)) for entry in reader.entries(after_seq)]


def _backwards(reader: LedgerReader) -> Iterator[Entry]:
    end = reader.last_seq()
    while end > 0:
        begin = max(end - PAGE, 0)
        yield from reversed(reader.entries(begin, end - begin))
        end = begin


def _row(entry: Entry, said: Said, end: Passage | None = None) -> LedgerRow:
    told = wire.from_builtins(_Told, entry.body)
    word = said.decision
    release = said.opens.passage if said.opens else None
    passage = end or release or told.passage
    return LedgerRow(
        entry.seq,
        entry.at,
        entry.kind,
        Verdict(word.verdict) if word.verdict else None,
        word.reason or _about(entry.kind, told),
        word.ticket or told.ticket,
        told.attempt,
        round(sum(told.ms.values()), 3),
        told.ms,
        str(passage or ("open" if said.opens else "")),
    )


def _about(kind: EntryKind, told: _Told) -> str:
    match kind:
        case EntryKind.MODE:
            return f"{told.mode} by {told.actor}"
        case EntryKind.SHIFT:
            return f"{told.actor} {'begins' if told.on else 'ends'}{told.why and f': {told.why}'}"
        case EntryKind.WRONG_PIN:
            return f"{told.actor}, {told.tries} in a row"
        case EntryKind.SETTINGS:
            return f"by {told.actor}"
        case EntryKind.TYPED:
            return f"{told.document} typed by {told.actor}{'' if told.taken else ', one too many'}"
        case EntryKind.SIGHTING:
            return f"{told.sight} seen by {told.actor}"
        case EntryKind.PROOF:
            return f"test by {told.actor}: {'well' if told.ok else f'failed at {told.step}'}"
        case EntryKind.DEVICE:
            return f"{told.device} {'back' if told.up else 'lost'}"
        case EntryKind.MANIFEST:
            return f"{told.event} {told.version}"
        case EntryKind.PURGE:
            return f"{told.purpose}, {told.count}"
        case EntryKind.DISK:
            return told.room
        case EntryKind.CLOCK:
            return f"{'event' if told.window else 'window ends'} by {told.actor}"
        case EntryKind.POLICY:
            return told.digest[:12]
        case EntryKind.START:
            return str(told.version)
    return told.signal
