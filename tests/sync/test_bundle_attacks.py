"""Ten thousand attacks on signed bundles: each is refused, in words of ours, and nothing of it is kept.

`test_bundle` and `test_delta` have one test for each refusal; here is the mass of them, upon a gate that has a manifest
already, by way of all that a gate does with a bundle.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.ticket import ManifestState
from sync import bundle_format as layout
from sync.bundle_build import build_delta
from sync.holding import Holding
from sync.refusals import BundleRefused

Gate = Any  # the conftest's, which can't be imported
Attack = Callable[[bytes, bytes, random.Random], bytes]

EACH = 600
"""Mutations of each kind, on a base and on a delta: ten kinds, so twelve thousand."""


def flip_a_bit(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def change_some_bytes(data: bytes, other: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(2, 9)):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, other: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def leave_out(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 200) :]


def repeat(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.randrange(1, 200)
    return data[: at + length] + data[at:]


def insert(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randrange(1, 200)) + data[at:]


def swap(data: bytes, other: bytes, chance: random.Random) -> bytes:
    length = chance.randrange(1, 100)
    one, two = sorted(chance.sample(range(len(data) // length), 2))
    one, two = one * length, two * length
    between = data[one + length : two]
    return data[:one] + data[two : two + length] + between + data[one : one + length] + data[two + length :]


def blank(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.choice((1, 16, 512))
    return data[:at] + bytes(len(data[at : at + length])) + data[at + length :]


def splice(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A piece of another bundle of the same issuer for the same gate, in the same place."""
    at = chance.randrange(min(len(data), len(other)))
    end = chance.randrange(at, len(other)) + 1
    return data[:at] + other[at:end] + data[end:]


def go_on(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Data that don't end where they should."""
    return data + chance.choice((bytes(chance.randrange(1, 4096)), other, data, chance.randbytes(3)))


ATTACKS: tuple[Attack, ...] = (
    flip_a_bit,
    change_some_bytes,
    cut,
    leave_out,
    repeat,
    insert,
    swap,
    blank,
    splice,
    go_on,
)


def written(gate: Gate) -> dict[str, str]:
    """What the gate has on its disk."""
    found = (gate.folder / name for name in ("manifest.db", "manifest.db-wal"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found if path.exists()}


def delta(gate: Gate, before: ManifestState, changed: list[Holding], name: str) -> bytes:
    out: Path = gate.issuer.folder / name
    issue = gate.issuer.issue({gate.name: gate.key.public}, before.version + 1)
    build_delta(out, changed, ["TICKET-0"], issue, before=before, tickets=before.tickets - 1 + len(changed))
    return out.read_bytes()


def good_pair(gate: Gate, make_people: Callable[[int], list[Holding]], kind: str) -> tuple[bytes, bytes]:
    """A good bundle, and another one, which the gate would take in its place."""
    installed = gate.load(gate.make(2, 1))
    if kind == "base":
        return gate.make(2, 2).read_bytes(), gate.make(3, 3).read_bytes()
    people = make_people(4)
    return delta(gate, installed, people[2:3], "one"), delta(gate, installed, people[2:], "two")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("kind", ["base", "delta"])
def test_hundreds_of_each_kind_are_refused_and_nothing_is_kept(
    gate: Gate, make_people: Callable[[int], list[Holding]], kind: str, attack: Attack
) -> None:
    whole, other = good_pair(gate, make_people, kind)
    chance, before, codes = random.Random(f"{kind} {attack.__name__}"), written(gate), Counter[str]()
    bundle: Path = gate.issuer.folder / "attacked"
    while codes.total() < EACH:
        data = attack(whole, other, chance)
        if data in (whole, other):
            continue
        bundle.write_bytes(data)
        with pytest.raises(BundleRefused) as caught:
            gate.load(bundle)
        codes[caught.value.code] += 1
    assert written(gate) == before, codes
    bundle.write_bytes(whole)
    assert gate.load(bundle).version == 2


def header_of(bundle: Path) -> dict[str, Any]:
    with bundle.open("rb") as file:
        return json.loads(layout.read_frame(file)[0])  # type: ignore[no-any-return]


def with_header(gate: Gate, bundle: Path, header: dict[str, Any], *, signed: bool) -> Path:
    """The same parts below another header, which the issuer signs or did not."""
    with bundle.open("rb") as file:
        _, signature = layout.read_frame(file)
        parts = file.read()
    new = json.dumps(header).encode()
    bundle.write_bytes(layout.frame(new, gate.issuer.key.sign(layout.SIGNED + new) if signed else signature) + parts)
    return bundle


@pytest.mark.parametrize(
    "change",
    [
        {"version": 10**6},
        {"expires_at": 10**12},
        {"issued_at": 5000.0},
        {"event": "other"},
        {"tickets": 0, "shrinks": True},
        {"shrinks": True},
        {"recipients": {}},
    ],
    ids=str,
)
def test_what_only_the_issuer_may_say_is_refused_from_anybody_else(gate: Gate, change: dict[str, Any]) -> None:
    """Fast-forward, a longer life, another event, an emptied house: the signature covers each of them."""
    gate.load(gate.make(2, 1))
    before, bundle = written(gate), gate.make(2, 2)
    with pytest.raises(BundleRefused) as caught:
        gate.load(with_header(gate, bundle, header_of(bundle) | change, signed=False))
    assert (caught.value.code, written(gate)) == ("bad_signature", before)


@pytest.mark.parametrize(
    "version", [0, -1, 2**53, 2**63, 2**64, 10**400], ids=lambda version: f"about 2^{version.bit_length()}"
)
@pytest.mark.parametrize("kind", ["base", "delta"])
def test_no_version_locks_out_all_that_come_after_it(
    gate: Gate, make_people: Callable[[int], list[Holding]], kind: str, version: int
) -> None:
    """Fast-forward with the issuer's own key: a number that nothing could follow is none."""
    whole, _ = good_pair(gate, make_people, kind)
    before, bundle = written(gate), gate.issuer.folder / "ahead"
    bundle.write_bytes(whole)
    with pytest.raises(BundleRefused) as caught:
        gate.load(with_header(gate, bundle, header_of(bundle) | {"version": version}, signed=True))
    assert (caught.value.code, written(gate)) == ("malformed", before)


def test_a_delta_can_not_be_skipped_to(gate: Gate, make_people: Callable[[int], list[Holding]]) -> None:
    """Fast-forward along the deltas: one that leads from a version that isn't installed."""
    installed = gate.load(gate.make(2, 1))
    bundle: Path = gate.issuer.folder / "ahead"
    bundle.write_bytes(delta(gate, replace(installed, version=7), make_people(3)[2:], "ahead-of-it"))
    before = written(gate)
    with pytest.raises(BundleRefused) as caught:
        gate.load(bundle)
    assert (caught.value.code, written(gate)) == ("not_next", before)
