"""Where a release comes from: a file, a folder, or the USB stick that was just put in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gate.update_release import SUFFIX, UpdateRefused

USB = "USB"
_OPTIONS = "ro,nosuid,nodev,noexec"


@contextmanager
def place_of(told: str, root: Path = Path("/")) -> Iterator[Path]:
    """The file or folder to take the release from. A stick is mounted to be read alone, and given back.

    Raises `UpdateRefused`.
    """
    if told.upper() != USB:
        path = Path(told)
        if not path.exists():
            raise UpdateRefused(f"{told} is not there")
        yield path
        return
    sticks = {path.resolve() for path in (root / "dev/disk/by-id").glob("usb-*-part*")}
    sticks |= {path.resolve() for path in (root / "dev/disk/by-id").glob("usb-*") if "-part" not in path.name}
    mounted = _mounted(root)
    for stick in sorted(sticks):
        if stick in mounted and any(mounted[stick].glob(f"*{SUFFIX}")):
            yield mounted[stick]
            return
    for stick in sorted(sticks - mounted.keys(), reverse=True):  # a partition before its whole disk
        with TemporaryDirectory(prefix="menshen-stick-") as folder:
            if _do("mount", "-o", _OPTIONS, str(stick), folder):
                try:
                    if any(Path(folder).glob(f"*{SUFFIX}")):
                        yield Path(folder)
                        return
                finally:
                    _do("umount", folder)
    raise UpdateRefused(f"there is no USB stick with a file *{SUFFIX} on it: put it in, and wait for five seconds")


def _mounted(root: Path) -> dict[Path, Path]:
    try:
        lines = (root / "proc/mounts").read_text("utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.split()[:2] for line in lines if line.startswith("/"))
    return {Path(device): Path(folder.replace("\\040", " ")) for device, folder in pairs}


def _do(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words
