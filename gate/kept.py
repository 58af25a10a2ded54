"""Small files that are always whole: the old content or the new, whatever happens to the power."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the file at `path`. It keeps its owner and rights; a new one gets `mode`, and its folder's owner.

    Raises `OSError`; then the old file stands.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    like = path if path.exists() else None
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            _take_rights(file.fileno(), like, path.parent, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file of the right name
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _take_rights(handle: int, like: Path | None, folder: Path, mode: int) -> None:
    owner = (like or folder).stat()
    with contextlib.suppress(PermissionError):  # who is not root gives nothing away
        os.fchown(handle, owner.st_uid, owner.st_gid)
    os.fchmod(handle, owner.st_mode & 0o777 if like else mode)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
