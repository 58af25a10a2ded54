"""The search of a list gives what a plain search over all of it gives: nobody more, nobody less, at the very edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core import watch
from gate.core.watch import index, search
from models.face import FaceProbe
from models.watch import WatchAction, WatchEntry, WatchHit
from models.watch_domain import turn
from tests.examples import examples

Array = npt.NDArray[np.float32]

SECRET, OTHER = b"s" * 32, b"o" * 32


def listed(rows: Array, domain: str = "", secret: bytes = b"", model: str = "m") -> list[WatchEntry]:
    """An entry for each row, as it lies in its domain."""
    packed = (row.astype("<f4").tobytes() for row in rows)
    return [
        WatchEntry(
            f"{domain}W{number:06}", "security", "order", WatchAction.REVIEW, 0.0, 1.0,
            template=turn(secret, template) if secret else template, model_version=model, domain=domain,
        )
        for number, template in enumerate(packed)
    ]  # fmt: skip


def probe(*frames: Array) -> FaceProbe:
    """A probe of these frames."""
    first, *further = (frame.astype("<f4").tobytes() for frame in frames)
    return FaceProbe("m", first, further=tuple(further))


def plainly(entries: Sequence[WatchEntry], seen: bytes, threshold: float) -> list[tuple[str, float]]:
    """Everybody measured, nearest first: the search that `search` must agree with to the last bit."""
    rows = np.stack([np.frombuffer(entry.template, "<f4") for entry in entries])
    apart = np.linalg.norm(rows - np.frombuffer(seen, "<f4"), axis=1)
    found = [(entry.entry, float(d)) for entry, d in zip(entries, apart, strict=True) if d <= threshold]
    return sorted(found, key=lambda each: (each[1], each[0]))


def told(hits: Sequence[WatchHit]) -> list[tuple[str, float]]:
    """Names and distances."""
    return [(hit.entry, hit.distance) for hit in hits]


def crowd(count: int, size: int, seed: int) -> Array:
    """Templates of many persons, close together along most directions, as faces are; some of them twice."""
    random = np.random.default_rng(seed)
    spread = np.exp(-np.arange(size) / 8.0) + 0.02
    rows = (random.standard_normal((count, size)) * spread + 0.1).astype(np.float32)
    rows[count // 2 :: 7] = rows[0]
    return rows


@settings(max_examples=examples(300), deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(
            st.lists(st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size), min_size=1, max_size=12),
            st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size),
        )
    ),
    st.integers(0, 11),
    st.sampled_from([1.0, 1e-6, 1e3]),
)
def test_of_any_few_templates_all_are_found_up_to_the_very_edge(
    drawn: tuple[list[list[float]], list[float]], edge: int, scale: float
) -> None:
    rows, seen = (np.array(values, np.float32) * np.float32(scale) for values in drawn)
    entries, shown = listed(rows), probe(seen)
    distances = np.linalg.norm(rows - seen, axis=1)
    threshold = float(distances[edge % len(rows)])  # one of them lies on the edge itself
    assert told(search(index(entries), shown, threshold)) == plainly(entries, shown.template, threshold)


@pytest.mark.parametrize(("count", "size"), [(2_100, 128), (700, 512), (3_000, 7)])
def test_of_a_crowd_all_are_found_up_to_the_very_edge(count: int, size: int) -> None:
    rows = crowd(count, size, count)
    entries = listed(rows)
    made = index(entries)
    for number in range(20):
        seen = probe(rows[number] + np.float32(0.01 * number))
        apart = np.sort(np.linalg.norm(rows - np.frombuffer(seen.template, "<f4"), axis=1))
        for threshold in (0.0, *map(float, apart[[0, 3, count // 10, count - 1]])):
            assert told(search(made, seen, threshold)) == plainly(entries, seen.template, threshold)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are found in the first block, in the last and at the seams."""
    monkeypatch.setattr(watch, "BLOCK_ROWS", 16)
    rows = crowd(100, 32, 5)
    entries = listed(rows)
    made = index(entries)
    assert len(made["m", 128][0].blocks) == 7
    for row in (0, 15, 16, 31, 99):
        assert told(search(made, probe(rows[row]), 0.3)) == plainly(entries, entries[row].template, 0.3)


