"""The things that an acceptance looks at, each a function of the bench: open the device, have it do its work, judge.

Nothing of a card but its kind and its assurance is told, and nothing of a picture but figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from drivers import connect
from drivers.errors import DriverError
from gate import accept_power as power
from gate.accept import Item, Result
from gate.accept_bench import (
    READ_S,
    Bench,
    Failed,
    Skipped,
    coached,
    eyes_of,
    must,
    present,
    pulse,
    wait_for,
    wait_for_any,
)
from gate.accept_coach import Advice
from gate.accept_height import Height, Heights
from models.cue import Cue
from models.passage import SignalKind

CUES = ((Cue.READY, "ready"), (Cue.WELCOME, "pass"), (Cue.REFUSED, "stop"))

Step = Callable[[Bench], Item]


def walk(bench: Bench, only: tuple[str, ...] = ()) -> Iterator[Item]:
    """All things in their order; each is told as soon as it was looked at."""
    for name, step in STEPS.items():
        if not only or name in only:
            yield _look(name, step, bench)


def _look(name: str, step: Step, bench: Bench) -> Item:
    if reason := bench.ask.skips(name):
        return Item(name, Result.SKIPPED, reason)
    while True:
        try:
            return step(bench)
        except Skipped as skipped:
            return Item(name, Result.SKIPPED, str(skipped))
        except (Failed, DriverError) as error:
            why = str(error) or type(error).__name__
        if not bench.ask.again(name, why):
            return Item(name, Result.FAILED, why)


def lamp(bench: Bench) -> Item:
    """Lamps, buzzers and voices, each shown three cues."""
    urls = bench.config.devices.signals
    if not urls:
        return Item("lamp", Result.NOT_THERE, "no signal is configured")
    for number, url in enumerate(urls, 1):
        signal = connect("signal", url)
        with closing(signal):
            for cue, word in CUES:
                signal.show(cue)
                must(bench, f"signal {number} of {len(urls)}: does it show or say `{word}`?")
    return Item("lamp", Result.PASSED, facts={"signals": len(urls), "cues": len(CUES)})


def reader(bench: Bench) -> Item:
    """Each reader with a test card."""
    devices = bench.config.devices
    facts: dict[str, str | float] = {}
    for name, url in (("reader", devices.reader), ("exit_reader", devices.exit_reader)):
        if url:
            bench.ask.says(f"lay a test card on the {name} within {bench.wait_s:g} s")
            device = connect("reader", url)
            with closing(device):
                card, seconds = present(bench, device, name)
            facts |= {f"{name}.medium": card.medium, f"{name}.assurance": card.assurance.name.lower()}
            facts |= {f"{name}.read_ms": round(card.read_s * 1000)} if card.read_s else {}
            facts[f"{name}.after_s"] = round(seconds, 2)
    return Item("reader", Result.PASSED, facts=facts)


def camera(bench: Bench) -> Item:
    """Light, focus and place of a face, with a coach; then the height, by the heads of several people."""
    devices = bench.config.devices
    if not devices.camera:
        return Item("camera", Result.NOT_THERE, "no camera is configured: a person compares")
    eye = connect("camera", devices.camera)
    with closing(eye):
        engine = connect("face", devices.face)
        with closing(engine):
            facts = coached(bench, eye, engine)
    return Item("camera", Result.PASSED, facts=facts)


def height(bench: Bench) -> Item:
    """Several people, tall and short, one after the other."""
    devices, heights = bench.config.devices, Heights()
    if not devices.camera:
        return Item("height", Result.NOT_THERE, "no camera is configured")
    eye = connect("camera", devices.camera)
    with closing(eye):
        engine = connect("face", devices.face)
        with closing(engine):
            for number in range(1, bench.heads + 1):
                must(bench, f"person {number} of {bench.heads}, tall and short ones: does one stand at the turnstile?")
                heights.add(eyes_of(bench, eye, engine))
    if not heights.count:
        return Item("height", Result.NOT_THERE, "this face engine does not tell where the eyes are")
    facts: dict[str, str | float] = {"people": heights.count, "eyes_at": round(heights.middle, 2)}
    if heights.height in (Height.TOO_LOW, Height.TOO_HIGH):
        words = Advice.RAISE if heights.height is Height.TOO_LOW else Advice.LOWER
        raise Failed(
            f"the camera hangs {heights.height.replace('_', ' ')} ({heights.middle:.2f} from the top): {words}"
        )
    return Item("height", Result.PASSED, facts=facts)


def turnstile(bench: Bench) -> Item:
    """Shut at rest; released once; turned, and seen to turn."""
    devices = bench.config.devices
    relay = connect("relay", devices.relay)
    with closing(relay):
        relay.hold(False)
        must(bench, "the turnstile is locked: push it; does it stay shut?")
        if not devices.sensor:
            pulse(relay)
            must(bench, "the relay was pulsed: did the turnstile open, and shut again?")
            return Item("turnstile", Result.PASSED, facts={"sensor": "none: passages are recorded as unknown"})
        sensor = connect("sensor", devices.sensor)
        with closing(sensor):
            if wait_for(bench, sensor, SignalKind.TURNED, 0.0):
                raise Failed(
                    "the passage sensor told of a turn while the turnstile was shut: look at its place and its wires"
                )
            bench.ask.says(f"the turnstile is released now: walk through within {bench.wait_s:g} s")
            began = bench.clock()
            pulse(relay)
            seen = wait_for(bench, sensor, SignalKind.TURNED, bench.wait_s)
            if seen is None:
                raise Failed(
                    "the relay was pulsed, and the passage sensor saw no turn: if it opened, look at the sensor"
                )
    took_s = round(bench.clock() - began, 2)
    return Item("turnstile", Result.PASSED, facts={"direction": seen.direction, "turned_after_s": took_s})


def fire(bench: Bench) -> Item:
    """The fire input: seen when it comes and when it goes, and the way out is open meanwhile."""
    devices = bench.config.devices
    urls = [url for url in (devices.sensor, *devices.inputs) if url]
    if not urls:
        return Item("fire", Result.NOT_THERE, "no sensor and no further input is configured")
    bench.ask.says(f"have the fire panel give its test signal within {bench.wait_s:g} s, and take it away again")
    opened = [connect("sensor", url) for url in urls]
    try:
        came = wait_for_any(bench, opened, lambda one: one.kind is SignalKind.FIRE)
        if came is None:
            raise Failed("no input told of fire: look at the panel's wires, and at the line that `fire=` names")
        must(bench, "while the signal stands: can everybody leave, with the turnstile open?")
        gone = wait_for_any(bench, opened, lambda one: one.kind is SignalKind.CLEARED and one.detail == SignalKind.FIRE)
        if gone is None:
            raise Failed("the fire signal came, and its end was not told: is the panel back at rest?")
    finally:
        for sensor in opened:
            sensor.close()
    return Item("fire", Result.PASSED, facts={"input": urls[came]})


def supply(bench: Bench) -> Item:
    """A supply that lasts through a cut, where the kernel names one."""
    found = power.lasting(power.supplies(bench.root))
    if not found:
        return Item("power", Result.NOT_THERE, "nothing on this machine names a UPS or a battery")
    facts: dict[str, str | float] = {one.name: one.kind for one in found}
    facts |= {f"{one.name}.charge": one.charge for one in found if one.charge is not None}
    bench.ask.says(f"pull the mains plug of the box within {bench.wait_s:g} s")
    ends = bench.clock() + bench.wait_s
    while not power.runs_on_battery(power.supplies(bench.root)):
        if bench.clock() >= ends:
            raise Failed("the mains were not seen to go: was it this box's plug, and is the UPS's own cable in?")
        time.sleep(READ_S)
    must(bench, "the box runs on its battery: plug it in again; is everything still on?")
    return Item("power", Result.PASSED, facts=facts)


STEPS: dict[str, Step] = {
    "lamp": lamp,
    "reader": reader,
    "camera": camera,
    "height": height,
    "turnstile": turnstile,
    "fire": fire,
    "power": supply,
}
