"""From counts to findings, as a table: each row is a wire, and what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.doctor import RULES, Signs, Trouble, decoding, diagnose

GOOD = {"bytes_in": 2000, "bytes_out": 500, "questions": 50, "frames": 50}

TABLE = [
    ("a port that isn't there", Signs(opened=False, wired=False), [Trouble.PORT], "plugged in"),
    ("no byte comes back", Signs(bytes_out=60, questions=6, unanswered=5), [Trouble.SILENT], "power"),
    (
        "TX and RX touch",
        Signs(bytes_out=60, questions=6, unanswered=5, bytes_in=60, echoed=6, noise=60),
        [Trouble.ECHO],
        "TX and RX",
    ),
    (
        "RS-485 hears itself",
        Signs(**{**GOOD, "bytes_in": 2500}, echoed=50, noise=500),
        [Trouble.ECHO, Trouble.LINE],
        "RS-485",
    ),
    ("wrong baud", Signs(bytes_in=300, bytes_out=60, questions=6, unanswered=5, noise=290), [Trouble.SPEED], "baud"),
    ("a scanner at a wrong baud", Signs(asks=False, bytes_in=30, noise=20), [Trouble.SPEED], "baud"),
    ("a scanner's odd character", Signs(asks=False, bytes_in=30, noise=1), [Trouble.NONE], ""),
    ("damage", Signs(**GOOD, bad_checks=9, noise=200, unanswered=9, repeats=9), [Trouble.LINE], "ground"),
    ("all damaged", Signs(bytes_in=900, questions=9, unanswered=8, bad_checks=9), [Trouble.LINE], "ground"),
    ("a bit of damage", Signs(**{**GOOD, "frames": 500}, bad_checks=1, noise=12), [Trouble.LINE], "motors"),
    ("answers lost whole", Signs(**GOOD, unanswered=4, repeats=4), [Trouble.LATE], "power supply"),
    ("a loose plug", Signs(**GOOD, reconnects=3), [Trouble.PLUG], "plug"),
    ("cards fail in the field", Signs(**GOOD, found=8, radio=5, got=2), [Trouble.RADIO], "metal"),
    ("one card was pulled too soon", Signs(**GOOD, found=8, radio=1, got=7), [Trouble.NONE], ""),
    ("module out of order", Signs(**GOOD, alarms=1), [Trouble.MODULE], "service"),
    ("slow by the network", Signs(**GOOD, remote=1, got=9, p50_s=2, p95_s=3.5), [Trouble.SLOW], "network"),
    ("slow by itself", Signs(**GOOD, local=1, got=9, p50_s=2, p95_s=3.5), [Trouble.SLOW], "flat"),
    ("all well", Signs(**GOOD, local=1, got=9, p50_s=0.4, p95_s=0.6), [Trouble.NONE], ""),
    ("all well without a card", Signs(**GOOD), [Trouble.NONE], ""),
    ("a silent scanner", Signs(asks=False), [Trouble.IDLE], "RX"),
    ("a relay that never answers", Signs(asks=False, knows=False, bytes_out=40, got=5), [Trouble.NONE], ""),
    ("no byte stream at all", Signs(wired=False, got=1), [Trouble.NONE], ""),
]


@pytest.mark.parametrize(("signs", "troubles", "look_at"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_wrong_is_named_with_where_to_look(signs, troubles, look_at):
    found = diagnose(signs)
    assert [one.trouble for one in found] == troubles
    assert look_at in found[0].look_at
    assert bool(look_at) == bool(found[0].look_at)


def test_the_table_has_every_trouble():
    assert {trouble for row in TABLE for trouble in row[2]} == set(Trouble)
    assert len(RULES) == len(Trouble) - 2  # idle and none are what is left


def test_where_the_chip_is_decoded():
    assert [decoding(one) for one in (Signs(local=1), Signs(remote=1), Signs(local=1, remote=1), Signs())] == [
        "local",
        "remote",
        "remote",
        "",
    ]


counts = st.integers(0, 5000)


@given(
    st.builds(
        Signs,
        **dict.fromkeys(
            ("bytes_in", "bytes_out", "echoed", "questions", "unanswered", "frames", "bad_checks", "noise", "found"),
            counts,
        ),
        radio=counts,
        reconnects=counts,
        got=counts,
        asks=st.booleans(),
        knows=st.booleans(),
        wired=st.booleans(),
    )
)
def test_there_is_always_a_finding_and_wellness_stands_alone(signs):
    found = [one.trouble for one in diagnose(signs)]
    assert found
    assert found == sorted(found, key=list(Trouble).index)
    assert len(found) == 1 or not {Trouble.NONE, Trouble.IDLE} & set(found)
