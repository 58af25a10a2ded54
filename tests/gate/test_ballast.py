"""Space held back for the ledger, and given up before there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.ballast import Ballast, Room

MB = 1 << 20


class Disk:
    """So much is free; what the ballast takes up is taken from it."""

    def __init__(self, folder: Path, free_mb: float, total_mb: float = 10_000) -> None:
        self.folder, self.free_mb, self.total_mb = folder, free_mb, total_mb

    def statvfs(self, folder: Path) -> os.statvfs_result:
        told = list(os.statvfs(folder))
        file = self.folder / "ballast"
        taken = file.stat().st_size if file.exists() else 0
        told[1] = 1
        told[2], told[4] = int(self.total_mb * MB), max(0, int(self.free_mb * MB) - taken)
        return os.statvfs_result(told)


def test_it_is_laid_given_up_and_laid_again(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 5000)
    ballast = Ballast(tmp_path, 4 * MB, disk.statvfs)
    assert ballast.look() is Room.PLENTY
    assert ballast.path.stat().st_size == 4 * MB
    assert ballast.path.stat().st_blocks * 512 >= 4 * MB, "it takes up space, and is no hole"
    disk.free_mb = 4 + 100
    assert (ballast.look(), ballast.spare) == (Room.LOW, True)
    disk.free_mb = 4 + 1.9
    assert (ballast.look(), ballast.spare, ballast.path.exists()) == (Room.TIGHT, False, False)
    disk.free_mb = 7.9
    assert ballast.look() is Room.TIGHT, "it would be gone again at once"
    disk.free_mb = 5000
    assert (ballast.look(), ballast.path.exists()) == (Room.PLENTY, True)


def test_a_disk_that_has_no_room_for_it_carries_none(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 7)
    ballast = Ballast(tmp_path, 4 * MB, disk.statvfs)
    assert (ballast.look(), ballast.path.exists()) == (Room.LOW, False)


def test_without_ballast_low_space_is_told_all_the_same(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 100)
    ballast = Ballast(tmp_path, 0, disk.statvfs)
    assert ballast.look() is Room.LOW
    disk.free_mb = 5000
    assert ballast.look() is Room.PLENTY


def test_a_change_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk(tmp_path, 100)
    ballast = Ballast(tmp_path, 4 * MB, disk.statvfs)
    for _ in range(3):
        ballast.look()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_folder_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    assert Ballast(tmp_path / "gone", MB).look() is Room.PLENTY
