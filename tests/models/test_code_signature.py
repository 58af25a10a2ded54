"""Signed ticket codes: what is genuine passes, and nothing else."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from models import base45
from models.code import CodeKind, CodeProblem, SignedCode, is_ours, key_id_of, read_payload, take_apart, write_payload
from models.store.code_signature import (
    RotatingSecret,
    UnusableKey,
    code_keys,
    open_code,
    sign_code,
    sign_rotating_code,
    verify_code,
)

ISSUER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = ISSUER.public_key().public_bytes_raw()
KEYS = code_keys([PUBLIC])
CODE = SignedCode("E", "T1", 1_800_000_000, 1_800_007_200)
NOW = 1_800_000_000.0
SECRET = RotatingSecret(bytes(32))


def test_a_code_says_what_was_signed():
    text = sign_code(CODE, ISSUER)
    assert verify_code(text, KEYS, NOW) == replace(CODE, key_id=key_id_of(PUBLIC))


def test_a_code_stays_what_it_is():
    """Printed tickets outlive programs: Ed25519 gives the same signature each time."""
    text = sign_code(CODE, ISSUER)
    assert text == (
        "M1:$+AWKBFPDUOQFPDU4UA70BD0%A6FOSLT8$LUCUF8C5384S7O5BMZSSTUK6HJ"
        "-LHJGIH72MINS$M18UN$F0$8PKD -GRQ282ELIVT*PCBD68PE*B927HYD.UHE0"
    )
    assert len(text) == 3 + 3 * (12 + 2 + 3 + 64) // 2 + 1
    assert set(text) <= set(base45.ALPHABET)


def test_every_flipped_bit_is_refused():
    parts = take_apart(sign_code(CODE, ISSUER))
    body = parts.payload + parts.signature
    for bit in range(8 * len(body)):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        outcome = verify_code("M1:" + base45.encode(bytes(flipped)), KEYS, NOW)
        assert outcome in (CodeProblem.BAD_SIGNATURE, CodeProblem.UNKNOWN_KEY), bit


def test_every_character_changed_or_missing_is_refused():
    text = sign_code(CODE, ISSUER)
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        assert isinstance(verify_code(text[:at] + other + text[at + 1 :], KEYS, NOW), CodeProblem)
        assert isinstance(verify_code(text[:at] + text[at + 1 :], KEYS, NOW), CodeProblem)
    assert isinstance(verify_code(text + "0", KEYS, NOW), CodeProblem)


def test_anothers_signature_is_refused():
    assert verify_code(sign_code(CODE, STRANGER), KEYS, NOW) is CodeProblem.UNKNOWN_KEY
    forged = dict.fromkeys([key_id_of(STRANGER.public_key().public_bytes_raw())], KEYS[key_id_of(PUBLIC)])
    assert verify_code(sign_code(CODE, STRANGER), forged, NOW) is CodeProblem.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("after_s", "outcome"),
    [(-1, CodeProblem.NOT_YET_VALID), (0, None), (7200, None), (7201, CodeProblem.EXPIRED)],
)
def test_a_code_has_its_time_and_both_ends_belong_to_it(after_s, outcome):
    text = sign_code(CODE, ISSUER)
    found = verify_code(text, KEYS, NOW + after_s)
    assert (found if isinstance(found, CodeProblem) else None) is outcome
    assert isinstance(open_code(text, KEYS, NOW + after_s), SignedCode), "opened whatever the time"


@pytest.mark.parametrize("text", ["", "T-17", "m1:ABC", "M3:ABC", "https://example.org/M1:", "M1"])
def test_other_texts_are_foreign(text):
    assert not is_ours(text)
    assert verify_code(text, KEYS, NOW) is CodeProblem.FOREIGN


@pytest.mark.parametrize("text", ["M1:", "M1:ABC", "M1::::", "M2:ABC", "M2:12345:AB", "M1:" + "0" * 114, "M1:\n"])
def test_ours_that_do_not_add_up_are_malformed(text):
    assert verify_code(text, KEYS, NOW) is CodeProblem.MALFORMED


@given(st.text())
def test_no_text_raises_anything(text):
    for head in ("", "M1:", "M2:123456:"):
        assert isinstance(verify_code(head + text, KEYS, NOW, SECRET), CodeProblem)


@given(st.binary(max_size=48))
def test_a_payload_has_one_spelling(payload):
    try:
        code = read_payload(payload)
    except ValueError:
        return
    assert write_payload(code) == payload


@pytest.mark.parametrize(
    "bad", [{"ticket": ""}, {"event": "x" * 256}, {"ticket": "a\rb"}, {"not_after": 1}, {"not_before": -1}]
)
def test_what_does_not_fit_in_a_code_is_not_signed(bad):
    with pytest.raises(ValueError, match="code"):
        sign_code(replace(CODE, **bad), ISSUER)


def test_a_key_that_is_none_is_refused():
    with pytest.raises(UnusableKey):
        code_keys([b"short"])


# changing codes


def test_a_changing_code_passes_in_its_step_and_tells_it():
    shown = sign_rotating_code(CODE, ISSUER, SECRET).text(NOW)
    found = verify_code(shown, KEYS, NOW, SECRET)
    assert isinstance(found, SignedCode)
    assert found.step == SECRET.rotation.counter(NOW)


def test_a_screenshot_dies():
    shown = sign_rotating_code(CODE, ISSUER, SECRET).text(NOW)
    assert isinstance(verify_code(shown, KEYS, NOW + 29, SECRET), SignedCode)
    assert verify_code(shown, KEYS, NOW + 30, SECRET) is CodeProblem.WRONG_STEP


def test_digits_are_not_believed_without_the_secret_or_by_another():
    shown = sign_rotating_code(CODE, ISSUER, SECRET).text(NOW)
    assert verify_code(shown, KEYS, NOW) is CodeProblem.NO_SECRET
    assert verify_code(shown, KEYS, NOW, RotatingSecret(b"x" * 32)) is CodeProblem.WRONG_STEP


def test_a_changing_code_without_its_digits_is_no_paper_ticket_nor_the_other_way_round():
    phone = take_apart(sign_rotating_code(CODE, ISSUER, SECRET).text(NOW))
    assert verify_code(str(replace(phone, kind=CodeKind.FIXED)), KEYS, NOW, SECRET) is CodeProblem.BAD_SIGNATURE
    paper = replace(take_apart(sign_code(CODE, ISSUER)), kind=CodeKind.ROTATING, digits=phone.digits)
    assert verify_code(str(paper), KEYS, NOW, SECRET) is CodeProblem.BAD_SIGNATURE


def test_neither_ticket_nor_secret_shows_in_a_print():
    code = sign_rotating_code(replace(CODE, ticket="SECRET-1"), ISSUER, RotatingSecret(b"hush" * 8))
    assert "SECRET-1" not in repr(take_apart(code.text(NOW)))
    assert "hush" not in repr(code) + repr(RotatingSecret(b"hush" * 8))
