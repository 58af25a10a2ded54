"""Who a person's request comes from: a browser by its cookie, a program by its token. Routes ask with `require`."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from sync.contract import Problem
from sync.server.hub import hub_of
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.sessions import Opened, person_of_session, person_of_token

COOKIE = "__Host-menshen"  # the prefix binds it to this very host, over TLS
CSRF_HEADER = "Menshen-CSRF"
CSRF_FIELD = "csrf"
PEOPLE: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Nobody is logged in"},
    403: {"model": Problem, "description": "Not allowed to this person, or without the session's CSRF token"},
}
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _known(request: Request) -> Person | None:
    """Whose cookie or token a request bears; nothing of its body is looked at."""
    hub = hub_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return person_of_token(hub, token.strip())
    held = request.cookies.get(COOKIE)
    return person_of_session(hub, held) if held else None


_Known = Annotated[Person | None, Depends(_known)]


async def _csrf_told(request: Request) -> str:
    """The CSRF token of a request, from its header or from the form that it is."""
    told = request.headers.get(CSRF_HEADER, "")
    if not told and request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        told = field if isinstance(field, str) else ""
    return told


async def _check_csrf(request: Request, person: Person) -> None:
    """Raises `Refused`: 403 for a change that the session's own pages did not ask for.

    A form may be gigabytes of photographs: it is read for somebody who may send it, and for nobody else.
    """
    by_token = request.headers.get("authorization", "").partition(" ")[0].lower() == "bearer"
    if by_token or request.method in _HARMLESS:
        return
    if not hmac.compare_digest(person.csrf.encode(), (await _csrf_told(request)).encode()):
        raise Refused(403, "csrf", f"a change needs the session's token in {CSRF_HEADER} or the form's {CSRF_FIELD}")


async def person_or_nobody(request: Request, known: _Known) -> Person | None:
    """Who is logged in, if anybody. Raises `Refused`: 403 for a change that the session's own pages did not ask for."""
    if known is not None:
        await _check_csrf(request, known)
    return known


async def person_logged_in(person: Annotated[Person | None, Depends(person_or_nobody)]) -> Person:
    """Who is logged in. Raises `Refused`: 401."""
    return _somebody(person)


def _somebody(person: Person | None) -> Person:
    if person is None:
        raise Refused(401, "not_logged_in", "log in first, or send an API token that is still good")
    return person


SomePerson = Annotated[Person, Depends(person_logged_in)]
"""Anybody who is logged in."""


def require(permission: Permission) -> Callable[[Request, Person | None], Awaitable[Person]]:
    """A dependency that gives the person, whose role must allow `permission`. Raises `Refused`: 401, 403."""

    async def allowed(request: Request, known: _Known) -> Person:
        person = _somebody(known)
        if not person.may(permission):
            raise Refused(403, "not_allowed", f"your role does not allow this: it needs {permission.value}")
        await _check_csrf(request, person)
        return person

    return allowed


def give_cookie(response: Response, opened: Opened) -> None:
    """Hand the browser its session; no script reads it, no other site's page sends it."""
    response.set_cookie(COOKIE, opened.token, secure=True, httponly=True, samesite="strict", path="/")


def take_cookie(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
