"""What everybody may open without an account: the report box, and the desk of those who are listed or think so."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from models.ids import DocumentType
from sync.holding import Document
from sync.server import cases, reports
from sync.server.cases import Asked, Wish
from sync.server.pages.page_route import Fields, PageRoute, TheHub, from_own_page, text
from sync.server.pages.render import page
from sync.server.problems import Refused
from sync.server.reports import LARGEST_PHOTO, LONGEST_TEXT, Told
from sync.server.strangers import check_stamp, stamp

router = APIRouter(route_class=PageRoute, include_in_schema=False)

WISHES = [wish.value for wish in Wish]
_NO_PERSON = (DocumentType.TICKET_CODE, DocumentType.CARD_UID, DocumentType.TEMPORARY_ID)
KINDS = [kind.value for kind in DocumentType if kind not in _NO_PERSON]


@router.get("/report")
def box(request: Request, hub: TheHub, at: str = "") -> Response:
    """The report box, as the poster's code opens it: `at` names the venue."""
    shown: dict[str, Any] = {"stamp": stamp(hub), "venue": at[:64], "longest": LONGEST_TEXT}
    return page(request, "report_box.html", **shown, photo_mb=LARGEST_PHOTO >> 20)


@router.post("/report")
def drop(request: Request, hub: TheHub, fields: Fields) -> Response:
    """Keep what was told, and give the number to ask with."""
    _by_a_person(request, hub, fields)
    photo = fields.get("photo")
    content = photo.file.read(LARGEST_PHOTO + 1) if isinstance(photo, UploadFile) else b""
    told = Told(
        _long(fields, "text"),
        text(fields, "place", 100),
        text(fields, "venue", 64),
        text(fields, "contact", 100),
        content,
    )
    number = reports.take(hub, _address(request), told)
    return page(request, "number.html", number=number, of="report", until=None)


@router.get("/report/answer")
def ask_report(request: Request) -> Response:
    """Where the number is typed."""
    return page(request, "ask_number.html", of="report", standing=None, missing=False)


@router.post("/report/answer")
def report_answer(request: Request, hub: TheHub, fields: Fields) -> Response:
    """What became of the report."""
    return _answer(request, "report", reports.ask, hub, fields)


@router.get("/listed")
def desk(request: Request, hub: TheHub) -> Response:
    """Ask whether one is listed; have it corrected; appeal; be erased."""
    shown: dict[str, Any] = {"stamp": stamp(hub), "wishes": WISHES, "kinds": KINDS, "longest": LONGEST_TEXT}
    return page(request, "listed.html", **shown, days=int(cases.ANSWER_S // cases.DAY_S))


@router.post("/listed")
def open_case(request: Request, hub: TheHub, fields: Fields) -> Response:
    """Open a case, and give the number to ask with."""
    _by_a_person(request, hub, fields)
    wish, kind = text(fields, "wish", 20), text(fields, "kind", 40)
    if wish not in WISHES or kind not in KINDS:
        raise Refused(422, "bad_field", "choose what you want, and the kind of the document")
    document = Document(DocumentType(kind), text(fields, "number", 40))
    asked = Asked(Wish(wish), document, _long(fields, "text"), text(fields, "contact", 100))
    number, until = cases.open_case(hub, _address(request), asked)
    return page(request, "number.html", number=number, of="case", until=until)


@router.get("/listed/answer")
def ask_case(request: Request) -> Response:
    """Where the number is typed."""
    return page(request, "ask_number.html", of="case", standing=None, missing=False)


@router.post("/listed/answer")
def case_answer(request: Request, hub: TheHub, fields: Fields) -> Response:
    """How the case stands."""
    return _answer(request, "case", cases.ask, hub, fields)


def _answer(request: Request, of: str, ask: Any, hub: TheHub, fields: Fields) -> Response:
    from_own_page(request)
    try:
        standing = ask(hub, _address(request), text(fields, "number", 40))
    except Refused as refused:
        if refused.status != 404:
            raise
        return page(request, "ask_number.html", None, 404, of=of, standing=None, missing=True)
    return page(request, "ask_number.html", of=of, standing=standing, missing=False)


def _by_a_person(request: Request, hub: TheHub, fields: Fields) -> None:
    """Raises `Refused` for what no person at our page sent: a program fills in what nobody sees."""
    from_own_page(request)
    if fields.get("website"):
        raise Refused(422, "form_unknown", "this form isn't from here: open the page and fill it in there")
    check_stamp(hub, text(fields, "stamp", 100))


def _long(fields: Fields, name: str) -> str:
    """Several lines, as a person types them."""
    value = fields.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise Refused(422, "bad_field", f"{name}: at most {LONGEST_TEXT} characters")
    return value.replace("\r\n", "\n")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
