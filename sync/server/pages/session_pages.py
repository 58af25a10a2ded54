"""Logging in and out, the language, and the few files that every page needs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from sync.server import sessions
from sync.server.pages import words
from sync.server.pages.page_route import Fields, PageRoute, TheHub, from_own_page, go
from sync.server.pages.render import FOLDER, STATIC, page
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.sessions_http import COOKIE, SomePerson, give_cookie, person_or_nobody, take_cookie

router = APIRouter(route_class=PageRoute, include_in_schema=False)
YEAR_S = 365 * 86_400


@router.get("/")
def start(person: SomePerson) -> Response:
    """The events are where work begins."""
    return go("/events")


@router.get("/log-in")
def ask(
    request: Request,
    next: str = "/",
    opened: str = "",
    person: Annotated[Person | None, Depends(person_or_nobody)] = None,
) -> Response:
    """The form; whoever is logged in goes on."""
    if person:
        return go(here(next))
    return page(request, "log_in.html", next=here(next), wrong="", account="", opened=bool(opened))


@router.post("/log-in")
def log_in(request: Request, hub: TheHub, fields: Fields) -> Response:
    """Begin a session. A form of another site's page is refused: it would log somebody in as somebody else."""
    from_own_page(request)
    account, password, wanted = (str(fields.get(name, "")) for name in ("account", "password", "next"))
    try:
        opened = sessions.log_in(hub, account, password, request.client.host if request.client else "")
    except Refused as refused:
        wrong = "locked" if refused.status == 429 else "wrong"
        shown: dict[str, Any] = {"next": here(wanted), "wrong": wrong, "account": account[:64], "opened": False}
        return page(request, "log_in.html", None, refused.status, **shown)
    answer = go(here(wanted))
    give_cookie(answer, opened)
    return answer


@router.post("/log-out")
def log_out(request: Request, hub: TheHub, person: SomePerson) -> Response:
    """End this session."""
    with hub.begin() as connection:
        sessions.log_out(hub, connection, request.cookies.get(COOKIE, ""))
    answer = go("/log-in")
    take_cookie(answer)
    return answer


@router.get("/language/{language}")
def switch(language: str, next: str = "/") -> Response:
    """Show everything in another language from now on, in this browser."""
    answer = go(here(next))
    if language in words.LANGUAGES:
        answer.set_cookie(words.COOKIE, language, max_age=YEAR_S, secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/static/{name}")
def static(name: str) -> Response:
    """A style, a script, a picture: these and no others."""
    if name not in STATIC:
        raise Refused(404, "no_such_file", "there is no such file")
    headers = {"cache-control": "public, max-age=86400"}
    return FileResponse(FOLDER / "static" / name, media_type=STATIC[name], headers=headers)


def here(path: str) -> str:
    """`path` if it leads to a page of ours, else the first page: nobody is sent elsewhere by a link."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\", "/log-in")) and path.isprintable()
    return path if safe else "/"
