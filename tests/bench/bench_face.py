"""One look at one face: our engine beside others (`face_ways`), and what it is made of.

The same frames go through all ways, one frame after the other in turns, so that whatever else the machine does falls
on all alike; first with one thread, then with two for those that can use them.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from drivers.camera import _visitors as visitors
from drivers.face.dlib import CHIP_PX, Engine
from drivers.interfaces import Frame
from tests.bench import face_ways
from tests.bench.face_ways import PACKAGE, PLAIN, SMALL, Look
from tests.bench.figures import Figure, Peer, Section, quantile

PHOTOGRAPHS = Path(__file__).resolve().parents[2].parent / "shared" / "faces"
LANE_SIZE = (640, 480)
FASTER, FEATURES_FASTER, NO_FURTHER = 8.0, 4.0, 1e-3
"""Targets: times as fast as `face_recognition`, and as dlib's own network; the farthest from dlib's features."""


def measure(rendered: int = 60, photographs: int = 60) -> Section:
    """Rendered lane frames, and photographs where there are any."""
    section = Section("face", notes=["frames in turns; times of those frames that all compared"])
    section.notes.append(
        "refused: a face too small, turned, blurred, dark, covered or not alone; only ours judges that"
    )
    found = _photographs(photographs)
    if not found:
        section.notes.append("no photographs in ../shared/faces")
    for threads in (2, 1):
        ways = face_ways.all_of_them(threads)
        many = "one thread" if threads == 1 else "two threads"
        _compete(section, f"rendered 640x480, {many}", _rendered(rendered), ways)
        if found:
            _compete(section, f"photographs in 640x480, {many}", found, ways)
    for absent in {PACKAGE, SMALL} - set(ways):
        section.notes.append(f"{absent}: not installed here; `make bench-face` fetches the packages, not the networks")
    cv2.setNumThreads(1)
    _stream(section, max(1, rendered // 15), ways)
    _features(section, 5 * rendered)
    _memory(section)
    return section


def _compete(section: Section, what: str, frames: list[Frame], ways: Mapping[str, Look]) -> dict[str, float]:
    """The medians, in milliseconds; they and the rest are added to `section`."""
    for look in ways.values():
        look(frames[0])
    trials = [_trial(frame, ways) for frame in frames]
    fair = [trial for trial in trials if all(each.end == "compared" for each in trial.values())]
    times = {name: [trial[name].took_ms for trial in fair] for name in ways}
    ends = {name: Counter(trial[name].end for trial in trials) for name in ways}
    p50, p99 = ({name: round(quantile(each, part), 1) for name, each in times.items()} for part in (0.5, 0.99))
    worked = {name: round(quantile([trial[name].worked_ms for trial in fair], 0.5), 1) for name in ways}
    # Of one thread the processor's time says more than the clock's: others are at work on the machine.
    counted = worked if cv2.getNumThreads() == 1 else p50
    ratio = {name: round(value / counted["ours"], 2) for name, value in counted.items()}
    section.add(
        _beside(f"{what}: p50", p50, "ms", len(fair)),
        _beside(f"{what}: p99", p99, "ms", len(fair)),
        _beside(f"{what}: processor time", worked, "ms", len(fair)),
        _beside(f"{what}: times ours", ratio, "x", len(fair)),
        *(
            [Figure(f"{what}: {PACKAGE} takes", ratio[PACKAGE], "times ours", len(fair), at_least=FASTER)]
            if PACKAGE in ratio
            else []
        ),
        *(
            _beside(f"{what}: {end}", {name: each[end] for name, each in ends.items()}, "frames", len(frames))
            for end in ("compared", "refused", "nobody")
        ),
    )
    return p50


@dataclass(frozen=True, slots=True)
class _Trial:
    """One way with one frame: milliseconds of the clock and of all the process's threads, and how it ended."""

    took_ms: float
    worked_ms: float
    end: str


def _trial(frame: Frame, ways: Mapping[str, Look]) -> dict[str, _Trial]:
    """Each way with one frame."""
    trial = {}
    for name, look in ways.items():
        began, worked = time.perf_counter(), time.process_time()
        end = look(frame)
        took = time.perf_counter() - began
        trial[name] = _Trial(took * 1000, (time.process_time() - worked) * 1000, end)
    return trial


