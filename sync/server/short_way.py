"""A short way to the few routes for which somebody stands waiting.

The framework looks through all routes, and puts several layers around each, for every request; that costs more than a
claim does. Such a route reads and writes for itself, so here it is called by its path alone, before the framework. It
is an ordinary route of the program as well, for its documentation.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Route = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


class ShortWay:
    """Stands before `app`, which is entered by `within`. `routes` by method and path."""

    def __init__(self, app: FastAPI, within: ASGIApp, routes: Mapping[tuple[str, str], Route]) -> None:
        self._app, self._within, self._routes = app, within, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to its route, or on."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._within(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await route(request)
        except Exception as error:
            response = await self._refusal(request, error)
        await response(scope, receive, send)

    async def _refusal(self, request: Request, error: Exception) -> Response:
        """What the program's own handlers make of it; there is one for every kind."""
        handlers = self._app.exception_handlers
        kind = next(kind for kind in type(error).__mro__ if kind in handlers)
        if kind is Exception:
            _log.error("the server is at fault", exc_info=error)
        return await handlers[kind](request, error)  # type: ignore[no-any-return, misc]
