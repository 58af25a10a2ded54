"""Changing codes: the published vectors, drift, and steps that were used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.totp import Rotation, UsedSteps, hotp, ticket_key

KEY = b"12345678901234567890"
NOW = 1_800_000_000.0

uses = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)))


def after(pairs):
    """The steps of `pairs` used one after the other, as far as they could be."""
    used = UsedSteps()
    for ticket, counter in pairs:
        used = used.use(ticket, counter) or used
    return used


@pytest.mark.parametrize(
    ("counter", "code"),
    list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583"])),
)
def test_the_counters_of_rfc_4226_appendix_d(counter, code):
    assert hotp(KEY, counter) == code


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924")],
)
def test_the_times_of_rfc_6238_appendix_b(at, code):
    assert Rotation(step_s=30, digits=8).code(KEY, at) == code


def test_fifteen_seconds_and_six_digits():
    assert Rotation().code(KEY, NOW) == "731548"


@pytest.mark.parametrize(("drift", "taken"), [(0, [0]), (1, [-1, 0, 1]), (2, [-2, -1, 0, 1, 2])])
def test_clocks_may_differ_by_the_drift_and_no_more(drift, taken):
    rotation = Rotation(drift=drift)
    here = rotation.counter(NOW)
    shown = {steps: rotation.code(KEY, NOW + 15 * steps) for steps in range(-4, 5)}
    found = {steps: rotation.find(KEY, code, NOW) for steps, code in shown.items()}
    assert {steps: step for steps, step in found.items() if step is not None} == {s: here + s for s in taken}


@pytest.mark.parametrize("digits", ["", "0", "73154", "7315488", "731549", "７３１５４８"])
def test_other_digits_belong_to_no_step(digits):
    assert Rotation(drift=0).find(KEY, digits, NOW) is None


@pytest.mark.parametrize("bad", [{"step_s": 0}, {"drift": -1}, {"digits": 5}, {"digits": 9}])
def test_a_rotation_without_sense_is_refused(bad):
    with pytest.raises(ValueError, match="rotation"):
        Rotation(**bad)


def test_tickets_and_events_have_keys_of_their_own():
    keys = {ticket_key(KEY, event, ticket) for event in ("e", "f") for ticket in ("1", "2")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {20}


def test_a_used_or_older_step_is_refused_and_a_later_one_is_not():
    used = UsedSteps().use("T", 7)
    assert used is not None
    assert used.use("T", 7) is None
    assert used.use("T", 6) is None
    assert used.use("U", 6) is not None
    assert used.use("T", 8) == UsedSteps({"T": 8})


@given(uses, uses)
def test_lanes_that_merge_refuse_what_either_has_seen(ours, theirs):
    one, other = after(ours), after(theirs)
    both = one.merge(other)
    assert both == other.merge(one) == both.merge(one)
    assert all(both.use(ticket, counter) is None for ticket, counter in ours + theirs)


def test_old_steps_can_be_forgotten():
    assert UsedSteps({"a": 4, "b": 5}).forget_before(5) == UsedSteps({"b": 5})
