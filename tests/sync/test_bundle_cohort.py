"""The cohort goes sealed in the bundle: made where enough enrolled, kept over deltas, refused where it can't be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models.decision import Policy
from models.face import FaceBands
from models.ids import DocumentType
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from sync import bundle_build
from sync.bundle import apply, verify
from sync.bundle_build import build, build_delta, reissue
from sync.bundle_format import COHORT, Part
from sync.holding import Document, Holding
from sync.refusals import Malformed
from tests.cohorts import MODEL, Population, cohort_from, reference
from tests.sync.conftest import EVENT, NOW, POLICY, Gate, Issuer, id_number

WITH_COHORT = replace(POLICY, bands=(FaceBands(MODEL, "any", 0.4, 0.6),), face_cohort=True)
TEMPLATES = Population(300).look()


def people(count: int) -> list[Holding]:
    """So many, each with a face."""
    return [
        Holding(
            Ticket(f"T{number}", Entitlement(EVENT), Validity(1.0, 2.0), reference=reference(TEMPLATES[number])),
            (Document(DocumentType.RESIDENT_ID, id_number(number)),),
        )
        for number in range(count)
    ]


@pytest.fixture
def gate(make_gate: Callable[[str], Gate], issuer: Issuer) -> Gate:
    issuer.policy = WITH_COHORT
    return make_gate("north")


def made(gate: Gate, count: int = 300, policy: Policy = WITH_COHORT, version: int = 1) -> Path:
    """A bundle for this gate."""
    out = gate.issuer.folder / f"{version}.bundle"
    build(out, people(count), gate.issuer.issue({gate.name: gate.key.public}, version, policy=policy))
    return out


def test_the_gate_gets_the_cohort_of_those_who_enrolled(gate: Gate) -> None:
    gate.load(made(gate))
    cohort = gate.reader.cohort()
    assert cohort is not None
    assert (cohort.model_version, cohort.persons) == (MODEL, 270)


@pytest.mark.parametrize(("count", "policy"), [(200, WITH_COHORT), (300, replace(WITH_COHORT, face_cohort=False))])
def test_too_few_or_a_policy_without_one_make_none(gate: Gate, count: int, policy: Policy) -> None:
    gate.load(made(gate, count, policy))
    assert gate.reader.cohort() is None


def test_the_next_whole_manifest_takes_the_last_ones_cohort_away(gate: Gate) -> None:
    gate.load(made(gate))
    gate.load(made(gate, 200, version=2))
    assert gate.reader.cohort() is None


def test_it_stays_over_a_delta_and_goes_along_when_a_base_is_issued_again(gate: Gate, issuer: Issuer) -> None:
    first = made(gate)
    state = gate.load(first)
    cohort = gate.reader.cohort()
    out = issuer.folder / "delta.bundle"
    build_delta(out, [], ["T1"], issuer.issue({}, 2), before=state, tickets=299)
    assert gate.load(out).version == 2
    assert gate.reader.cohort() == cohort
    again = issuer.folder / "again.bundle"
    reissue(again, first, issuer.issue({gate.name: gate.key.public}, 3))
    gate.load(again)
    assert gate.reader.cohort() == cohort


def test_neither_the_bundle_nor_the_gates_disk_tells_it(gate: Gate) -> None:
    bundle = made(gate)
    gate.load(bundle)
    cohort = gate.reader.cohort()
    assert cohort is not None
    for file in (bundle, *gate.folder.glob("manifest.db*")):
        assert cohort.centres[:32] not in file.read_bytes()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_version": "other"}, "of the face model other"),
        ({"behind": 19}, "fewer than 20 persons"),
        ({"nearest": 0}, "does not have"),
    ],
)
def test_one_of_another_model_or_of_too_few_is_refused(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], told: str
) -> None:
    spoilt = replace(cohort_from(TEMPLATES), **changes)  # type: ignore[arg-type]
    monkeypatch.setattr(bundle_build, "cohort_of", lambda holdings, models: spoilt)
    with pytest.raises(Malformed, match=told):
        gate.load(made(gate))
    assert gate.reader.state() is None


def test_one_that_was_changed_on_the_way_is_refused(gate: Gate) -> None:
    bundle = made(gate)
    content = bytearray(bundle.read_bytes())
    content[-1] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(Exception, match="the part cohort is not the one that was signed"):
        verify(bundle, gate.trust(), None, NOW)


def test_a_second_one_is_refused(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = bundle_build._PartWriter.part

    def two(writer: bundle_build._PartWriter) -> Part:
        part = honest(writer)
        return Part(part.name, part.size, 2, part.sha256) if part.name == COHORT else part

    monkeypatch.setattr(bundle_build._PartWriter, "part", two)
    with pytest.raises(Malformed, match="2 cohorts"):
        gate.load(made(gate))


def test_a_bundle_without_one_applies_as_before(gate: Gate) -> None:
    bundle = made(gate, 4)
    verified = verify(bundle, gate.trust(), None, NOW)
    assert [part.name for part in verified.header.parts] == ["tickets", "openings", "watch"]
    apply(verified, gate.writer, NOW)
    assert isinstance(gate.reader.state(), ManifestState)