def test_a_first_pass_leaves_most_of_a_crowd_out() -> None:
    """Otherwise it would be for nothing."""
    rows = crowd(2_100, 128, 1)[: 2_100 // 2]
    (sheet,) = index(listed(rows))["m", 512]
    seen = crowd(2_100, 128, 2)[1]
    assert sheet.basis.shape[1] <= 24
    assert len(sheet._may_be_within(seen, 0.35)) < len(rows) / 50


def test_a_probe_is_turned_by_the_secret_of_each_domain_it_is_held_against() -> None:
    rows = crowd(300, 128, 9)
    entries = [*listed(rows[:100], "city", SECRET), *listed(rows[100:200], "venue", OTHER), *listed(rows[200:])]
    made = index(entries, {"city": SECRET, "venue": OTHER})
    for row, name in ((1, "cityW000001"), (101, "venueW000001"), (201, "W000001")):
        hits = search(made, probe(rows[row] + np.float32(0.001)), 0.05)
        assert [hit.entry for hit in hits] == [name]
        assert hits[0].domain == name.removesuffix("W000001")
        assert hits[0].distance == pytest.approx(0.001 * 128**0.5, rel=1e-3)


def test_in_a_domain_the_answer_is_that_of_a_plain_search_with_the_turned_probe() -> None:
    rows = crowd(500, 128, 4)
    entries = listed(rows, "city", SECRET)
    made = index(entries, {"city": SECRET})
    for row in range(10):
        seen = probe(rows[row] + np.float32(0.003))
        turned = turn(SECRET, seen.template)
        for _, threshold in plainly(entries, turned, 9.0)[:5]:
            assert told(search(made, seen, threshold)) == plainly(entries, turned, threshold)


def test_without_its_secret_a_domain_is_of_no_use() -> None:
    rows = crowd(10, 128, 4)
    assert index(listed(rows, "city", SECRET)) == {}
    wrong = index(listed(rows, "city", SECRET), {"city": OTHER})
    assert search(wrong, probe(rows[0]), 0.35) == ()


def test_frames_that_agree_are_counted_and_the_farthest_of_them_gives_the_distance() -> None:
    rows = crowd(20, 128, 3)[:10]
    made = index(listed(rows))
    near, nearer = rows[1] + np.float32(0.01), rows[1] + np.float32(0.005)
    (hit,) = search(made, probe(near, nearer, rows[5]), 0.2)[1:]
    assert (hit.entry, hit.frames) == ("W000001", 2)
    assert hit.distance == pytest.approx(0.01 * 128**0.5, rel=1e-3)
    other = search(made, probe(near, nearer, rows[5]), 0.2)[0]
    assert (other.entry, other.frames) == ("W000005", 1)


@pytest.mark.parametrize("odd", [np.nan, np.inf, 3e38])
def test_a_template_that_is_none_is_nobody_s_and_hides_nobody(odd: float) -> None:
    rows = crowd(30, 16, 2)
    rows[4, 3] = odd
    assert [hit.entry for hit in search(index(listed(rows)), probe(rows[5]), 1e-6)] == ["W000005"]
    assert search(index(listed(rows)), probe(rows[4]), 9.0) == ()


def test_an_index_keeps_neither_template_nor_document_of_anybody_beside_its_sheets() -> None:
    entries = [
        WatchEntry(
            "W1", "o", "p", WatchAction.REVIEW, 0, 1, person_key="ab" * 32, template=b"\0" * 8, model_version="m"
        )
    ]
    (sheet,) = index(entries)["m", 8]
    assert (sheet.entries[0].template, sheet.entries[0].person_key) == (b"", "")
