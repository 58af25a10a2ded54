"""Three technicians before the doors open, each with one thing wrong: what `gatectl check` tells them."""

from __future__ import annotations

import contextlib
import os
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drivers import connect
from drivers.camera._visitors import empty_lane, identity, portrait
from drivers.pty_port import PtyPort
from drivers.reader.sam import SamSimulator
from drivers.relay.lcus import LcusSimulator
from gate.check.camera import TURNS, Facts, agreed, judge, look, turned
from gate.check.catalogue import Code, Finding
from tests.gate.check.house import House, house_in

FACES = Path(__file__).resolve().parents[4] / "shared" / "faces"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_in(tmp_path) as house:
        house.more["probe_s"] = 0.6
        yield house


@contextlib.contextmanager
def serving(*simulators: SamSimulator | LcusSimulator) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in simulators]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class MisheardPort:
    """A port on which the device's answers make sense only where the host has set its speed."""

    def __init__(self, port: PtyPort, baud: int) -> None:
        self._port, self._speed = port, getattr(termios, f"B{baud}")

    def read(self, timeout: float) -> bytes:
        return self._port.read(timeout)

    def write(self, data: bytes) -> int:
        handle = os.open(self._port.path, os.O_RDONLY | os.O_NOCTTY)
        right = termios.tcgetattr(handle)[4] == self._speed
        os.close(handle)
        return self._port.write(data if right else bytes((0x00, 0x80, 0xF8, 0xFE)[byte & 3] for byte in data))


def sam(port: PtyPort, baud: int = 115200) -> str:
    return f"sam+serial://{port.path}?poll_ms=10&answer_s=0.1&baud={baud}"


def test_the_wrong_speed_is_called_so_and_the_right_one_is_well(house: House, tmp_path: Path):
    with PtyPort(tmp_path / "reader") as port, serving(SamSimulator(MisheardPort(port, 115200))):
        house.devices["reader"] = sam(port, 9600)
        (found,) = house.check("devices")
        assert (found.code, found.subject) == (Code.SPEED, "reader")
        (house.folder / "gate.toml").unlink()
        house.devices["reader"] = sam(port)
        assert house.check("devices") == []


def swapped(house: House, tmp_path: Path, options: str) -> tuple[list[Finding], LcusSimulator, str, str]:
    """Reader and relay, each in the other's socket: what is found, and the ports' names."""
    with PtyPort(tmp_path / "one") as one, PtyPort(tmp_path / "two") as two:
        relay = LcusSimulator(one)
        with serving(relay, SamSimulator(two)):
            house.devices |= {"reader": sam(one), "relay": f"lcus+serial://{two.path}?channel=1{options}"}
            return house.check("devices"), relay, one.path, two.path


def test_a_relay_on_the_readers_port_is_found_with_the_port_where_it_is(house: House, tmp_path: Path):
    found, relay, one, two = swapped(house, tmp_path, "&feedback=1")
    assert [(each.code, each.subject) for each in found] == [(Code.OTHER_PORT, "reader"), (Code.OTHER_PORT, "relay")]
    assert found[0].detail == f"it answers at {two}, configured is {one}"
    assert found[1].detail == f"it answers at {one}, configured is {two}"
    assert relay.pulses == 0  # it was asked, and did not move


def test_of_a_board_that_never_answers_only_its_absence_can_be_told(house: House, tmp_path: Path):
    found, _, _, two = swapped(house, tmp_path, "")
    assert [(each.code, each.subject) for each in found] == [(Code.OTHER_PORT, "reader"), (Code.OTHER_PORT, "relay")]
    assert found[1].detail == f"another device answers at {two}"


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with contextlib.closing(connect("face", "dlib:")) as engine:
        yield engine


def test_a_camera_upside_down_is_told_and_what_it_says_to_write_mends_it(house: House, engine: Any, tmp_path: Path):
    cv2.imwrite(str(tmp_path / "lane.png"), turned(portrait(identity(1)), 180))
    house.devices |= {"camera": f"v4l2+file://{tmp_path}/lane.png", "face": "dlib:"}
    (found,) = house.check("camera")
    assert (found.code, found.detail) == (Code.TURNED, "faces stand upright after 180 degrees clockwise")
    with contextlib.closing(connect("camera", house.devices["camera"] + "?rotate=180")) as camera:
        assert look(camera.grab(1.0), engine).turned == 0


def test_one_odd_picture_among_others_is_not_believed():
    told = [Facts(99, 90), Facts(99, None), Facts(99, 0)]
    assert agreed(iter(told)) == Facts(99, 0)
    assert agreed(iter(told[:2])) == Facts(99, None)
    assert agreed([Facts(99, 180), Facts(99, 90), Facts(98, 180)]) == Facts(98, 180)


@pytest.mark.parametrize("degrees", [0, *TURNS])
def test_each_way_to_hang_a_camera_has_the_turn_that_mends_it(engine: Any, degrees: int):
    assert look(turned(portrait(identity(2)), degrees), engine).turned == (360 - degrees) % 360


def test_of_an_empty_lane_nobody_can_say_which_way_up_it_is(engine: Any):
    found = look(turned(empty_lane(), 180), engine)
    assert [one.code for one in judge(found)] == [Code.NOBODY_THERE]


def test_of_a_face_that_is_found_both_ways_nothing_is_said(engine: Any):
    """Two people, one of them on her head: a single face does that now and then to this detector."""
    both = np.hstack([portrait(identity(1)), turned(portrait(identity(2)), 180)])
    assert look(both, engine).turned is None


@pytest.mark.faces
@pytest.mark.skipif(not FACES.is_dir(), reason="no folder of photographs")
def test_a_turned_photograph_is_never_called_upright(engine: Any):
    photographs = [cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2) for path in sorted(FACES.rglob("*.jpg"))[:3]]
    found = [look(turned(np.asarray(frame), 180), engine).turned for frame in photographs if frame is not None]
    assert set(found) <= {180, None}
    assert 180 in found
