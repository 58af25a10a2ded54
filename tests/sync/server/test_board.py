"""The live board's figures, from rows alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.server.board import (
    Alarm,
    Forecast,
    Standing,
    Tallied,
    admissions,
    alarms,
    forecast,
    inside,
    last_minutes,
    rates,
    reasons,
    refused_share,
    standing,
    unknown_share,
)

NOW = 1000


def admit(minute: int, count: int = 1, device: str = "a") -> Tallied:
    return Tallied(minute, device, "admit", "ok", count)


def deny(minute: int, count: int = 1, reason: str = "wrong_gate") -> Tallied:
    return Tallied(minute, "a", "deny", reason, count)


def refer(minute: int, count: int) -> Tallied:
    return Tallied(minute, "a", "refer", "face_uncertain", count)


def test_admissions_have_no_gaps_and_end_now():
    rows = [admit(NOW, 2), admit(NOW - 2, 1), admit(NOW - 2, 3, "b"), deny(NOW), admit(NOW - 99)]
    assert admissions(rows, NOW, 4) == [(NOW - 3, 0), (NOW - 2, 4), (NOW - 1, 0), (NOW, 2)]


def test_whoever_is_referred_counts_by_the_last_word():
    assert refused_share([admit(NOW, 3), deny(NOW), refer(NOW, 50)]) == 0.25


def test_nobody_came_and_nobody_was_refused():
    assert (refused_share([]), unknown_share([]), inside([]), rates([], NOW)) == (0, 0, 0, {})


def test_reasons_come_by_frequency():
    assert reasons([deny(1, 2, "revoked"), deny(2, 5), admit(3), deny(4, 4, "revoked")]) == [
        ("revoked", 6),
        ("wrong_gate", 5),
    ]


def test_inside_counts_whoever_may_have_passed_and_no_no_show():
    ways = [("in", "passed", 7), ("in", "unknown", 2), ("in", "no_show", 4), ("in", "free", 1), ("out", "passed", 3)]
    assert inside(Tallied(NOW, "a", word, reason, count) for word, reason, count in ways) == 7


@given(st.lists(st.tuples(st.sampled_from(["in", "out"]), st.integers(0, 9))))
def test_nobody_is_inside_less_than_none(ways: list[tuple[str, int]]):
    assert inside(Tallied(NOW, "a", word, "passed", count) for word, count in ways) >= 0


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([admit(NOW - 1, 90), deny(NOW - 1, 10)], []),
        ([admit(NOW - 1, 88), deny(NOW - 1, 12)], [Alarm("refused", 0.12, 0.10)]),
        ([admit(NOW - 1, 9), deny(NOW - 1, 9)], []),  # two dozen people are no crowd yet
        ([admit(NOW - 1, 96), deny(NOW - 1, 4, "no_ticket")], [Alarm("unknown", 0.04, 0.03)]),
        ([admit(NOW - 30, 500), admit(NOW, 98), deny(NOW, 2, "no_ticket")], []),  # two may be one person
        ([admit(NOW - 30, 500), admit(NOW - 2, 147), deny(NOW, 3, "no_ticket")], [Alarm("unknown_rising", 0.02, 0.0)]),
        ([admit(NOW - 90, 500), deny(NOW - 50, 500, "no_ticket")], []),  # over long ago
    ],
)
def test_alarms(rows: list[Tallied], told: list[Alarm]):
    assert alarms(rows, NOW) == told


def test_a_share_that_was_always_so_does_not_rise():
    before = [admit(NOW - 40, 980), deny(NOW - 40, 20, "no_ticket")]
    assert alarms([*before, admit(NOW - 1, 147), deny(NOW - 1, 3, "no_ticket")], NOW) == []


def test_the_running_minute_pulls_no_rate_down():
    rows = [admit(NOW - 2, 20), admit(NOW - 1, 20), admit(NOW - 1, 10, "b"), admit(NOW, 1)]
    assert rates(rows, NOW) == {"a": 20.0, "b": 5.0}


def test_one_more_lane_works_as_the_others_do():
    assert forecast(600, {"a": 20.0, "b": 10.0}, ["G7", "G8"]) == Forecast(600, 30.0, 2, 20.0, "G7", 600 / 45)


def test_without_a_waiting_lane_there_is_none_to_open():
    assert forecast(600, {"a": 20.0}, []) == Forecast(600, 20.0, 1, 30.0)


@pytest.mark.parametrize(("outstanding", "minutes"), [(5, None), (0, 0.0)])
def test_where_nobody_passes_no_time_is_promised(outstanding: int, minutes: float | None):
    assert forecast(outstanding, {}, ["G7"]).minutes == minutes


@pytest.mark.parametrize(
    ("contact", "visitor", "expected"),
    [
        (None, None, Standing.NEVER),
        (59_969.0, 1000, Standing.DEAD),
        (59_970.0, 1000, Standing.WORKING),
        (59_999.0, 997, Standing.WORKING),
        (59_999.0, 996, Standing.QUIET),
        (59_999.0, None, Standing.QUIET),
    ],
)
def test_quiet_is_not_dead(contact: float | None, visitor: int | None, expected: Standing):
    assert standing(contact, visitor, 60_000.0) is expected


def test_a_quiet_lane_whose_reader_does_not_answer_is_not_merely_quiet():
    assert standing(59_999.0, 990, 60_000.0, ("reader",)) is Standing.MUTE
    assert standing(59_999.0, 1000, 60_000.0, ("reader",)) is Standing.WORKING
    assert standing(59_900.0, 990, 60_000.0, ("reader",)) is Standing.DEAD


def test_a_passage_is_no_visitor():
    rows = [deny(NOW - 5), Tallied(NOW, "a", "out", "passed", 1), refer(NOW - 3, 1)]
    assert last_minutes(rows) == {"a": NOW - 3}
