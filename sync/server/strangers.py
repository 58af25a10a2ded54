"""What whoever isn't logged in may do: fill in a form that this server gave out, and ask later with a number.

A form carries a stamp of when it was given out: what comes back at once was typed by no person, and another site's page
has none. A number is all that a stranger has to show, so it can't be guessed and only its hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from sqlalchemy import Row, Table, select

from sync.server.attempts import Limit
from sync.server.hub import Hub
from sync.server.problems import Refused

AT_LEAST_S = 2.0
AT_MOST_S = 6 * 3600.0
NUMBER_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is taken for another
NUMBER_LENGTH = 12


def stamp(hub: Hub) -> str:
    """For a form that is given out now."""
    at = f"{hub.clock():.3f}"
    return f"{at}-{_mac(hub, at)}"


def check_stamp(hub: Hub, told: str) -> None:
    """Raises `Refused`: 422 `form_unknown`, `form_too_old`, `form_too_quick`."""
    at, _, mac = told.partition("-")
    if not hmac.compare_digest(mac.encode(), _mac(hub, at).encode()):
        raise Refused(422, "form_unknown", "this form isn't from here: open the page and fill it in there")
    age_s = hub.clock() - float(at)
    if age_s > AT_MOST_S:
        raise Refused(422, "form_too_old", "this form lay too long: open the page anew")
    if age_s < AT_LEAST_S:
        raise Refused(422, "form_too_quick", "this came quicker than anybody types: send it once more")


def new_number() -> str:
    """A number to ask with, as it is shown: 59 bits in groups of four."""
    signs = "".join(secrets.choice(NUMBER_SIGNS) for _ in range(NUMBER_LENGTH))
    return "-".join(signs[at : at + 4] for at in range(0, NUMBER_LENGTH, 4))


def number_hash(number: str) -> bytes:
    """What is kept of a number, however it was typed."""
    return hashlib.sha256("".join(sign for sign in number.upper() if sign in NUMBER_SIGNS).encode()).digest()


def asked_by_number(hub: Hub, table: Table, limit: Limit, address: str, number: str) -> Row[Any]:
    """The row that the number stands for. Wrong numbers are counted. Raises `Refused`: 404; 429."""
    with hub.begin() as connection:
        refusal = limit.refusal(hub, connection, address)
        row = connection.execute(select(table).where(table.c.word_hash == number_hash(number))).first()
        if row is None:
            limit.count(hub, connection, address)
    if refusal:
        raise refusal
    if row is None:
        raise Refused(404, "no_such_number", "there is no such number, or what it stands for is no longer kept")
    return row


def _mac(hub: Hub, at: str) -> str:
    return hmac.new(hub.seal_key, b"form\0" + at.encode(), "sha256").hexdigest()[:32]
