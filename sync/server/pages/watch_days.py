"""Days of a form, as people in China mean them: a term begins with its first day and ends with its last."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sync.server.pages.render import UTC_OFFSET_S
from sync.server.problems import Refused

_HERE = timedelta(seconds=UTC_OFFSET_S)
_DAY = timedelta(days=1)


def first_moment(day: str) -> float | None:
    """When `day` begins, Unix seconds; `None` for an empty field. Raises `Refused`: 422."""
    return _midnight(day, timedelta())


def last_moment(day: str) -> float | None:
    """When `day` is over. Raises `Refused`: 422."""
    return _midnight(day, _DAY)


def last_day(moment: float) -> str:
    """The last day of a term that ends at `moment`, as a form has it."""
    return (datetime.fromtimestamp(moment, UTC) + _HERE - timedelta(seconds=1)).date().isoformat()


def _midnight(day: str, further: timedelta) -> float | None:
    if not day:
        return None
    try:
        begins = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        return (begins + further - _HERE).timestamp()
    except (ValueError, OverflowError):
        raise Refused(422, "bad_field", "a day looks like 2030-05-01") from None
