"""The page: everything under `/` that isn't `/v1`."""

from __future__ import annotations

from fastapi import APIRouter

from sync.server.pages import board_pages, device_pages, event_pages, import_pages, session_pages, ticket_pages

router = APIRouter()
for part in (session_pages, event_pages, board_pages, ticket_pages, import_pages, device_pages):
    router.include_router(part.router)

LARGEST_BODIES = {"/log-in": 16_384, "/events": import_pages.LARGEST_TABLE + 2**20, "/devices": 65_536}
