"""What the live board says, computed from rows: no database, no clock, no words.

The thresholds stand here, each with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from models.decision import Reason, Verdict
from models.passage import Passage
from sync.server.tally import FREE, IN, OUT

RECENT_MIN = 10
"""Rates are over this many minutes: long enough for one lane at 11 persons a minute to show a share of one per cent,
short enough that a queue has not yet formed when it is over."""

REFUSED_SHARE = 0.10
"""A lane at 20 a minute then leads two persons a minute aside, and one steward settles about two a minute: more than
that, and those aside become a queue of their own."""

UNKNOWN_SHARE = 0.03
"""Strangers without a ticket are one in a hundred; three in a hundred mean that tickets are missing in the manifest,
as when 2,000 codes were not in the scanners of a stadium."""

UNKNOWN_RISE, UNKNOWN_RISING_FROM = 2.0, 0.01
"""Twice the share of the hour before, from one in a hundred on: it begins, and is not yet above the limit."""

ENOUGH = 20
"""Fewer attempts than this say nothing about a share: two of ten may be one family."""

ENOUGH_UNKNOWN = 3
"""Fewer than this may be one person with three cards."""

DEAD_S = 30.0
"""A gate is in contact every ten seconds; three times in a row missed is no delay any more."""

QUIET_MIN = 3
"""A lane in work sees somebody every few seconds; three minutes without anybody are a pause."""


class Tallied(NamedTuple):
    """One cell of the tally."""

    minute: int
    device: str
    word: str
    reason: str
    number: int


class Alarm(NamedTuple):
    """`what` is `refused`, `unknown` or `unknown_rising`; shares are between 0 and 1."""

    what: str
    share: float
    limit: float


class Standing(StrEnum):
    """Whether a gate works, waits for visitors, or can't be heard."""

    WORKING = "working"
    QUIET = "quiet"  # in contact, and nobody comes
    MUTE = "mute"  # in contact, nobody comes, and a device that was asked does not answer
    DEAD = "dead"  # no contact
    NEVER = "never"  # enrolled, and not heard yet


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long it takes until all are in who hold a ticket, if all come.

    `minutes` is `None` where nobody passes. `open` names the lane that waits for visitors, empty where none does;
    `minutes_then` is the time with it, at the mean rate of those at work.
    """

    outstanding: int
    per_minute: float
    lanes: int
    minutes: float | None
    open: str = ""
    minutes_then: float | None = None


def admissions(rows: Iterable[Tallied], now_minute: int, minutes: int = 60) -> list[tuple[int, int]]:
    """Minute and persons admitted, oldest first, without gaps; the last minute is the one that runs now."""
    first = now_minute - minutes + 1
    counts: Counter[int] = Counter()
    for row in rows:
        if row.word == Verdict.ADMIT:
            counts[row.minute] += row.number
    return [(minute, counts[minute]) for minute in range(first, now_minute + 1)]


def refused_share(rows: Iterable[Tallied]) -> float:
    """Refusals among the final words; a referred visitor counts by what a steward said."""
    said = Counter[str]()
    for row in rows:
        said[row.word] += row.number
    return _share(said[Verdict.DENY], said[Verdict.ADMIT] + said[Verdict.DENY])


def unknown_share(rows: Iterable[Tallied]) -> float:
    """Documents without a ticket among the final words."""
    rows = list(rows)
    return _share(_unknown(rows), attempts(rows))


def attempts(rows: Iterable[Tallied]) -> int:
    """Final words: admitted or refused."""
    return sum(row.number for row in rows if row.word in (Verdict.ADMIT, Verdict.DENY))


def reasons(rows: Iterable[Tallied], word: str = Verdict.DENY) -> list[tuple[str, int]]:
    """Reasons for a word, the most frequent first."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.word == word:
            counts[row.reason] += row.number
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def inside(rows: Iterable[Tallied]) -> int:
    """Persons inside: those who went in less those who came out. Whoever may have passed is counted as inside."""
    counted = (Passage.PASSED, Passage.UNKNOWN, FREE)
    ways = Counter[str]()
    for row in rows:
        if row.word in (IN, OUT) and row.reason in counted:
            ways[row.word] += row.number
    return max(0, ways[IN] - ways[OUT])


