"""The program: routers, the form of refusals, start and end."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

import sync.server
from sync.contract import Problem
from sync.server import problems
from sync.server.edge import Edge
from sync.server.hub import Hub
from sync.server.pages.page_route import refusal
from sync.server.short_way import Route, ShortWay

FOR_EVERY_ROUTE: dict[int | str, dict[str, Any]] = {
    408: {"model": Problem, "description": "Too slow"},
    413: {"model": Problem, "description": "Too large"},
    422: {"model": Problem, "description": "Not as documented here"},
    503: {"model": Problem, "description": "The database does not answer"},
}


def make_app(hub: Hub) -> FastAPI:
    """The server on `hub`, whose schema is up to date.

    Every module of this package whose name begins with `routes_` brings a `router`, and may bring
    `running(hub: Hub, app: FastAPI)`, an asynchronous context manager that holds while the program runs, and
    `LARGEST_BODIES`, the sizes in bytes of what may be sent to a path and those below it, and `SHORT`, those of its
    routes that are called by the short way.
    """
    modules = _route_modules()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for module in modules:
                if hasattr(module, "running"):
                    await stack.enter_async_context(module.running(hub, app))
            yield

    # No /docs: those pages fetch their scripts from elsewhere. The document itself is /openapi.json.
    app = _Program(
        title="Menshen", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, responses=FOR_EVERY_ROUTE
    )
    app.state.hub = hub
    problems.install(app, refusal)
    largest: dict[str, int] = {}
    short: dict[tuple[str, str], Route] = {}
    for module in modules:
        app.include_router(module.router)
        largest |= getattr(module, "LARGEST_BODIES", {})
        short |= getattr(module, "SHORT", {})
    app.way = Edge(ShortWay(app, app.way, short), largest)
    return app


class _Program(FastAPI):
    """What comes in goes by `way`; its end is the framework, with the layers that it puts around everything."""

    way: ASGIApp

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.way = super().__call__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.way(scope, receive, send)


def _route_modules() -> list[Any]:
    names = sorted(m.name for m in pkgutil.iter_modules(sync.server.__path__) if m.name.startswith("routes_"))
    return [importlib.import_module(f"sync.server.{name}") for name in names]
