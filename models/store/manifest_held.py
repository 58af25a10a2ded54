"""The manifest in force, as its one row tells it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from models.decision import Policy
from models.store.errors import WrongStore
from models.store.vault import DeviceKey
from models.ticket import ManifestState
from models.wire import WireError, from_json


@dataclass(frozen=True, slots=True)
class Held:
    """The manifest in force, opened in memory."""

    state: ManifestState
    policy: Policy
    event_secret: bytes = field(repr=False)


def state_in(connection: sqlite3.Connection) -> ManifestState | None:
    """Which manifest is in force."""
    row = connection.execute("SELECT event, version, issued_at, expires_at, tickets, digest FROM manifest").fetchone()
    return ManifestState(*row) if row else None


def held_in(connection: sqlite3.Connection, device_key: DeviceKey) -> Held | None:
    """The manifest in force. Raises `WrongStore`, `SealBroken`."""
    state = state_in(connection)
    if state is None:
        return None
    policy, secret = connection.execute("SELECT policy, event_secret FROM manifest").fetchone()
    try:
        rules = from_json(Policy, policy)
    except WireError as error:
        raise WrongStore(f"the manifest's policy can't be read ({error}): load the manifest again") from None
    return Held(state, rules, device_key.open(secret, secret_place(state.event)))


def secret_place(event: str) -> bytes:
    """To what the kept event secret is bound."""
    return b"event secret\0" + event.encode()
