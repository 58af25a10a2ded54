"""What the steps of an acceptance share: the bench, how a person is asked, and how devices are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.errors import BadAnswer, DeviceTimeout
from gate.accept_ask import Interview, Word
from gate.accept_coach import Coach, see
from gate.accept_height import ENOUGH
from gate.config import Config
from gate.sight import cut
from models.credential import CardFault, Credential
from models.passage import SensorSignal, SignalKind

PULSE_S, READ_S, GRAB_S = 0.5, 0.25, 3.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What a step works with. `wait_s`: how long a person has to do what is asked for."""

    config: Config
    ask: Interview
    wait_s: float = 30.0
    root: Path = Path("/")
    clock: Callable[[], float] = time.monotonic
    heads: int = ENOUGH


class Failed(Exception):
    """The thing under test is not as it must be."""


class Skipped(Exception):
    """A person would rather not look."""


def must(bench: Bench, question: str) -> None:
    """Ask a question that must be answered with yes. Raises `Failed` and `Skipped`."""
    heard = bench.ask.asks(question)
    if heard.word is Word.SKIP:
        raise Skipped(heard.why or "skipped at a question")
    if heard.word is Word.NO:
        raise Failed(heard.why or f"no to: {question}")


def present(bench: Bench, device: Any, name: str) -> tuple[Credential, float]:
    """The card that is laid on a reader, and the seconds until then. Raises `Failed`."""
    began, faults = bench.clock(), 0
    while bench.clock() < began + bench.wait_s:
        seen = None
        with suppress(DeviceTimeout, BadAnswer):
            seen = device.read(READ_S)
        if isinstance(seen, Credential):
            return seen, bench.clock() - began
        if isinstance(seen, CardFault):
            faults += 1
            bench.ask.says(f"the {name} saw a card and could not read it ({seen.problem}): once more")
    raise Failed(f"{name}: {faults} cards that could not be read" if faults else f"{name}: no card came")


def coached(bench: Bench, eye: Any, engine: Any) -> dict[str, str | float]:
    """Figures of a good picture, once the coach is content. Raises `Failed` with its last advice."""
    coach, ends = Coach(), bench.clock() + bench.wait_s
    while bench.clock() < ends:
        seen = see(cut(eye.grab(GRAB_S), bench.config.vision.region), engine)
        if (advice := coach.look(seen)) is not None:
            bench.ask.says(advice)
        if coach.content:
            quality = seen.probe.quality
            facts = {"face_px": quality.height_px, "sharpness": quality.sharpness, "face_grey": quality.brightness}
            return {name: round(value) for name, value in (facts | {"behind_grey": seen.behind}).items()}
    raise Failed(coach.advice or "the pictures differed too much to say anything: let one person stand still")


def eyes_of(bench: Bench, eye: Any, engine: Any) -> float | None:
    """Where the eyes of who stands there are; `None` of an engine that can't tell. Raises `Failed`."""
    ends = bench.clock() + bench.wait_s
    while bench.clock() < ends:
        probe = engine.probe(cut(eye.grab(GRAB_S), bench.config.vision.region))
        if probe.problem is None:
            found: float | None = probe.eyes_at
            return found
    raise Failed("no face that can be compared: first mend what the camera's step tells")


def pulse(relay: Any) -> None:
    """One release, timed by the board or by us."""
    if getattr(relay, "times_pulses", True):
        relay.pulse(PULSE_S)
        return
    relay.hold(True)
    time.sleep(PULSE_S)
    relay.hold(False)


def wait_for(bench: Bench, sensor: Any, kind: SignalKind, seconds: float) -> SensorSignal | None:
    """The first signal of this kind within `seconds`."""
    ends = bench.clock() + seconds
    while True:
        seen: SensorSignal | None = None
        with suppress(DeviceTimeout, BadAnswer):
            seen = sensor.read(READ_S)
        if seen is not None and seen.kind is kind:
            return seen
        if bench.clock() >= ends:
            return None


def wait_for_any(bench: Bench, sensors: list[Any], wanted: Callable[[SensorSignal], bool]) -> int | None:
    """The place of the first sensor that tells it."""
    ends = bench.clock() + bench.wait_s
    while bench.clock() < ends:
        for place, sensor in enumerate(sensors):
            seen: SensorSignal | None = None
            with suppress(DeviceTimeout, BadAnswer):
                seen = sensor.read(READ_S)
            if seen is not None and wanted(seen):
                return place
    return None
