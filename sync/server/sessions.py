"""Logging in, staying in for a while, and tokens for programs. What a browser holds is kept here as a hash alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sync.server import tables
from sync.server.accounts import is_account_name
from sync.server.accounts_password import hash_password, is_outdated, is_right
from sync.server.attempts import Limit
from sync.server.hub import Hub
from sync.server.permissions import Person, Role
from sync.server.problems import Refused

SESSION_S = 12 * 3600.0
IDLE_S = 30 * 60.0
SEEN_EVERY_S = 60.0

FREE_FAILURES = 5
FIRST_LOCK_S = 30.0
LONGEST_LOCK_S = 15 * 60.0  # and no longer: who wants to keep an owner out must not be able to
LIMIT = Limit("log_in", for_address=30, for_all=5000)

TOKEN_MARK = "menshen_"  # noqa: S105 (a word that scanners for leaked secrets can look for)
LONGEST_TOKEN_DAYS = 366


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has just begun. `token` is the browser's alone."""

    person: Person
    token: str = field(repr=False)


def log_in(hub: Hub, account: str, password: str, address: str) -> Opened:
    """Begin a session. Raises `Refused`: 401 alike for whatever is wrong, 429.

    A try is counted before the password is looked at, so that many at once don't slip by; and no transaction waits
    while it is looked at.
    """
    with hub.begin() as connection:
        kept = _take_try(hub, connection, account, address)
    if isinstance(kept, Refused):
        raise kept
    good = is_right(kept, password)
    fresh = hash_password(password) if good and kept and is_outdated(kept) else None
    with hub.begin() as connection:
        opened = _open(hub, connection, account, address, kept, fresh) if good else None
        if opened is None:
            _fail(hub, connection, account, address, locks=kept is not None)
    if opened is None:
        raise Refused(401, "not_known", "the name or the password is wrong, or the account is locked for a while")
    return opened


def person_of_session(hub: Hub, token: str) -> Person | None:
    """Who the browser with `token` is; `None` once the session or the account has ended."""
    session, account, now = tables.session, tables.account, hub.clock()
    found = select(account, session.c.csrf, session.c.seen_at).join_from(session, account)
    found = found.where(session.c.token_hash == _hash(token), account.c.disabled_at.is_(None))
    found = found.where(session.c.ends_at > now, session.c.seen_at > now - IDLE_S)
    with hub.engine.connect() as connection:
        row = connection.execute(found).first()
    if row is None:
        return None
    if now - row.seen_at >= SEEN_EVERY_S:
        with hub.begin() as connection:
            connection.execute(update(session).where(session.c.token_hash == _hash(token)).values(seen_at=now))
    return _person(row, row.csrf)


def person_of_token(hub: Hub, token: str) -> Person | None:
    """Whose program bears `token`; `None` once it has ended or was taken back."""
    held, account = tables.api_token, tables.account
    found = select(account).join_from(held, account)
    found = found.where(held.c.token_hash == _hash(token), account.c.disabled_at.is_(None))
    found = found.where(held.c.ends_at.is_(None) | (held.c.ends_at > hub.clock()))
    with hub.engine.connect() as connection:
        row = connection.execute(found).first()
    return None if row is None else _person(row)


def log_out(hub: Hub, connection: Connection, token: str) -> None:
    """End one session."""
    session = tables.session
    ended = delete(session).where(session.c.token_hash == _hash(token)).returning(session.c.account)
    if (account := connection.execute(ended).scalar()) is not None:
        hub.audit(connection, account, "log_out", account)


def make_token(hub: Hub, connection: Connection, person: Person, label: str, days: int = 90) -> str:
    """A token for a program that acts for `person`; shown once. Raises `Refused`: 422."""
    if not (label.strip() == label and 0 < len(label) <= 100 and label.isprintable()):
        raise Refused(422, "bad_label", "say in 1 to 100 printable characters what the token is for")
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Refused(422, "bad_days", f"a token is good for 1 to {LONGEST_TOKEN_DAYS} days")
    token, now = TOKEN_MARK + secrets.token_urlsafe(32), hub.clock()
    values = {"label": label, "account": person.account, "made_at": now, "ends_at": now + days * 86_400}
    connection.execute(insert(tables.api_token).values(token_hash=_hash(token), **values))
    hub.audit(connection, person.account, "token.made", _hash(token).hex()[:12])
    return token


