"""Routes whose answers people read: a refusal is a page, and whoever isn't logged in is taken to do so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from sync.server.hub import Hub, hub_of
from sync.server.pages.render import page
from sync.server.problems import Refused
from sync.server.sessions import person_of_session
from sync.server.sessions_http import COOKIE

KNOWN = (401, 403, 404, 409, 413, 422, 429)
TELLING = (
    *("bad_address", "bad_document", "bad_field", "bad_form", "bad_policy", "cannot_build", "not_as_documented"),
    *("not_allowed", "pretix_denied", "pretix_failed", "rules_broken"),
)
"""Codes whose words alone don't say what is to be put right: their English detail is shown as well."""


class PageRoute(APIRoute):
    """A route of the page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As any route's, with refusals as pages."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except Refused as refused:
                return refusal(request, refused)
            except RequestValidationError:
                return refusal(request, Refused(422, "not_as_documented", ""))

        return answer


def refusal(request: Request, refused: Refused) -> Response:
    """Why something was not done, and the way on."""
    if refused.status == 401:
        wanted = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/log-in?next={quote(wanted)}", 303)
    held = request.cookies.get(COOKIE)
    person = person_of_session(hub_of(request), held) if held else None
    status = refused.status if refused.status in KNOWN else 500
    detail = refused.detail if refused.code in TELLING else ""
    return page(request, "error.html", person, refused.status, key=f"error.e{status}", detail=detail, code=refused.code)


async def _fields(request: Request) -> FormData:
    return await request.form()


Fields: TypeAlias = Annotated[FormData, Depends(_fields)]
"""A form as it was sent."""

TheHub: TypeAlias = Annotated[Hub, Depends(hub_of)]


def text(fields: FormData, name: str, longest: int = 200) -> str:
    """One line of a form, without blanks around. Raises `Refused`: 422 where it is too long, or no text."""
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not value.strip().isprintable():
        raise Refused(422, "bad_field", f"{name}: at most {longest} printable characters")
    return value.strip()


def raw(fields: FormData, name: str) -> str:
    """A field as it was typed, blanks and all: a password."""
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def sure(fields: FormData) -> None:
    """What can't be taken back needs a tick. Raises `Refused`: 422."""
    if fields.get("sure") != "yes":
        raise Refused(422, "not_sure", "this can't be taken back: tick that you want it")


def reason(fields: FormData) -> str:
    """Why somebody does it. Raises `Refused`: 422 where nothing is said."""
    why = text(fields, "why")
    if len(why) < 3:
        raise Refused(422, "no_reason", "say why: it stands in the audit")
    return why


def from_own_page(request: Request) -> None:
    """For forms without a session's token. Raises `Refused`: 403 for one that another site's page sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(403, "csrf", "use this server's own page")


def go(path: str) -> RedirectResponse:
    """Show `path` next, after something was done."""
    return RedirectResponse(path, 303)


def address(*parts: str) -> str:
    """A path made of names, whatever characters they have."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
