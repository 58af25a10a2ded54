"""The versions on this machine, side by side: which one runs, which ran before, and the switch between them.

    versions/0.1.0  versions/0.1.1     whole, each with its own virtual environment inside
    current -> versions/0.1.1          what runs; turned by one rename
    previous -> versions/0.1.0         the way back
    trial                              former and new one, as long as the new one has not come up: see systemd/trial.sh
    returned                           the same two, after it did not come up and the former was put back

`current` leads to a whole version at every moment: a version gets its name when all of it is on the disk.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gate.update_disk import Disk
from gate.update_release import Release, UpdateRefused, unpack

HOME = Path("/opt/menshen")
COMPLETE = "complete"
_HALF_DONE = (".current", ".previous", ".trial", ".returned", ".tries")
_FRESH = ".release"  # the package's own fresh version is called .new


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of all versions."""

    home: Path = HOME
    disk: Disk = Disk()  # noqa: RUF009 - it has no state

    @property
    def versions(self) -> Path:
        """Where they lie."""
        return self.home / "versions"

    def current(self) -> str:
        """The version that runs from the next start on; empty where there is none."""
        return self._named("current")

    def previous(self) -> str:
        """The version before; empty where there is none."""
        return self._named("previous")

    def folder(self, version: str) -> Path:
        """Of one version."""
        return self.versions / version

    def has(self, version: str) -> bool:
        """Whether it is here, and whole."""
        return bool(version) and (self.folder(version) / COMPLETE).is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One update at a time. Raises `UpdateRefused`."""
        self.versions.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.home / ".update.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UpdateRefused("another update is at work on this machine: wait for its end") from None
            yield
        finally:
            os.close(handle)

    def clean(self) -> list[str]:
        """Take away what an interrupted update left; the names of it."""
        kept = {self.current(), self.previous()}
        left = [self.home / name for name in _HALF_DONE if os.path.lexists(self.home / name)]
        for path in sorted(self.versions.iterdir()):
            if path.name == _FRESH or (
                path.name not in kept and not path.name.startswith(".") and not self.has(path.name)
            ):
                left.append(path)
        for path in left:
            self.disk.remove(path)
        return [path.name for path in left]

    def put(self, release: Release) -> None:
        """Unpack a version beside the others. Whatever is raised leaves the others as they are."""
        fresh, final = self.versions / _FRESH, self.folder(release.head.version)
        self.disk.remove(fresh)
        try:
            unpack(release, fresh, self.disk)
            self.disk.settle(fresh)
            self.disk.write(fresh / COMPLETE, [b""])
            self.disk.settle(fresh)
            self.disk.remove(final)
            self.disk.rename(fresh, final)
            self.disk.settle_names(self.versions)
        except (OSError, UpdateRefused):
            self.disk.remove(fresh)
            raise

    def switch(self, version: str) -> None:
        """Run another version from the next start on, on trial. Raises `UpdateRefused` unless it is whole."""
        if not self.has(version):
            raise UpdateRefused(f"version {version} is not here, or not whole")
        former = self.current()
        for name in ("returned", "trial.tries"):
            self._take_away(name)
        if former and former != version:
            self._replace("trial", f"versions/{former}\nversions/{version}\n")
            self._turn("previous", former)
        self._turn("current", version)

    def return_home(self, *, meant: bool = False) -> str:
        """Back to the version before; its name. `meant`: somebody wants it, nothing failed. Raises `UpdateRefused`."""
        former = self.previous()
        if not self.has(former) or former == self.current():
            raise UpdateRefused("there is no version before this one here")
        failed = self.current()
        self._turn("current", former)
        if meant:
            self._take_away("returned")
        else:
            self._replace("returned", f"versions/{former}\nversions/{failed}\n")
        self._take_away("trial")
        self._take_away("trial.tries")
        return former

    def on_trial(self) -> bool:
        """Whether the version that runs has still to come up."""
        return (self.home / "trial").exists()

    def was_returned(self) -> bool:
        """Whether the last one did not."""
        return (self.home / "returned").exists()

    def forget_old(self) -> None:
        """Keep the version that runs and the one before."""
        kept = {self.current(), self.previous()}
        for path in self.versions.iterdir():
            if path.name not in kept and not path.name.startswith("."):
                self.disk.remove(path)

    def _named(self, name: str) -> str:
        try:
            return (self.home / name).readlink().name
        except OSError:
            return ""

    def _turn(self, name: str, version: str) -> None:
        fresh = self.home / f".{name}"
        self.disk.remove(fresh)
        self.disk.link(f"versions/{version}", fresh)
        self.disk.rename(fresh, self.home / name)
        self.disk.settle_names(self.home)

    def _replace(self, name: str, text: str) -> None:
        fresh = self.home / f".{name}"
        self.disk.remove(fresh)
        self.disk.write(fresh, [text.encode()])
        self.disk.settle(self.home)
        self.disk.rename(fresh, self.home / name)
        self.disk.settle_names(self.home)

    def _take_away(self, name: str) -> None:
        self.disk.remove(self.home / name)
