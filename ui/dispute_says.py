"""What a dispute's sheet says, line by line. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass

from models.command import Snapshot
from models.passage import Passage, Use
from models.view import ShownHit, ShownReview
from ui.operator_says import clock_time, purpose_in_words
from ui.words import Words

MOST_HITS = 2
"""So many hints have room for all their words; more are counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its largest letters in pixels, and its share of the height."""

    text: str
    largest: int = 20
    share: int = 2
    bold: bool = False


def of_first_use(use: Use | None, words: Words) -> tuple[Line, ...]:
    """When and where the ticket was used, whether somebody was seen to go in, and what to do."""
    head = Line(words("dispute.first_use"), 20, 2, bold=True)
    ask = Line(words("dispute.ask"), 20, 4)
    if use is None:
        return head, Line(words("dispute.no_first"), 24, 3), ask
    where = Line(words("dispute.at", time=clock_time(use.at), gate=use.gate), 34, 4, bold=True)
    seen = words("dispute.passed" if use.passage is Passage.PASSED else "dispute.unknown")
    day = time.strftime("%Y-%m-%d", time.localtime(use.at))
    return head, where, Line(f"{day} · {seen}", 20, 3), Line(words("dispute.no_picture"), 18, 2), ask


def of_hits(hits: tuple[ShownHit, ...], words: Words) -> tuple[Line, ...]:
    """Why, whose, how recognised, and what that allows. Never who."""
    lines: list[Line] = []
    for hit in hits[:MOST_HITS]:
        owner = words("dispute.owner", owner=hit.owner)
        means = words("dispute.recognised", means=words(f"means.{hit.means}"))
        lines += [
            Line(words("dispute.purpose", purpose=purpose_in_words(hit.purpose, words)), 26, 3, bold=True),
            Line(f"{owner} · {means}", 18, 3),
            Line(words(f"dispute.allows_{hit.action}"), 20, 3),
        ]
    if len(hits) == 1 and hits[0].appeal:  # of several there is no room for it; the owner says it as well
        lines.append(Line(words("dispute.appeal", appeal=hits[0].appeal), 18, 3))
    if len(hits) > MOST_HITS:
        lines.append(Line(words("dispute.more_hits", count=len(hits) - MOST_HITS), 18, 2))
    return tuple(lines)


def in_hand(snapshot: Snapshot, words: Words) -> str:
    """Who looks; that nobody does yet; and what follows when the time has run down."""
    review = snapshot.view.review
    if review is None:
        return ""
    names = {one.actor: one.name for one in snapshot.staff}
    taken = words("dispute.in_hand", name=names.get(review.taken_by, review.taken_by))
    return f"{taken if review.taken_by else words('dispute.nobody_yet')} {_then(review, words)}"


def _then(review: ShownReview, words: Words) -> str:
    return words(f"dispute.then_{review.fallback}" if review.fallback else "dispute.then_held")


def clock(seconds: float, most_s: float, words: Words) -> str:
    """How long it has lasted, and how long it may, where that is known."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    if most_s <= 0:
        return words("dispute.clock", minutes=minutes, seconds=f"{rest:02}")
    most_minutes, most = divmod(int(most_s), 60)
    return words(
        "dispute.clock_of",
        minutes=minutes,
        seconds=f"{rest:02}",
        most_minutes=most_minutes,
        most_seconds=f"{most:02}",
    )
