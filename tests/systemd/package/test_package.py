"""The Debian package in a Debian of its own, without a network: installed, at work, upgraded, downgraded, removed.

`make test-package`, as root, for minutes. The empty Debians are made once with debootstrap, and need a network for
that. The one for arm64 runs where qemu-user-static is installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.package.debian import Debian, can_emulate, fresh

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "package"
ARCHIVES = {"amd64": BUILD / "debian-12.tar", "arm64": BUILD / "debian-12-arm64.tar"}
UNITS = ("gate.target", "gate.service", "gate-sync.service", "gate-ui.service", "gate-hub.service")
OLDER, NEWER = "0.1.0", "0.1.1"
PROGRAM = "/opt/menshen/current/bin/gatectl"
STATE = "var/lib/menshen"
# What a lane has to say of itself that was given a name, and has neither a device nor a server yet.
OF_A_BARE_LANE = {"G211", "G135"}
OF_THE_MACHINE = {"clock", "disk", "heat", "memory", "wear"}  # whichever runs this test

ABSENT = [name for name in ("debootstrap", "dpkg-deb", "unshare", "tar") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a root folder of another system takes root"),
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}"),
]


@pytest.fixture(params=["amd64", "arm64"])
def debian(request, tmp_path: Path) -> Iterator[Debian]:
    arch = str(request.param)
    ours = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    if arch != ours and not (arch == "arm64" and can_emulate()):
        pytest.skip(f"this machine does not run programs for {arch}: apt-get install qemu-user-static")
    with fresh(ARCHIVES[arch], arch, tmp_path) as made:
        yield made


@pytest.fixture
def packages(debian: Debian, tmp_path: Path) -> dict[str, Path]:
    """Two versions of the same program, made now."""
    for version in (OLDER, NEWER):
        order = [sys.executable, "systemd/package.py", "--uv", str(BUILD / "room/bin/uv"), "--arch", debian.arch]
        subprocess.run([*order, "--version", version, "--level", "1", "--out", str(tmp_path)], cwd=ROOT, check=True)
    return {version: tmp_path / f"menshen_{version}_{debian.arch}.deb" for version in (OLDER, NEWER)}


def test_a_life_of_an_appliance(debian: Debian, packages: dict[str, Path]):
    """One test, since each step stands on the one before."""
    print(f"\n{debian.arch}: installed in {debian.install(packages[OLDER]):.0f} s")
    _units_hold(debian)
    _setup_makes_a_lane(debian)
    _check_tells_what_is_missing(debian)
    _a_visitor_is_admitted(debian)
    _starts_and_ends(debian)
    before = _kept(debian)
    assert {f"{STATE}/ledger.db", f"{STATE}/signing-key", "etc/menshen/gate.toml"} <= set(before)
    assert _running(debian) == OLDER

    print(f"{debian.arch}: upgraded in {debian.install(packages[NEWER]):.0f} s")
    assert (_running(debian), _kept(debian)) == (NEWER, before)
    assert (debian.folder / "opt/menshen/previous").readlink() == Path("versions", OLDER)
    assert OLDER in debian.run(f"/opt/menshen/versions/{OLDER}/bin/gatectl", "--version").stdout, "the way back"
    _starts_and_ends(debian)

    grown = _kept(debian)
    debian.install(packages[OLDER])
    assert (_running(debian), _kept(debian)) == (OLDER, grown)
    _starts_and_ends(debian)
    assert _starts(debian) == [OLDER, NEWER, OLDER], "each version goes on with the ledger of the other"

    last = _kept(debian)
    assert "/var/lib/menshen" in debian.run("dpkg", "--remove", "menshen").stdout
    assert not (debian.folder / "opt/menshen").exists()
    assert not (debian.folder / "usr/bin/gatectl").exists()
    assert _kept(debian) == last
    assert "rm -r" in debian.run("dpkg", "--purge", "menshen").stdout, "it says what it does not do, and who may"
    assert _kept(debian) == last


def _units_hold(debian: Debian) -> None:
    for unit in UNITS:
        told = debian.run("systemd-analyze", "verify", "--man=no", f"/usr/lib/systemd/system/{unit}")
        assert told.stderr == ""
    for unit in UNITS[1:]:
        path = f"/usr/lib/systemd/system/{unit}"
        told = debian.run("systemd-analyze", "security", "--offline=true", "--no-pager", path).stdout
        score = re.search(r"exposure level for \S+: ([\d.]+)", told)
        assert score, told
        print(f"{debian.arch}: {unit} {score.group(1)}")
        assert float(score.group(1)) <= (2.0 if unit in ("gate-sync.service", "gate-hub.service") else 1.5)
    assert (debian.folder / "etc/systemd/system/multi-user.target.wants/gate.target").is_symlink()


def _setup_makes_a_lane(debian: Debian) -> None:
    """The wizard with its own synthetic admission; its devices are not plugged in, and it says so."""
    devices = ("--reader", "sam+serial:///dev/gate-reader", "--relay", "lcus+serial:///dev/gate-relay?channel=1")
    began = time.monotonic()
    words = ("setup", "--yes", "--json", "--name", "G1", *devices, "--camera", "", "--sensor", "")
    told = debian.run("gatectl", *words, check=False)
    print(f"{debian.arch}: set up in {time.monotonic() - began:.1f} s")
    assert told.returncode == 1, told.stderr
    steps = [json.loads(line) for line in told.stdout.splitlines()]
    (admission,) = (step for step in steps if step["step"] == "admission")
    assert (admission["ok"], admission["why"]) == (True, "")
    findings = [step for step in steps if step["step"] == "finding" and step["concern"] not in OF_THE_MACHINE]
    assert {finding["code"] for finding in findings} == OF_A_BARE_LANE
    assert {path.name for path in (debian.folder / STATE).iterdir()} == {"hub", "models"}, "nothing of root's is left"
    debian.run("gatectl", "config", "check")


def _check_tells_what_is_missing(debian: Debian) -> None:
    began = time.monotonic()
    told = debian.run("gatectl", "check", "--json", check=False)
    print(f"{debian.arch}: checked in {time.monotonic() - began:.1f} s")
    *findings, _ = [json.loads(line) for line in told.stdout.splitlines()]
    worst = {one["code"] for one in findings if one["severity"] in ("error", "fatal")}
    assert worst >= {"G211"}
    for code in worst:
        assert debian.run("gatectl", "explain", code).stdout


def _a_visitor_is_admitted(debian: Debian) -> None:
    """From card and face to the turnstile on simulated wires, with the package's own program and libraries."""
    began = time.monotonic()
    if debian.arch == "amd64":
        assert "verified" in debian.run("gatectl", "demo").stdout
        told = debian.run("gatectl", "update", "prove").stderr
    else:
        shutil.copy(Path(__file__).with_name("one_visitor.py"), debian.folder / "tmp")
        told = debian.run("/opt/menshen/current/bin/python", "-P", "/tmp/one_visitor.py").stdout
    print(f"{debian.arch}: {told.strip()}; in all {time.monotonic() - began:.0f} s")


