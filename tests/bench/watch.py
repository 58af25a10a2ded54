"""A list of listed faces: how long a search takes beside faiss's, what it costs an admission, how often it is wrong.

    python -m tests.bench --only watch

The templates are dlib's. Those of real photographs (../shared/faces, 29 persons) give a mean and a covariance, three
tenths of which are spread over all directions, for so few persons span few of them; persons are drawn from that. So
their distances from each other are like those of real strangers, but nobody's face is behind them. Both searches run in
this process, one thread each, turn about, and have to find the same.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from gate.core.watch import Index, index, search
from models.decision import Profile
from models.face import FaceProbe
from models.profiles import DLIB_BANDS, policy_of
from models.watch import WatchAction, WatchEntry
from models.watch_domain import turning
from tests.bench.bench_face import PHOTOGRAPHS
from tests.bench.figures import Figure, Peer, Section, quantile

MODEL, SIZE = DLIB_BANDS.model_version, 128
SPREAD, SPREAD_ALIKE, VARIANCE_ALIKE = 0.3, 0.1, 0.2
DISTANCE = policy_of(Profile.CONCERT, "bench").watch_distance
SECRET = b"bench's own domain, 32 bytes ...".ljust(32, b".")
TARGETS = {2_100: 1.0, 100_000: 1.0, 1_000_000: 1.5}
"""How many times as fast as faiss a search of so many has to be."""

DELAYS_MS = {2_100: 10.0, 100_000: 50.0}
"""What a list may add to an admission."""

Templates = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """Templates of photographs, whose each is, and how others like them are drawn. Without photographs: none."""

    templates: Templates
    names: tuple[str, ...]
    alike: tuple[bool, ...]  # photographs of East Asian persons from the front
    mean: Vector
    covariance: Vector

    def draw(self, count: int, seed: int) -> Templates:
        """So many persons who are nobody."""
        return _drawn(self.mean, _spread(self.covariance, SPREAD), count, seed)

    def draw_alike(self, count: int, seed: int) -> Templates:
        """The same, of one origin."""
        some, who = self.templates[np.array(self.alike)], np.array(self.names)[np.array(self.alike)]
        middle = np.mean([some[who == person].mean(axis=0) for person in np.unique(who)], axis=0)
        spread = _spread(self.covariance, SPREAD_ALIKE) * math.sqrt(VARIANCE_ALIKE / np.trace(self.covariance))
        return _drawn(middle, spread, count, seed)


def _spread(covariance: Vector, even: float) -> Vector:
    """What turns even noise into templates: `even` of the variance lies in all directions alike."""
    alike = np.eye(SIZE) * np.trace(covariance) / SIZE
    return np.linalg.cholesky((1 - even) * covariance + even * alike).T


def _drawn(mean: Vector, spread: Vector, count: int, seed: int) -> Templates:
    random, made = np.random.default_rng(seed), np.empty((count, SIZE), np.float32)
    for start in range(0, count, 50_000):
        rows = made[start : start + 50_000]
        rows[:] = mean + random.standard_normal(rows.shape) @ spread
    return made


@lru_cache(maxsize=1)
def people() -> People:
    """Those of the folder of photographs; without it, a mean and a spectrum like theirs."""
    if not (PHOTOGRAPHS / "provenance.csv").is_file():
        spectrum = 0.05 * np.exp(-np.arange(SIZE) / 8.0)
        return People(np.empty((0, SIZE), np.float32), (), (), np.full(SIZE, 0.116), np.diag(spectrum))
    from tests.bench.accuracy import look

    seen = [each for each in look(PHOTOGRAPHS)[0] if each.probe.problem is None]
    templates = np.stack([np.frombuffer(each.probe.template, "<f4") for each in seen])
    alike = tuple("asian" in ";".join(each.tags) and not each.tags & {"left", "right"} for each in seen)
    names = tuple(each.identity for each in seen)
    return People(templates, names, alike, templates.mean(axis=0, dtype=np.float64), np.cov(templates.T.astype(float)))


def measure(sizes: tuple[int, ...] = tuple(TARGETS), rounds: int = 40) -> Section:
    """The whole section."""
    section, faiss = Section("watch"), _faiss()
    bandwidth = _bandwidth()
    for size in sizes:
        _search(section, faiss, size, {2_100: 20 * rounds, 1_000_000: rounds // 2}.get(size, 2 * rounds), bandwidth)
    section.add(*(false_alerts(listed, alike=alike) for alike in (False, True) for listed in (100, 2_100)))
    section.notes += [
        f"one thread reads {bandwidth / 1e9:.1f} GB a second from memory here: the limit of a search that reads all",
        "faiss: IndexFlatL2, the ten nearest of one probe, without a domain; ours: all within the threshold, in one",
        f"templates of {len(set(people().names))} real persons, and others drawn with their covariance",
        "a false alert: somebody not listed within the threshold of an entry, as if a second frame agreed; "
        "intervals by drawing the real persons anew, 2,000 times",
        "of one origin: East Asian persons, against a list drawn as close together as such persons are to dlib",
    ]
    if faiss is None:
        section.notes.append("faiss is not installed: make bench does that")
    return section


def _search(section: Section, faiss: ModuleType | None, size: int, rounds: int, bandwidth: float) -> None:
    rows = people().draw(size, size)
    began = time.perf_counter()
    listed = index(_entries(rows), {"city": SECRET})
    built_s = time.perf_counter() - began
    (sheet,) = listed[MODEL, SIZE * 4]
    first = sum(block.nbytes for block in sheet.blocks)
    probes = _probes(rows, rounds)
    theirs = _flat(faiss, rows) if faiss else None
    _agree(listed, probes, rows, theirs)
    ours_us, theirs_us = _turn_about(listed, probes, theirs)
    name = f"{size:,} references"
    flat = (Peer("faiss", round(quantile(theirs_us, 0.5), 1)),) if theirs_us else ()
    floor = f"memory's limit {first / bandwidth * 1e6:.0f}, all read {rows.nbytes / bandwidth * 1e6:.0f} µs"
    section.add(
        Figure(
            f"{name}: search", round(quantile(ours_us, 0.5), 1), "µs", len(probes),
            p99=round(quantile(ours_us, 0.99), 1), peers=flat, note=floor,
        )
    )  # fmt: skip
    if theirs_us:
        ratio = quantile(theirs_us, 0.5) / quantile(ours_us, 0.5)
        section.add(Figure(f"{name}: as fast as faiss", round(ratio, 2), "times", len(probes), at_least=TARGETS[size]))
    section.add(
        Figure(
            f"{name}: memory", round((rows.nbytes + first) / 1e6, 1), "MB", 1,
            peers=(Peer("faiss", round(rows.nbytes / 1e6, 1)),) if theirs else (),
            note=f"of it the first pass reads {first / 1e6:.1f} MB, {sheet.basis.shape[1]} of {SIZE} coordinates",
        ),
        Figure(f"{name}: made anew", round(built_s, 2), "s", 1),
    )  # fmt: skip
    if size in DELAYS_MS:
        section.add(_delay(listed, probes, size))


def _delay(listed: Index, probes: list[FaceProbe], size: int) -> Figure:
    """What is done for the list between the holder's comparison and the word, of two frames."""
    spent = []
    for one, other in zip(probes, reversed(probes), strict=True):
        both = FaceProbe(MODEL, one.template, further=(other.template,))
        began = time.perf_counter()
        search(listed, both, DISTANCE)
        spent.append((time.perf_counter() - began) * 1e3)
    most = DELAYS_MS[size]
    p50, p99 = (round(quantile(spent, part), 3) for part in (0.5, 0.99))
    return Figure(f"{size:,} references: added to an admission", p50, "ms", len(spent), most, p99, most)


