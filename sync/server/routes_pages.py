"""The page: everything under `/` that isn't `/v1`."""

from __future__ import annotations

from fastapi import APIRouter

from sync.server.pages import (
    account_pages,
    alarm_pages,
    board_pages,
    conflict_pages,
    device_pages,
    erasure_pages,
    event_pages,
    evidence_pages,
    import_pages,
    inbox_pages,
    partner_pages,
    pattern_pages,
    place_pages,
    pretix_pages,
    public_pages,
    session_pages,
    setup_pages,
    temporary_pages,
    ticket_pages,
    watch_entry_pages,
    watch_import_pages,
    watch_pages,
)

router = APIRouter()
for part in (
    *(session_pages, account_pages, place_pages, event_pages, setup_pages, pretix_pages, erasure_pages),
    *(board_pages, conflict_pages, ticket_pages, import_pages, device_pages, evidence_pages, alarm_pages),
    *(watch_pages, watch_entry_pages, watch_import_pages, public_pages, inbox_pages),
):
    router.include_router(part.router)
for part in (pattern_pages, temporary_pages, partner_pages):
    router.include_router(part.router)

LARGEST_BODIES = {"/log-in": 16_384, "/open-account": 16_384, "/events": import_pages.LARGEST_TABLE + 2**20}
LARGEST_BODIES |= dict.fromkeys(("/devices", "/me", "/accounts", "/places", "/partners"), 65_536)
LARGEST_BODIES |= {"/watch": 32 * 2**20, "/watch/import": 2 * 2**30}
