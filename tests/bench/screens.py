"""The screens at a lane: how soon they show what happened, how soon a tap is at the relay, and what they cost the lane.

`gatectl ui` runs as a process of its own on a private Xvfb; what is painted is read from the display's memory, a
thousand times a second: times are right to about a millisecond, and the looking leaves the processor to others. A
finger is an event of the X server.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from drivers.face.sim import MODEL_VERSION
from drivers.reader._sam_frames import FIND
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Looks, person
from gate.demo.rig import Rig, Wiring
from models.decision import Profile, Reason, Verdict
from models.face import FaceBands
from models.view import LaneView, Phase
from tests.bench.bench_process import memory_mb
from tests.bench.crowd import PULSE_S, Crowd, lane
from tests.bench.figures import Figure, Section, quantile, spread
from tests.ui.stand_in import Gate, said, snapshot
from tests.ui.xvfb import MISSING, Display, Finger, Screens

PAINTED_P99_MS, TAP_P99_MS, LEAST_FPS, MOST_SLOWER = 100.0, 150.0, 15.0, 10.0
PATIENCE_S, PAUSE_S = 5.0, 0.001
SIZE = (800, 480)
ADMIT_AT = (200, 440)
"""Where the one obvious button is on the steward's window at 800 x 480."""

LOOK_S = 0.7
"""How long the steward looks before the finger comes down; who is quicker than a glance is not heard."""


def measure(trials: int = 200, taps: int = 100, visitors: int = 150) -> Section:
    """All figures. `visitors` come with the screens on, and as many with them off."""
    section = Section("screens")
    try:
        import PyQt5.QtWidgets  # noqa: F401
    except ImportError:
        section.notes.append("not measured: PyQt5 is not installed (systemd/bootstrap.sh screens)")
        return section
    if MISSING:
        section.notes.append(f"not measured: {', '.join(MISSING)} is not installed")
        return section
    _lines(section, trials)
    _cards(section, trials)
    _taps(section, taps)
    _mirror(section, 4.0 if trials < 100 else 8.0)
    _side_by_side(section, visitors)
    section.notes += [
        "on a private Xvfb of 800 x 480; painted: more than a fifth of the screen has the tone's colour",
        "daemon event: a card's last bytes on the wire, so decision and durable entry are in it; no face is looked at",
        "mirror: faceless pictures of 640 x 480 while the face engine looks too; screens on: both windows, live",
    ]
    return section


def _lines(section: Section, trials: int) -> None:
    """A stand-in for the gate says a line; how long until it is seen."""
    for whose in ("visitor", "steward"):
        with _folder() as folder, Display(*SIZE) as display:
            gate = Gate(folder / "gate.sock")
            with Screens(display, [f"--{whose}", "--socket", str(gate.path)], folder / "ui.log"):
                gate.takes()
                times = [_line(gate, display, number) for number in range(trials)]
            gate.dies()
        section.add(spread(f"{whose}: line from the gate to painted", times[5:], "ms", (None, PAINTED_P99_MS)))


def _line(gate: Gate, display: Display, number: int) -> float:
    gate.says(said(number))
    _watch(lambda: _shows(display, "calm"))
    view = LaneView("G1", Phase.RELEASED, number, Verdict.ADMIT, Reason.OK)
    began = time.monotonic()
    gate.says(said(replace(snapshot(), view=view)))
    return (_watch(lambda: _shows(display, "go")) - began) * 1000


def _cards(section: Section, trials: int) -> None:
    """The whole way, from a card's last bytes to a green screen."""
    with (
        _folder() as folder,
        lane(folder, trials, faces=False) as crowd,
        Display(*SIZE) as display,
        _screens(crowd.rig, display, "--visitor"),
    ):
        _watch(lambda: _shows(display, "calm"))
        times = [_card(crowd, display) for _ in range(trials)]
    section.add(spread("visitor: daemon event to painted", times[5:], "ms", (None, PAINTED_P99_MS)))


def _card(crowd: Crowd, display: Display) -> float:
    painted: list[float] = []
    visit = crowd.comes(lambda: painted.append(_watch(lambda: _shows(display, "go"))))
    _watch(lambda: _shows(display, "calm"))
    return (painted[0] - visit.read_at) * 1000


def _taps(section: Section, taps: int) -> None:
    """The steward admits somebody who declined the camera."""
    with _folder() as folder, Rig(folder, Wiring(face="sim:", exit_reader=False, pace=False, poll_ms=20)) as rig:
        people = [replace(person(index, Looks(mark=0)), declined=True) for index in range(taps)]
        bands = (FaceBands(MODEL_VERSION, "any", 0.4, 0.6),)
        policy = replace(evening_policy(Profile.CONCERT), bands=bands, pulse_s=PULSE_S, show_s=0.2)
        sell(rig, people, policy)
        rig.start()
        with Display(*SIZE) as display, _screens(rig, display, "--steward"):
            finger = Finger(display)
            times = [_tap(rig, display, finger, one.card()) for one in people]
            finger.close()
        rig.stop()
    section.add(spread("steward's tap to relay", times[3:], "ms", (None, TAP_P99_MS)))


