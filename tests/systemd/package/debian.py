"""A Debian of our own in a folder, of this machine's architecture or an emulated one, without a network."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINFMT = Path("/proc/sys/fs/binfmt_misc")
QEMU = Path("/usr/bin/qemu-aarch64-static")
# An ELF file for aarch64, whoever made it; F: the emulator is opened now, so that a root folder needs no copy of it.
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
PLAIN = ("TERM=dumb", "SYSTEMD_COLORS=0", "SYSTEMD_URLIFY=0")


class Debian:
    """A folder that is the root of another system. What runs in it has a process table of its own, and no network."""

    def __init__(self, folder: Path, arch: str) -> None:
        self.folder, self.arch = folder, arch

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        inside = ["unshare", "--net", "--pid", "--fork", "--mount-proc=" + str(self.folder / "proc")]
        command = [*inside, "chroot", str(self.folder), "env", "-C", "/tmp", *PLAIN, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def install(self, package: Path) -> float:
        """Returns how long it took, seconds."""
        shutil.copy(package, self.folder / "root" / package.name)
        began = time.monotonic()
        self.run("dpkg", "-i", f"/root/{package.name}")
        took_s = time.monotonic() - began
        (self.folder / "root" / package.name).unlink()
        return took_s

    def read(self, path: str) -> bytes:
        return (self.folder / path.lstrip("/")).read_bytes()


def can_emulate() -> bool:
    """Whether this machine runs programs for arm64, having been told how where it could be."""
    rule = BINFMT / "qemu-aarch64"
    if not rule.exists() and QEMU.exists():
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], capture_output=True)
        if (BINFMT / "register").exists():
            (BINFMT / "register").write_text(f":qemu-aarch64:M::{MAGIC}:{MASK}:{QEMU}:F")
    return rule.exists()


@contextmanager
def fresh(archive: Path, arch: str, folder: Path) -> Iterator[Debian]:
    """An empty Debian 12, made once with a network and unpacked anew each time."""
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        made = archive.with_suffix(".new")
        order = ["debootstrap", f"--arch={arch}", "--variant=minbase", "--include=python3,systemd,udev", "bookworm"]
        subprocess.run([*order, str(folder / "new")], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", str(folder / "new"), "-cf", str(made), "."], check=True)
        made.rename(archive)
    root = folder / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xf", str(archive)], check=True)
    for place in ("pts", "shm"):
        (root / "dev" / place).mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", str(root / "dev/pts")], check=True
    )
    (root / "dev/ptmx").unlink(missing_ok=True)
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    try:
        yield Debian(root, arch)
    finally:
        subprocess.run(["umount", str(root / "dev/pts")], check=True)
