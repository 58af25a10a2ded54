"""The server as a process: from settings to a socket that speaks TLS, with one worker or several."""

from __future__ import annotations

import asyncio
import gc
import re
import secrets
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import uvicorn
from alembic.util import CommandError
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from uvicorn.supervisors import Multiprocess

from sync.server.app import make_app
from sync.server.database import migrate
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from sync.server.site import authority_of, ensure_site

KEEP_ALIVE_S = 30
CONNECTIONS = 4096  # for each worker: a gate holds two or three
LOOK_AT_CERTIFICATE_S = 3600.0
WORKER_S = 60
"""So long a worker may be silent before another takes its place: on a busy machine even to begin takes seconds."""
HAND_OVER_S = 0.0005
"""So long a thread that the database has answered waits for the one that reads requests, instead of 5 ms."""
LOOK_ALIVE_S = 20.0
"""So often a worker asks its database whether it answers, for the service supervisor's watchdog."""
COLLECT_AFTER = 20_000
"""New objects between two looks for garbage that counting does not find."""

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_contexts: list[tuple[ssl.SSLContext, Path]] = []  # those in use in this process, to be given a new certificate


class CannotServe(Exception):
    """The server can't start. Says what is wrong, where, and what to do."""


def prepare(settings: Settings, site: str = "") -> Hub:
    """Open the server's folder and database, bring both up to date and make what is missing. Raises `CannotServe`."""
    _check(settings, site)
    hub = open_hub(settings)
    try:
        migrate(hub.engine)
    except DBAPIError as error:
        raise CannotServe(f"{_shown(settings)} can't be used: {_first_line(error)}") from None
    except CommandError:
        raise CannotServe(f"{_shown(settings)} was made by a newer program than this one: install that") from None
    if site not in ("", found := ensure_site(hub, site or f"site-{secrets.token_hex(3)}")):
        raise CannotServe(f"this site is {found!r} for ever, and its devices know it so: leave --site out")
    authority_of(hub).server_file(settings, hub.clock())
    return hub


def listen(host: str, port: int) -> socket.socket:
    """A socket at work. Raises `CannotServe` where the port is taken or the address is none of this machine's."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotServe(f"{host} is no address to listen on: {error.strerror}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
    except OSError as error:
        made.close()
        raise CannotServe(
            f"{host} port {port}: {error.strerror}; stop what listens there or give another --port"
        ) from None
    made.set_inheritable(True)
    return made


def serve(settings: Settings, listener: socket.socket, alive: Callable[[], object] | None = None) -> None:
    """Serve until told to stop. `prepare` comes first.

    Each worker calls `alive` when it has asked its database, time and again: a function of a module, as workers are
    processes of their own.
    """
    config = uvicorn.Config(
        partial(program, settings, alive),
        factory=True,
        workers=settings.workers,
        log_level="warning",
        access_log=False,  # a path may name what is nobody's business
        server_header=False,
        proxy_headers=False,  # an address comes from the socket; a header may say anything
        ws="none",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        timeout_worker_healthcheck=WORKER_S,
        h11_max_incomplete_event_size=32 * 1024,
        ssl_context_factory=partial(tls, settings.state_dir / "server.pem"),
    )
    if settings.workers > 1:
        Multiprocess(config, [listener]).run()
    else:
        uvicorn.Server(config).run([listener])


def program(settings: Settings, alive: Callable[[], object] | None = None) -> FastAPI:
    """The program of one worker."""
    hub = open_hub(settings)
    app = make_app(hub)
    within = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(_keep_certificate(hub))]
        tasks += [loop.create_task(_look_alive(hub, alive))] if alive is not None else []
        try:
            async with within(app):
                _settle_down()
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            hub.engine.dispose()

    app.router.lifespan_context = lifespan
    return app


def tls(file: Path, _config: uvicorn.Config, _default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """TLS 1.2 or later with the key and certificate in `file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    context.set_alpn_protocols(["http/1.1"])
    _contexts.append((context, file))
    return context


def refresh_certificate(hub: Hub) -> None:
    """Renew the server's certificate if it ends soon; new connections see the new one."""
    authority_of(hub).server_file(hub.settings, hub.clock())
    for context, file in _contexts:
        context.load_cert_chain(file)


def _settle_down() -> None:
    """What was loaded stays. To look through it for garbage, time and again, would halt everybody for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    sys.setswitchinterval(HAND_OVER_S)


async def _keep_certificate(hub: Hub) -> None:
    while True:
        await asyncio.sleep(LOOK_AT_CERTIFICATE_S)
        await asyncio.to_thread(refresh_certificate, hub)


async def _look_alive(hub: Hub, alive: Callable[[], object]) -> None:
    """A question that never comes back is a hang. One that is refused is not: a database that is away is waited for."""
    while True:
        with suppress(DBAPIError):
            await asyncio.to_thread(_ask_database, hub)
        alive()
        await asyncio.sleep(LOOK_ALIVE_S)


def _ask_database(hub: Hub) -> None:
    with hub.engine.connect() as connection:
        connection.execute(select(1))


def _check(settings: Settings, site: str) -> None:
    if site and not _SITE.fullmatch(site):
        raise CannotServe("a site's name goes into every request: 1 to 64 of A–Z, a–z, 0–9, '.', '_' and '-'")
    try:
        kind = make_url(settings.database_url).get_backend_name()
        make_url(settings.database_url).get_dialect()
    except (ArgumentError, NoSuchModuleError):
        raise CannotServe("the database's URL can't be read: it is like postgresql://USER:PASSWORD@HOST/NAME") from None
    if kind not in ("sqlite", "postgresql"):
        raise CannotServe(f"a database of the kind {kind} is not known here: use PostgreSQL, or none for SQLite")
    if kind == "sqlite" and settings.workers > 1:
        raise CannotServe("SQLite serves one worker: give --database postgresql://… for more")


def _shown(settings: Settings) -> str:
    return f"the database {make_url(settings.database_url).render_as_string(hide_password=True)}"


def _first_line(error: DBAPIError) -> str:
    return next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
