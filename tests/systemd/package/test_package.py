"""The Debian package in a Debian of its own, without a network: installed, at work, upgraded, downgraded, removed.

`make test-package`, as root, for minutes. The empty Debian is made once with debootstrap, and needs a network for that.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "package"
DEBIAN = BUILD / "debian-12.tar"
UNITS = ("gate.target", "gate.service", "gate-sync.service", "gate-ui.service", "gate-hub.service")
PLAIN = ("TERM=dumb", "SYSTEMD_COLORS=0", "SYSTEMD_URLIFY=0")
OLDER, NEWER = "0.1.0", "0.1.1"

ABSENT = [name for name in ("debootstrap", "dpkg-deb", "unshare", "tar") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a root folder of another system takes root"),
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}"),
]


class Debian:
    """A folder that is the root of another system, which has no network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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


@pytest.fixture(scope="module")
def debian(tmp_path_factory) -> Iterator[Debian]:
    folder = tmp_path_factory.mktemp("debian")
    if not DEBIAN.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        fresh = DEBIAN.with_suffix(".new")
        order = ["debootstrap", "--variant=minbase", "--include=python3,systemd,udev", "bookworm", str(folder / "new")]
        subprocess.run(order, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", str(folder / "new"), "-cf", str(fresh), "."], check=True)
        fresh.rename(DEBIAN)
    root = folder / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xf", str(DEBIAN)], check=True)
    for place in ("pts", "shm"):
        (root / "dev" / place).mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", str(root / "dev/pts")], check=True
    )
    (root / "dev/ptmx").unlink(missing_ok=True)
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    yield Debian(root)
    subprocess.run(["umount", str(root / "dev/pts")], check=True)


@pytest.fixture(scope="module")
def packages() -> dict[str, Path]:
    """Two versions of the same program, made now."""
    for version in (OLDER, NEWER):
        order = [sys.executable, "systemd/package.py", "--uv", str(BUILD / "room/bin/uv"), "--arch", "amd64"]
        subprocess.run([*order, "--version", version, "--level", "1"], cwd=ROOT, check=True)
    return {version: ROOT / "dist" / f"menshen_{version}_amd64.deb" for version in (OLDER, NEWER)}


def test_a_life_of_an_appliance(debian: Debian, packages: dict[str, Path]):
    """One test, since each step stands on the one before."""
    print(f"installed in {debian.install(packages[OLDER]):.0f} s")
    _units_hold(debian)
    _a_lane_has_a_ledger(debian)
    before = _kept(debian)
    assert _running(debian) == OLDER

    _an_evening_goes_well(debian)

    debian.install(packages[NEWER])
    assert (_running(debian), _kept(debian)) == (NEWER, before)
    assert (debian.folder / "opt/menshen/previous").readlink() == Path("versions", OLDER)
    debian.run(f"/opt/menshen/versions/{OLDER}/bin/gatectl", "--version")  # the way back is whole

    debian.install(packages[OLDER])
    assert (_running(debian), _kept(debian)) == (OLDER, before)
    debian.run("gatectl", "ledger", "verify")

    debian.run("dpkg", "--remove", "menshen")
    assert not (debian.folder / "opt/menshen").exists()
    assert not (debian.folder / "usr/bin/gatectl").exists()
    debian.run("dpkg", "--purge", "menshen")
    assert _kept(debian) == before


def _units_hold(debian: Debian) -> None:
    for unit in UNITS:
        told = debian.run("systemd-analyze", "verify", "--man=no", f"/usr/lib/systemd/system/{unit}")
        assert told.stderr == ""
    for unit in UNITS[1:]:
        path = f"/usr/lib/systemd/system/{unit}"
        told = debian.run("systemd-analyze", "security", "--offline=true", "--no-pager", path).stdout
        score = re.search(r"exposure level for \S+: ([\d.]+)", told)
        assert score, told
        assert float(score.group(1)) <= (2.0 if unit in ("gate-sync.service", "gate-hub.service") else 1.5)
    assert (debian.folder / "etc/systemd/system/multi-user.target.wants/gate.target").is_symlink()


def _a_lane_has_a_ledger(debian: Debian) -> None:
    """Begun by the gate itself, as its own user, with no device at all; SIGTERM ends it in good order."""
    etc = debian.folder / "etc/menshen"
    text = debian.read("/usr/share/menshen/gate.toml").decode()
    (etc / "gate.toml").write_text(text.replace('"v4l2:///dev/gate-camera"', '""'))
    debian.run("gatectl", "config", "check")
    debian.run("systemd-tmpfiles", "--create", "menshen.conf")
    ended = debian.run("timeout", "--signal=TERM", "20", "gatectl", "run", check=False)
    assert ended.returncode == 124, ended.stderr
    ledger = debian.run("gatectl", "ledger", "verify")
    assert "every line is what was written" in ledger.stdout
    state = debian.folder / "var/lib/menshen"
    assert {path.stat().st_uid for path in state.glob("*")} & {0} == set(), "root's files are of no use to the gate"
    assert (state / "ledger.db").stat().st_uid == state.stat().st_uid


def _an_evening_goes_well(debian: Debian) -> None:
    """Synthetic visitors on real wires, with the package's own program and libraries."""
    began = time.monotonic()
    told = debian.run("gatectl", "demo")
    print(f"the demo took {time.monotonic() - began:.0f} s")
    assert "verified" in told.stdout


def _running(debian: Debian) -> str:
    return (debian.folder / "opt/menshen/current").readlink().name


def _kept(debian: Debian) -> dict[str, bytes]:
    """What an upgrade and a removal leave as it is."""
    names = (
        "var/lib/menshen/ledger.db",
        "var/lib/menshen/signing-key",
        "var/lib/menshen/device-key",
        "etc/menshen/gate.toml",
    )
    return {name: debian.read(name) for name in names}