def _starts_and_ends(debian: Debian) -> None:
    """The gate itself, as its own user, with no device at all; SIGTERM ends it in good order."""
    debian.run("systemd-tmpfiles", "--create", "menshen.conf")
    up = "test -S /run/menshen/gate.sock"
    wait = f"for n in $(seq 600); do {up} && break; sleep 0.2; done; {up}"
    begin, end = f"rm -f /run/menshen/gate.sock; {PROGRAM} run & gate=$!", "kill -TERM $gate; wait $gate && exit $up"
    script = f"{begin}; {wait}; up=$?; {end}"
    debian.run("runuser", "-u", "menshen", "--", "sh", "-c", f"umask 077; {script}")
    assert "every line is what was written" in debian.run("gatectl", "ledger", "verify").stdout
    debian.run("gatectl", "check", "--json", check=False)
    debian.run("gatectl", "diagnose", "--out", "/tmp/bundle.zip")
    (debian.folder / "tmp/bundle.zip").unlink()
    state = debian.folder / STATE
    assert {path.stat().st_uid for path in state.glob("*")} & {0} == set(), "root's files are of no use to the gate"
    assert (state / "ledger.db").stat().st_uid == state.stat().st_uid


def _starts(debian: Debian) -> list[str]:
    """The versions that started here, as the ledger has them."""
    told = debian.run("gatectl", "ledger", "tail", "--json", "-n", "1000").stdout
    rows = [json.loads(line) for line in told.splitlines()]
    return [row["reason"] for row in sorted(rows, key=lambda row: row["seq"]) if row["kind"] == "start"]


def _running(debian: Debian) -> str:
    told = debian.run("gatectl", "--version").stdout.split()[-1]
    assert told == (debian.folder / "opt/menshen/current").readlink().name
    return told


def _kept(debian: Debian) -> dict[str, bytes]:
    """Every file that an upgrade and a removal leave as it is."""
    places = (debian.folder / STATE, debian.folder / "etc/menshen")
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return {path.relative_to(debian.folder).as_posix(): path.read_bytes() for path in files}
