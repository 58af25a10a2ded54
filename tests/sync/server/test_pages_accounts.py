"""The pages for accounts and places, over HTTP: from a code that was handed over to a session that ends everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from sync.server import accounts, tables
from sync.server.hub import Hub
from sync.server.permissions import Role
from tests.sync.server.organiser import furnish
from tests.sync.server.pages_client import PASSWORD, Browser, browsing, enrol_person

NEW = "twelve cups of tea at dawn"


@pytest.fixture
def owner(hub: Hub) -> Iterator[Browser]:
    """The site's owner at the page."""
    furnish(hub)
    enrol_person(hub, "owner", Role.OWNER)
    with browsing(hub) as browser:
        browser.log_in("owner")
        yield browser


def code_on(text: str) -> str:
    found = re.search(r'class="code mono">([^<]+)<', text)
    assert found is not None
    return found[1]


def acts(hub: Hub) -> list[str]:
    with hub.begin() as connection:
        return list(connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars())


def make(owner: Browser, account: str = "wang", role: str = "supervisor", organisation: str = "o") -> str:
    owner.get("/accounts")
    return code_on(owner.post("/accounts", account=account, name="王五", role=role, organisation=organisation).text)


def open_account(hub: Hub, code: str, password: str = NEW, again: str = NEW) -> tuple[int, str]:
    with browsing(hub) as browser:
        answer = browser.client.post("/open-account", data={"code": code, "password": password, "again": again})
        return answer.status_code, answer.url.path


def test_an_account_is_made_and_its_person_opens_it(owner: Browser, hub: Hub) -> None:
    code = make(owner)
    assert code not in owner.get("/accounts").text
    assert open_account(hub, code) == (200, "/log-in")
    assert open_account(hub, code)[0] == 403
    with browsing(hub) as browser:
        browser.log_in("wang", NEW)
        assert "王五" in browser.get("/me").text
        assert browser.get("/accounts").status_code == 403


def test_a_code_is_not_used_up_by_a_bad_password(owner: Browser, hub: Hub) -> None:
    code = make(owner)
    assert open_account(hub, code, NEW, "another one entirely")[0] == 422
    assert open_account(hub, code, "short", "short")[0] == 422
    assert open_account(hub, code) == (200, "/log-in")