def _beside(name: str, values: Mapping[str, float], unit: str, n: int) -> Figure:
    peers = tuple(Peer(other, value) for other, value in values.items() if other != "ours")
    return Figure(name, values["ours"], unit, n, peers=peers)


def _features(section: Section, count: int) -> None:
    """The network alone, ours and dlib's by turns, with the same chips."""
    engines = {"ours": Engine(), "dlib": Engine(network="dlib")}
    chips = [visitors.render(visitors.identity(seed), size=(CHIP_PX, CHIP_PX)) for seed in visitors.CHOSEN[:10]]
    times: dict[str, list[float]] = {name: [] for name in engines}
    farthest = 0.0
    for number in range(count):
        made = {}
        for name, engine in engines.items():
            began = time.perf_counter()
            made[name] = np.frombuffer(engine._features(chips[number % len(chips)]), "<f4")
            times[name].append((time.perf_counter() - began) * 1000)
        farthest = max(farthest, float(np.linalg.norm(made["ours"] - made["dlib"])))
    p50, p99 = ({name: round(quantile(each, part), 2) for name, each in times.items()} for part in (0.5, 0.99))
    section.add(
        Figure("features: p50", p50["ours"], "ms", count, p99=p99["ours"], peers=(Peer(PLAIN, p50["dlib"]),)),
        Figure(
            "features: dlib takes", round(p50["dlib"] / p50["ours"], 1), "times ours", count, at_least=FEATURES_FASTER
        ),
        Figure("features: farthest from dlib's", farthest * 1e6, "millionths", count, at_most=NO_FURTHER * 1e6),
    )
    section.notes.append(f"features: ours are computed by {engines['ours'].computed_by}")


def _stream(section: Section, walks: int, ways: Mapping[str, Look]) -> None:
    """Visitors come nearer, frame after frame, as a lane sees them; ours follows the face from one to the next."""
    portrait = visitors.portrait(visitors.identity(visitors.CHOSEN[0]))
    ways = {**ways, "ours": face_ways.ours(portrait, Engine())}
    frames = [
        visitors.render(visitors.identity(seed), distance=1.5 - step / 40)
        for seed in visitors.CHOSEN[:walks]
        for step in range(16)
    ]
    p50 = _compete(section, "a lane's frames in their order", frames, ways)
    section.add(Figure("frames a second, in their order", round(1000 / p50["ours"], 1), "1/s", len(frames)))


def _memory(section: Section) -> None:
    """Resident memory of a fresh process after its first look, and the most it ever held."""
    begin = "import numpy as np; f = np.full((480, 640, 3), 128, np.uint8)\n"
    ways = {
        "ours": "from drivers.face.dlib import Engine; Engine().probe(f)",
        "dlib computing": "from drivers.face.dlib import Engine; Engine(network='dlib').probe(f)",
    }
    end = "\nprint(*(line.split()[1] for line in open('/proc/self/status') if line[:6] in ('VmHWM:', 'VmRSS:')))"
    for name, words in ways.items():
        done = subprocess.run([sys.executable, "-c", begin + words + end], capture_output=True, text=True, check=True)
        most, held = (round(int(part) / 1024) for part in done.stdout.split())
        section.add(Figure(f"memory, {name}", held, "MB", 1), Figure(f"memory, {name}, while opening", most, "MB", 1))


def _rendered(count: int) -> list[Frame]:
    """Lane frames of as many people as there are, from far to near by turns."""
    seeds = visitors.CHOSEN
    walks = [visitors.visit(visitors.identity(seed), 2) for seed in seeds[: min(count, len(seeds))]]
    return [walks[number % len(walks)][number // len(walks) * 2 % 6] for number in range(count)]


def _photographs(count: int) -> list[Frame]:
    """Real faces in a picture of the lane's size, evenly chosen from the list; empty without the folder."""
    listed = PHOTOGRAPHS / "provenance.csv"
    if not count or not listed.is_file():
        return []
    with listed.open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["kind"] == "face"]
    chosen = files[:: max(1, len(files) // count)][:count]
    pictures = [cv2.imread(str(PHOTOGRAPHS / file), cv2.IMREAD_COLOR) for file in chosen]
    return [_in_lane_size(np.asarray(picture, np.uint8)) for picture in pictures if picture is not None]


def _in_lane_size(picture: Frame) -> Frame:
    """Scaled to fit, in the middle of grey."""
    width, height = LANE_SIZE
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    frame = np.full((height, width, 3), 128, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    frame[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size)
    return frame
