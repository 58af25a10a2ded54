"""The bench's sections by name. Each imports what it measures only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.figures import Figure, Section

INDEX_P99_US = 100.0
"""Target of the manifest's index: keyed hash, snapshot, queries. Unsealing a found ticket comes on top."""

GROUPS = ("east asian, frontal", "all")
"""The groups of photographs to be told of here; `tests/bench/accuracy.py` tells of every source."""


def lane(quick: bool) -> Section:
    """Card to relay."""
    from tests.bench import bench_lane

    return bench_lane.measure(25 if quick else 300)


def face(quick: bool) -> Section:
    """One look at one face, beside others."""
    from tests.bench import bench_face

    return bench_face.measure(10, 10) if quick else bench_face.measure()


def projection(quick: bool) -> Section:
    """One look on a Raspberry Pi, by instructions counted here."""
    from tests.bench import projection as bench

    return Section("projection", notes=["not in a quick run"]) if quick else bench.measure()


def liveness(quick: bool) -> Section:
    """Prints and replays before the camera."""
    from tests.bench import bench_liveness

    return bench_liveness.measure(3) if quick else bench_liveness.measure()


def accuracy(quick: bool) -> Section:
    """How well strangers are told apart, at the distances of the shipped bands."""
    from models.profiles import DLIB_BANDS
    from tests.bench import accuracy as bench
    from tests.bench.bench_face import PHOTOGRAPHS

    section = Section("accuracy")
    if quick or not (PHOTOGRAPHS / "provenance.csv").is_file():
        section.notes.append("not in a quick run" if quick else "no photographs in ../shared/faces")
        return section
    measured = bench.measure(PHOTOGRAPHS)
    for figures in (measured[group] for group in GROUPS):
        section.add(_percent(f"{figures.name}: failure to acquire", figures.failures))
        for name, distance in (("accept", DLIB_BANDS.accept), ("refuse", DLIB_BANDS.refuse)):
            section.add(
                _percent(f"{figures.name}: FMR at {name} {distance:.2f}", figures.fmr(distance)),
                _percent(f"{figures.name}: FNMR at {name} {distance:.2f}", figures.fnmr(distance)),
            )
    section.notes.append("after ISO/IEC 19795-1; n: photographs, or pairs, which are not independent of each other")
    return section


def manifest(quick: bool) -> Section:
    """Look-ups by size, and a stadium's building and loading."""
    from tests.bench import bench_manifest

    sizes, tickets = ((1_000, 20_000), 8_000) if quick else ((1_000, 80_000, 1_000_000), 80_000)
    found = bench_manifest.measure(sizes, tickets=tickets)
    section = Section("manifest", notes=["the databases are in the page cache: they were just written"])
    for size, times in found["look_up"].items():
        n, rows = min(int(size), bench_manifest.LOOKUPS), f"{int(size):,} tickets"
        section.add(
            Figure(
                f"{rows}: index",
                times["index_p50_us"],
                "µs",
                n,
                p99=times["index_p99_us"],
                p99_at_most=INDEX_P99_US,
            ),
            Figure(f"{rows}: found and unsealed", times["p50_us"], "µs", n, p99=times["p99_us"]),
            Figure(f"{rows}: database", times["database_mb"], "MB", 1),
        )
    for name, unit in (("build_s", "s"), ("load_s", "s"), ("bundle_mb", "MB"), ("database_mb", "MB")):
        section.add(Figure(f"stadium of {tickets:,}: {name.rpartition('_')[0]}", found["stadium"][name], unit, 1))
    return section


def ledger(quick: bool) -> Section:
    """Durable lines, questions to them, and the whole file verified."""
    from tests.bench import bench_ledger

    appends, loaded = (500, 5_000) if quick else (2_000, 80_000)
    found = bench_ledger.measure(None, appends, loaded)
    section = Section("ledger", notes=[f"a decision's body has {found['body_bytes']} bytes; {loaded:,} releases"])
    for what in ("append", "lookup"):
        section.add(
            Figure(what, found[f"{what}_p50_ms"], "ms", appends, p99=found[f"{what}_p99_ms"]),
            Figure(f"{what}, longest", found[f"{what}_max_ms"], "ms", appends),
        )
    rate = round(found["entries"] / max(found["verify_s"], 0.01))
    section.add(Figure("verify", rate, "entries/s", found["entries"]), Figure("file", found["file_mb"], "MB", 1))
    if not found["verified"]:
        raise RuntimeError("the ledger that was just written does not verify")
    return section


def core(quick: bool) -> Section:
    """Decisions and steps on paper."""
    from tests.bench import bench_core

    found = bench_core.measure(500 if quick else 5_000)
    section = Section("core", notes=["the thread's own processor time"])
    for what, n in (("decide", found["decisions"]), ("step", found["steps"])):
        p50, p99 = (round(found[f"{what}_{part}_us"], 1) for part in ("p50", "p99"))
        section.add(Figure(what, p50, "µs", int(n), p99=p99))
    return section


def process(quick: bool) -> Section:
    """Memory, start, death and return."""
    from tests.bench import bench_process

    return bench_process.measure(20, 3) if quick else bench_process.measure()


def screens(quick: bool) -> Section:
    """The windows: seen, tapped, and what they cost the lane."""
    from tests.bench import screens as bench

    return bench.measure(40, 25, 20) if quick else bench.measure()


def watch(quick: bool) -> Section:
    """A list of listed faces, searched."""
    from tests.bench import watch as bench

    return bench.measure((2_100, 100_000), 20) if quick else bench.measure()


def soak(quick: bool) -> Section:
    """An evening of a stadium at one lane: memory, open files, bytes written."""
    from tests.bench import soak as bench

    return bench.measure(4_000) if quick else bench.measure()


SECTIONS: dict[str, Callable[[bool], Section]] = {
    "lane": lane,
    "face": face,
    "projection": projection,
    "liveness": liveness,
    "accuracy": accuracy,
    "manifest": manifest,
    "ledger": ledger,
    "core": core,
    "watch": watch,
    "process": process,
    "screens": screens,
    "soak": soak,
}

ON_REQUEST = frozenset({"soak"})
"""A quarter of an hour: measured where it is asked for by name."""


def _percent(name: str, rate: Any) -> Figure:
    low, high = rate.interval
    return Figure(name, round(100 * rate.value, 2), "%", rate.trials, note=f"{100 * low:.2f} to {100 * high:.2f} %")
