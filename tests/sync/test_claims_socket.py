"""The sync process's socket: who may come in, and what opening it leaves of the process's own settings."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any, cast

from sync.claims_socket import ClaimsSocket, Office


def test_two_that_open_at_once_leave_the_processs_umask_as_it_was(tmp_path: Path) -> None:
    """It belongs to the whole process: with a wrong one, folders made later could not be entered."""
    doors = [ClaimsSocket(tmp_path / name, cast(Office, cast(Any, None))) for name in ("a.sock", "b.sock")]

    async def scene() -> list[int]:
        await asyncio.gather(*(door.open() for door in doors))
        modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.sock", "b.sock")]
        for door in doors:
            await door.close()
        return modes

    before = os.umask(0o022)
    try:
        assert asyncio.run(scene()) == [0o660, 0o660]
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
