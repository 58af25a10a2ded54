"""A browser without a screen: logs in, keeps its cookie, reads the CSRF token out of the page it is on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import insert

from sync.server import tables
from sync.server.accounts_password import hash_password
from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role

PASSWORD = "a long walk to the gate 7"


class Browser:
    """One person at the pages."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.csrf = ""

    def get(self, path: str, **more: Any) -> Response:
        """A page, as the person sees it; redirects are followed."""
        answer: Response = self.client.get(path, **more)
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self.csrf = found[1]
        return answer

    def post(self, path: str, csrf: str | None = None, **fields: Any) -> Response:
        """A form, sent from our own page."""
        return self.client.post(path, data={"csrf": self.csrf if csrf is None else csrf, **fields})

    def log_in(self, account: str, password: str = PASSWORD) -> Response:
        """Fill in the form."""
        answer = self.client.post("/log-in", data={"account": account, "password": password, "next": "/"})
        self.get("/events")
        return answer


@contextmanager
def browsing(hub: Hub) -> Iterator[Browser]:
    """A browser in front of the whole program."""
    with TestClient(make_app(hub), base_url="https://testserver") as client:
        yield Browser(client)


@cache
def _hashed() -> str:
    """Made once: it is slow on purpose."""
    return hash_password(PASSWORD)


def enrol_person(hub: Hub, account: str, role: Role, organisation: str | None = None) -> None:
    """An account with `PASSWORD`, and with a name that is no markup."""
    values = {"account": account, "name": f"<b>{account}</b>", "role": role.value, "organisation": organisation}
    with hub.begin() as connection:
        connection.execute(insert(tables.account).values(**values, password=_hashed(), made_at=0.0))
