"""The OpenAPI document against the program: requests as it describes them, and some that it forbids.

No answer is a 500, and none is other than documented: status, type, and the answer's own form. People's routes are
asked by an owner with a token, devices' routes by a gate or a venue hub with a signature.
"""

from __future__ import annotations

import shutil
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Request
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.requests import REQUESTS_TRANSPORT
from sqlalchemy import insert

from sync.server import tables
from sync.server.app import make_app
from sync.server.database import open_engine
from sync.server.hub import Hub, open_hub
from sync.server.permissions import Role
from sync.server.settings import Settings
from sync.server.watch_tables import watch_entry, watch_import
from sync.signing import Signer
from tests.examples import examples
from tests.sync.server.organiser import EVENT, furnish, make_event, ticket, token

pytestmark = pytest.mark.long

LEFT_OUT = {
    "GET /v1/gate/doorbell": "never ends; test_contact.py and test_process.py listen to it",
    "POST /v1/log-out": "ends the session of a browser, and there is none here; test_accounts.py logs out",
    "PUT /v1/admin/events/{event}/pretix": "calls the server that the body names; test_routes_pretix.py has one",
}
ENTRY, JOB = f"watch-{'a' * 16}", f"import-{'b' * 16}"
KNOWN = {"event": EVENT, "ticket": "T1", "device": "gate-A1", "version": 1, "venue": "hall-of-o", "organisation": "o"}
KNOWN |= {"entry": ENTRY, "job": JOB}
"""What there is: half of the requests name it, or they would hardly get further than 404."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


def _document() -> Any:
    """The program's own description; nothing is served."""
    nowhere = Hub(Settings(Path()), open_engine("sqlite://"), bytes(32), Ed25519PrivateKey.generate())
    return openapi.from_dict(make_app(nowhere).openapi())


OPERATIONS: dict[str, APIOperation[Any, Any, Any, Any]] = {
    one.ok().label: one.ok() for one in _document().get_all_operations()
}


@dataclass(frozen=True)
class Place:
    """A server with an event that was published, and who asks it."""

    client: TestClient
    owner: dict[str, str]
    gate: Signer
    venue_hub: Signer

    def ask(self, case: Case) -> Any:
        """Send a request with the proof that its route wants; the answer."""
        asked = Request(**REQUESTS_TRANSPORT.serialize_case(case, base_url="https://hub")).prepare()
        assert asked.method is not None
        assert asked.url is not None
        body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
        target = asked.url.removeprefix("https://hub")
        if "device" in case.operation.tags:
            signer = self.venue_hub if case.path.startswith("/v1/hub/") else self.gate
            proof = signer.headers(asked.method, target, body)
        else:
            proof = self.owner
        return self.client.request(asked.method, target, content=body, headers=dict(asked.headers) | proof)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Place]:
    """The server that all requests of this file go to, one after the other."""
    folder = tmp_path_factory.mktemp("openapi")
    shutil.copy(migrated_file, folder / "hub.db")
    hub = open_hub(Settings(folder))
    furnish(hub)
    _list(hub)
    signers = [_device(hub, kind, name) for kind, name in (("gate", "A1"), ("hub", "H1"))]
    owner = token(hub, Role.OWNER, None)
    with TestClient(make_app(hub), base_url="https://hub") as client:
        client.headers.update(owner)
        make_event(client)
        here = f"/v1/admin/events/{EVENT}"
        assert client.put(f"{here}/tickets", json={"tickets": [ticket(n) for n in range(3)]}).status_code == 200
        assert client.post(f"{here}/publish").status_code == 200
        client.headers.pop("Authorization")
        yield Place(client, owner, *signers)
    hub.engine.dispose()


def _list(hub: Hub) -> None:
    """An entry of a list of persons, and an import of one."""
    now = time.time()
    entry = {"entry": ENTRY, "owner": "O", "purpose": "order", "action": "review", "appeal": "desk", "version": 1}
    entry |= {"state": "proposed", "valid_from": now, "valid_to": now + 1e6, "proposed_by": "p", "made_at": now}
    job = {"job": JOB, "actor": "p", "file_name": "list.csv", "state": "ready", "report": '{"rows": 3}', "made_at": now}
    with hub.begin() as connection:
        connection.execute(insert(watch_entry).values(**entry, changed_at=now))
        sealed = hub.seal(zlib.compress(b"[]"), f"watch import|{JOB}")
        connection.execute(insert(watch_import).values(**job, sealed_rows=sealed))


def _device(hub: Hub, kind: str, name: str) -> Signer:
    key = Ed25519PrivateKey.generate()
    values = {"device": f"gate-{name}", "kind": kind, "name": name, "venue": "hall-of-o", "made_at": 0.0}
    values |= {"signing_key": key.public_key().public_bytes_raw(), "device_key": bytes([9]) + bytes(31)}
    values |= {"certificate": "", "state": "enrolled", "event": EVENT if kind == "gate" else None}
    with hub.begin() as connection:
        connection.execute(insert(tables.device).values(**values))
    return Signer("hall", f"gate-{name}", key, time.time)


def _cases(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case]:
    """What the document allows, of things that there are and of others, and what it forbids."""
    named = {one.name: KNOWN[one.name] for one in operation.path_parameters if one.name in KNOWN}
    allowed = operation.as_strategy(GenerationMode.POSITIVE)
    known = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=named) if named else allowed
    if not (operation.path_parameters or operation.query or operation.body):
        return allowed
    return st.one_of(known, allowed, operation.as_strategy(GenerationMode.NEGATIVE))


@pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - LEFT_OUT.keys()))
def test_every_answer_is_one_that_is_documented(place: Place, label: str) -> None:
    @settings(
        max_examples=examples(25),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(OPERATIONS[label]))
    def holds(case: Case) -> None:
        case.validate_response(place.ask(case), checks=CHECKS)

    holds()


def test_what_is_left_out_is_there() -> None:
    assert LEFT_OUT.keys() <= OPERATIONS.keys()
