"""An organiser's program with an API token, and a site with a hall and a gate."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import insert

from models.ids import check_digit
from sync.server import tables
from sync.server.hub import Hub
from sync.server.permissions import Person, Role
from sync.server.sessions import make_token

EVENT = "gala"
EVENING = 1_780_300_000.0


def number(serial: int, birth: str = "19491231") -> str:
    """A well-formed ID number of nobody."""
    stem = f"110105{birth}{serial:03d}"
    return stem + check_digit(stem)


def buyer(serial: int, **more: Any) -> dict[str, Any]:
    """A person who buys a ticket."""
    return {"ticket": f"T{serial}", "name": "张三丰", "documents": [{"number": number(serial)}]} | more


def ticket(serial: int, **more: Any) -> dict[str, Any]:
    """As `buyer`, with a seat and a time."""
    times = {"not_before": EVENING, "not_after": EVENING + 3600}
    return buyer(serial) | times | {"seat": f"A{serial}"} | more


def furnish(hub: Hub) -> None:
    """Two organisations with a hall each."""
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        for each in ("o", "other"):
            connection.execute(insert(tables.organisation).values(organisation=each, name=each))
            connection.execute(insert(tables.venue).values(venue=f"hall-of-{each}", organisation=each, name=each))


def token(hub: Hub, role: Role = Role.ORGANISER, organisation: str | None = "o") -> dict[str, str]:
    """Headers of a program that acts for somebody of that role."""
    account = f"{role.value}-of-{organisation or 'all'}"
    person = Person(account, account, role, organisation, "en")
    values = {"account": account, "name": account, "organisation": organisation, "role": role, "password": "none"}
    with hub.begin() as connection:
        connection.execute(insert(tables.account).values(**values, made_at=0.0))
        return {"Authorization": f"Bearer {make_token(hub, connection, person, 'test')}"}


def make_event(client: TestClient, profile: str = "concert", **changes: Any) -> None:
    """The event of these tests."""
    body = {"event": EVENT, "venue": "hall-of-o", "name": "Gala", "profile": profile, "changes": changes}
    times = {"begins_at": EVENING, "ends_at": EVENING + 7200}
    answer = client.post("/v1/admin/events", json=body | times)
    assert answer.status_code == 201, answer.text


def add_gate(hub: Hub, name: str = "A1") -> None:
    """A gate that serves the event."""
    values = {"device": f"gate-{name}", "kind": "gate", "name": name, "venue": "hall-of-o", "signing_key": bytes(32)}
    values |= {"device_key": bytes([9]) + bytes(31), "certificate": "", "state": "enrolled", "event": EVENT}
    with hub.begin() as connection:
        connection.execute(insert(tables.device).values(**values, made_at=0.0))
