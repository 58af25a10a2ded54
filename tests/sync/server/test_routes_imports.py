"""Imports over HTTP: upload, watch, look, write; what is wrong comes back row by row."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from sync.server import routes_imports, tables
from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role
from tests.sync.server.organiser import EVENT, furnish, make_event, number, token

HEADER = ("ticket", "name", "number", "not_before", "not_after")
TIMES = ("2026-06-01 18:00", "2026-06-01 22:00")
IMPORTS = "/v1/admin/imports"


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    """An organiser's program, with an event."""
    furnish(hub)
    with TestClient(make_app(hub), base_url="https://hub", headers=token(hub)) as made:
        make_event(made)
        yield made


def person(serial: int, *, wrong: bool = False) -> tuple[str, ...]:
    return (f"T{serial}", "张三丰", number(serial)[:-1] + "?" if wrong else number(serial), *TIMES)


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(
    client: TestClient, data: bytes, name: str = "people.xlsx", status: int = 202, **query: str
) -> dict[str, Any]:
    answer = client.post(IMPORTS, params={"event": EVENT} | query, files={"table": (name, data)})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def read(client: TestClient, data: bytes, **query: str) -> dict[str, Any]:
    """Upload, and look at it when it was read."""
    job = upload(client, data, **query)["job"]
    for thread in threading.enumerate():
        if thread.name == job:
            thread.join(60)
    told: dict[str, Any] = client.get(f"{IMPORTS}/{job}").json()
    return told


def test_a_workbook_is_uploaded_looked_at_and_written(client: TestClient) -> None:
    told = read(client, workbook(*(person(n) for n in range(3))))
    assert (told["state"], told["done"], told["of"], told["file_name"]) == ("ready", 3, 3, "people.xlsx")
    assert (told["preview"]["new"], told["preview"]["first_rows"][0]["masked_name"]) == (3, "张**")
    assert client.get(f"/v1/admin/events/{EVENT}").json()["tickets"] == 0
    answer = client.post(f"{IMPORTS}/{told['job']}/commit")
    assert (answer.status_code, answer.json()["written"]["new"]) == (200, 3)
    assert client.get(f"/v1/admin/events/{EVENT}").json()["tickets"] == 3
    assert client.post(f"{IMPORTS}/{told['job']}/commit").status_code == 409
    (listed,) = client.get(IMPORTS, params={"event": EVENT}).json()
    assert (listed["job"], listed["state"]) == (told["job"], "done")


def test_three_bad_rows_come_back_with_row_column_and_what_to_do(client: TestClient) -> None:
    rows = [person(0), person(1, wrong=True), ("", *person(2)[1:]), (*person(3)[:3], "soon", TIMES[1])]
    told = read(client, workbook(*rows))
    assert (told["state"], told["all_problems"]) == ("refused", 3)
    assert told["problems"] == [
        {
            "row": 3,
            "column": "number",
            "found": "a text of 18 characters",
            "expected": "an 18-character ID number whose check digit agrees",
        },
        {"row": 4, "column": "ticket", "found": "nothing", "expected": "the ticket's number"},
        {
            "row": 5,
            "column": "not_before",
            "found": "a text of 4 characters",
            "expected": "a date and time, such as 2025-05-01T19:30",
        },
    ]
    page = client.get(f"{IMPORTS}/{told['job']}", params={"skip": 1, "limit": 1}).json()["problems"]
    assert [problem["row"] for problem in page] == [4]
    assert client.post(f"{IMPORTS}/{told['job']}/commit").json()["code"] == "not_ready"


def test_gb18030_is_read_when_it_is_said(client: TestClient) -> None:
    table = "\n".join(",".join(row) for row in (HEADER, person(1))).encode("gb18030")
    assert read(client, table)["state"] == "refused"
    told = read(client, table, encoding="gb18030")
    assert (told["state"], told["preview"]["first_rows"][0]["masked_name"]) == ("ready", "张**")


def test_what_is_dropped_is_gone(client: TestClient) -> None:
    job = read(client, workbook(person(1)))["job"]
    assert client.delete(f"{IMPORTS}/{job}").status_code == 204
    assert client.get(f"{IMPORTS}/{job}").json()["state"] == "dropped"
    assert client.delete(f"{IMPORTS}/{job}").json()["code"] == "not_to_drop"


def test_what_is_no_upload_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.post(IMPORTS, params={"event": EVENT}).json()["code"] == "no_table"
    assert client.post(IMPORTS, params={"event": EVENT}, files={"other": b""}).json()["code"] == "no_table"
    broken = client.post(
        IMPORTS, params={"event": EVENT}, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"}
    )
    assert broken.status_code in (400, 422)
    assert client.post(IMPORTS, params={"event": "nothing"}, files={"table": b"x"}).status_code == 404
    monkeypatch.setattr(routes_imports, "TABLE_LIMIT", 10)
    assert upload(client, bytes(11), status=413)["code"] == "too_large"
    assert client.get(f"{IMPORTS}/import-0123456789abcdef").status_code == 404
    assert client.get(f"{IMPORTS}/anything").status_code == 422


def test_imports_of_another_organisation_are_not_there(hub: Hub, client: TestClient) -> None:
    job = read(client, workbook(person(1)))["job"]
    other, watching = token(hub, organisation="other"), token(hub, Role.AUDITOR)
    assert client.get(f"{IMPORTS}/{job}", headers=other).status_code == 404
    assert client.post(f"{IMPORTS}/{job}/commit", headers=other).status_code == 404
    assert client.delete(f"{IMPORTS}/{job}", headers=other).status_code == 404
    assert client.get(f"{IMPORTS}/{job}", headers=watching).status_code == 200
    assert client.post(f"{IMPORTS}/{job}/commit", headers=watching).status_code == 403
    assert client.get(f"{IMPORTS}/{job}").json()["state"] == "ready"


def test_what_a_killed_server_left_has_failed_after_the_start(hub: Hub, client: TestClient) -> None:
    job = read(client, workbook(person(1)))["job"]
    with hub.begin() as connection:
        connection.execute(update(tables.import_job).values(state="writing"))
    with TestClient(make_app(hub)):
        told = client.get(f"{IMPORTS}/{job}").json()
    assert (told["state"], told["problems"][0]["found"]) == ("failed", "the server ended meanwhile")
