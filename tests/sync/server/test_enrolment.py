"""One-time codes, those who attack them, new keys, and the end of a device."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from starlette.testclient import TestClient

from models.wire import to_json
from sync.contract import Enrolled, EnrolRequest
from sync.server import tables
from sync.server.app import make_app
from sync.server.codes import ALPHABET, hash_of, new_code
from sync.server.devices import directory
from sync.server.enrolment import CODE_S, LIMIT, Invitation, enrol, invite, list_devices, revoke
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.site import authority_of
from sync.signing import Signer
from tests.sync.server.conftest import Clock
from tests.sync.server.world import SHOW, hall

ADDRESS = "192.0.2.9"


@pytest.fixture
def site(hub: Hub) -> Hub:
    hall(hub)
    return hub


def _invite(hub: Hub, name: str = "G1", **more: str) -> Invitation:
    with hub.begin() as connection:
        return invite(hub, connection, "olga", "v", name, **more)


class Box:
    """A box with fresh keys that wants to be a device."""

    def __init__(self, name: str = "G1") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()

    def request(self, code: str, **more: str) -> EnrolRequest:
        asked = EnrolRequest(code, self.name, self.key.public_key().public_bytes_raw().hex(), "07" * 32)
        return replace(asked, **more)

    def enrol(self, hub: Hub, code: str, address: str = ADDRESS, **more: str) -> Enrolled:
        return enrol(hub, self.request(code, **more), address)


def _refused(hub: Hub, code: str, address: str = ADDRESS, box: Box | None = None, **more: str) -> str:
    with pytest.raises(Refused) as caught:
        (box or Box()).enrol(hub, code, address, **more)
    return caught.value.code


def _audit(hub: Hub, act: str) -> list[str]:
    """Why, of each line of this kind."""
    with hub.begin() as connection:
        rows = connection.execute(select(tables.audit).where(tables.audit.c.act == act).order_by(tables.audit.c.seq))
        return [json.loads(row.detail).get("why", "") for row in rows]


def _devices(hub: Hub) -> dict[str, str]:
    with hub.begin() as connection:
        return {row.device: row.state for row in list_devices(connection)}


def test_a_box_with_a_good_code_becomes_a_device(site: Hub) -> None:
    made, box = _invite(site), Box()
    told = box.enrol(site, made.code.lower().replace("-", " "), authority=made.fingerprint)
    assert (told.site, told.time) == ("hall", site.clock())
    assert told.issuers[0].key == site.issuer_key.public_key().public_bytes_raw().hex()
    certificate = x509.load_pem_x509_certificate(told.certificate.encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(told.authority.encode()))
    assert certificate.public_key() == box.key.public_key()
    assert _devices(site) == {told.device: "enrolled"}
    assert _audit(site, "enrol.done") == [""]


def test_the_codes_text_says_where_and_whom_to_trust(site: Hub) -> None:
    made = _invite(site)
    assert made.text == f"menshen://localhost:8443/{made.code}?ca={authority_of(site).fingerprint}"
    assert made.code not in repr(made)


def test_no_code_is_kept_as_it_is(site: Hub) -> None:
    plain = _invite(site).code.replace("-", "").encode()
    with site.begin() as connection:
        kept = connection.execute(select(tables.enrolment_code)).one()
    assert not any(isinstance(value, bytes | str) and plain in str(value).encode() for value in kept)


def test_a_code_works_once(site: Hub) -> None:
    made, box = _invite(site), Box()
    request = box.request(made.code)
    enrol(site, request, ADDRESS)
    with pytest.raises(Refused, match="ask for a new one"):  # the very same bytes, replayed
        enrol(site, request, ADDRESS)
    assert _refused(site, made.code, "198.51.100.1", Box("G1")) == "code_refused"  # and by another box
    assert _audit(site, "enrol.refused") == ["used code", "used code"]
    assert len(_devices(site)) == 1


def test_a_code_ends_after_a_quarter_of_an_hour(site: Hub, clock: Clock) -> None:
    made = _invite(site)
    clock.now += CODE_S
    assert _refused(site, made.code) == "code_refused"
    assert _audit(site, "enrol.refused") == ["expired code"]


def test_guessing_ends_after_a_few_tries_even_with_the_right_code(site: Hub, clock: Clock) -> None:
    made = _invite(site)
    tried = [_refused(site, new_code()) for _ in range(LIMIT.for_address + 3)]
    assert tried == ["code_refused"] * LIMIT.for_address + ["too_many_attempts"] * 3
    assert _refused(site, made.code) == "too_many_attempts"
    assert _audit(site, "enrol.refused") == ["unknown code"] * LIMIT.for_address
    assert _audit(site, "enrol.limited") == [""]  # told once, not once a try
    assert Box().enrol(site, made.code, "198.51.100.1").site == "hall"  # from elsewhere nobody is kept out
    clock.now += LIMIT.window_s + 1
    assert _refused(site, new_code()) == "code_refused"


def test_guessing_from_many_addresses_ends_as_well(site: Hub) -> None:
    tried = [_refused(site, new_code(), f"198.51.100.{n}") for n in range(LIMIT.for_all + 1)]
    assert tried[-1] == "too_many_attempts"
    assert set(tried[:-1]) == {"code_refused"}


def test_who_has_one_ipv6_address_has_many_and_is_counted_once(site: Hub) -> None:
    tried = [_refused(site, new_code(), f"2001:db8::{n:x}") for n in range(LIMIT.for_address + 1)]
    assert tried[-1] == "too_many_attempts"
    assert _refused(site, new_code(), "2001:db8:0:1::1") == "code_refused"


def test_of_many_boxes_with_one_code_at_once_one_gets_in(site: Hub) -> None:
    code = _invite(site).code
    told: list[str] = []

    def come() -> None:
        try:
            told.append(Box().enrol(site, code).site)
        except Refused as refused:
            told.append(refused.code)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["code_refused"] * 5 + ["hall"]


def test_a_code_of_another_site_is_refused_and_not_spent(site: Hub) -> None:
    made = _invite(site)
    assert _refused(site, made.code, authority="00" * 32) == "code_refused"
    assert _audit(site, "enrol.refused") == ["wrong site"]
    assert Box().enrol(site, made.code, authority=made.fingerprint).site == "hall"


def test_a_gates_code_makes_no_hub(site: Hub) -> None:
    assert _refused(site, _invite(site).code, kind="hub") == "code_refused"
    assert _audit(site, "enrol.refused") == ["code for another kind of device"]


def test_a_good_code_with_something_else_wrong_is_not_spent(site: Hub) -> None:
    made = _invite(site)
    assert _refused(site, made.code, name="G2") == "other_name"
    assert _refused(site, made.code, signing_key="zz") == "bad_key"
    assert _audit(site, "enrol.refused") == ["other_name", "bad_key"]
    assert Box().enrol(site, made.code).site == "hall"


def test_a_name_in_use_is_given_only_to_who_was_invited_in_its_place(site: Hub) -> None:
    early = _invite(site)
    first = Box().enrol(site, _invite(site).code)
    assert _refused(site, early.code) == "name_taken"  # made before the other box came
    with pytest.raises(Refused, match="replace or revoke"):
        _invite(site)
    with site.begin() as connection:
        connection.execute(update(tables.device).values(event=SHOW))
    second = Box().enrol(site, _invite(site, replaces=first.device).code)
    assert _devices(site) == {first.device: "replaced", second.device: "enrolled"}
    known = directory(site).find(first.device)
    assert known is not None
    assert known.revoked
    with site.begin() as connection:
        event = select(tables.device.c.event).where(tables.device.c.device == second.device)
        assert connection.execute(event).scalar_one() == SHOW


def test_a_key_is_enrolled_once(site: Hub) -> None:
    box = Box()
    told = box.enrol(site, _invite(site).code)
    with site.begin() as connection:
        revoke(site, connection, "olga", told.device)
    assert _refused(site, _invite(site).code, box=box) == "key_taken"


def test_a_revoked_device_is_heard_only_to_be_told_so(site: Hub) -> None:
    told = Box().enrol(site, _invite(site).code)
    with site.begin() as connection:
        revoke(site, connection, "olga", told.device)
        rung = connection.execute(select(tables.change.c.device)).scalars().all()
    known = directory(site).find(told.device)
    assert known is not None
    assert known.revoked
    assert told.device in rung
    with site.begin() as connection, pytest.raises(Refused, match="no such device"):
        revoke(site, connection, "olga", told.device)


@pytest.mark.parametrize("name", ["", " G1", "G\n1", "x" * 65])
def test_a_device_needs_a_name(site: Hub, name: str) -> None:
    with pytest.raises(Refused, match="printable"):
        _invite(site, name)


@given(st.text(ALPHABET, min_size=16, max_size=16))
def test_a_code_survives_being_read_aloud(code: str) -> None:
    heard = code.lower().replace("0", "o").replace("1", "l")
    assert hash_of("x", f" {heard[:8]}-{heard[8:]} ") == hash_of("x", code)
    assert hash_of("y", code) != hash_of("x", code)


@pytest.fixture
def client(site: Hub) -> Iterator[TestClient]:
    headers = {"Content-Type": "application/json"}
    with TestClient(make_app(site), client=(ADDRESS, 5000), headers=headers) as made:
        yield made


def _post(client: TestClient, signer: Signer, target: str, body: bytes) -> tuple[int, dict[str, object]]:
    answer = client.post(target, content=body, headers=signer.headers("POST", target, body))
    return answer.status_code, answer.json()


def test_over_http_a_box_enrols_renews_its_keys_and_the_old_ones_are_spent(site: Hub, client: TestClient) -> None:
    box, fresh = Box(), Box()
    answer = client.post("/v1/enrol", content=to_json(box.request(_invite(site).code)))
    assert answer.status_code == 200
    device = answer.json()["device"]
    old, new = Signer("hall", device, box.key, site.clock), Signer("hall", device, fresh.key, site.clock)
    body = json.dumps({"signing_key": fresh.request("").signing_key, "device_key": "08" * 32}).encode()
    assert _post(client, new, "/v1/gate/renew", body)[0] == 401  # only the key in force names its heir
    status, told = _post(client, old, "/v1/gate/renew", body)
    assert (status, told["device"]) == (200, device)
    assert _post(client, old, "/v1/gate/renew", body)[0] == 401
    new.last = old.last
    assert _post(client, new, "/v1/gate/contact", b'{"at": 1.0}')[0] == 200
    back = json.dumps({"signing_key": box.request("").signing_key, "device_key": "08" * 32}).encode()
    assert _post(client, new, "/v1/gate/renew", back) == (
        422,
        {"code": "same_key", "detail": "this key was in use before: make a new one"},
    )
    with site.begin() as connection:
        kept = connection.execute(select(tables.old_key)).one()
    assert kept.signing_key.hex() == box.request("").signing_key


def test_over_http_bad_codes_are_answered_alike_and_seen_with_their_address(site: Hub, client: TestClient) -> None:
    used = _invite(site).code
    Box().enrol(site, used)
    answers = [client.post("/v1/enrol", content=to_json(Box().request(code))) for code in (used, new_code(), "", "\0")]
    assert {(one.status_code, one.text) for one in answers} == {(403, answers[0].text)}
    with site.begin() as connection:
        seen = select(tables.audit.c.from_address).where(tables.audit.c.act == "enrol.refused")
        assert connection.execute(seen).scalars().all() == [ADDRESS] * 4


def test_anybody_may_see_health_and_the_authoritys_certificate(site: Hub, client: TestClient) -> None:
    assert client.get("/v1/health").json() == {"alive": True, "schema": "0001", "time": site.clock()}
    told = client.get("/v1/site").json()
    assert (told["site"], told["fingerprint"]) == ("hall", authority_of(site).fingerprint)


def test_over_http_a_box_whose_place_another_took_is_told_to_wipe_and_may_do_nothing_else(
    site: Hub, client: TestClient
) -> None:
    old = Box()
    device = old.enrol(site, _invite(site).code).device
    signer = Signer("hall", device, old.key, site.clock)
    contact, at = "/v1/gate/contact", to_json({"at": 1.0})
    assert _post(client, signer, contact, at)[1]["wipe"] is False
    Box().enrol(site, _invite(site, replaces=device).code)
    status, standing = _post(client, signer, contact, at)
    assert (status, standing["wipe"], standing["event"]) == (200, True, "")
    status, refusal = _post(client, signer, "/v1/gate/claims", b'{"claims": []}')
    assert (status, refusal["code"]) == (401, "revoked")
    with site.begin() as connection:
        rung = select(tables.change.c.device).where(tables.change.c.device == device)
        assert connection.execute(rung).first() is not None
        wiped = select(tables.device.c.wiped_at).where(tables.device.c.device == device)
        assert connection.execute(wiped).scalar_one() == site.clock()
