"""What people told us: reports of scalpers to be looked at, and cases of those who are listed, with their clock."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from models.ids import DocumentType
from sync.holding import Document
from sync.server import cases, reports
from sync.server.cases import SOON_S
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, text
from sync.server.pages.public_pages import KINDS
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person, check_venue
from sync.server.places import list_venues
from sync.server.problems import Refused
from sync.server.qr import svg
from sync.server.sessions_http import require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Person, Depends(require(Permission.REPORTS_TRIAGE))]
Answerer = Annotated[Person, Depends(require(Permission.CASES_ANSWER))]
PICTURE_ONLY = {"content-security-policy": "default-src 'none'; sandbox"}


@router.get("/reports")
def list_reports(request: Request, hub: TheHub, person: Reader) -> Response:
    """Those that wait, and those that are settled."""
    with hub.engine.connect() as connection:
        waiting = reports.list_reports(hub, connection, person, is_new=True)
        settled = reports.list_reports(hub, connection, person, is_new=False)
        venues = list_venues(connection, person.organisation)
    return page(request, "reports.html", person, waiting=waiting, settled=settled, venues=venues)


@router.get("/reports/poster")
def poster(request: Request, hub: TheHub, person: Reader, venue: str) -> Response:
    """To be printed and hung up: the code opens the report box of this venue."""
    with hub.engine.connect() as connection:
        check_venue(connection, person, venue)
    link = f"{hub.settings.base_url}/report?at={venue}"
    return page(request, "poster.html", person, link=link, picture=Markup(svg(link)))  # noqa: S704 - our own picture


@router.get("/reports/{name}")
def show_report(request: Request, hub: TheHub, person: Reader, name: str) -> Response:
    """One report, and what can be made of it."""
    with hub.begin() as connection:
        told = reports.find_report(hub, connection, person, name)
    return page(request, "report_one.html", person, one=told, kinds=KINDS)


@router.get("/reports/{name}/photo")
def show_photo(hub: TheHub, person: Reader, name: str) -> Response:
    """Its photograph, as a picture and nothing else."""
    with hub.begin() as connection:
        kind, content = reports.photo_of(hub, connection, person, name)
    return Response(content, media_type=kind, headers=PICTURE_ONLY)


@router.post("/reports/{name}")
def settle(hub: TheHub, person: Reader, name: str, fields: Fields) -> Response:
    """Nothing, or a warning."""
    outcome, answer = text(fields, "outcome", 20), text(fields, "answer", 500)
    if outcome not in (reports.Outcome.NOTHING, reports.Outcome.WARNING):
        raise Refused(422, "bad_field", "outcome: nothing or warning")
    with hub.begin() as connection:
        reports.settle(hub, connection, person, name, reports.Outcome(outcome), answer)
    return go("/reports")


@router.post("/reports/{name}/propose")
def propose(hub: TheHub, person: Reader, name: str, fields: Fields) -> Response:
    """Propose the reported person for the list; two others approve that, or don't."""
    if not person.may(Permission.WATCH_PROPOSE):
        raise Refused(403, "not_allowed", "your role may not propose anybody for the list")
    kind = text(fields, "kind", 40)
    if kind not in KINDS:
        raise Refused(422, "bad_field", "choose the kind of the document")
    document = Document(DocumentType(kind), text(fields, "number", 40))
    owner, appeal, answer = text(fields, "owner", 100), text(fields, "appeal", 200), text(fields, "answer", 500)
    with hub.begin() as connection:
        entry = reports.propose_entry(hub, connection, person, name, owner, appeal, document, answer)
    return go(address("watch", "entry", entry))


@router.get("/cases")
def list_cases(request: Request, hub: TheHub, person: Answerer) -> Response:
    """Open ones by their clock, and those that are closed."""
    with hub.engine.connect() as connection:
        waiting = cases.list_cases(connection, is_open=True)
        closed = cases.list_cases(connection, is_open=False)
    return page(request, "cases.html", person, waiting=waiting, closed=closed, soon=SOON_S)


@router.get("/cases/{name}")
def show_case(request: Request, hub: TheHub, person: Answerer, name: str) -> Response:
    """One case, with the entries about its person and the receipts of partners."""
    with hub.begin() as connection:
        found = cases.find_case(hub, connection, person, name)
    outcomes = [one.value for one in cases.Outcome]
    shown: dict[str, Any] = {"case": found, "outcomes": outcomes, "soon": SOON_S}
    return page(request, "case.html", person, **shown)


@router.post("/cases/{name}/contest")
def contest(hub: TheHub, person: Answerer, name: str, fields: Fields) -> Response:
    """Let an entry rest while the case is open."""
    why = reason(fields)
    with hub.begin() as connection:
        cases.contest(hub, connection, person, name, text(fields, "entry", 64), why)
    return go(address("cases", name))


@router.post("/cases/{name}")
def answer(hub: TheHub, person: Answerer, name: str, fields: Fields) -> Response:
    """Answer it."""
    outcome, words = text(fields, "outcome", 20), str(fields.get("words", ""))
    if outcome not in set(cases.Outcome):
        raise Refused(422, "bad_field", "choose what was decided")
    identified, entry = fields.get("identified") == "yes", text(fields, "entry", 64)
    with hub.begin() as connection:
        cases.answer_case(
            hub, connection, person, name, cases.Outcome(outcome), words, identified=identified, entry=entry
        )
    return go(address("cases", name))