def _entries(rows: Templates) -> Iterator[WatchEntry]:
    matrix = turning(SECRET, SIZE)
    for start in range(0, len(rows), 10_000):
        for number, row in enumerate((rows[start : start + 10_000] @ matrix).astype("<f4"), start=start):
            yield WatchEntry(
                f"W{number}", "site", "order", WatchAction.REVIEW, 0.0, 1.0,
                template=row.tobytes(), model_version=MODEL, domain="city",
            )  # fmt: skip


def _probes(rows: Templates, count: int) -> list[FaceProbe]:
    """One in ten of somebody listed, seen otherwise than in his entry; the others of nobody listed, as at a door."""
    random = np.random.default_rng(3)
    strangers = people().draw(count, 99)
    known = rows[random.integers(0, len(rows), count)] + random.normal(0, 0.02, (count, SIZE)).astype(np.float32)
    chosen = [strangers[i] if i % 10 else known[i] for i in range(count)]
    return [FaceProbe(MODEL, row.astype("<f4").tobytes()) for row in chosen]


def _faiss() -> Any:
    try:
        return importlib.import_module("faiss")
    except ImportError:
        return None


def _flat(faiss: Any, rows: Templates) -> Any:
    faiss.omp_set_num_threads(1)
    made = faiss.IndexFlatL2(SIZE)
    made.add(rows)
    return made


