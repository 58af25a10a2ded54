"""What the screens are told: the lane's view, completed for staff, and the snapshot around it."""

from __future__ import annotations

from dataclasses import replace

from gate.core.shown import shown_hits, shown_review
from gate.lane import LaneRunner
from models.command import DeviceStatus, Snapshot
from models.decision import Now
from models.view import LaneView


def for_staff(view: LaneView, runner: LaneRunner, now: Now) -> LaneView:
    """The view with what staff need to settle it: a list's hints, what was let pass, a portrait."""
    word = runner.lane.decision
    flags = word.flags if word is not None and not word.awaiting else ()
    lane, policy = runner.lane, runner.rules.policy
    hits, review = shown_hits(lane, policy, now), shown_review(lane, policy, now)
    return replace(view, hits=hits, review=review, flags=flags, portrait=runner.by_eye.portrait)


def snapshot_of(
    view: LaneView, runner: LaneRunner, devices: tuple[DeviceStatus, ...], *, at: float, clock_trusted: bool
) -> Snapshot:
    """What the lane's runner knows, beside `view`. House, reach and staff are the daemon's to add."""
    rules, tally = runner.rules, runner.tally
    policy = rules.policy
    return Snapshot(
        view=replace(view, faults=runner.lane.lost),
        at=at,
        profile=policy.profile,
        event=policy.event,
        devices=devices,
        manifest=rules.manifest,
        clock_trusted=clock_trusted,
        counts=dict(tally.counts),
        recent=tally.recent,
        red_path=rules.policy.red_path,
        reds=tally.reds.open,
        per_minute=tally.per_minute(at),
        offline_rule=policy.offline_rule if policy.claims else None,
        stale_after_s=policy.stale_after_s,
        face_ready_s=policy.face_ready_s if policy.needs_face else 0.0,
        refer_s=policy.refer_s,
    )
