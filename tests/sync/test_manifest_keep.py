"""A manifest goes some days after its last one, by the authority's time, and leaves a note."""

from __future__ import annotations

from pathlib import Path

from models.keeping import ManifestGone
from models.ticket import ManifestState
from models.wire import from_json
from sync.manifest_keep import DAY_S, NOTE, ManifestKeep

ENDS = 1_790_000_000.0
HELD = ManifestState("gala", 7, ENDS - 9 * DAY_S, ENDS, 800, "ab" * 32)


def test_it_is_over_some_days_after_its_last(tmp_path: Path) -> None:
    assert not ManifestKeep(tmp_path, 3, lambda: ENDS + 3 * DAY_S).is_over(HELD)
    assert ManifestKeep(tmp_path, 3, lambda: ENDS + 3 * DAY_S + 1).is_over(HELD)
    assert not ManifestKeep(tmp_path, 3, lambda: ENDS * 2).is_over(None)


def test_by_our_own_clock_alone_nothing_is_over(tmp_path: Path) -> None:
    assert not ManifestKeep(tmp_path, 3, lambda: None).is_over(HELD)


def test_the_note_says_what_is_gone(tmp_path: Path) -> None:
    ManifestKeep(tmp_path, 3, lambda: ENDS + 4 * DAY_S).note(HELD)
    note = from_json(ManifestGone, (tmp_path / NOTE).read_bytes())
    assert note == ManifestGone("gala", 7, 800, "ab" * 32, ENDS, ENDS + 4 * DAY_S)
    assert [path.name for path in tmp_path.iterdir()] == [NOTE]