def list_tokens(connection: Connection, account: str) -> Sequence[Row[Any]]:
    """An account's tokens; each is named by its hash."""
    held = tables.api_token
    return connection.execute(select(held).where(held.c.account == account).order_by(held.c.made_at)).all()


def drop_token(hub: Hub, connection: Connection, person: Person, token_hash: bytes) -> None:
    """Take a token back. Raises `Refused`: 404."""
    held = tables.api_token
    mine = delete(held).where(held.c.token_hash == token_hash, held.c.account == person.account)
    if connection.execute(mine.returning(held.c.account)).first() is None:
        raise Refused(404, "no_such_token", "you have no such token")
    hub.audit(connection, person.account, "token.dropped", token_hash.hex()[:12])


def forget_ended(hub: Hub) -> None:
    """Throw away sessions, tokens and codes that have ended."""
    now = hub.clock()
    session, week = tables.session, 7 * 86_400
    with hub.begin() as connection:
        connection.execute(delete(session).where((session.c.ends_at <= now) | (session.c.seen_at <= now - IDLE_S)))
        connection.execute(delete(tables.api_token).where(tables.api_token.c.ends_at <= now))
        for code in (tables.account_code, tables.enrolment_code):  # kept for a while: the audit tells used from unknown
            connection.execute(delete(code).where(code.c.ends_at <= now - week))


def _take_try(hub: Hub, connection: Connection, account: str, address: str) -> str | Refused | None:
    """The kept password to hold the given one against; `None` where no password is good."""
    if refused := LIMIT.refusal(hub, connection, address):
        return refused
    if not is_account_name(account):
        return None
    row, now = tables.account, hub.clock()
    found = connection.execute(_row_of(account).with_for_update()).first()
    if found is None or found.disabled_at is not None or found.locked_until > now:
        return None
    failures = found.failures + 1
    lock = 0.0
    if failures >= FREE_FAILURES:
        lock = now + min(FIRST_LOCK_S * 2.0 ** min(failures - FREE_FAILURES, 30), LONGEST_LOCK_S)
    connection.execute(update(row).where(row.c.account == account).values(failures=failures, locked_until=lock))
    return found.password or None


def _fail(hub: Hub, connection: Connection, account: str, address: str, *, locks: bool) -> None:
    """Write a failure down. A name that is no account's is not kept: it may be a password, typed in the wrong place."""
    LIMIT.count(hub, connection, address)
    found = connection.execute(_row_of(account)).first() if is_account_name(account) else None
    known = account if found is not None else ""
    hub.audit(connection, "server", "log_in.failed", known, from_address=address)
    if found is not None and locks and found.locked_until > hub.clock():
        wait_s = round(found.locked_until - hub.clock())
        hub.audit(connection, "server", "log_in.locked", account, seconds=wait_s, from_address=address)


def _open(
    hub: Hub, connection: Connection, account: str, address: str, kept: str | None, fresh: str | None
) -> Opened | None:
    """The session of one whose password was good, and still is the one that is kept."""
    row, now = tables.account, hub.clock()
    good = update(row).where(row.c.account == account, row.c.password == kept, row.c.disabled_at.is_(None))
    good = good.values(failures=0, locked_until=0.0, password=fresh or kept).returning(row)
    found = connection.execute(good).first()
    if found is None:
        return None
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    times = {"made_at": now, "seen_at": now, "ends_at": now + SESSION_S}
    connection.execute(
        insert(tables.session).values(token_hash=_hash(token), account=account, csrf=csrf, **times),
    )
    hub.audit(connection, account, "log_in.done", account, from_address=address)
    return Opened(_person(found, csrf), token)


def _person(row: Row[Any], csrf: str = "") -> Person:
    return Person(row.account, row.name, Role(row.role), row.organisation, row.language, csrf)


def _row_of(account: str) -> Any:
    return select(tables.account).where(tables.account.c.account == account)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
