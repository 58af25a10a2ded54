"""A clock is believed from the floor on, and the floor only rises."""

from __future__ import annotations

import time

import pytest

from gate.clock import BUILD_FLOOR, SLACK_S, Clock
from models.decision import Now


def test_now_is_wall_and_monotonic_time_of_the_same_moment():
    clock = Clock(wall=lambda: 7.0, mono=lambda: 3.0)
    assert (clock.now(), clock.wall()) == (Now(wall=7.0, mono=3.0), 7.0)


def test_by_itself_it_shows_this_machines_time():
    before = time.time()
    assert before <= Clock().wall() <= time.time()


@pytest.mark.parametrize(
    ("at", "trusted"),
    [(0.0, False), (BUILD_FLOOR - SLACK_S - 1, False), (BUILD_FLOOR - SLACK_S, True), (BUILD_FLOOR + 1e9, True)],
)
def test_a_box_that_wakes_up_before_it_was_built_is_not_believed(at: float, trusted: bool):
    assert Clock(wall=lambda: at).trusted is trusted


def test_what_was_written_down_can_not_lie_in_the_future():
    moment = BUILD_FLOOR + 1000
    clock = Clock(wall=lambda: moment)
    assert clock.trusted
    clock.raise_floor(moment + 2 * SLACK_S)
    assert not clock.trusted
    moment += 2 * SLACK_S  # somebody sets the clock
    assert clock.trusted


def test_the_floor_never_sinks():
    clock = Clock(wall=lambda: BUILD_FLOOR)
    clock.raise_floor(BUILD_FLOOR + 1000)
    clock.raise_floor(5.0)
    assert not clock.trusted


def test_a_signed_time_is_believed_before_this_machines_clock():
    wall, mono = 5.0, 100.0
    clock = Clock(wall=lambda: wall, mono=lambda: mono)
    assert not clock.trusted
    clock.learn(BUILD_FLOOR + 1e6)
    mono += 7
    assert (clock.wall(), clock.now().wall, clock.trusted) == (BUILD_FLOOR + 1e6 + 7, BUILD_FLOOR + 1e6 + 7, True)
    wall = BUILD_FLOOR + 1e6 + 30
    assert clock.wall() == wall, "within a minute this machine's own clock runs on"


def test_an_authority_that_fell_into_the_past_is_not_believed() -> None:
    """Its own clock lost its battery: it signs 1970 now, and what it signed before still holds."""
    clock = Clock(lambda: BUILD_FLOOR + 500.0, lambda: 7.0)
    clock.learn(60.0)
    assert clock.wall() == BUILD_FLOOR + 500.0
    clock.learn(BUILD_FLOOR + 9000.0)
    clock.learn(60.0)
    assert clock.wall() == BUILD_FLOOR + 9000.0


def test_the_authority_puts_right_a_clock_that_ran_ahead() -> None:
    """The newest line of the ledger lies in the future; the wall clock was set since."""
    clock = Clock(lambda: BUILD_FLOOR + 500.0, lambda: 7.0)
    clock.raise_floor(BUILD_FLOOR + 4100.0)
    assert not clock.trusted
    clock.learn(BUILD_FLOOR + 501.0)
    assert clock.trusted
    assert clock.wall() == BUILD_FLOOR + 500.0