def _agree(listed: Index, probes: list[FaceProbe], rows: Templates, theirs: Any) -> None:
    """Both find whom a plain search finds. Raises `AssertionError`."""
    for probe in probes[:6]:
        seen = np.frombuffer(probe.template, "<f4")
        apart = np.linalg.norm(rows - seen, axis=1)
        ours = {int(hit.entry[1:]) for hit in search(listed, probe, DISTANCE)}
        edge = set(np.flatnonzero(np.abs(apart - DISTANCE) < 1e-5).tolist())  # turning rounds
        assert ours - edge == set(np.flatnonzero(apart <= DISTANCE).tolist()) - edge, "the search lost somebody"
        if theirs is not None and len(ours) <= 10:
            squared, found = theirs.search(seen[None], 10)
            assert ours - edge <= {
                int(row) for row, d in zip(found[0], squared[0], strict=True) if d <= DISTANCE**2 + 1e-5
            }


def _turn_about(listed: Index, probes: list[FaceProbe], theirs: Any) -> tuple[list[float], list[float]]:
    """Microseconds of each search, ours and theirs by turns."""
    ways: list[tuple[list[float], Callable[[FaceProbe], object]]] = [
        ([], lambda probe: search(listed, probe, DISTANCE))
    ]
    if theirs is not None:
        ways.append(([], lambda probe: theirs.search(np.frombuffer(probe.template, "<f4")[None], 10)))
    for probe in probes:
        for spent, look in ways:
            began = time.perf_counter()
            look(probe)
            spent.append((time.perf_counter() - began) * 1e6)
    return ways[0][0], ways[1][0] if theirs is not None else []


def _bandwidth() -> float:
    """Bytes a second that one thread reads from memory: a product of a long vector with itself does little else."""
    long = np.ones(64 * 1024 * 1024, np.float32)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        long.dot(long)
        times.append(time.perf_counter() - began)
    return float(long.nbytes / min(times))


def false_alerts(listed: int, *, alike: bool, lists: int = 200) -> Figure:
    """Alerts per 1,000 visitors who are not listed: real faces against real others and such as are drawn.

    `alike`: frontal photographs of East Asian persons, and a list drawn around them, as close to each other as such
    persons are. So drawn, 0.12 % of strangers are within 0.40, 1.2 % within 0.45, 38 % within 0.60 of a visitor; of
    113,000 pairs of the photographs of LFW it was 0.12, 1.1 and 35 %.
    """
    some, name = people(), f"false alerts, {listed:,} listed{', of one origin' if alike else ''}, within {DISTANCE:g}"
    chosen = np.array(some.alike) if alike else np.ones(len(some.names), bool)
    if not chosen.any():
        return Figure(name, float("nan"), "per 1,000", 0, note="no photographs in ../shared/faces")
    visitors, names = some.templates[chosen], np.array(some.names)[chosen]
    persons, first = np.unique(names, return_index=True)
    drawn = (some.draw_alike if alike else some.draw)(lists * (listed - len(persons) + 1), 1_000).reshape(
        lists, -1, SIZE
    )
    alerts: dict[str, list[bool]] = {person: [] for person in persons}
    for seen, person in zip(visitors, names, strict=True):
        by_real = _is_near(visitors[first[persons != person]], seen)
        alerts[person] += [by_real or _is_near(one, seen) for one in drawn]
    rate = float(np.mean([hit for hits in alerts.values() for hit in hits]))
    low, high = _interval(list(alerts.values()))
    visits = sum(len(hits) for hits in alerts.values())
    return Figure(name, round(1_000 * rate, 2), "per 1,000", visits, note=f"{1_000 * low:.2f} to {1_000 * high:.2f}")


def _is_near(templates: Templates, seen: Templates) -> bool:
    apart = templates - seen
    return bool((np.einsum("ij,ij->i", apart, apart) <= DISTANCE**2).any())


def _interval(groups: list[list[bool]]) -> tuple[float, float]:
    """95 % of the rates that come out when persons are drawn anew; without any alert, three in as many visits."""
    if not any(any(group) for group in groups):
        return 0.0, 3.0 / sum(len(group) for group in groups)
    random = np.random.default_rng(5)
    hits, visits = (np.array([call(group) for group in groups], float) for call in (sum, len))
    chosen = random.integers(0, len(groups), (2_000, len(groups)))
    rates = hits[chosen].sum(axis=1) / visits[chosen].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)
