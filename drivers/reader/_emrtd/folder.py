"""The folder of country certificates, read again when something in it has changed."""

from __future__ import annotations

import logging
from pathlib import Path

from drivers.reader._emrtd.passive import Trust

_log = logging.getLogger("drivers.emrtd")


class TrustFolder:
    """`csca=DIR`. A folder that has become unreadable leaves the trust as it was, and says so once in the log."""

    def __init__(self, folder: Path) -> None:
        """Raises `ValueError` naming a file that holds no certificate, or that none holds one; `OSError`."""
        self._folder = folder
        self._seen = self._look()
        self._trust = self._read()

    def trust(self) -> Trust:
        """What is trusted now."""
        try:
            seen = self._look()
            if seen != self._seen:
                self._seen = seen
                self._trust = self._read()
        except (OSError, ValueError) as error:
            _log.warning("country certificates stay as they were: %s", error)
        return self._trust

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        facts = ((path, path.stat()) for path in sorted(self._folder.iterdir()))
        return tuple((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in facts)

    def _read(self) -> Trust:
        trust = Trust.of_folder(self._folder)
        if not trust.certificates:
            raise ValueError(f"{self._folder} holds no country certificate (.cer, .crt, .der, .pem)")
        return trust
