"""Deltas: from one certain manifest to the next, with the issuer's count and digest at its end; or nothing at all."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.ids import DocumentType
from models.ticket import ManifestState, TicketStatus
from sync.bundle import verify
from sync.bundle_build import CannotBuild, build_delta, reissue
from sync.holding import Document, Holding
from sync.refusals import BundleRefused

Gate = Any  # the conftest's, which can't be imported


def _delta(
    gate: Gate,
    changed: Sequence[Holding] = (),
    removed: Sequence[str] = (),
    *,
    before: ManifestState,
    tickets: int,
    name: str = "delta",
    **more: Any,
) -> Path:
    out: Path = gate.issuer.folder / name
    issue = gate.issuer.issue({gate.name: gate.key.public}, more.pop("version", before.version + 1), **more)
    build_delta(out, changed, removed, issue, before=before, tickets=tickets)
    return out


def _revoked(holding: Holding) -> Holding:
    return replace(holding, ticket=replace(holding.ticket, status=TicketStatus.REVOKED))


def _statuses(gate: Gate, number: str) -> list[TicketStatus]:
    return [one.status for one in gate.reader.find(DocumentType.RESIDENT_ID, number).tickets]


def test_a_revocation_and_a_resale_reach_the_gate(gate, make_people, number_of):
    """The seat changes hands: the old ticket is refused by name, the new one opens, all others stay."""
    people = make_people(5)
    state = gate.load(gate.make(4))
    new = gate.load(_delta(gate, [_revoked(people[2]), people[4]], before=state, tickets=5))
    assert (new.version, new.tickets) == (2, 5)
    assert gate.writer.state() == new
    assert _statuses(gate, number_of(2)) == [TicketStatus.REVOKED]
    assert _statuses(gate, number_of(4)) == [TicketStatus.VALID]
    assert _statuses(gate, number_of(1)) == [TicketStatus.VALID]


def test_a_removed_ticket_is_gone_with_all_that_opened_it(gate, number_of):
    state = gate.load(gate.make(4))
    gate.load(_delta(gate, removed=["TICKET-1"], before=state, tickets=3))
    assert gate.reader.find(DocumentType.RESIDENT_ID, number_of(1)).tickets == ()
    with gate.writer._transaction() as connection:
        assert connection.execute("SELECT count(*) FROM opening").fetchone() == (3,)


def test_another_document_opens_a_changed_ticket_and_the_old_one_no_more(gate, make_people, number_of):
    state = gate.load(gate.make(4))
    rebound = replace(make_people(2)[1], documents=(Document(DocumentType.PASSPORT, "E1234567"),))
    gate.load(_delta(gate, [rebound], before=state, tickets=4))
    assert gate.reader.find(DocumentType.RESIDENT_ID, number_of(1)).tickets == ()
    assert len(gate.reader.find(DocumentType.PASSPORT, "E1234567").tickets) == 1


def test_a_watchlist_stays_as_it_is(gate, make_people):
    state = gate.load(gate.make(4))
    before = gate.reader.watchlist()
    gate.load(_delta(gate, [_revoked(make_people(1)[0])], before=state, tickets=4))
    assert gate.reader.watchlist() == before != ()


def test_deltas_follow_one_another_and_the_digest_with_them(gate, make_people):
    state = gate.load(gate.make(2))
    digests = [state.digest]
    for version, holding in enumerate(make_people(6)[2:], start=3):
        state = gate.load(_delta(gate, [holding], before=state, tickets=version, name=f"delta{version}"))
        digests.append(state.digest)
    assert state.tickets == 6
    assert len(set(digests)) == 5


def _refused(gate: Gate, bundle: Path, code: str) -> None:
    before = gate.writer.state()
    with pytest.raises(BundleRefused) as refused:
        gate.load(bundle)
    assert refused.value.code == code
    assert gate.writer.state() == before


def test_a_delta_without_what_it_changes_is_refused(gate):
    elsewhere = ManifestState("gala", 1, 1000.0, 9000.0, 4, "ab" * 32)
    _refused(gate, _delta(gate, removed=["TICKET-1"], before=elsewhere, tickets=3), "not_next")


def test_a_skipped_and_a_repeated_delta_are_refused(gate, make_people):
    people = make_people(6)
    state = gate.load(gate.make(4))
    first = _delta(gate, [people[4]], before=state, tickets=5, name="first")
    then = ManifestState("gala", 2, 1000.0, 9000.0, 5, verify(first, gate.trust(), state, 2000.0).state.digest)
    second = _delta(gate, [people[5]], before=then, tickets=6, name="second")
    _refused(gate, second, "not_next")
    gate.load(first)
    _refused(gate, first, "rolled_back")
    assert gate.load(second).tickets == 6


def test_a_delta_on_another_manifest_of_the_same_number_is_refused(gate):
    """Mix and match: the version fits, what it was made for is not what is installed."""
    state = gate.load(gate.make(4))
    other = replace(state, digest="ab" * 32)
    _refused(gate, _delta(gate, removed=["TICKET-1"], before=other, tickets=3), "not_next")


def test_a_wrong_count_at_the_end_leaves_everything_as_it_was(gate, number_of):
    state = gate.load(gate.make(4))
    with pytest.raises(ValueError, match="the issuer counts 7"):
        gate.load(_delta(gate, removed=["TICKET-1"], before=state, tickets=7))
    assert gate.writer.state() == state
    assert len(gate.reader.find(DocumentType.RESIDENT_ID, number_of(1)).tickets) == 1


def test_a_delta_that_empties_the_house_is_refused_unless_it_is_meant(gate):
    state = gate.load(gate.make(4))
    gone = [f"TICKET-{n}" for n in range(3)]
    _refused(gate, _delta(gate, removed=gone, before=state, tickets=1), "suddenly_empty")
    assert gate.load(_delta(gate, removed=gone, before=state, tickets=1, shrinks=True)).tickets == 1


def test_a_manifest_issued_again_is_the_same_for_one_gate_more(gate, make_gate, make_people, number_of):
    """A gate that is enrolled at the last minute gets what is sealed already, and the deltas on top of it."""
    base = gate.make(4)
    state = gate.load(base)
    late = make_gate("B2")
    both = {each.name: each.key.public for each in (gate, late)}
    again = gate.issuer.folder / "again"
    reissue(again, base, gate.issuer.issue(both, 2))
    loaded = late.load(again)
    assert (loaded.version, loaded.digest) == (2, state.digest)
    assert gate.load(again) == loaded
    late.load(_delta(gate, [_revoked(make_people(1)[0])], before=loaded, tickets=4))
    assert _statuses(late, number_of(0)) == [TicketStatus.REVOKED]


def test_only_ones_own_whole_manifest_is_issued_again(gate, tmp_path):
    base = gate.make(4)
    state = gate.load(base)
    issue = gate.issuer.issue({gate.name: gate.key.public}, 5)
    with pytest.raises(CannotBuild, match="not signed by this key"):
        reissue(tmp_path / "b", base, replace(issue, signing_key=Ed25519PrivateKey.generate()))
    with pytest.raises(CannotBuild, match="whole manifest"):
        reissue(tmp_path / "b", _delta(gate, removed=["TICKET-1"], before=state, tickets=3), issue)


def test_no_flipped_byte_gets_through(gate, make_people):
    state = gate.load(gate.make(4))
    whole = _delta(gate, [make_people(5)[4]], ["TICKET-0"], before=state, tickets=4).read_bytes()
    bundle, dice = gate.issuer.folder / "flipped", random.Random(9)
    for place in [*range(20), len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(400))]:
        data = bytearray(whole)
        data[place] ^= dice.randrange(1, 256)
        bundle.write_bytes(data)
        with pytest.raises(BundleRefused):
            verify(bundle, gate.trust(), state, 2000.0)
    bundle.write_bytes(whole)
    assert gate.load(bundle).tickets == 4


def test_what_would_be_no_good_delta_is_not_built(gate, make_people):
    state = gate.load(gate.make(4))
    with pytest.raises(CannotBuild, match="changed and removed"):
        _delta(gate, make_people(1), ["TICKET-0"], before=state, tickets=4)
    with pytest.raises(CannotBuild, match="older version"):
        _delta(gate, removed=["TICKET-0"], before=state, tickets=3, version=1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.dictionaries(st.integers(0, 7), st.booleans(), max_size=4), max_size=5))
def test_base_and_deltas_give_what_a_new_base_gives(make_gate, make_people, number_of, steps):
    """Whatever was put in and taken out: who stands at the gate finds the same tickets."""
    by_deltas = make_gate(f"D{secrets.token_hex(6)}")
    people = make_people(8)
    present = dict.fromkeys(range(4), True)
    state = by_deltas.load(by_deltas.make(4))
    for step in steps:
        changed = [people[n] for n, stays in step.items() if stays]
        removed = [f"TICKET-{n}" for n, stays in step.items() if not stays]
        present |= step
        tickets = sum(present.values())
        state = by_deltas.load(_delta(by_deltas, changed, removed, before=state, tickets=tickets, shrinks=True))
    for n in range(8):
        found = by_deltas.reader.find(DocumentType.RESIDENT_ID, number_of(n)).tickets
        assert [one.ticket for one in found] == ([f"TICKET-{n}"] if present.get(n) else [])
