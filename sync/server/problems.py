"""Refusals over HTTP: one form, stable codes, plain words."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Refused(Exception):
    """A request that is not carried out. `code` is stable; `detail` says what, where and what to do.

    `more` are further fields of the body, for refusals that have a model of their own.
    """

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def install(app: FastAPI) -> None:
    """Answer every refusal of `app` with a `sync.contract.Problem`."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return _problem(error.status, error.code, error.detail, **error.more)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, "http", str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def not_as_documented(request: Request, error: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        return _problem(422, "not_as_documented", where)


def _problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"code": code, "detail": detail, **more}, status_code=status)
