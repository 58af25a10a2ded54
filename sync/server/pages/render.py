"""From a template to a page: words, times and numbers as people read them. Everything is escaped but our own markup."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from sync.server.authority import spoken
from sync.server.hub import hub_of
from sync.server.pages import words
from sync.server.pages.plots import bars
from sync.server.permissions import Permission, Person

FOLDER = Path(__file__).parents[1]
STATIC = {"page.css": "text/css", "page.js": "text/javascript", "mark.svg": "image/svg+xml"}
UTC_OFFSET_S = 28_800
"""China has one time zone; an event may have another."""


def page(request: Request, name: str, person: Person | None = None, status: int = 200, **more: Any) -> HTMLResponse:
    """The template `name` with `more`."""
    said = words_for(request, person)
    text = (
        _environment()
        .get_template(name)
        .render(
            {
                "t": said,
                "language": said.language,
                "person": person,
                "P": Permission,
                "here": request.url.path,
                "again": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
                "now": hub_of(request).clock(),
                "offset": UTC_OFFSET_S,
                **more,
            }
        )
    )
    return HTMLResponse(text, status)


def words_for(request: Request, person: Person | None) -> words.Words:
    """The language of this page."""
    switched = request.cookies.get(words.COOKIE, "")
    accepted = request.headers.get("accept-language", "")
    return words.words_in(words.choose_language(switched, person.language if person else "", accepted))


@cache
def static_version() -> str:
    """Changes with the files, so that a browser may keep them."""
    return hashlib.sha256(b"".join((FOLDER / "static" / name).read_bytes() for name in STATIC)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"when": when, "clock": clock, "age": age, "share": share, "spoken": spoken, "bars": bars}
    made.globals["version"] = static_version
    return made


@pass_context
def when(context: Context, at: float | None) -> str:
    """Day and time."""
    return _local(context, at, "%Y-%m-%d %H:%M")


@pass_context
def clock(context: Context, at: float | None) -> str:
    """The time of day, to the second."""
    return _local(context, at, "%H:%M:%S")


@pass_context
def age(context: Context, at: float | None) -> str:
    """How long ago."""
    said: words.Words = context["t"]
    if at is None:
        return said("site.never")
    passed = int(context["now"] - at)
    if passed < 1:
        return said("site.just_now")
    for key, size, limit in (("seconds", 1, 120), ("minutes", 60, 7200), ("hours", 3600, 172_800)):
        if passed < limit:
            return said(f"site.{key}", n=passed // size)
    return said("site.days", n=passed // 86_400)


def share(part: float) -> str:
    """As a percentage."""
    return f"{part:.1%}"


def _local(context: Context, at: float | None, form: str) -> str:
    if at is None:
        return "–"
    try:
        return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=context["offset"])).strftime(form)
    except (OverflowError, ValueError, OSError):
        return "?"
