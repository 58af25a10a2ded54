"""Health, waits and traces."""

from __future__ import annotations

import pytest

from gate.vitals import Backoff, Vitals, bare_trace


def test_waits_double_up_to_the_longest_and_are_cut_by_a_half_at_most() -> None:
    backoff = Backoff(0.2, 5.0)
    full_s = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert all(full / 2 <= backoff.next_s() <= full for full in full_s)


def test_after_a_reset_waits_start_short_again() -> None:
    backoff = Backoff(0.2, 5.0)
    for _ in range(100):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.2


def test_an_eager_back_off_tries_at_once_first() -> None:
    backoff = Backoff(0.2, 5.0, eager=True)
    assert backoff.next_s() == 0.0
    assert 0.1 <= backoff.next_s() <= 0.2


def test_news_are_told_once() -> None:
    vitals = Vitals("reader")
    assert [vitals.fall("a"), vitals.fall("b"), vitals.rise(), vitals.rise(), vitals.fall("c")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert (vitals.health.up, vitals.health.why, vitals.health.reconnects) == (False, "c", 0)
    assert vitals.rise()
    assert vitals.health.reconnects == 1


def test_a_bare_trace_names_the_place_and_not_what_was_there() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("110101199003070000x")
    trace = bare_trace(caught.value)
    assert trace.startswith("ValueError\n")
    assert "test_vitals.py" in trace
    assert "1101" not in trace
