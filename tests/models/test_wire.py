"""Nouns become bytes and come back the same; what can't come back says where and why."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import wire
from models.credential import Assurance, Credential, Holder, Medium
from models.decision import CardFacts, Decision, Facts, Need, Policy, Profile, Reason, Verdict
from models.face import FaceProbe
from models.ids import DocumentType
from models.ledger import Checkpoint, Entry, EntryKind
from models.passage import Use
from models.ticket import Ticket
from models.view import LaneView, Phase
from models.watch import WatchEntry

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
_INTEGERS = st.integers(-(2**63), 2**64 - 1)  # what MessagePack can hold
st.register_type_strategy(int, _INTEGERS)

_JSON = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_ENTRIES = st.builds(Entry, body=st.dictionaries(st.text(), _JSON, max_size=5))

_NOUNS = st.one_of(
    st.builds(Facts),
    st.builds(Policy),
    st.builds(Decision),
    st.builds(LaneView),
    st.builds(Ticket),
    st.builds(Credential),
    st.builds(FaceProbe),
    st.builds(Use),
    st.builds(WatchEntry),
    st.builds(Checkpoint),
    _ENTRIES,
)


@given(_NOUNS)
def test_every_noun_comes_back_from_json(noun: object) -> None:
    assert wire.from_json(type(noun), wire.to_json(noun)) == noun


@given(_NOUNS)
def test_every_noun_comes_back_from_msgpack(noun: object) -> None:
    assert wire.from_msgpack(type(noun), wire.to_msgpack(noun)) == noun


@given(_NOUNS)
def test_every_noun_comes_back_from_builtins(noun: object) -> None:
    assert wire.from_builtins(type(noun), wire.to_builtins(noun)) == noun


@given(_NOUNS)
def test_json_is_canonical(noun: object) -> None:
    """Reading and writing again changes no byte, and every object's keys are in order."""
    first = wire.to_json(noun)
    assert wire.to_json(wire.from_json(type(noun), first)) == first
    assert wire.to_json(json.loads(first)) == first
    json.loads(first, object_pairs_hook=_assert_sorted)


def _assert_sorted(pairs: list[tuple[str, Any]]) -> None:
    keys = [key.encode() for key, _ in pairs]
    assert keys == sorted(keys)


def test_json_has_one_known_spelling() -> None:
    """Pinned, because hashes stand on it."""
    card = CardFacts(Medium.CHIP_CARD, DocumentType.RESIDENT_ID, Assurance.SIGNED, valid_to="2030-01-31")
    facts = Facts(gate="北", card=card, clock_trusted=False)
    assert (
        wire.to_json(facts)
        .decode()
        .startswith(
            '{"card":{"assurance":2,"child":false,"code_step":null,"document":"resident_id","event":"","medium":"chip_card",'
            '"portrait_model":"","typed_by":"","valid_from":"","valid_since":null,"valid_to":"2030-01-31",'
            '"valid_until":null},'
            '"card_problem":null,"claim":null,"claim_first":null,"clock_trusted":false,"direction":"entry",'
        )
    )
    assert (
        wire.to_json({"b": 1.0, "a": [b"\x00\xff", 0.1, 1e22, "é\n"]})
        == b'{"a":["AP8=",0.1,1e22,"\xc3\xa9\\n"],"b":1.0}'
    )


def test_dates_and_assurance_keep_their_types() -> None:
    credential = Credential(
        Medium.E_PASSPORT, DocumentType.PASSPORT, "X1", Assurance.AUTHENTICATED, Holder(birth=date(1990, 2, 28))
    )
    back = wire.from_json(Credential, wire.to_json(credential))
    assert back.holder.birth == date(1990, 2, 28)
    assert back.assurance is Assurance.AUTHENTICATED


def test_a_newer_peers_extra_fields_are_passed_over() -> None:
    data = b'{"verdict":"admit","reason":"ok","mood":"sunny","notes":[{"kind":"vip","colour":7}]}'
    decision = wire.from_json(Decision, data)
    assert (decision.verdict, decision.reason, len(decision.notes)) == (Verdict.ADMIT, Reason.OK, 1)


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        (Facts, b'{"gate":"a","card":{"medium":"telepathy"}}', r"Facts: .*'telepathy'.*\$\.card\.medium"),
        (Facts, b'{"gate":7}', r"Facts: Expected `str`, got `int` - at `\$\.gate`"),
        (Decision, b'{"verdict":"admit"}', r"Decision: .*missing required field `reason`"),
        (
            LaneView,
            b'{"gate":"a","phase":"idle","attempt":1,"notes":[{"kind":"vip","text":3}]}',
            r"\$\.notes\[0\]\.text",
        ),
        (FaceProbe, b'{"model_version":"m","template":"*"}', r"base64.*\$\.template"),
        (Policy, b'{"profile":"card","event":"e","min_assurance":9}', r"enum.*\$\.min_assurance"),
        (Policy, b"", "Policy: "),
        (Policy, b'{"profile"', "Policy: "),
        (Policy, b"\xff\xfe", "Policy: "),
        (dict, b"[" * 100_000, "dict: "),
    ],
)
def test_bad_json_names_type_and_field(kind: type, data: bytes, says: str) -> None:
    with pytest.raises(wire.WireError, match=says):
        wire.from_json(kind, data)


def test_bad_builtins_and_bad_msgpack_name_the_field_too() -> None:
    with pytest.raises(wire.WireError, match=r"\$\.phase"):
        wire.from_builtins(LaneView, {"gate": "a", "phase": "dancing", "attempt": 1})
    with pytest.raises(wire.WireError, match=r"\$\.template"):
        wire.from_msgpack(FaceProbe, wire.to_msgpack({"model_version": "m", "template": 5}))
    with pytest.raises(wire.WireError, match="FaceProbe: "):
        wire.from_msgpack(FaceProbe, b"\xc1")


@given(st.binary(max_size=60))
def test_garbage_is_a_wire_error_and_nothing_else(data: bytes) -> None:
    for decode in (wire.from_json, wire.from_msgpack):
        with pytest.raises(wire.WireError):
            decode(Facts, data)


def test_an_error_never_repeats_what_may_be_personal() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.from_json(Decision, '{"verdict":"11010519491231002X","reason":"张三"}')
    assert "1101" not in str(caught.value)
    assert "$.verdict" in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_no_word_for_is_refused_by_its_path(number: float) -> None:
    with pytest.raises(wire.WireError, match=r"\$\.face\.scores\[1\]"):
        wire.to_json({"face": {"scores": [0.5, number]}})


def test_half_a_character_and_a_stranger_are_refused() -> None:
    with pytest.raises(wire.WireError, match="Unicode"):
        wire.to_json({"why": "\ud800"})
    with pytest.raises(wire.WireError, match="can't be written"):
        wire.to_json({"why": object()})
    with pytest.raises(wire.WireError, match="can't be written"):
        wire.to_msgpack(object())


def test_every_enum_is_written_as_its_value() -> None:
    assert wire.to_builtins([Need.FACE, Profile.CARD, Phase.IDLE, EntryKind.START, Assurance.UID_ONLY]) == [
        "face",
        "card",
        "idle",
        "start",
        1,
    ]
