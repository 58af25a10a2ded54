"""What a sync process tells of itself when it is asked."""

from __future__ import annotations

from models.link import Reach, SyncStatus
from sync.contract import Standing
from sync.enrolment import Enrolment
from sync.listen import Listener
from sync.outbox import Outbox
from sync.puller import Puller
from sync.watch_puller import WatchPuller

REACHED = {
    Reach.ONLINE: "the authority is reached again%.0s",
    Reach.VENUE: "the venue's hub is reached, and has no centre%.0s",
    Reach.ALONE: "the authority is away: %s",
}
"""What the log says when that changes; with the trouble there was."""


def status_of(
    papers: Enrolment,
    puller: Puller,
    shared: WatchPuller,
    outbox: Outbox,
    listener: Listener,
    standing: Standing | None,
) -> SyncStatus:
    """Who it is, what it holds, and what it has still to send; whom it reaches, its agent alone knows."""
    return SyncStatus(
        site=papers.site,
        device=papers.device,
        server=papers.server,
        doorbell=listener.hears,
        event=standing.event if standing else "",
        manifest=puller.held,
        watch=shared.held,
        epoch=outbox.epoch,
        written=outbox.written,
        acknowledged=outbox.acknowledged or 0,
        refusals=(*puller.refusals, *shared.refusals, *outbox.refusals),
    )
