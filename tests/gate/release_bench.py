"""Two small versions of a program that is not ours, a key, and a machine to put them on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.update_disk import Disk
from gate.update_release import Head, Release, is_whole, make, open_release, sign
from gate.update_shelf import COMPLETE, Shelf

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OLD, NEW = "0.1.0", "0.2.0"
PYTHON = "3.11"

GATECTL = """\
#!/bin/sh
# A version that proves itself as `works` says, and tells its number.
here=$(dirname "$(dirname "$(readlink -f "$0")")")
case "$1 ${2:-}" in
"--version ") cat "$here/version" ;;
"update prove") cat "$here/works"; exit "$(cat "$here/status")" ;;
esac
"""


def tree(folder: Path, version: str, *, works: bool = True) -> Path:
    """A version laid out as the package has it."""
    for name in ("bin", "lib/deep", "libexec"):
        (folder / name).mkdir(parents=True)
    (folder / "bin/gatectl").write_text(GATECTL)
    (folder / "bin/gatectl").chmod(0o755)
    (folder / "bin/python").symlink_to("/usr/bin/python3")
    (folder / "version").write_text(f"{version}\n")
    (folder / "works").write_text("" if works else "the face engine does not load\n")
    (folder / "status").write_text("0" if works else "1")
    (folder / "lib/deep/module.py").write_bytes(version.encode() * 300)
    (folder / "lib/big.bin").write_bytes(bytes(range(256)) * 4200)  # more than one piece
    return folder


@dataclass
class Maker:
    """Makes releases."""

    folder: Path
    made: int = 0

    def release(self, version: str, *, key: Ed25519PrivateKey | None = KEY, works: bool = True, **head: object) -> Path:
        self.made += 1
        source = tree(self.folder / f"tree-{self.made}", version, works=works)
        path = self.folder / f"menshen-{version}-{self.made}.release"
        make(source, Head(version, **({"arch": "amd64", "python": PYTHON} | head)), path)  # type: ignore[arg-type]
        if key is not None:
            sign(path, key)
        return path


@dataclass
class Appliance:
    """A machine with the old version on it; `heads` are the signed contents of all that may ever run."""

    home: Path
    heads: dict[str, Head] = field(default_factory=dict)

    def install(self, release: Release) -> Shelf:
        shelf = Shelf(self.home)
        shelf.versions.mkdir(parents=True)
        shelf.put(release)
        shelf.switch(release.head.version)
        self.heads[release.head.version] = release.head
        return shelf

    def copy(self, to: Path) -> Appliance:
        shutil.copytree(self.home, to, symlinks=True)
        return Appliance(to, self.heads)

    def boots(self) -> str:
        """The version that would start now: `current` leads to it, and it is whole to the last byte."""
        version = Shelf(self.home).current()
        folder = self.home / "versions" / version
        assert (self.home / "current").is_symlink()
        assert (folder / COMPLETE).is_file()
        assert is_whole(folder, self.heads[version]), version
        return version

    def leftovers(self) -> set[str]:
        """What belongs to no version."""
        top = {path.name for path in self.home.iterdir()} - {"versions", "current", "previous", "trial", ".update.lock"}
        return top | {path.name for path in (self.home / "versions").iterdir() if path.name not in self.heads}


class PowerCut(BaseException):
    """The power goes: nothing that follows is carried out, no `except` and no `finally` of ours either."""


@dataclass(frozen=True)
class CutDisk(Disk):
    """The power goes before the `at`-th operation; `seen` notes them all."""

    at: int = 10**9
    error: OSError | None = None
    seen: list[str] = field(default_factory=list)

    def step(self, what: str) -> None:
        self.seen.append(what)
        if len(self.seen) == self.at and self.error is not None:
            raise self.error
        if len(self.seen) >= self.at and self.error is None:
            raise PowerCut


def opened(path: Path) -> Release:
    return open_release(path, [PUBLIC])
