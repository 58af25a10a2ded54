"""The partners' pages, on both sides: cards across, fingerprints compared, agreed, ended."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.server.hub import Hub, open_hub
from sync.server.partners import find_partner, fingerprint, own_card, terms_of
from sync.server.permissions import Role
from sync.server.settings import Settings
from tests.sync.server.conftest import Clock
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.partner_world import enlist, found_site, pull


@pytest.fixture
def other(tmp_path: Path, clock: Clock, migrated_file: Path) -> Iterator[Hub]:
    """The partner's server."""
    (tmp_path / "two").mkdir(mode=0o700)
    shutil.copy(migrated_file, tmp_path / "two" / "hub.db")
    made = found_site(open_hub(Settings(tmp_path / "two"), clock), "two")
    yield made
    made.engine.dispose()


@pytest.fixture
def owner(hub: Hub) -> Iterator[Browser]:
    found_site(hub, "one")
    for role in Role:
        enrol_person(hub, role.value, role, None if role is Role.OWNER else "o")
    with browsing(hub) as browser:
        browser.log_in("owner")
        yield browser


def card_on(browser: Browser) -> str:
    """What a person copies from the page."""
    shown = re.search(r"<textarea[^>]*readonly>([^<]*)</textarea>", browser.get("/partners").text)
    assert shown is not None
    return html.unescape(shown[1])


def digits(hub: Hub) -> str:
    """What the other side reads out in the end."""
    with hub.begin() as connection:
        return fingerprint(own_card(hub, connection))[-8:]


def enter(owner: Browser, other: Hub, **fields: object) -> object:
    with other.begin() as connection:
        card = own_card(other, connection)
    from models.wire import to_json

    owner.get("/partners")
    return owner.post("/partners", card="\n" + to_json(card).decode() + "\n", **fields)


def test_a_partner_is_entered_compared_and_given_a_copy(owner: Browser, hub: Hub, other: Hub) -> None:
    answer = enter(owner, other, gets="yes", purpose=["scalping", "order"], owners="One\r\n\r\nTwo ")
    assert "two" in answer.text  # type: ignore[attr-defined]
    shown = owner.get("/partners/two").text
    assert digits(other)[-4:] not in re.sub(r"<[^>]+>", "", shown.partition("partners/two/trust")[0])[-2000:]
    assert owner.post("/partners/two/trust", heard="0000 0000").status_code == 422
    assert owner.post("/partners/two/trust", heard=f"{digits(other)[:4]} {digits(other)[4:]}").status_code == 200
    with hub.begin() as connection:
        row = find_partner(connection, "two")
        terms = terms_of(row)
    assert (row.state, terms.gets, terms.gives) == ("trusted", True, False)
    assert (terms.purposes, terms.owners) == (("order", "scalping"), ("One", "Two"))


def test_the_card_that_a_page_shows_is_the_one_that_the_other_enters(owner: Browser, hub: Hub, other: Hub) -> None:
    from sync.server.partners import Terms, enter, read_card, trust

    with other.begin() as connection:
        card = read_card(card_on(owner))
        enter(other, connection, "li", card, Terms(gives=True))
        trust(other, connection, "li", "one", digits(hub))
    enter_here(owner, other)
    enlist(hub, 1)
    assert pull(hub, other) == 0
    shown = owner.get("/partners").text
    assert re.search(r'data-label="[^"]*">1</td>', shown)


def enter_here(owner: Browser, other: Hub) -> None:
    enter(owner, other, gets="yes")
    owner.get("/partners/two")
    owner.post("/partners/two/trust", heard=digits(other))


def test_what_was_agreed_is_changed_and_ended(owner: Browser, hub: Hub, other: Hub) -> None:
    enter_here(owner, other)
    owner.get("/partners/two")
    assert owner.post("/partners/two/terms", gets="yes", entrusts="yes").status_code == 422
    assert owner.post("/partners/two/terms", gives="yes").status_code == 200
    with hub.begin() as connection:
        assert terms_of(find_partner(connection, "two")).gives
    assert owner.post("/partners/two/end").status_code == 422
    assert owner.post("/partners/two/end", sure="yes").status_code == 200
    with hub.begin() as connection:
        assert find_partner(connection, "two").state == "ended"
    assert owner.get("/audit").status_code == 200


@pytest.mark.parametrize("card", ["", "rubbish", "{}", "x" * 30_000])
def test_what_is_no_card_is_told_beside_the_form(owner: Browser, card: str) -> None:
    owner.get("/partners")
    answer = owner.post("/partners", card=card)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("role", ["organiser", "supervisor", "auditor"])
def test_only_the_sites_owner_shares(owner: Browser, role: str) -> None:
    owner.client.cookies.clear()
    owner.log_in(role)
    assert owner.get("/partners").status_code == 403
    assert "/partners" not in owner.get("/events").text


def test_in_both_languages(owner: Browser, other: Hub) -> None:
    enter(owner, other, gets="yes")
    for language, words in (("en", "Partners"), ("zh", "合作单位")):
        owner.get(f"/language/{language}?next=/partners")
        assert words in owner.get("/partners").text
        assert words in owner.get("/partners/two").text


def test_an_unknown_partner_is_not_there(owner: Browser) -> None:
    assert owner.get("/partners/nobody").status_code == 404
