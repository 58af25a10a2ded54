"""The live picture of a real vision child, seen by plain sockets: who may be seen, and who is never waited for."""

from __future__ import annotations

import grp
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.face.sim import marked
from gate.messages import DeviceUp, FaceHint, FaceProbed
from gate.mirror import STALL_S, listen
from tests.gate.screen import LONG_S, Screen
from tests.gate.test_vision import LIMITS, VISITOR, Bench, running

QUIET_S = 3 * LIMITS.beat_s


class Lane(Bench):
    """A vision child whose live picture is served at `path`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mirror.sock"
        self.listener = listen(self.path)
        super().__init__(folder, mirror=self.listener)

    def screen(self) -> Screen:
        return Screen(self.path)

    def look_for(self, attempt: int) -> None:
        """A capture that goes on until somebody comes."""
        self.stage.clear()
        self.vision.capture(attempt, LONG_S)
        assert isinstance(self.next(), FaceHint)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    with made.listener, running(made):
        yield made


def test_nobody_is_shown_without_a_card(lane: Lane) -> None:
    with lane.screen() as screen:
        assert screen.hears_nothing(QUIET_S)
    assert lane.stage.frames_taken == 0


def test_a_visitor_sees_herself_while_the_camera_looks_and_no_longer(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.look_for(7)
        shown = screen.next()
        assert (shown.kind, shown.attempt, shown.width, shown.height) == ("frame", 7, 160, 120)
        assert shown.pixels().shape == (120, 160, 3)
        lane.show(VISITOR)
        assert isinstance(lane.next(), FaceProbed)
        ended = screen.until("gone")
        assert (ended.attempt, ended.jpeg) == (7, b"")
        taken = lane.stage.frames_taken
        assert screen.hears_nothing(QUIET_S)
        assert lane.stage.frames_taken == taken


def test_between_two_tries_the_picture_stays(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.look_for(7)
        screen.until("frame")
        for _ in range(2):
            lane.vision.capture(7, LONG_S)
            assert isinstance(lane.next(), FaceHint)
        for _ in range(5):
            assert screen.next().kind == "frame"


def test_without_a_screen_no_picture_is_taken_beside_the_engines(lane: Lane) -> None:
    assert isinstance(lane.capture(1), FaceProbed)
    assert lane.stage.frames_taken == 1


def test_staff_see_a_person_who_is_referred_until_the_word_or_the_time_is_over(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.vision.show(3, LONG_S, live=True)
        assert screen.next().attempt == 3
        lane.vision.hide(3)
        assert screen.until("gone").attempt == 3
        lane.vision.show(4, 0.2, live=True)
        assert screen.next().attempt == 4
        assert screen.until("gone").attempt == 4
        taken = lane.stage.frames_taken
        assert screen.hears_nothing(QUIET_S)
        assert lane.stage.frames_taken == taken


def portrait_of(suffix: str = ".jpg") -> bytes:
    _, picture = cv2.imencode(suffix, marked(VISITOR))
    return picture.tobytes()


@pytest.mark.parametrize("suffix", [".jpg", ".jp2", ".png"])
def test_the_documents_portrait_is_shown_as_jpeg_and_taken_away(lane: Lane, suffix: str) -> None:
    with lane.screen() as screen, lane.screen() as other:
        lane.vision.show(5, LONG_S, live=False, portrait=portrait_of(suffix))
        for one in (screen, other):
            shown = one.next()
            assert (shown.kind, shown.attempt) == ("portrait", 5)
            assert shown.pixels().shape == (shown.height, shown.width, 3)
            assert shown.jpeg.startswith(b"\xff\xd8\xff")
        with lane.screen() as late:
            assert late.next() == shown
        lane.vision.hide(5)
        assert screen.next().kind == "gone"
    assert lane.stage.frames_taken == 0, "a portrait needs no camera"
    with lane.screen() as later:
        assert later.hears_nothing(QUIET_S)


def test_a_portrait_that_cannot_be_opened_harms_nobody(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.vision.show(5, LONG_S, live=True, portrait=b"\xff\xd8\xff" + bytes(100))
        assert screen.next().kind == "frame"
        lane.vision.hide(5)
    assert isinstance(lane.capture(6), FaceProbed)


def test_the_next_person_begins_with_the_former_one_gone(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.vision.show(5, LONG_S, live=True, portrait=portrait_of())
        assert screen.next().kind == "portrait"
        lane.vision.show(6, LONG_S, live=True)
        assert screen.until("gone").attempt == 5
        assert (screen.next().kind, screen.next().attempt) == ("frame", 6)


def test_a_screen_that_does_not_read_is_dropped_and_the_others_and_the_lane_go_on(lane: Lane) -> None:
    lane.stage.show([np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)])
    with lane.screen() as lazy, lane.screen() as screen:
        lane.vision.show(3, 60.0, live=True)
        ends = time.monotonic() + STALL_S + 1.0
        seen = 0
        while time.monotonic() < ends:
            assert screen.next().attempt == 3
            seen += 1
        assert seen > 10
        lane.vision.hide(3)
        with pytest.raises(EOFError):  # what it had not taken was little, and then it was let go
            lazy.until("no such thing")
    lane.show(VISITOR)
    assert isinstance(lane.capture(4), FaceProbed)


def test_a_screen_that_leaves_in_the_midst_is_missed_by_nobody(lane: Lane) -> None:
    lane.look_for(7)
    with lane.screen() as screen:
        with lane.screen() as brief:
            brief.socket.sendall(b"hello?")
            brief.until("frame")
        for _ in range(5):
            assert screen.next().kind == "frame"


def test_after_the_child_was_killed_a_screen_finds_the_next_one_and_the_same_person(lane: Lane) -> None:
    lane.vision.show(9, LONG_S, live=True, portrait=portrait_of())
    with lane.screen() as screen:
        screen.until("frame")
        lane.signal_child(signal.SIGKILL)
        with pytest.raises((EOFError, ConnectionResetError)):
            screen.until("gone")
    with lane.screen() as again:  # waits at the door until the next child opens it
        assert again.next(LONG_S).kind == "portrait"
        assert again.until("frame").attempt == 9
    lane.until(DeviceUp("vision"))


def test_a_camera_that_is_pulled_while_staff_look_is_lost_and_comes_back(lane: Lane) -> None:
    with lane.screen() as screen:
        lane.vision.show(9, 60.0, live=True)
        screen.until("frame")
        lane.unplug()
        lane.plug()
        lane.until(DeviceUp("camera"))
        assert screen.until("frame").attempt == 9


def test_the_socket_is_for_its_group_and_replaces_what_a_dead_gate_left(tmp_path: Path) -> None:
    path = tmp_path / "mirror.sock"
    with listen(path):
        assert path.stat().st_mode & 0o777 == 0o660
        with pytest.raises(OSError, match="in use"):
            listen(path)
    with listen(path, group=grp.getgrgid(os.getgid()).gr_name):
        pass
    path.unlink()
    path.write_text("somebody's")
    with pytest.raises(OSError, match="no socket"):
        listen(path)


def test_no_more_screens_are_let_in_than_there_is_room_for(lane: Lane) -> None:
    lane.look_for(1)
    screens = [lane.screen() for _ in range(8)]
    try:
        for screen in screens:
            screen.until("frame")
        with lane.screen() as ninth, pytest.raises((EOFError, ConnectionResetError)):
            ninth.next()
        assert screens[0].next().kind == "frame"
    finally:
        for screen in screens:
            screen.socket.close()


def test_screens_that_come_and_go_hundreds_of_times_disturb_no_capture(lane: Lane) -> None:
    lane.show(VISITOR)
    kept: list[Screen] = []
    for attempt in range(1, 151):
        kept += [lane.screen(), lane.screen()]
        lane.vision.capture(attempt, LONG_S)
        kept.pop(attempt % len(kept)).socket.close()
        said = lane.next()
        assert isinstance(said, FaceProbed), "a fault here is one that a visitor would be referred for"
        assert said.attempt == attempt
        while len(kept) > 5:
            kept.pop(0).socket.close()
    for screen in kept:
        screen.socket.close()
    assert all(health.reconnects == 0 for health in lane.vision.health())
