"""Whose form is read: gigabytes of photographs may come, and they come to the disk before anybody looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role
from sync.server.sessions import log_in
from sync.server.sessions_http import COOKIE, CSRF_HEADER
from tests.sync.server.organiser import EVENT, furnish
from tests.sync.server.pages_client import PASSWORD, enrol_person

UPLOADS = f"/v1/admin/imports?event={EVENT}", f"/events/{EVENT}/import"
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
FIELD = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'


@pytest.fixture
def site(hub: Hub) -> Hub:
    """A site with a clerk who may import tickets, and one who may only look."""
    furnish(hub)
    enrol_person(hub, "clerk", Role.ORGANISER, "o")
    enrol_person(hub, "looker", Role.AUDITOR, "o")
    return hub


def upload(hub: Hub, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, int]:
    """Send a form piece by piece; gives the answer's status and how many pieces were taken."""
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for piece in (body, b"\r\n--x--\r\n"):
            taken += 1
            yield piece

    async def send() -> int:
        transport = httpx.ASGITransport(make_app(hub))
        async with httpx.AsyncClient(transport=transport, base_url="https://hub") as client:
            return (await client.post(target, content=pieces(), headers={**MULTIPART, **headers})).status_code

    return asyncio.run(send()), taken


@pytest.mark.parametrize("target", UPLOADS)
def test_nothing_is_read_of_a_form_of_somebody_unknown(site: Hub, target: str) -> None:
    unknown: tuple[dict[str, str], ...] = (
        {},
        {"Cookie": f"{COOKIE}=guessed"},
        {"Authorization": "Bearer menshen_guessed"},
        {CSRF_HEADER: "guessed"},
    )
    for headers in unknown:
        status, taken = upload(site, target, FIELD + b"guessed", headers)
        assert (status in (401, 303), taken) == (True, 0)


@pytest.mark.parametrize("target", UPLOADS)
def test_nothing_is_read_of_a_form_that_its_sender_may_not_send(site: Hub, target: str) -> None:
    opened = log_in(site, "looker", PASSWORD, "192.0.2.9")
    cookie = {"Cookie": f"{COOKIE}={opened.token}"}
    assert upload(site, target, FIELD + opened.person.csrf.encode(), cookie) == (403, 0)


@pytest.mark.parametrize("target", UPLOADS)
def test_the_form_of_one_who_may_send_it_is_read_for_its_token(site: Hub, target: str) -> None:
    opened = log_in(site, "clerk", PASSWORD, "192.0.2.9")
    cookie = {"Cookie": f"{COOKIE}={opened.token}"}
    status, taken = upload(site, target, FIELD + b"another", cookie)
    assert (status, taken) == (403, 2)
    status, taken = upload(site, target, FIELD + opened.person.csrf.encode(), cookie)
    assert status in (404, 422)  # past the door: the form has no table, or there is no such event
    assert taken == 2
