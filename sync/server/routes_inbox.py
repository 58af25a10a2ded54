"""Reports and cases are forgotten when their time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from sync.server import cases, reports
from sync.server.hub import Hub
from sync.server.periodic import every

router = APIRouter()


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Once an hour whatever is due."""
    async with (
        every(hub, "forget_reports", reports.PERIOD_S, reports.forget_old),
        every(hub, "forget_cases", cases.PERIOD_S, cases.forget_old),
    ):
        yield