def _tap(rig: Rig, display: Display, finger: Finger, card: object) -> float:
    pulses = rig.relay.pulses
    rig.reader.present(card)  # type: ignore[arg-type]
    _watch(lambda: _shows(display, "desk"))
    time.sleep(LOOK_S)
    began = finger.tap(*ADMIT_AT)
    assert rig.relay.wait_for(lambda: rig.relay.pulses > pulses, PATIENCE_S), "the tap did not reach the relay"
    took = (rig.relay.changes[-1].at - began) * 1000
    rig.reader.remove()
    looked, since = rig.reader.asked[FIND], rig.link.seen
    rig.sensor.turn()
    rig.link.wait_view(lambda view: view.phase is Phase.IDLE, PATIENCE_S, since)
    rig.relay.wait_for(lambda: not rig.relay.state(1), PATIENCE_S)
    _watch(lambda: _shows(display, "calm") and rig.reader.asked[FIND] >= looked + 2)
    return took


def _mirror(section: Section, seconds: float) -> None:
    """The camera looks at somebody without a face, in pictures of sixteen greys: each grey that is seen was painted."""
    greys = [np.full((480, 640, 3), 40 + 11 * level, np.uint8) for level in range(16)]
    with _folder() as folder, lane(folder, 2, faces=True) as crowd, Display(*SIZE) as display:
        rig = crowd.rig
        with _screens(rig, display, "--visitor", "--still"):
            _watch(lambda: _shows(display, "calm"))
            rig.stage.show(greys)
            rig.reader.present(crowd.next_card())
            rig.link.wait_view(lambda view: view.phase is Phase.CAPTURE, PATIENCE_S)
            rates = _painted_a_second(rig, display, seconds)
    section.add(Figure("mirror at 640 x 480, painted", round(rates, 1), "frames/s", 1, at_least=LEAST_FPS))


def _painted_a_second(rig: Rig, display: Display, seconds: float) -> float:
    seen, began = [display.sample()], time.monotonic()
    while time.monotonic() - began < seconds and rig.link.snapshot and rig.link.snapshot.view.phase is Phase.CAPTURE:
        now = display.sample()
        if (now != seen[-1]).any():
            seen.append(now)
        time.sleep(PAUSE_S)
    took = time.monotonic() - began
    steps = np.abs(np.diff(np.array(seen, np.int16), axis=0)) > 4
    changes = steps.sum(axis=0)
    return float(np.median(changes[changes > changes.max() / 2]) / took)  # of the pixels that show the picture


def _side_by_side(section: Section, visitors: int) -> None:
    """Card to relay with a face, ten visitors with the screens and ten without, in turns."""
    times: dict[bool, list[float]] = {True: [], False: []}
    memory = ("", 0.0)
    with _folder() as folder, lane(folder, 2 * visitors + 10, faces=True) as crowd, Display(1600, 480) as display:
        crowd.enter(5)
        while len(times[False]) < visitors:
            with _screens(crowd.rig, display, "--both", "--windowed", "800x480", count=2) as screens:
                _watch(lambda: _shows(display, "calm"))
                times[True] += [visit.card_to_relay_ms for visit in crowd.enter(min(10, visitors))]
                memory = max(memory, memory_mb(screens.process.pid), key=lambda one: one[1])
            times[False] += [visit.card_to_relay_ms for visit in crowd.enter(min(10, visitors))]
    section.add(*(spread(f"card to relay, screens {'on' if on else 'off'}", times[on], "ms") for on in (True, False)))
    on, off = (quantile(times[each], 0.5) for each in (True, False))
    slower = round(100 * (on / off - 1), 1)
    section.add(Figure("screens make it slower by (median)", slower, "%", visitors, at_most=MOST_SLOWER))
    section.add(Figure(f"screens: memory, two windows ({memory[0]})", round(memory[1], 1), "MB", 1))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="menshen-bench-") as name:
        yield Path(name)


def _screens(rig: Rig, display: Display, *words: str, count: int = 1) -> Screens:
    return Screens(display, [*words, "--socket", str(rig.folder / "gate.sock")], rig.folder / "ui.log", count)


def _shows(display: Display, tone: str) -> bool:
    from ui import theme
    from ui.view import Tone

    return display.share(theme.tone(Tone(tone)).background) > 0.2


def _watch(seen: Callable[[], bool]) -> float:
    """When it was seen first, in monotonic seconds."""
    ends = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < ends, "the screen does not show it"
        time.sleep(PAUSE_S)
    return time.monotonic()
