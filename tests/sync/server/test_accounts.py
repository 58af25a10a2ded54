"""Accounts, sessions, what a role may do, and how far a person sees."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from sync.server import accounts, accounts_password, sessions, tables
from sync.server.app import make_app
from sync.server.audit_log import AuditFilter, read_audit
from sync.server.hub import Hub
from sync.server.permissions import ALLOWED, Permission, Person, Role, check_device, check_event, check_venue
from sync.server.problems import Refused
from sync.server.sessions_http import COOKIE
from tests.sync.server.conftest import Clock
from tests.sync.server.world import SHOW, GateBox, hall

ADDRESS = "192.0.2.9"
GOOD, BETTER = "a horse in the rain", "battery staple, correct"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters that cost no time."""
    monkeypatch.setattr(accounts_password, "HASHER", PasswordHasher(1, 8, 1))
    accounts_password._nobody.cache_clear()


@pytest.fixture
def site(hub: Hub) -> Hub:
    """A site with an owner, and an organiser of one organisation."""
    hall(hub)
    with hub.begin() as connection:
        accounts.make_owner(hub, connection, "operator", "olga", GOOD)
        code = accounts.make_account(hub, connection, "olga", "omar", "Omar", Role.ORGANISER, "o")
    accounts.use_code(hub, code, GOOD, ADDRESS)
    return hub


def _refusal(hub: Hub, account: str = "olga", password: str = "wrong and long enough", address: str = ADDRESS) -> str:
    with pytest.raises(Refused) as caught:
        sessions.log_in(hub, account, password, address)
    return caught.value.code


def _acts(hub: Hub, act: str) -> list[str]:
    with hub.engine.connect() as connection:
        found = select(tables.audit.c.object).where(tables.audit.c.act == act).order_by(tables.audit.c.seq)
        return list(connection.execute(found).scalars())


