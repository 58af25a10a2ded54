"""What an update does to the disk, operation by operation, so that a test can let the power go before any of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


class Disk:
    """Every change that an update makes goes through here. All raise `OSError`."""

    def step(self, what: str) -> None:
        """Comes before every change, and before every piece of a file."""

    def make_folder(self, path: Path) -> None:
        """A new folder; its parent is there."""
        self.step("mkdir")
        path.mkdir(mode=0o755)
        path.chmod(0o755)

    def write(self, path: Path, pieces: Iterable[bytes], mode: int = 0o644) -> None:
        """A new file."""
        self.step("create")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb", buffering=0) as file:
            os.fchmod(handle, mode)
            for piece in pieces:
                self.step("write")
                left = memoryview(piece)
                while left:
                    left = left[file.write(left) :]

    def link(self, target: str, path: Path) -> None:
        """A new symbolic link."""
        self.step("symlink")
        path.symlink_to(target)

    def rename(self, path: Path, to: Path) -> None:
        """In the place of whatever is there, at once."""
        self.step("rename")
        path.rename(to)

    def remove(self, path: Path) -> None:
        """A file, a link or a folder with all in it; nothing is no harm."""
        if path.is_symlink() or path.is_file():
            self.step("unlink")
            path.unlink(missing_ok=True)
        elif path.exists():
            self.step("rmtree")
            shutil.rmtree(path)

    def settle(self, folder: Path) -> None:
        """All that was written is on the disk before anything that follows."""
        self.step("sync")
        os.sync()
        self.settle_names(folder)

    def settle_names(self, folder: Path) -> None:
        """What was renamed in `folder` is."""
        self.step("fsync")
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
