"""A list's review at the lane: when it begins, who has it in hand, and what follows when its time has run down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gate.core.effects import Effect
from gate.core.events import Timer
from gate.core.lists import in_force, is_review
from gate.core.state import Lane, timer
from models.decision import Now, Policy
from models.watch import LEAST_FRAMES, WatchHit

SECOND_LOOK_S = 1.0
"""So long at most a further frame is waited for, of somebody whom one frame takes for listed."""

MARGIN_S = 1.0
"""A review's own clock comes first."""


def begin_review(lane: Lane, policy: Policy, now: Now) -> tuple[Lane, tuple[Effect, ...]]:
    """A clock for the one who waits, where it is for a list's sake. It goes on through what is said meanwhile."""
    if not is_review(lane.decision) or lane.review_mono is not None:
        return lane, ()
    return replace(lane, review_mono=now.mono), (timer(lane, Timer.REVIEW, policy.watch_review_s),)


def refer_s(lane: Lane, policy: Policy) -> float:
    """How long the lane is kept for a person's word: a review has all of its time, and anew when somebody takes it."""
    return max(policy.refer_s, policy.watch_review_s + MARGIN_S) if is_review(lane.decision) else policy.refer_s


def glimpse(lane: Lane, hits: Iterable[WatchHit], now: Now) -> tuple[Lane, bool]:
    """Hits of one more try. Those on which frames agree become facts; whether a further look would tell of others.

    There is one such look for each person: who is seen once more and is nobody then has been nobody.
    """
    seen = {_name(hit): hit for hit in lane.glimpsed}
    for hit in hits:
        before = seen.get(_name(hit))
        both = (
            hit
            if before is None
            else replace(hit, frames=hit.frames + before.frames, distance=max(hit.distance, before.distance))
        )
        seen[_name(hit)] = both
    found = in_force((hit for hit in seen.values() if hit.frames >= LEAST_FRAMES), lane.facts, now)
    once = [hit for hit in seen.values() if hit.frames < LEAST_FRAMES]
    wanted = not lane.glimpsed and bool(in_force((replace(hit, frames=LEAST_FRAMES) for hit in once), lane.facts, now))
    known = {_name(hit): hit for hit in lane.facts.face_hits}
    facts = replace(lane.facts, face_hits=tuple({**known, **{_name(hit): hit for hit in found}}.values()))
    return replace(lane, facts=facts, glimpsed=tuple(seen.values())), wanted


def _name(hit: WatchHit) -> tuple[str, str]:
    return hit.domain, hit.entry
