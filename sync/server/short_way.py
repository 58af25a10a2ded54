"""A short way to the few routes for which somebody stands waiting.

The framework looks through all routes, and puts several layers around each, for every request; that costs more than a
claim does. Such a route reads and writes for itself, so here it is called by its path alone. It is an ordinary route of
the program as well, for its documentation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Route = Callable[[Request], Awaitable[Response]]


class ShortWay:
    """Stands before the program. `routes` by method and path; `handlers` make answers of what they raise."""

    def __init__(self, app: ASGIApp, routes: Mapping[tuple[str, str], Route], handlers: Mapping[Any, Any]) -> None:
        self._app = app
        foreseen = {kind: handler for kind, handler in handlers.items() if kind not in (500, Exception)}
        self._routes = {key: ExceptionMiddleware(_answering(route), handlers=foreseen) for key, route in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to its route, or on."""
        key = (scope["method"], scope["path"]) if scope["type"] == "http" else None
        await (self._routes.get(key, self._app) if key else self._app)(scope, receive, send)


def _answering(route: Route) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await route(Request(scope, receive))
        await response(scope, receive, send)

    return answer
