"""The live board, and the report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from sync.server.board import RECENT_MIN
from sync.server.live import board_of
from sync.server.pages.event_pages import Looker, shown
from sync.server.pages.page_route import PageRoute, TheHub
from sync.server.pages.render import UTC_OFFSET_S, page, words_for
from sync.server.permissions import Permission, Person, check_event
from sync.server.report import report_of
from sync.server.report_files import Sheet, as_csv, as_pdf, sheets
from sync.server.sessions_http import require

router = APIRouter(prefix="/events/{event}", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Person, Depends(require(Permission.REPORTS_SEE))]


@router.get("/board")
def board(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """How it goes just now."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
    return page(request, "board.html", **head, tab="board", board=board_of(hub, event), recent_min=RECENT_MIN)


@router.get("/board/live")
def board_live(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """The part of the page that keeps itself fresh."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    return page(request, "board_live.html", person, board=board_of(hub, event), recent_min=RECENT_MIN)


@router.get("/report")
def report(request: Request, hub: TheHub, person: Reader, event: str) -> Response:
    """The report on the screen."""
    with hub.engine.connect() as connection:
        head, tables = shown(connection, person, event), _sheets(request, connection, person, event)
    return page(request, "report.html", **head, tab="report", sheets=tables)


@router.get("/report.csv")
def report_csv(request: Request, hub: TheHub, person: Reader, event: str) -> Response:
    """The report for a spreadsheet."""
    head, tables, _ = _report(request, hub, person, event, "csv")
    return _file(as_csv(head, tables), "text/csv; charset=utf-8", "csv")


@router.get("/report.pdf")
def report_pdf(request: Request, hub: TheHub, person: Reader, event: str) -> Response:
    """The report to be printed and signed."""
    head, tables, made_at = _report(request, hub, person, event, "pdf")
    return _file(as_pdf(head, tables, made_at), "application/pdf", "pdf")


def _report(request: Request, hub: TheHub, person: Person, event: str, form: str) -> tuple[list[str], list[Sheet], str]:
    t = words_for(request, person)
    with hub.begin() as connection:
        of = shown(connection, person, event)["event"]
        tables = _sheets(request, connection, person, event)
        hub.audit(connection, person.account, "report.made", event, form=form)
    made_at = t("report.made", at=_day(hub.clock()))
    head = [f"{t('report.heading')} · {of.name}", of.venue_name, f"{_day(of.begins_at)} – {_day(of.ends_at)}", made_at]
    return head, tables, made_at


def _sheets(request: Request, connection: Connection, person: Person, event: str) -> list[Sheet]:
    return sheets(report_of(connection, event), words_for(request, person))


def _file(content: bytes, kind: str, ending: str) -> Response:
    headers: dict[str, Any] = {"content-disposition": f'attachment; filename="report.{ending}"'}
    return Response(content, media_type=kind, headers=headers)


def _day(at: float) -> str:
    return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=UTC_OFFSET_S)).strftime("%Y-%m-%d %H:%M")