class TestAccounts:
    def test_the_first_owner_comes_by_a_code_that_is_void_afterwards(self, hub: Hub) -> None:
        hall(hub)
        void, code = accounts.first_code(hub), accounts.first_code(hub)
        assert void is not None
        assert code is not None
        with pytest.raises(Refused, match="wrong, was used"):
            accounts.use_code(hub, void, GOOD, ADDRESS, "olga", "Olga")
        with pytest.raises(Refused, match="12 to 256"):
            accounts.use_code(hub, code, "short", ADDRESS, "olga", "Olga")
        assert accounts.use_code(hub, code, GOOD, ADDRESS, "olga", "Olga") == "olga"
        with pytest.raises(Refused, match="wrong, was used"):
            accounts.use_code(hub, code, GOOD, ADDRESS, "mallory", "M")
        assert accounts.first_code(hub) is None
        assert sessions.log_in(hub, "olga", GOOD, ADDRESS).person.role is Role.OWNER

    def test_a_code_for_a_password_ends_and_guessing_it_does_too(self, site: Hub, clock: Clock) -> None:
        with site.begin() as connection:
            code = accounts.reset(site, connection, "olga", "omar")
        for _ in range(accounts.LIMIT.for_address):
            with pytest.raises(Refused, match="wrong, was used"):
                accounts.use_code(site, "0000", GOOD, ADDRESS)
        with pytest.raises(Refused, match="too many"):
            accounts.use_code(site, code, GOOD, ADDRESS)
        clock.now += accounts.CODE_S
        with pytest.raises(Refused, match="run out"):
            accounts.use_code(site, code, GOOD, ADDRESS)

    @pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaaaa", "it is OLGA herself", "x" * 300])
    def test_weak_passwords_are_refused(self, site: Hub, password: str) -> None:
        with site.begin() as connection, pytest.raises(Refused) as caught:
            accounts.make_owner(site, connection, "operator", "olga", password)
        assert caught.value.code == "weak_password"

    def test_no_password_is_kept_and_new_parameters_reach_it_at_the_next_log_in(
        self, site: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def kept() -> str:
            with site.engine.connect() as connection:
                row = tables.account
                return connection.execute(select(row.c.password).where(row.c.account == "olga")).scalar_one()

        before = kept()
        assert before.startswith("$argon2id$")
        assert GOOD not in before
        monkeypatch.setattr(accounts_password, "HASHER", PasswordHasher(2, 16, 1))
        sessions.log_in(site, "olga", GOOD, ADDRESS)
        assert "m=16,t=2" in kept()
        sessions.log_in(site, "olga", GOOD, ADDRESS)

    def test_the_last_owner_stays(self, site: Hub) -> None:
        with site.begin() as connection:
            with pytest.raises(Refused, match="last owner"):
                accounts.disable(site, connection, "olga", "olga")
            with pytest.raises(Refused, match="last owner"):
                accounts.change_account(site, connection, "olga", "olga", "Olga", Role.AUDITOR, None)
            accounts.make_owner(site, connection, "operator", "otto", BETTER)
            accounts.disable(site, connection, "otto", "olga")

    def test_a_changed_role_counts_from_the_next_request_on(self, site: Hub) -> None:
        token = sessions.log_in(site, "omar", GOOD, ADDRESS).token
        with site.begin() as connection:
            accounts.change_account(site, connection, "olga", "omar", "Omar", Role.AUDITOR, "o")
        person = sessions.person_of_session(site, token)
        assert person is not None
        assert person.role is Role.AUDITOR


class TestLogIn:
    def test_wrong_names_and_wrong_passwords_are_answered_alike(self, site: Hub) -> None:
        assert {_refusal(site), _refusal(site, "nobody"), _refusal(site, "\ud800")} == {"not_known"}
        assert _acts(site, "log_in.failed") == ["olga", "", ""]  # what was typed as a name may be a password

    def test_an_account_locks_for_longer_and_longer(self, site: Hub, clock: Clock) -> None:
        for _ in range(sessions.FREE_FAILURES):
            _refusal(site)
        assert _refusal(site, password=GOOD) == "not_known"
        clock.now += sessions.FIRST_LOCK_S + 1
        _refusal(site)  # locks for twice as long
        clock.now += sessions.FIRST_LOCK_S + 1
        assert _refusal(site, password=GOOD) == "not_known"
        clock.now += sessions.FIRST_LOCK_S
        assert sessions.log_in(site, "olga", GOOD, ADDRESS).person.account == "olga"
        assert _acts(site, "log_in.locked") == ["olga", "olga"]
        _refusal(site)  # and begins anew
        sessions.log_in(site, "olga", GOOD, ADDRESS)

    def test_nobody_is_locked_out_for_more_than_a_quarter_of_an_hour(self, site: Hub, clock: Clock) -> None:
        with site.begin() as connection:
            connection.execute(update(tables.account).values(failures=1000))
        _refusal(site)
        clock.now += sessions.LONGEST_LOCK_S + 1
        sessions.log_in(site, "olga", GOOD, ADDRESS)

    def test_many_guesses_at_once_get_no_more_tries_than_one_after_another(
        self, site: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[object] = []
        real = sessions.is_right
        monkeypatch.setattr(sessions, "is_right", lambda kept, told: tried.append(kept) or real(kept, told))
        threads = [threading.Thread(target=_refusal, args=(site,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len([kept for kept in tried if kept]) == sessions.FREE_FAILURES

    def test_one_address_may_not_try_all_accounts(self, site: Hub) -> None:
        for n in range(sessions.LIMIT.for_address):
            _refusal(site, f"a{n}")
        assert _refusal(site, password=GOOD) == "too_many_attempts"
        sessions.log_in(site, "olga", GOOD, "198.51.100.1")


class TestSessions:
    def test_a_session_ends_when_nobody_uses_it(self, site: Hub, clock: Clock) -> None:
        token = sessions.log_in(site, "olga", GOOD, ADDRESS).token
        for _ in range(3):
            clock.now += sessions.IDLE_S - 1
            assert sessions.person_of_session(site, token)
        clock.now += sessions.IDLE_S
        assert sessions.person_of_session(site, token) is None

    def test_a_session_ends_after_a_day_at_work(self, site: Hub, clock: Clock) -> None:
        token, began = sessions.log_in(site, "olga", GOOD, ADDRESS).token, clock.now
        while clock.now + 1000 < began + sessions.SESSION_S:
            clock.now += 1000
            assert sessions.person_of_session(site, token)
        clock.now = began + sessions.SESSION_S
        assert sessions.person_of_session(site, token) is None
        sessions.forget_ended(site)
        with site.engine.connect() as connection:
            assert connection.execute(select(tables.session)).first() is None

    def test_a_disabled_accounts_session_and_token_die_at_once(self, site: Hub) -> None:
        opened = sessions.log_in(site, "omar", GOOD, ADDRESS)
        with site.begin() as connection:
            api = sessions.make_token(site, connection, opened.person, "till")
        assert sessions.person_of_session(site, opened.token)
        assert sessions.person_of_token(site, api)
        with site.begin() as connection:
            accounts.disable(site, connection, "olga", "omar")
        assert sessions.person_of_session(site, opened.token) is None
        assert sessions.person_of_token(site, api) is None
        assert _refusal(site, "omar", GOOD) == "not_known"
        with site.begin() as connection:
            accounts.enable(site, connection, "olga", "omar")
        assert sessions.person_of_session(site, opened.token) is None  # a new log-in is needed
        sessions.log_in(site, "omar", GOOD, ADDRESS)

    def test_a_new_password_ends_every_session(self, site: Hub) -> None:
        opened = sessions.log_in(site, "omar", GOOD, ADDRESS)
        with pytest.raises(Refused, match="not your password"):
            accounts.change_password(site, opened.person, "something else", BETTER)
        accounts.change_password(site, opened.person, GOOD, BETTER)
        assert sessions.person_of_session(site, opened.token) is None
        assert _refusal(site, "omar", GOOD) == "not_known"
        sessions.log_in(site, "omar", BETTER, ADDRESS)

    def test_a_token_ends_by_itself_or_when_taken_back(self, site: Hub, clock: Clock) -> None:
        person = sessions.log_in(site, "omar", GOOD, ADDRESS).person
        with site.begin() as connection:
            short, long = (sessions.make_token(site, connection, person, "till", days) for days in (1, 30))
            rows = sessions.list_tokens(connection, "omar")
        assert not any(short in str(value) for row in rows for value in row)
        clock.now += 86_400
        assert sessions.person_of_token(site, short) is None
        assert sessions.person_of_token(site, long)
        with site.begin() as connection:
            sessions.drop_token(site, connection, person, rows[1].token_hash)
        assert sessions.person_of_token(site, long) is None


def _person(role: Role, organisation: str | None) -> Person:
    return Person("p", "P", role, organisation, "zh")


def test_every_permission_is_an_owners_and_nobody_elses_alone() -> None:
    assert ALLOWED[Role.OWNER] == set(Permission)
    assert not _person(Role.AUDITOR, None).may(Permission.CONFLICTS_SETTLE)
    assert not _person(Role.ORGANISER, None).may(Permission.AUDIT_SEE)
    assert not _person(Role.SUPERVISOR, None).may(Permission.TICKETS_MANAGE)


def test_what_is_another_organisations_is_as_if_it_were_not_there(site: Hub, tmp_path: object) -> None:
    box = GateBox(site, tmp_path, "G1")  # type: ignore[arg-type]
    ours, theirs = _person(Role.SUPERVISOR, "o"), _person(Role.SUPERVISOR, "other")
    checks = ((check_event, SHOW), (check_venue, "v"), (check_device, box.device))
    with site.begin() as connection:
        for check, thing in checks:
            check(connection, ours, thing)
            said = set()
            for person, name in ((theirs, thing), (ours, "nothing")):
                with pytest.raises(Refused) as caught:
                    check(connection, person, name)
                said.add((caught.value.status, caught.value.code, caught.value.detail))
            assert len(said) == 1


def test_an_organisations_auditor_sees_its_own_acts_alone(site: Hub) -> None:
    with site.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="other", name="Other"))
        accounts.make_account(site, connection, "olga", "oskar", "Oskar", Role.ORGANISER, "other")
        for actor, thing in (("omar", "a"), ("oskar", "b"), ("oskar", SHOW), ("olga", "c")):
            site.audit(connection, actor, "tried", thing)

        def seen(organisation: str | None, **wanted: str) -> list[str]:
            page = read_audit(connection, _person(Role.AUDITOR, organisation), AuditFilter(act="tried", **wanted))
            return [line.object for line in page.lines]

        assert seen(None) == ["c", SHOW, "b", "a"]
        assert seen("o") == [SHOW, "a"]
        assert seen("other") == [SHOW, "b"]
        assert seen(None, actor="oskar") == [SHOW, "b"]


def test_the_audit_is_read_page_by_page(site: Hub) -> None:
    auditor = _person(Role.AUDITOR, None)
    with site.begin() as connection:
        for n in range(5):
            site.audit(connection, "x", "a.b" if n % 2 else "a_b", str(n))
        first = read_audit(connection, auditor, AuditFilter(actor="x"), limit=3)
        rest = read_audit(connection, auditor, AuditFilter(actor="x"), before=first.before, limit=3)
        begun = read_audit(connection, auditor, AuditFilter(act="a."))
    assert [line.object for line in first.lines + rest.lines] == ["4", "3", "2", "1", "0"]
    assert rest.before == 0
    assert [line.object for line in begun.lines] == ["3", "1"]


@pytest.fixture
def client(site: Hub) -> Iterator[TestClient]:
    with TestClient(make_app(site), base_url="https://hub", client=(ADDRESS, 5000)) as made:
        yield made


def _enter(client: TestClient, account: str = "olga") -> dict[str, str]:
    answer = client.post("/v1/log-in", json={"account": account, "password": GOOD})
    assert answer.status_code == 200, answer.text
    return {"Menshen-CSRF": answer.json()["csrf"]}


class TestOverHttp:
    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, client: TestClient) -> None:
        answer = client.post("/v1/log-in", json={"account": "olga", "password": GOOD})
        said = answer.headers["set-cookie"].lower()
        assert said.startswith(COOKIE.lower())
        assert {"httponly", "secure", "samesite=strict", "path=/"} <= {part.strip() for part in said.split(";")}
        assert "domain" not in said
        assert answer.headers["cache-control"] == "no-store"

    def test_a_change_needs_the_sessions_own_token(self, client: TestClient) -> None:
        csrf, wish = _enter(client), {"name": "Anna", "role": "auditor"}
        target = "/v1/admin/accounts/anna"
        for headers in ({}, {"Menshen-CSRF": ""}, {"Menshen-CSRF": "x"}):
            answer = client.post(target, json=wish, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
        assert client.post(target, json=wish, headers=csrf).status_code == 201
        assert client.get("/v1/admin/accounts").status_code == 200
        assert client.post("/v1/log-out", data={"csrf": "no"}).status_code == 403
        assert client.post("/v1/log-out", data={"csrf": csrf["Menshen-CSRF"]}).status_code == 204
        assert client.get("/v1/admin/me").status_code == 401

    def test_a_role_goes_no_further_than_its_table(self, client: TestClient) -> None:
        assert client.get("/v1/admin/accounts").json()["code"] == "not_logged_in"
        _enter(client, "omar")
        assert client.get("/v1/admin/accounts").json()["code"] == "not_allowed"
        assert client.get("/v1/admin/audit").status_code == 403
        assert client.get("/v1/admin/devices").json() == []
        assert "events.manage" in client.get("/v1/admin/me").json()["permissions"]

    def test_a_program_comes_with_a_token_and_without_a_cookie(self, client: TestClient) -> None:
        csrf = _enter(client)
        token = client.post("/v1/admin/me/tokens", json={"label": "till"}, headers=csrf).json()["token"]
        client.cookies.clear()
        bearer = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/admin/me", headers=bearer).json()["account"] == "olga"
        held = client.get("/v1/admin/me/tokens", headers=bearer).json()[0]["token"]
        assert client.delete(f"/v1/admin/me/tokens/{held}", headers=bearer).status_code == 204
        assert client.get("/v1/admin/me", headers=bearer).status_code == 401

    def test_an_account_is_made_opened_and_disabled(self, client: TestClient) -> None:
        csrf = _enter(client)
        wish = {"name": "Anna", "role": "auditor", "organisation": "o"}
        code = client.post("/v1/admin/accounts/anna", json=wish, headers=csrf).json()["code"]
        assert client.post("/v1/account-code", json={"code": code, "password": GOOD}).status_code == 204
        assert client.post("/v1/admin/accounts/anna/disable", headers=csrf).status_code == 204
        listed = {one["account"]: one for one in client.get("/v1/admin/accounts").json()}
        assert listed["anna"]["opened"]
        assert listed["anna"]["disabled_at"]
        assert "password" not in listed["anna"]
        lines = client.get("/v1/admin/audit", params={"object": "anna"}).json()["lines"]
        acts = ["account.disabled", "account.password_set", "account.code_made", "account.made"]
        assert [line["act"] for line in lines] == acts

    def test_devices_are_invited_listed_assigned_and_revoked(self, client: TestClient, site: Hub) -> None:
        csrf = _enter(client)
        made = client.post("/v1/admin/enrolment-codes", json={"venue": "v", "name": "G1"}, headers=csrf).json()
        assert made["qr"].startswith("<svg")
        asked = {"code": made["code"], "name": "G1", "signing_key": "05" * 32, "device_key": "06" * 32}
        device = client.post("/v1/enrol", json=asked).json()["device"]
        target = f"/v1/admin/devices/{device}"
        assert client.put(f"{target}/event", json={"event": SHOW}, headers=csrf).status_code == 204
        assert client.put(f"{target}/event", json={"event": "none"}, headers=csrf).status_code == 404
        listed = client.get("/v1/admin/devices").json()[0]
        assert (listed["device"], listed["event"], len(listed["fingerprint"].split())) == (device, SHOW, 8)
        assert client.post(f"{target}/revoke", headers=csrf).status_code == 204
        assert client.get("/v1/admin/devices").json()[0]["state"] == "revoked"

    def test_places_are_made(self, client: TestClient) -> None:
        csrf = _enter(client)
        assert client.post("/v1/admin/organisations/x", json={"name": "X"}, headers=csrf).status_code == 201
        venue = {"name": "Hall", "organisation": "x"}
        assert client.post("/v1/admin/venues/h", json=venue, headers=csrf).status_code == 201
        assert client.post("/v1/admin/venues/h", json=venue, headers=csrf).status_code == 409
        assert client.post("/v1/admin/venues/H!", json=venue, headers=csrf).status_code == 422
        assert {one["identifier"] for one in client.get("/v1/admin/venues").json()} == {"v", "h"}
        assert {one["identifier"] for one in client.get("/v1/admin/organisations").json()} == {"o", "x"}

    @pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 5_000])
    def test_texts_that_no_database_takes_are_answered(self, client: TestClient, text: str) -> None:
        body = json.dumps({"account": text, "password": text}).encode()
        answer = client.post("/v1/log-in", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (401, 422)
        body = json.dumps({"venue": text, "name": "G1"}).encode()
        csrf = _enter(client) | {"Content-Type": "application/json"}
        answer = client.post("/v1/admin/enrolment-codes", content=body, headers=csrf)
        assert answer.status_code in (404, 422)

    def test_what_is_too_large_is_not_read(self, client: TestClient) -> None:
        answer = client.post("/v1/log-in", content=b"x" * 20_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        pieces = (b"x" * 1000 for _ in range(20))
        answer = client.post("/v1/log-in", content=pieces, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
