"""Personal accounts: made with a role, opened with a one-time code, disabled for as long as need be.

Nobody but its person ever knows a password: who makes an account gets a code for it, and hands that over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sync.server import tables
from sync.server.accounts_password import hash_password, is_right, refuse_weak
from sync.server.attempts import Limit
from sync.server.codes import hash_of, new_code
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.permissions import Person, Role
from sync.server.problems import Refused

CODE_S = 24 * 3600.0
LIMIT = Limit("account_code", for_address=10, for_all=100)
LANGUAGES = ("zh", "en")
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


def first_code(hub: Hub) -> str | None:
    """The code for making the first owner, where there is none yet; an earlier such code is void from now on."""
    with hub.begin() as connection:
        return None if _has_owner(connection) else _new_code(hub, connection, "server", None)


def make_account(
    hub: Hub, connection: Connection, actor: str, account: str, name: str, role: Role, organisation: str | None = None
) -> str:
    """Make an account; gives the one-time code that opens it. Raises `Refused`: 404, 409, 422."""
    _insert(hub, connection, actor, account, name, role, organisation)
    return _new_code(hub, connection, actor, account)


def make_owner(hub: Hub, connection: Connection, actor: str, account: str, password: str) -> None:
    """Make an owner, or give an account a new password: what an operator does at the keyboard. Raises `Refused`."""
    if connection.execute(_row_of(account)).first() is None:
        _insert(hub, connection, actor, account, account, Role.OWNER, None)
    _set_password(hub, connection, actor, account, password)


def reset(hub: Hub, connection: Connection, actor: str, account: str) -> str:
    """A one-time code with which the person chooses a new password. Raises `Refused`: 404."""
    _get(connection, account)
    return _new_code(hub, connection, actor, account)


def use_code(hub: Hub, code: str, password: str, address: str, account: str = "", name: str = "") -> str:
    """Choose a password with a one-time code; the first owner also chooses `account` and `name`. Gives the account.

    Raises `Refused`: 403 for every bad code alike, 409, 422, 429.
    """
    with hub.begin() as connection:
        outcome = _use_code(hub, connection, code, password, address, account, name)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def change_password(hub: Hub, person: Person, old: str, new: str) -> None:
    """One's own password; ends all of one's sessions. Raises `Refused`: 403 when `old` is wrong, 422."""
    with hub.engine.connect() as connection:
        kept = connection.execute(_row_of(person.account)).one().password
    if not is_right(kept, old):
        raise Refused(403, "wrong_password", "that is not your password up to now")
    with hub.begin() as connection:
        _set_password(hub, connection, person.account, person.account, new)


def change_account(
    hub: Hub, connection: Connection, actor: str, account: str, name: str, role: Role, organisation: str | None
) -> None:
    """Another name, role or organisation, from this moment on. Raises `Refused`: 404, 409 the last owner, 422."""
    _check_place(connection, name, role, organisation)
    before = _get(connection, account)
    if before.role == Role.OWNER and role is not Role.OWNER:
        _refuse_last_owner(connection, account)
    values = {"name": name, "role": role.value, "organisation": organisation}
    connection.execute(update(tables.account).where(tables.account.c.account == account).values(**values))
    hub.audit(
        connection, actor, "account.changed", account, role=role.value, organisation=organisation, was=before.role
    )


def disable(hub: Hub, connection: Connection, actor: str, account: str) -> None:
    """Nothing is possible any more with this account, at once. Raises `Refused`: 404, 409 for the last owner."""
    if _get(connection, account).role == Role.OWNER:
        _refuse_last_owner(connection, account)
    row = tables.account
    connection.execute(update(row).where(row.c.account == account).values(disabled_at=hub.clock()))
    end_sessions(connection, account)
    connection.execute(delete(tables.api_token).where(tables.api_token.c.account == account))
    connection.execute(delete(tables.account_code).where(tables.account_code.c.account == account))
    hub.audit(connection, actor, "account.disabled", account)


def enable(hub: Hub, connection: Connection, actor: str, account: str) -> None:
    """The opposite; also opens an account that too many wrong passwords have locked. Raises `Refused`: 404."""
    _get(connection, account)
    row = tables.account
    values = {"disabled_at": None, "failures": 0, "locked_until": 0.0}
    connection.execute(update(row).where(row.c.account == account).values(**values))
    hub.audit(connection, actor, "account.enabled", account)


def is_account_name(text: str) -> bool:
    """Whether a log-in name may read so."""
    return _ACCOUNT.fullmatch(text) is not None


def list_accounts(connection: Connection, organisation: str | None = None) -> Sequence[Row[Any]]:
    """All accounts, or those of one organisation."""
    row = tables.account
    found = select(row).order_by(row.c.account)
    if organisation is not None:
        found = found.where(row.c.organisation == organisation)
    return connection.execute(found).all()


def end_sessions(connection: Connection, account: str) -> None:
    """Everywhere."""
    connection.execute(delete(tables.session).where(tables.session.c.account == account))


def _use_code(
    hub: Hub, connection: Connection, code: str, password: str, address: str, account: str, name: str
) -> str | Refused:
    if refused := LIMIT.refusal(hub, connection, address):
        return refused
    row = tables.account_code
    hashed = hash_of("account", code)
    found = connection.execute(select(row).where(row.c.code_hash == hashed).with_for_update()).first()
    if why := _fault(hub, connection, found):
        LIMIT.count(hub, connection, address)
        hub.audit(connection, "server", "account_code.refused", why=why, from_address=address)
        return Refused(403, "code_refused", "the code is wrong, was used or has run out: ask for a new one")
    assert found is not None
    try:
        if found.account is None:
            refuse_weak(password, account)
            _insert(hub, connection, "server", account, name, Role.OWNER, None)
        _set_password(hub, connection, found.account or account, found.account or account, password)
    except Refused as refused:  # the code is good, and may be used again with a better password
        return refused
    connection.execute(update(row).where(row.c.code_hash == hashed).values(used_at=hub.clock()))
    return found.account or account


def _fault(hub: Hub, connection: Connection, found: Row[Any] | None) -> str:
    if found is None:
        return "unknown code"
    if found.used_at is not None:
        return "used code"
    if hub.clock() >= found.ends_at:
        return "expired code"
    return "there is an owner" if found.account is None and _has_owner(connection) else ""


def _new_code(hub: Hub, connection: Connection, actor: str, account: str | None) -> str:
    row, code, now = tables.account_code, new_code(), hub.clock()
    connection.execute(delete(row).where(row.c.account.is_(None) if account is None else row.c.account == account))
    values = {"account": account, "made_by": actor, "made_at": now, "ends_at": now + CODE_S}
    connection.execute(insert(row).values(code_hash=hash_of("account", code), **values))
    hub.audit(connection, actor, "account.code_made", account or "")
    return code


def _insert(
    hub: Hub, connection: Connection, actor: str, account: str, name: str, role: Role, organisation: str | None
) -> None:
    if not is_account_name(account):
        raise Refused(422, "bad_account", "a log-in name has 1 to 64 of a–z, 0–9, '.', '_', '@' and '-'")
    _check_place(connection, name, role, organisation)
    row = tables.account
    values = {"account": account, "name": name, "role": role.value, "organisation": organisation, "password": ""}
    fresh = insert_or_ignore(connection, row).values(made_at=hub.clock(), **values)
    if connection.execute(fresh.returning(row.c.account)).first() is None:
        raise Refused(409, "account_there", "there is an account of this log-in name: take another one")
    hub.audit(connection, actor, "account.made", account, role=role.value, organisation=organisation)


def _check_place(connection: Connection, name: str, role: Role, organisation: str | None) -> None:
    if not (name.strip() == name and 0 < len(name) <= 100 and name.isprintable()):
        raise Refused(422, "bad_name", "a person's name has 1 to 100 printable characters and no blanks around")
    if role is Role.OWNER and organisation is not None:
        raise Refused(422, "owner_of_all", "an owner is of the whole site: leave the organisation out")
    held = tables.organisation.c.organisation
    if organisation is not None and connection.execute(select(held).where(held == organisation)).first() is None:
        raise Refused(404, "no_such_organisation", "there is no such organisation: make it first")


def _set_password(hub: Hub, connection: Connection, actor: str, account: str, password: str) -> None:
    refuse_weak(password, account)
    row = tables.account
    values = {"password": hash_password(password), "failures": 0, "locked_until": 0.0}
    connection.execute(update(row).where(row.c.account == account).values(**values))
    end_sessions(connection, account)
    hub.audit(connection, actor, "account.password_set", account)


def _refuse_last_owner(connection: Connection, account: str) -> None:
    row = tables.account
    owners = select(row.c.account).where(row.c.role == Role.OWNER, row.c.disabled_at.is_(None)).with_for_update()
    if set(connection.execute(owners).scalars()) <= {account}:
        raise Refused(409, "last_owner", "this is the site's last owner: make another one first")


def _has_owner(connection: Connection) -> bool:
    row = tables.account
    counted = select(func.count()).where(row.c.role == Role.OWNER, row.c.password != "")
    return connection.execute(counted).scalar_one() > 0


def _row_of(account: str) -> Any:
    return select(tables.account).where(tables.account.c.account == account)


def _get(connection: Connection, account: str) -> Row[Any]:
    found = connection.execute(_row_of(account)).first()
    if found is None:
        raise Refused(404, "no_such_account", "there is no such account")
    return found
