"""What every part of the server works with: settings, database, clock, keys; the audit and the doorbell's memory."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request
from sqlalchemy import Connection, Engine, insert, text

from models.store.key_file import read_secret, write_secret
from models.store.keys import load_or_make_signing_key
from models.store.vault import SECRET_BYTES, decrypt, encrypt
from sync.server import tables
from sync.server.database import open_engine, transaction
from sync.server.settings import Settings

_RING_LOCK = 0x6D656E


@dataclass(frozen=True, slots=True)
class Hub:
    """One server's parts. `seal_key` (32 bytes) seals what only the server may read; `issuer_key` signs bundles."""

    settings: Settings
    engine: Engine
    seal_key: bytes = field(repr=False)
    issuer_key: Ed25519PrivateKey = field(repr=False)
    clock: Callable[[], float] = time.time
    memory: dict[str, Any] = field(default_factory=dict, repr=False)  # what parts keep for this process alone

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction."""
        with transaction(self.engine) as connection:
            yield connection

    def seal(self, plain: bytes, place: str) -> bytes:
        """Seal what only the server may read; `place` binds it to its row."""
        return encrypt(self.seal_key, plain, place.encode())

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """The opposite. Raises `SealBroken`."""
        return decrypt(self.seal_key, sealed, place.encode())

    def audit(self, connection: Connection, actor: str, act: str, object: str = "", **detail: Any) -> None:
        """Write down who did what. Nothing personal goes into `detail`."""
        address = detail.pop("from_address", "")
        connection.execute(
            insert(tables.audit).values(
                at=self.clock(),
                actor=actor,
                act=act,
                object=object,
                detail=json.dumps(detail, ensure_ascii=False, sort_keys=True),
                from_address=address,
            )
        )

    def ring(self, connection: Connection, *, event: str = "", device: str = "") -> None:
        """Tell the devices of `event`, one `device`, or all of them that something changed; heard after the commit.

        On PostgreSQL the transactions that ring take turns until they commit, or a lower number could become visible
        after a higher one and be missed.
        """
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _RING_LOCK})
        connection.execute(insert(tables.change).values(at=self.clock(), event=event, device=device))


def open_hub(settings: Settings, clock: Callable[[], float] = time.time) -> Hub:
    """Open the server's folder and database; keys are made where there are none. The schema is `migrate`'s task."""
    folder = settings.state_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_file = folder / "seal.key"
    if not key_file.exists():
        write_secret(key_file, os.urandom(SECRET_BYTES))
    return Hub(
        settings,
        open_engine(settings.database_url),
        read_secret(key_file, SECRET_BYTES),
        load_or_make_signing_key(folder / "issuer.key"),
        clock,
    )


def hub_of(request: Request) -> Hub:
    """The hub of the program that got `request`, as a dependency of its routes."""
    hub: Hub = request.app.state.hub
    return hub


def new_identifier(prefix: str) -> str:
    """A short identifier nobody can guess, as in `gate-7f3a…`."""
    return f"{prefix}-{secrets.token_hex(8)}"
