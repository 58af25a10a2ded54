"""`GET /v1/admin/audit`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from sync.server.audit_log import LONGEST_PAGE, AuditFilter, AuditPage, read_audit
from sync.server.hub import Hub, hub_of
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1/admin", tags=["people"])


@router.get("/audit", responses=PEOPLE)
def audit(
    person: Annotated[Person, Depends(require(Permission.AUDIT_SEE))],
    hub: Annotated[Hub, Depends(hub_of)],
    wanted: Annotated[AuditFilter, Depends()],
    before: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 100,
) -> AuditPage:
    """Who did what, newest first."""
    with hub.engine.connect() as connection:
        return read_audit(connection, person, wanted, before, limit)
