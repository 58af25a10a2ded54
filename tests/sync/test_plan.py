"""What the sync process does next, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.contract import BundleOffer, Standing
from sync.plan import LONGEST_WAIT_S, Contact, Outlook, Pull, Push, Wait, Wipe, plan, retry_s

BASE = BundleOffer("show", 8, "base", 0, 10, "b")
DELTA = BundleOffer("show", 9, "delta", 8, 10, "d")
NEXT = BundleOffer("show", 10, "delta", 9, 10, "e")
CALM = Standing(1.0, "", 1)
OFFERED = Standing(1.0, "", 1, offers=(BASE, DELTA))
REVOKED = Standing(1.0, "", 1, offers=(BASE,), wipe=True)
LATER = {"contact_at": 110.0, "look_at": 102.0}


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        ({}, Contact()),
        ({"contact_at": 100.0}, Contact()),
        (LATER, Wait(2.0)),
        (LATER | {"written": 5}, Wait(2.0)),  # how much the authority holds is not known yet
        (LATER | {"written": 5, "acknowledged": 5, "standing": CALM}, Wait(2.0)),
        (LATER | {"written": 5, "acknowledged": 3, "standing": CALM}, Push(3)),
        (LATER | {"written": 5, "acknowledged": 9, "standing": CALM}, Wait(2.0)),  # a copy is behind its own lines
        (LATER | {"written": 5, "acknowledged": 3, "standing": CALM, "push_at": 101.0}, Wait(1.0)),
        (LATER | {"standing": OFFERED}, Pull((BASE, DELTA))),
        (LATER | {"standing": OFFERED, "pulling": True}, Wait(2.0)),
        (LATER | {"standing": OFFERED, "pull_at": 100.5}, Wait(0.5)),
        (LATER | {"standing": OFFERED, "written": 5, "acknowledged": 3}, Push(3)),
        (LATER | {"standing": OFFERED, "written": 5, "acknowledged": 3, "push_at": 101.0}, Pull((BASE, DELTA))),
        (LATER | {"standing": OFFERED, "set_aside": frozenset({BASE})}, Wait(2.0)),
        (LATER | {"standing": OFFERED, "set_aside": frozenset({DELTA})}, Pull((BASE,))),
        (LATER | {"standing": Standing(1.0, "", 1, offers=(NEXT,)), "set_aside": frozenset({BASE})}, Pull((NEXT,))),
        ({"standing": REVOKED, "holds": True}, Wipe()),
        (LATER | {"standing": REVOKED, "written": 5, "acknowledged": 3}, Wait(2.0)),
        ({"contact_at": 100.0, "standing": REVOKED}, Contact()),
    ],
)
def test_the_next_step(seen: dict[str, object], step: object):
    assert plan(Outlook(100.0, **seen)) == step


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_nobody_waits_for_ever_and_nobody_hammers(failures: int, chance: float):
    assert 0.25 <= retry_s(failures, chance) <= LONGEST_WAIT_S
    assert retry_s(failures, chance) <= retry_s(failures, 1.0) <= retry_s(failures + 1, 1.0)
