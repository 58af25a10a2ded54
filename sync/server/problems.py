"""Refusals over HTTP: one form, stable codes, plain words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

_log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is not carried out. `code` is stable; `detail` says what, where and what to do.

    `more` are further fields of the body, for refusals that have a model of their own.
    """

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def install(app: FastAPI, page_of: Callable[[Request, Refused], Response] | None = None) -> None:
    """Answer every refusal of `app` with a `sync.contract.Problem`; a browser that is lost gets `page_of` it."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return _problem(error.status, error.code, error.detail, **error.more)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, UnicodeDecodeError):  # the framework's word for it is 400
            return _problem(422, "not_as_documented", "the body is not UTF-8")
        if page_of and error.status_code in (404, 405) and _by_a_person(request):
            return page_of(request, Refused(404, "http", ""))
        return _problem(error.status_code, "http", str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def not_as_documented(request: Request, error: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        return _problem(422, "not_as_documented", where)

    @app.exception_handler(DataError)
    @app.exception_handler(UnicodeEncodeError)
    async def not_to_be_kept(request: Request, error: Exception) -> JSONResponse:
        return _problem(422, "not_as_documented", "a text or a number in the request is none that can be kept")

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def no_database(request: Request, error: Exception) -> JSONResponse:
        _log.error("the database does not answer: %s", type(error).__name__)
        return _problem(503, "no_database", "the database does not answer: try again in a moment")

    @app.exception_handler(Exception)
    async def our_fault(request: Request, error: Exception) -> JSONResponse:
        return _problem(500, "our_fault", "the server is at fault; its log says more")


def _by_a_person(request: Request) -> bool:
    """Whether somebody looks at the answer."""
    path = request.url.path
    return not f"{path}/".startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"code": code, "detail": detail, **more}, status_code=status)
