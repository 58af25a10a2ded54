"""`gatectl update` as a process of its own, killed at every system call by which it changes the disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gate.update import ARCHS, update
from gate.update_release import UpdateRefused
from gate.update_shelf import Shelf
from models.store.public_key import KeyUse, PublicKey, write_public_key
from tests.gate.release_bench import NEW, OLD, PUBLIC, Appliance, Maker, opened

ROOT = Path(__file__).resolve().parents[2]
CALLS = (
    *("write", "pwrite64", "rename", "renameat", "renameat2", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir"),
    *("mkdir", "mkdirat", "fsync", "fdatasync", "sync", "fchmod", "chmod", "ftruncate"),
)
POINTS = int(os.environ.get("MENSHEN_CUTS", "40"))


def updates(box: Appliance, keys: Path, release: Path, strace: list[str]) -> subprocess.CompletedProcess[str]:
    words = ["update", "--from", str(release), "--keys", str(keys), "--home", str(box.home), "--no-restart"]
    command = ["strace", "-qq", *strace, sys.executable, "-m", "gate.cli", *words, "--config", str(keys / "none.toml")]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_an_update_killed_at_any_change_leaves_one_version_that_starts(tmp_path: Path):
    """`MENSHEN_CUTS=1000` kills at every one of them; fewer are spread over all."""
    maker = Maker(tmp_path / "maker")
    maker.folder.mkdir()
    machine = {"arch": ARCHS[os.uname().machine], "python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    write_public_key(tmp_path / "release.pub", PublicKey(KeyUse.RELEASE, "maker", PUBLIC))
    box = Appliance(tmp_path / "opt")
    box.install(opened(maker.release(OLD, **machine)))
    release = maker.release(NEW, **machine)
    box.heads[NEW] = opened(release).head

    log = tmp_path / "calls"
    whole = updates(box.copy(tmp_path / "whole"), tmp_path, release, ["-o", str(log), "-e", f"trace={','.join(CALLS)}"])
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert Appliance(tmp_path / "whole", box.heads).boots() == NEW
    counts = Counter(re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE))
    points = [(call, n) for call, count in sorted(counts.items()) for n in range(1, count + 1)]
    assert len(points) > 40, counts
    started = Counter()
    for call, n in points[:: max(len(points) // POINTS, 1)]:
        cut = box.copy(tmp_path / f"cut-{call}-{n}")
        kill = ["-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}"]
        ended = updates(cut, tmp_path, release, kill)
        assert ended.returncode != 0, (call, n)
        started[cut.boots()] += 1
        if cut.boots() == OLD:
            again = updates(cut, tmp_path, release, ["-o", str(log), "-e", "trace=none"])
            assert again.returncode == 0, (call, n, again.stdout, again.stderr)
        assert cut.boots() == NEW
        Shelf(cut.home).clean()
        assert cut.leftovers() <= {"updates.log"}, (call, n)
        shutil.rmtree(cut.home)
    print(f"{started.total()} of {len(points)} points: {dict(started)}")
    assert started.keys() == {OLD, NEW}


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root")
@pytest.mark.parametrize("kilobytes", range(1300, 2500, 150))
def test_a_disk_that_becomes_full_leaves_the_version_that_runs(tmp_path: Path, kilobytes: int):
    maker = Maker(tmp_path / "maker")
    maker.folder.mkdir()
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path / "small")], check=True)
    try:
        box = Appliance(tmp_path / "small/opt")
        shelf = box.install(opened(maker.release(OLD)))
        release = opened(maker.release(NEW))
        box.heads[NEW] = release.head
        try:
            update(release, shelf, lambda folder: "", lambda: None, lambda: True)
        except UpdateRefused as refused:
            assert "the disk became full" in str(refused)  # noqa: PT017 - whether there is room is the machine's word
            assert box.boots() == OLD
            assert box.leftovers() == set()
        else:
            assert box.boots() == NEW
    finally:
        subprocess.run(["umount", str(tmp_path / "small")], check=True)
