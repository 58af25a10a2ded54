"""Accounts: opening one's own with a code, one's password and tokens; and, for owners, everybody's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from sync.server import accounts, sessions
from sync.server.hub import Hub
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, from_own_page, go, raw, sure, text
from sync.server.pages.render import page, words_for
from sync.server.permissions import Permission, Person, Role
from sync.server.places import list_organisations
from sync.server.problems import Refused
from sync.server.routes_enrol import address_of
from sync.server.sessions_http import SomePerson, require, take_cookie

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.ACCOUNTS_MANAGE))]
ROLES = [role.value for role in Role]
TOKEN_DAYS = (7, 30, 90, 366)


@router.get("/open-account")
def ask_code(request: Request) -> Response:
    """The form for whoever was handed a code."""
    return page(request, "open_account.html", wrong="", account="", called="")


@router.post("/open-account")
def open_account(request: Request, hub: TheHub, fields: Fields) -> Response:
    """Choose a password with a one-time code. What was typed stays, but for code and passwords."""
    from_own_page(request)
    account, name = text(fields, "account", 64), text(fields, "name", 100)
    try:
        password = _twice(fields)
        accounts.use_code(hub, text(fields, "code", 64), password, address_of(request), account, name)
    except Refused as refused:
        shown: dict[str, Any] = {"wrong": refused.code, "account": account, "called": name}
        return page(request, "open_account.html", None, refused.status, **shown)
    return go("/log-in?opened=yes")


@router.get("/me")
def me(request: Request, hub: TheHub, person: SomePerson, done: str = "") -> Response:
    """One's own account."""
    return _me(request, hub, person, done=words_for(request, person)("me.token_gone") if done == "token" else "")


@router.post("/me/password")
def change_password(request: Request, hub: TheHub, person: SomePerson, fields: Fields) -> Response:
    """Another password; all sessions end, this one as well."""
    try:
        accounts.change_password(hub, person, raw(fields, "old"), _twice(fields))
    except Refused as refused:
        return _me(request, hub, person, wrong=refused.code, status=refused.status)
    return _out("/log-in?opened=yes")


@router.post("/me/out")
def out_everywhere(hub: TheHub, person: SomePerson) -> Response:
    """End all of one's sessions, as after a phone was lost."""
    with hub.begin() as connection:
        accounts.end_sessions(connection, person.account)
        hub.audit(connection, person.account, "log_out_everywhere", person.account)
    return _out("/log-in")


@router.post("/me/tokens")
def make_token(request: Request, hub: TheHub, person: SomePerson, fields: Fields) -> Response:
    """A token for a program; it is on this answer and nowhere else."""
    days = text(fields, "days", 4)
    if days not in map(str, TOKEN_DAYS):
        raise Refused(422, "bad_days", "choose for how long")
    label = text(fields, "label", 100)
    with hub.begin() as connection:
        token = sessions.make_token(hub, connection, person, label, int(days))
    return page(request, "once.html", person, what="token", secret=token, of=label, back="/me")


@router.post("/me/tokens/{token}/drop")
def drop_token(hub: TheHub, person: SomePerson, token: str) -> Response:
    """Take a token back."""
    try:
        token_hash = bytes.fromhex(token)
    except ValueError:
        raise Refused(404, "no_such_token", "you have no such token") from None
    with hub.begin() as connection:
        sessions.drop_token(hub, connection, person, token_hash)
    return go("/me?done=token")


@router.get("/accounts")
def list_all(request: Request, hub: TheHub, person: Keeper) -> Response:
    """All accounts, and the form for a new one."""
    with hub.engine.connect() as connection:
        found = accounts.list_accounts(connection, person.organisation)
        organisations = list_organisations(connection, person.organisation)
    names = {one.organisation: one.name for one in organisations}
    shows: dict[str, Any] = {"organisations": organisations, "names": names, "roles": ROLES}
    return page(request, "accounts.html", person, accounts=found, **shows)


@router.post("/accounts")
def make(request: Request, hub: TheHub, person: Keeper, fields: Fields) -> Response:
    """Make one; the code is for its person alone."""
    account, name = text(fields, "account", 64), text(fields, "name", 100)
    with hub.begin() as connection:
        wish = name, _role(fields), text(fields, "organisation", 64) or None
        code = accounts.make_account(hub, connection, person.account, account, *wish)
    return page(request, "once.html", person, what="code", secret=code, of=name, back="/accounts")


@router.get("/accounts/{account}")
def look(request: Request, hub: TheHub, person: Keeper, account: str, done: str = "") -> Response:
    """One account."""
    with hub.engine.connect() as connection:
        found = [row for row in accounts.list_accounts(connection, person.organisation) if row.account == account]
        organisations = list_organisations(connection, person.organisation)
    if not found:
        raise Refused(404, "no_such_account", "there is no such account")
    t = words_for(request, person)
    said = {"changed": t("accounts.changed"), "disable": t("accounts.disabled"), "enable": t("accounts.enabled")}
    shows: dict[str, Any] = {"account": found[0], "organisations": organisations, "roles": ROLES}
    return page(request, "account.html", person, **shows, done=said.get(done, ""))


@router.post("/accounts/{account}")
def change(hub: TheHub, person: Keeper, account: str, fields: Fields) -> Response:
    """Another name, role or organisation."""
    with hub.begin() as connection:
        wish = text(fields, "name", 100), _role(fields), text(fields, "organisation", 64) or None
        accounts.change_account(hub, connection, person.account, account, *wish)
    return go(address("accounts", account) + "?done=changed")


@router.post("/accounts/{account}/code")
def new_code(request: Request, hub: TheHub, person: Keeper, account: str) -> Response:
    """A code for another password."""
    with hub.begin() as connection:
        code = accounts.reset(hub, connection, person.account, account)
    back = address("accounts", account)
    return page(request, "once.html", person, what="code", secret=code, of=account, back=back)


@router.post("/accounts/{account}/disable")
def disable(hub: TheHub, person: Keeper, account: str, fields: Fields) -> Response:
    """Nothing is possible with it any more, at once."""
    sure(fields)
    with hub.begin() as connection:
        accounts.disable(hub, connection, person.account, account)
    return go(address("accounts", account) + "?done=disable")


@router.post("/accounts/{account}/enable")
def enable(hub: TheHub, person: Keeper, account: str) -> Response:
    """The opposite; opens a locked account as well."""
    with hub.begin() as connection:
        accounts.enable(hub, connection, person.account, account)
    return go(address("accounts", account) + "?done=enable")


def _me(request: Request, hub: Hub, person: Person, *, done: str = "", wrong: str = "", status: int = 200) -> Response:
    with hub.engine.connect() as connection:
        tokens = sessions.list_tokens(connection, person.account)
    return page(request, "me.html", person, status, tokens=tokens, days=TOKEN_DAYS, done=done, wrong=wrong)


def _twice(fields: Any) -> str:
    """The new password. Raises `Refused`: 422 where the second one is another."""
    password = raw(fields, "password")
    if password != raw(fields, "again"):
        raise Refused(422, "passwords_differ", "the two passwords are not the same")
    return password


def _role(fields: Any) -> Role:
    try:
        return Role(text(fields, "role", 20))
    except ValueError:
        raise Refused(422, "bad_field", "choose a role") from None


def _out(path: str) -> Response:
    answer = go(path)
    take_cookie(answer)
    return answer
