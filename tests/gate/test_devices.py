"""The lane with lamps and further inputs: what is shown and written down, and what nobody waits for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.pty_port import PtyPort
from drivers.sensor.serial import SensorSimulator
from drivers.signal.modbus import simulator
from gate.config import load, sample
from gate.demo.box_office import sell
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.devices import LaneDevices
from gate.messages import Message
from gate.wear import WearBook
from models.command import Snapshot
from models.ledger import EntryKind
from models.passage import SignalKind
from models.view import Phase
from tests.gate.daemon_bench import LONG_S, WIRING, entries, marked_people, marked_policy


def lane(folder: Path, *more: str) -> LaneDevices:
    """A lane of simulated devices, not started."""
    path = folder / "gate.toml"
    lines = [line for line in sample().splitlines() if line.split(" = ")[0] not in ("reader", "relay", "camera")]
    at = lines.index("[devices]") + 1
    lines[at:at] = ['reader = "sim:"', 'relay = "sim:"', 'camera = ""', *more]
    path.write_text("\n".join(lines).replace("/var/lib/menshen", str(folder)))
    return LaneDevices(load(path), queue.Queue[Message]().put)


def test_signals_and_inputs_are_numbered_and_the_readers_do_not_wait_for_them(tmp_path: Path) -> None:
    devices = lane(tmp_path, 'signals = ["sim:", "sim:"]', 'inputs = ["sim:", "sim:"]', 'sensor = "sim:"')
    assert devices.names == ("reader", "relay", "sensor", "input", "input-2", "signal", "signal-2")
    assert devices.sensor is not None
    for needed in (devices.relay, devices.sensor):
        assert not devices.can_admit(needs_face=True)
        needed._vitals.rise()
    assert devices.can_admit(needs_face=True)


def test_what_the_data_sheet_promises_is_shown_beside_what_was_used(tmp_path: Path) -> None:
    devices = lane(tmp_path, "rated = { relay = 100000 }")
    devices.relay._vitals.count_use()
    assert [(one.name, one.uses, one.rated) for one in devices.status()] == [("reader", 0, None), ("relay", 1, 100000)]


# --- the daemon ----------------------------------------------------------------------------------------------------


class LitRig(Rig):
    """The demo's rig with a lamp, a lamp that was never plugged in, and a box for fire and tamper."""

    def _settings(self) -> str:
        lamps = [f'"modbus+serial://{self.folder / name}?green=1"' for name in ("lamp", "no-lamp")]
        signals = f"signals = [{', '.join(lamps)}]"
        inputs = f'inputs = ["serial+serial://{self.folder / "box"}"]'
        return super()._settings().replace("[devices]", f"[devices]\n{signals}\n{inputs}")


@contextmanager
def running(*devices: tuple[PtyPort, object]) -> Iterator[None]:
    """The far ends at work."""
    stop = threading.Event()
    threads = [threading.Thread(target=device.run, args=(stop,)) for _, device in devices]  # type: ignore[attr-defined]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(LONG_S)
        for port, _ in devices:
            port.close()


def is_well_but_for_a_lamp(snapshot: Snapshot) -> bool:
    down = [device.name for device in snapshot.devices if not device.up]
    return snapshot.view.phase is Phase.IDLE and down == ["signal-2"]


@pytest.mark.slow
def test_lamps_follow_the_lane_and_inputs_are_shown_and_nothing_of_it_holds_up_a_visitor(tmp_path: Path) -> None:
    lamp_port, box_port = PtyPort(tmp_path / "lamp"), PtyPort(tmp_path / "box")
    lamp, box = simulator(lamp_port), SensorSimulator(box_port)
    people = marked_people(tmp_path / "pictures", 2)
    with running((lamp_port, lamp), (box_port, box)), LitRig(tmp_path, WIRING) as rig:
        sell(rig, people, marked_policy())
        rig.start(ready=False)
        rig.link.wait(is_well_but_for_a_lamp, LONG_S)
        night = Night(rig)
        night.comes(people[0])
        assert lamp.wait_for(lambda: lamp.state(1), LONG_S), "welcome is green"
        rig.sensor.turn()
        assert lamp.wait_for(lambda: not lamp.state(1), LONG_S)
        night.leaves()

        box.fire()
        rig.link.wait_view(lambda view: view.alerts == ("fire",), LONG_S)
        box_port.unplug()
        lamp_port.unplug()
        rig.link.wait_view(lambda view: {"input", "signal"} <= set(view.faults), LONG_S)
        assert rig.link.snapshot is not None
        assert rig.link.snapshot.view.alerts == ("fire",), "not to know is not to know that it is over"
        night.enters(people[1])

        lamp_port.replug()
        box_port.replug()
        rig.link.wait(is_well_but_for_a_lamp, LONG_S)
        rig.link.wait_view(lambda view: view.alerts == ("fire",), LONG_S)
        box.clear(SignalKind.FIRE)
        rig.link.wait_view(lambda view: view.alerts == (), LONG_S)
        assert rig.stop() == 0

    safety = [(entry.body["signal"], entry.body["device"]) for entry in entries(rig, EntryKind.SAFETY)]
    assert safety == [("fire", "input"), ("fire", "input"), ("cleared", "input")]
    told = [(entry.body["device"], entry.body["up"]) for entry in entries(rig, EntryKind.DEVICE)]
    assert told.count(("signal", False)) == told.count(("input", False)) == 1
    assert [entry.body["passage"] for entry in entries(rig, EntryKind.PASSAGE)] == ["passed", "passed"]
    wear = WearBook(rig.state_dir).read()
    assert (wear["relay"].uses, wear["sensor"].uses, wear["input"].reconnects) == (2, 2, 1)
