"""Secret files: made once, readable by their owner alone, refused when anybody else could have read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from models.store.errors import UnsafeKey


def write_secret(path: Path, secret: bytes) -> None:
    """Create `path` with mode 0600 and `secret` in it. `UnsafeKey` when it is there already: a key is never lost."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise UnsafeKey(f"{path} exists already: move it away first if you really want a new key") from None
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())


def read_secret(path: Path, size: int) -> bytes:
    """The `size` bytes in `path`. `UnsafeKey` when absent, open to others, or of another size."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UnsafeKey(f"{path} is missing: make the key first") from None
    except OSError as error:
        raise UnsafeKey(f"{path} can't be opened: {error.strerror}") from None
    try:
        _refuse_open_doors(path, os.fstat(handle))
        secret = os.read(handle, size + 1)
    finally:
        os.close(handle)
    if len(secret) != size:
        raise UnsafeKey(f"{path} is no key of this kind: it must hold exactly {size} bytes")
    return secret


def _refuse_open_doors(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeKey(f"{path} is not a plain file")
    if status.st_mode & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise UnsafeKey(f"{path} has mode {mode}, so others may read it: run chmod 600 {path}")