def test_another_sites_page_opens_no_account(owner: Browser) -> None:
    fields = {"code": make(owner), "password": NEW, "again": NEW}
    answer = owner.client.post("/open-account", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_the_first_owner_opens_the_site_in_the_browser(hub: Hub) -> None:
    code = accounts.first_code(hub)
    with browsing(hub) as browser:
        fields = {"code": code, "password": NEW, "again": NEW, "account": "olga", "name": "Olga"}
        assert browser.client.post("/open-account", data=fields).url.path == "/log-in"
        browser.log_in("olga", NEW)
        assert "/places" in browser.get("/events").text


def test_role_and_organisation_change_and_the_last_owner_stays(owner: Browser, hub: Hub) -> None:
    make(owner)
    path = "/accounts/wang"
    assert "已更改" in owner.post(path, name="王六", role="auditor", organisation="other").text
    with hub.begin() as connection:
        row = connection.execute(select(tables.account).where(tables.account.c.account == "wang")).one()
    assert (row.name, row.role, row.organisation) == ("王六", "auditor", "other")
    assert owner.post(path, name="王六", role="king", organisation="").status_code == 422
    refused = owner.post("/accounts/owner", name="O", role="auditor", organisation="")
    assert (refused.status_code, "最后一位所有者" in refused.text) == (409, True)


def test_a_disabled_account_does_nothing_any_more(owner: Browser, hub: Hub) -> None:
    open_account(hub, make(owner))
    with browsing(hub) as browser:
        browser.log_in("wang", NEW)
        assert owner.post("/accounts/wang/disable").status_code == 422  # not ticked
        assert "已停用" in owner.post("/accounts/wang/disable", sure="yes").text
        assert browser.get("/events").url.path == "/log-in"
    owner.post("/accounts/wang/enable")
    with browsing(hub) as browser:
        assert browser.log_in("wang", NEW).url.path == "/events"


def test_a_forgotten_password_gets_a_code(owner: Browser, hub: Hub) -> None:
    open_account(hub, make(owner))
    code = code_on(owner.post("/accounts/wang/code").text)
    assert open_account(hub, code, PASSWORD, PASSWORD) == (200, "/log-in")


def test_the_own_password_is_changed_with_the_old_one(owner: Browser, hub: Hub) -> None:
    owner.get("/me")
    wrong = owner.post("/me/password", old="not it", password=NEW, again=NEW)
    assert (wrong.status_code, "当前密码不正确" in wrong.text) == (403, True)
    assert owner.post("/me/password", old=PASSWORD, password=NEW, again=NEW).url.path == "/log-in"
    assert owner.get("/events").url.path == "/log-in"
    assert owner.log_in("owner", NEW).url.path == "/events"


def test_logging_out_everywhere_ends_every_session_of_this_person_alone(owner: Browser, hub: Hub) -> None:
    enrol_person(hub, "other", Role.OWNER)
    with browsing(hub) as phone, browsing(hub) as neighbour:
        phone.log_in("owner")
        neighbour.log_in("other")
        owner.get("/me")
        assert owner.post("/me/out").url.path == "/log-in"
        assert phone.get("/events").url.path == "/log-in"
        assert neighbour.get("/events").url.path == "/events"
    assert "log_out_everywhere" in acts(hub)


def test_a_token_is_shown_once_and_taken_back(owner: Browser, hub: Hub) -> None:
    owner.get("/me")
    assert owner.post("/me/tokens", label="till", days="9999").status_code == 422
    page = owner.post("/me/tokens", label="till", days="30").text
    token = re.search(r"menshen_[\w-]+", page)
    assert token is not None
    bearer = {"Authorization": f"Bearer {token[0]}"}
    with browsing(hub) as program:
        assert program.client.get("/v1/admin/me", headers=bearer).status_code == 200
        listed = owner.get("/me").text
        assert token[0] not in listed
        drop = re.search(r'action="(/me/tokens/[^"]+/drop)"', listed)
        assert drop is not None
        owner.post(drop[1])
        assert program.client.get("/v1/admin/me", headers=bearer).status_code == 401
    assert owner.post("/me/tokens/none/drop").status_code == 404


def test_a_place_is_made(owner: Browser) -> None:
    owner.get("/places")
    owner.post("/places/organisations", identifier="choir", name="合唱团")
    page = owner.post("/places/venues", identifier="loft", name="阁楼", organisation="choir").text
    assert "阁楼" in page
    assert owner.post("/places/venues", identifier="loft", name="阁楼", organisation="choir").status_code == 409


OWNERS_ALONE = ("/accounts", "/accounts/owner", "/places")


@pytest.mark.parametrize("role", ["organiser", "supervisor", "auditor"])
def test_accounts_and_places_are_the_owners(owner: Browser, hub: Hub, role: str) -> None:
    enrol_person(hub, role, Role(role), "o")
    with browsing(hub) as browser:
        browser.log_in(role)
        said = [browser.get(path).status_code for path in OWNERS_ALONE]
        said += [browser.post(path, sure="yes").status_code for path in (*OWNERS_ALONE[:2], "/places/venues")]
    assert said == [403] * 6


@pytest.mark.parametrize("path", ["/me/password", "/me/out", "/me/tokens", "/accounts", "/places/organisations"])
def test_without_the_sessions_token_no_form_does_anything(
    owner: Browser, hub: Hub, path: str, clock: Callable[[], float]
) -> None:
    before = acts(hub)
    assert owner.post(path, csrf="guessed").status_code == 403
    assert acts(hub) == before
