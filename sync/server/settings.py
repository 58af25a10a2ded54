"""What the operator of a server decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """One server, or one venue hub.

    `database` is an SQLAlchemy URL; empty: an SQLite file in `state_dir`. `names` are the host names and addresses
    under which it is reached: they stand in its certificate. `upstream` makes it a venue hub of that centre. `face` is
    the URL of the engine that makes templates of photographs, as in `dlib:`; empty: none are made here. `keep_days`
    after an event's end its persons are erased; 0: only when somebody says so.
    """

    state_dir: Path
    database: str = ""
    host: str = "127.0.0.1"
    port: int = 8443
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    workers: int = 1
    upstream: str = ""
    face: str = ""
    keep_days: int = 30

    @property
    def database_url(self) -> str:
        """The database's URL, with the driver that we use."""
        if not self.database:
            return f"sqlite:///{self.state_dir / 'hub.db'}"
        head, colon, rest = self.database.partition("://")
        return f"postgresql+psycopg://{rest}" if colon and head in ("postgresql", "postgres") else self.database

    @property
    def base_url(self) -> str:
        """How it is reached, by its first name."""
        return f"https://{self.names[0]}:{self.port}"
