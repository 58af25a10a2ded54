"""Changing codes: the published vectors, and drift."""

import pytest

from models.totp import Rotation, hotp, ticket_key

KEY = b"12345678901234567890"
NOW = 1_800_000_000.0


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
