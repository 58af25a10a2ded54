"""Logging in, one's own account, and everybody's accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from sqlalchemy import Row

from sync.contract import Problem
from sync.server import accounts, sessions
from sync.server.attempts import TOO_MANY
from sync.server.hub import Hub, hub_of
from sync.server.periodic import every
from sync.server.permissions import Permission, Person, Role
from sync.server.problems import Refused
from sync.server.routes_enrol import address_of
from sync.server.sessions_http import COOKIE, PEOPLE, SomePerson, give_cookie, require, take_cookie

router = APIRouter(prefix="/v1", tags=["people"])
LARGEST_BODIES = dict.fromkeys(("/v1/log-in", "/v1/log-out", "/v1/account-code", "/v1/admin/me"), 16384)

TheHub = Annotated[Hub, Depends(hub_of)]
AccountsKeeper = Annotated[Person, Depends(require(Permission.ACCOUNTS_MANAGE))]

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such thing"}}
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "Taken, or the last owner"}}
BAD: dict[int | str, dict[str, Any]] = {422: {"model": Problem, "description": "Not to be taken as it is"}}
CHANGE = PEOPLE | NOT_FOUND | _TAKEN | BAD


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Forget once an hour what has ended."""
    async with every(hub, "forget_ended", 3600.0, sessions.forget_ended):
        yield


@dataclass(frozen=True, slots=True)
class LogIn:
    """Who, and the password."""

    account: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeUse:
    """A one-time code and the password to be. The site's first owner chooses `account` and `name` as well."""

    code: str = field(repr=False)
    password: str = field(repr=False)
    account: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Me:
    """Who is logged in. `csrf` goes with every change, as the header Menshen-CSRF or a form's field csrf."""

    account: str
    name: str
    role: str
    organisation: str | None
    language: str
    csrf: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewPassword:
    """The old one proves that it is you."""

    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a token is for, and for how long."""

    label: str
    days: int = 90


@dataclass(frozen=True, slots=True)
class TokenShown:
    """A token, shown once."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed; `token` is its hash, by which it is taken back."""

    token: str
    label: str
    made_at: float
    ends_at: float | None


@dataclass(frozen=True, slots=True)
class AccountWish:
    """What may be changed of an account. Without an organisation it is of the whole site."""

    name: str
    role: Role
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is listed. `opened`: its person has chosen a password."""

    account: str
    name: str
    role: str
    organisation: str | None
    opened: bool
    disabled_at: float | None
    locked_until: float


@dataclass(frozen=True, slots=True)
class CodeShown:
    """A one-time code, shown once; hand it to the person."""

    code: str = field(repr=False)


@router.post("/log-in", responses=BAD | TOO_MANY | {401: PEOPLE[401]})
def log_in(body: LogIn, request: Request, response: Response, hub: TheHub) -> Me:
    """Begin a session, which the browser keeps as a cookie that no script can read."""
    opened = sessions.log_in(hub, body.account, body.password, address_of(request))
    give_cookie(response, opened)
    return _me(opened.person)


@router.post("/log-out", status_code=204, responses=PEOPLE)
def log_out(person: SomePerson, request: Request, response: Response, hub: TheHub) -> None:
    """End this session."""
    with hub.begin() as connection:
        sessions.log_out(hub, connection, request.cookies.get(COOKIE, ""))
    take_cookie(response)


@router.post("/account-code", status_code=204, responses=CHANGE | TOO_MANY)
def use_code(body: CodeUse, request: Request, hub: TheHub) -> None:
    """Choose a password with a one-time code; then log in."""
    accounts.use_code(hub, body.code, body.password, address_of(request), body.account, body.name)


@router.get("/admin/me", responses={401: PEOPLE[401]})
def me(person: SomePerson) -> Me:
    """Who you are."""
    return _me(person)


@router.post("/admin/me/password", status_code=204, responses=PEOPLE | BAD)
def change_password(body: NewPassword, person: SomePerson, response: Response, hub: TheHub) -> None:
    """Another password. All your sessions end, this one as well."""
    accounts.change_password(hub, person, body.old, body.new)
    take_cookie(response)


@router.get("/admin/me/tokens", responses=PEOPLE)
def tokens(person: SomePerson, hub: TheHub) -> list[Token]:
    """Your API tokens."""
    with hub.engine.connect() as connection:
        rows = sessions.list_tokens(connection, person.account)
    return [Token(row.token_hash.hex(), row.label, row.made_at, row.ends_at) for row in rows]


@router.post("/admin/me/tokens", status_code=201, responses=PEOPLE | BAD)
def make_token(body: TokenWish, person: SomePerson, hub: TheHub) -> TokenShown:
    """A token for a program that acts for you: `Authorization: Bearer …`."""
    with hub.begin() as connection:
        return TokenShown(sessions.make_token(hub, connection, person, body.label, body.days))


@router.delete("/admin/me/tokens/{token}", status_code=204, responses=PEOPLE | NOT_FOUND)
def drop_token(token: str, person: SomePerson, hub: TheHub) -> None:
    """Take a token back."""
    try:
        token_hash = bytes.fromhex(token)
    except ValueError:
        raise Refused(404, "no_such_token", "you have no such token") from None
    with hub.begin() as connection:
        sessions.drop_token(hub, connection, person, token_hash)


@router.get("/admin/accounts", responses=PEOPLE)
def list_accounts(person: AccountsKeeper, hub: TheHub) -> list[Account]:
    """All accounts."""
    with hub.engine.connect() as connection:
        return [_account(row) for row in accounts.list_accounts(connection, person.organisation)]


@router.post("/admin/accounts/{account}", status_code=201, responses=CHANGE)
def make_account(account: str, body: AccountWish, person: AccountsKeeper, hub: TheHub) -> CodeShown:
    """Make an account; its person opens it with the code."""
    with hub.begin() as connection:
        made = accounts.make_account(hub, connection, person.account, account, body.name, body.role, body.organisation)
    return CodeShown(made)


@router.put("/admin/accounts/{account}", status_code=204, responses=CHANGE)
def change_account(account: str, body: AccountWish, person: AccountsKeeper, hub: TheHub) -> None:
    """Another name, role or organisation."""
    with hub.begin() as connection:
        accounts.change_account(hub, connection, person.account, account, body.name, body.role, body.organisation)


@router.post("/admin/accounts/{account}/code", status_code=201, responses=PEOPLE | NOT_FOUND)
def reset(account: str, person: AccountsKeeper, hub: TheHub) -> CodeShown:
    """A code for another password, for somebody who forgot it."""
    with hub.begin() as connection:
        return CodeShown(accounts.reset(hub, connection, person.account, account))


@router.post("/admin/accounts/{account}/disable", status_code=204, responses=CHANGE)
def disable(account: str, person: AccountsKeeper, hub: TheHub) -> None:
    """Nothing is possible with it any more, at once."""
    with hub.begin() as connection:
        accounts.disable(hub, connection, person.account, account)


@router.post("/admin/accounts/{account}/enable", status_code=204, responses=PEOPLE | NOT_FOUND)
def enable(account: str, person: AccountsKeeper, hub: TheHub) -> None:
    """The opposite; opens a locked account as well."""
    with hub.begin() as connection:
        accounts.enable(hub, connection, person.account, account)


def _me(person: Person) -> Me:
    allowed = tuple(one.value for one in Permission if person.may(one))
    return Me(
        person.account, person.name, person.role.value, person.organisation, person.language, person.csrf, allowed
    )


def _account(row: Row[Any]) -> Account:
    opened = bool(row.password)
    return Account(row.account, row.name, row.role, row.organisation, opened, row.disabled_at, row.locked_until)
