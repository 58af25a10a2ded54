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
    key = f"error.e{refused.status if refused.status in KNOWN else 500}"
    return page(request, "error.html", person, refused.status, key=key, detail=refused.detail, code=refused.code)


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


def go(path: str) -> RedirectResponse:
    """Show `path` next, after something was done."""
    return RedirectResponse(path, 303)


def address(*parts: str) -> str:
    """A path made of names, whatever characters they have."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
