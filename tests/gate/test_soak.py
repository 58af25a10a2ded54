"""The gate's process does not grow with the number of those who come."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.soak import GROWTH, evening, growth

VISITORS = 4_000


@pytest.mark.long
def test_four_thousand_visitors_leave_neither_memory_nor_files_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The caches are full after the first half; what grows afterwards would grow all evening."""
    looks, _ = evening(tmp_path, VISITORS)
    half, last = looks[len(looks) // 2], looks[-1]
    written_kb = (last.written - looks[0].written) / VISITORS / 1024
    with capfd.disabled():
        memory = f"{half.memory_mb:.1f} MB after the first half, {last.memory_mb:.1f} MB at the end"
        print(f"\n{memory}, {last.files} files, {written_kb:.0f} KiB written by an admission", file=sys.stderr)
    assert last.visitors == VISITORS
    assert growth(half.memory_mb, last.memory_mb) <= GROWTH
    assert last.files <= half.files
    assert written_kb < 45, "small pages are in use"
