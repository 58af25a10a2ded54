"""Brings a signed release onto this machine: judged, unpacked beside the others, proven, switched to, watched.

Whatever goes wrong before the switch leaves everything as it was; what goes wrong after it leads back to the former
version, by this process or, where that is gone, by systemd's next tries to start the gate (systemd/trial.sh).
"""

from __future__ import annotations

import errno
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gate.update_release import SUFFIX, Release, UpdateRefused, open_release, order
from gate.update_shelf import Shelf
from models.store.public_key import KeyUse, WrongKey, read_public_key

SPARE_BYTES = 64 << 20
ARCHS = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a release has to fit."""

    arch: str
    python: str
    free_bytes: int
    stores: dict[str, int]

    @classmethod
    def this(cls, home: Path, stores: dict[str, int]) -> Machine:
        """The one we run on."""
        space = os.statvfs(home if home.exists() else home.parent)
        arch = ARCHS.get(platform.machine(), platform.machine())
        return cls(arch, f"{sys.version_info.major}.{sys.version_info.minor}", space.f_bavail * space.f_frsize, stores)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever updates said beside the file's name."""

    downgrade: bool = False
    one_way: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. `now` runs; `why` says what went wrong where that is not the new version."""

    before: str
    wanted: str
    now: str
    why: str = ""
    cleaned: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the new version runs."""
        return self.now == self.wanted


def release_keys(folder: Path) -> list[bytes]:
    """The makers that this machine believes: `release*.pub` in `folder`. Raises `UpdateRefused` where there is none."""
    keys = []
    for path in sorted(folder.glob("release*.pub")):
        try:
            keys.append(read_public_key(path, KeyUse.RELEASE).raw)
        except (WrongKey, OSError) as error:
            raise UpdateRefused(f"the maker's key can't be used: {error}") from None
    if not keys:
        raise UpdateRefused(
            f"no maker's key is pinned here: put the release key's public half into {folder}/release.pub"
        )
    return keys


def choose(place: Path, keys: list[bytes], arch: str) -> Release:
    """The release in the file `place`, or the newest in that folder for this machine. Raises `UpdateRefused`."""
    if not place.is_dir():
        return open_release(place, keys)
    found, refused = [], []
    for path in sorted(place.glob(f"*{SUFFIX}")):
        try:
            release = open_release(path, keys)
        except UpdateRefused as error:
            refused.append(str(error))
            continue
        if release.head.arch == arch:
            found.append(release)
    if not found:
        raise UpdateRefused("; ".join(refused) or f"there is no release for {arch} in {place}")
    return max(found, key=lambda release: order(release.head.version))


def judge(release: Release, current: str, machine: Machine, wishes: Wishes) -> None:
    """Raise `UpdateRefused` where this release may not follow this version on this machine."""
    head = release.head
    if head.arch != machine.arch:
        raise UpdateRefused(f"the release is for {head.arch}, and this machine is {machine.arch}")
    if head.python != machine.python:
        raise UpdateRefused(f"the release needs Python {head.python}, and this machine has {machine.python}")
    if current:
        _judge_order(release, current, wishes)
    for kind, version in head.stores.items():
        here = machine.stores.get(kind, version)
        if version < here:
            raise UpdateRefused(f"the release reads {kind}s of version {version}, and this machine's has {here}")
        if version > here and not wishes.one_way:
            raise UpdateRefused(
                f"the release brings the {kind} from version {here} to {version}, and then no older program can read "
                "it: there is no way back. Say --one-way if that is meant"
            )
    if machine.free_bytes < head.size + SPARE_BYTES:
        need, free = (head.size + SPARE_BYTES) // 1_000_000, machine.free_bytes // 1_000_000
        raise UpdateRefused(f"the release needs {need} MB of free space, and there are {free} MB")


def _judge_order(release: Release, current: str, wishes: Wishes) -> None:
    head = release.head
    if head.version == current:
        raise UpdateRefused(f"version {current} runs here already")
    if order(head.version) < order(current) and not wishes.downgrade:
        raise UpdateRefused(f"{head.version} is older than {current}, which runs: say --downgrade if that is meant")
    if order(current) < order(head.minimum_from):
        raise UpdateRefused(
            f"{head.version} can be reached from {head.minimum_from} on, and {current} runs: go there first"
        )


def update(
    release: Release,
    shelf: Shelf,
    prove: Callable[[Path], str],
    restart: Callable[[], None],
    comes_up: Callable[[], bool],
    cleaned: tuple[str, ...] = (),
) -> Outcome:
    """Take `release` up; it has been judged. Raises `UpdateRefused` while nothing has changed, `OSError`.

    `prove` has the unpacked version show what it can, and says why it can't; `restart` starts the services anew;
    `comes_up` waits and says whether the new version did.
    """
    before, wanted = shelf.current(), release.head.version
    try:
        shelf.put(release)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UpdateRefused("the disk became full: free some space, nothing has changed") from error
        raise
    if why := prove(shelf.folder(wanted)):
        if wanted not in (before, shelf.previous()):
            shelf.disk.remove(shelf.folder(wanted))
        return Outcome(before, wanted, before, why, cleaned)
    shelf.switch(wanted)
    restart()
    if comes_up():
        shelf.forget_old()
        return Outcome(before, wanted, wanted, cleaned=cleaned)
    if shelf.current() == wanted:
        shelf.return_home()
    restart()
    return Outcome(before, wanted, shelf.current(), "it did not come up, and the version before was put back", cleaned)
