"""Whoever gives wrong PINs waits, longer each time; a new process remembers.

The waits go by the wall clock. Where that is set back, nobody waits longer than his tries would have made him wait.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gate.kept import write_whole
from models import wire

_log = logging.getLogger("gate.lockout")

FREE_TRIES = 2
WAITS_S = (5.0, 15.0, 60.0, 300.0, 900.0)
"""After the third wrong PIN in a row, after the fourth, and so on; the last one from then on."""


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong PINs in a row, and until when (Unix seconds) no further one is taken."""

    count: int = 0
    until: float = 0.0


def wait_after(count: int) -> float:
    """How long to wait after so many wrong PINs in a row, in seconds."""
    return 0.0 if count <= FREE_TRIES else WAITS_S[min(count - FREE_TRIES, len(WAITS_S)) - 1]


class Lockout:
    """Wrong tries by actor, in a file. Hand in one name for all who are unknown, or the file grows by guesses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tries = self._read()

    def wait_s(self, actor: str, now: float) -> float:
        """How long this actor's next PIN is not taken."""
        tries = self._tries.get(actor, Tries())
        return max(0.0, min(tries.until - now, wait_after(tries.count)))

    def wrong(self, actor: str, now: float) -> tuple[int, float]:
        """One more wrong PIN; gives how many in a row, and the wait."""
        count = self._tries.get(actor, Tries()).count + 1
        self._keep(self._tries | {actor: Tries(count, now + wait_after(count))})
        return count, wait_after(count)

    def right(self, actor: str) -> None:
        """The PIN was right: what was wrong before is forgotten."""
        if actor in self._tries:
            self._keep({other: tries for other, tries in self._tries.items() if other != actor})

    def forget(self, known: Collection[str], ended_before: float) -> int:
        """Forget those who are not `known` and whose wait ended before that moment; how many they were."""
        gone = {name for name, tries in self._tries.items() if name not in known and tries.until < ended_before}
        if gone:
            self._keep({name: tries for name, tries in self._tries.items() if name not in gone})
        return len(gone)

    def _keep(self, tries: dict[str, Tries]) -> None:
        self._tries = tries
        try:
            write_whole(self._path, wire.to_json(tries))
        except OSError as error:
            _log.error("wrong PINs are remembered by this process alone: %s: %s", self._path, error.strerror)

    def _read(self) -> dict[str, Tries]:
        try:
            return wire.from_json(dict[str, Tries], self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, wire.WireError) as error:
            _log.error("%s can't be read, and wrong PINs are counted anew: %s", self._path, error)
            return {}