def recent(rows: Iterable[Tallied], now_minute: int, minutes: int = RECENT_MIN) -> list[Tallied]:
    """The rows of the last whole minutes; the one that runs now is not full yet and would pull every rate down."""
    return [row for row in rows if now_minute - minutes <= row.minute < now_minute]


def alarms(rows: Sequence[Tallied], now_minute: int) -> list[Alarm]:
    """What somebody has to look at now."""
    late = [*recent(rows, now_minute), *(row for row in rows if row.minute == now_minute)]
    found = []
    if attempts(late) >= ENOUGH and (share := refused_share(late)) > REFUSED_SHARE:
        found.append(Alarm("refused", share, REFUSED_SHARE))
    if attempts(late) >= ENOUGH and _unknown(late) >= ENOUGH_UNKNOWN:
        share, before = unknown_share(late), unknown_share(_hour_before(rows, now_minute))
        if share > UNKNOWN_SHARE:
            found.append(Alarm("unknown", share, UNKNOWN_SHARE))
        elif share >= UNKNOWN_RISING_FROM and share > UNKNOWN_RISE * before:
            found.append(Alarm("unknown_rising", share, UNKNOWN_RISE * before))
    return found


def rates(rows: Iterable[Tallied], now_minute: int) -> dict[str, float]:
    """Admissions a minute of each device at work, over the recent minutes in which there was work at all."""
    late = [row for row in recent(rows, now_minute) if row.word == Verdict.ADMIT]
    if not late:
        return {}
    span = now_minute - min(row.minute for row in late)
    counts: Counter[str] = Counter()
    for row in late:
        counts[row.device] += row.number
    return {device: number / span for device, number in counts.items()}


def forecast(outstanding: int, lane_rates: Mapping[str, float], waiting: Sequence[str]) -> Forecast:
    """From tickets that are still out, the rate of each lane, and the lanes that wait for visitors."""
    rate = sum(lane_rates.values())
    minutes = outstanding / rate if rate else (0.0 if not outstanding else None)
    if not (rate and waiting and outstanding):
        return Forecast(outstanding, rate, len(lane_rates), minutes)
    then = outstanding / (rate + rate / len(lane_rates))
    return Forecast(outstanding, rate, len(lane_rates), minutes, waiting[0], then)


def standing(
    last_contact_at: float | None, last_minute: int | None, now: float, silent: Sequence[str] = ()
) -> Standing:
    """Quiet and dead told apart: by its contact a gate lives, by its lines it has visitors.

    `silent`: the devices that did not answer when the gate asked them, since nobody had come for a while.
    """
    if last_contact_at is None:
        return Standing.NEVER
    if now - last_contact_at > DEAD_S:
        return Standing.DEAD
    if last_minute is None or now // 60 - last_minute > QUIET_MIN:
        return Standing.MUTE if silent else Standing.QUIET
    return Standing.WORKING


def last_minutes(rows: Iterable[Tallied]) -> dict[str, int]:
    """The latest minute in which each device had a visitor."""
    found: dict[str, int] = {}
    for row in rows:
        if row.word in set(Verdict):
            found[row.device] = max(row.minute, found.get(row.device, row.minute))
    return found


def _unknown(rows: Iterable[Tallied]) -> int:
    return sum(row.number for row in rows if row.word == Verdict.DENY and row.reason == Reason.NO_TICKET)


def _hour_before(rows: Iterable[Tallied], now_minute: int) -> list[Tallied]:
    end = now_minute - RECENT_MIN
    return [row for row in rows if end - 60 <= row.minute < end]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
