"""A manifest stays for some days after its last one, and is destroyed then by the process that writes it.

The note for the gate comes first: whatever happens in between, what is gone is written down. The gate makes a signed
receipt of it in its ledger (`gate.housekeeping`), and takes the note away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from models.keeping import ManifestGone
from models.ticket import ManifestState
from models.wire import to_json

NOTE = "manifest-gone.json"
DAY_S = 86_400.0


class ManifestKeep:
    """`told` is the authority's time, `None` while it has not been told: by our own clock alone nothing is over."""

    def __init__(self, folder: Path, days: float, told: Callable[[], float | None]) -> None:
        self._folder, self._days, self._told = folder, days, told

    def is_over(self, held: ManifestState | None) -> bool:
        """Whether this manifest's time to be kept has run out."""
        now = self._told()
        return held is not None and now is not None and now > held.expires_at + self._days * DAY_S

    def note(self, held: ManifestState) -> None:
        """Write down what is about to be destroyed, durably. Raises `OSError`."""
        gone = ManifestGone(
            held.event, held.version, held.tickets, held.digest, held.expires_at, at=self._told() or held.expires_at
        )
        draft = self._folder / f".{NOTE}.new"
        with draft.open("wb") as file:
            file.write(to_json(gone))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / NOTE)
