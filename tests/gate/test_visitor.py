"""What the core may know of a person, and for how long the rest is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from drivers.face import sim
from gate.core.watch import index
from gate.messages import FaceProbed
from gate.stores import Rules
from gate.visitor import Visitor, card_facts
from models import wire
from models.face import FaceProbe, FaceProblem
from models.ids import DocumentType
from models.passage import Direction
from models.watch import WatchEntry
from tests.gate.lane_bench import POLICY, Guest

ANNA, BORIS = Guest(1), Guest(2)


def rules(*listed: WatchEntry) -> Rules:
    return Rules(POLICY, "", None, index(listed))


def compared(probe: FaceProbe, visitor: Visitor | None = None, *listed: WatchEntry):
    """The probe of attempt 4 beside Anna's reference."""
    visitor = visitor or Visitor()
    visitor.expect({ANNA.ticket: ANNA.reference})
    visitor.look_for(ANNA.ticket, 4)
    return visitor.compare(FaceProbed(4, probe), rules(*listed))


def test_the_core_gets_a_card_without_the_person_on_it():
    facts = card_facts(replace(ANNA.card(), valid_from=date(2020, 2, 1)))
    assert (facts.valid_from, facts.valid_to) == ("2020-02-01", "2090-01-01")
    said = wire.to_json(Visitor().presents(ANNA.card(), None)).decode()
    assert ANNA.number not in said
    assert ANNA.name not in said


def test_equal_documents_are_the_same_and_others_are_not():
    visitor = Visitor()
    tap = lambda card: visitor.presents(card, None).same  # noqa: E731
    assert tap(ANNA.card()) == tap(ANNA.card()) != tap(BORIS.card())
    assert tap(replace(ANNA.card(), document=DocumentType.PASSPORT)) != tap(ANNA.card())


def test_sameness_means_nothing_to_another_gate():
    assert Visitor().presents(ANNA.card(), None).same != Visitor().presents(ANNA.card(), None).same


def test_the_way_of_the_reader_is_passed_on():
    assert Visitor().presents(ANNA.card(), Direction.EXIT).direction is Direction.EXIT


def test_a_credential_is_given_once():
    visitor = Visitor()
    scan = visitor.presents(ANNA.card(), None).scan
    assert visitor.credential(scan) == ANNA.card()
    assert visitor.credential(scan) is None


def test_only_those_are_kept_who_wait_or_are_not_known_yet():
    visitor = Visitor()
    gone, waiting, later = (visitor.presents(ANNA.card(), None).scan for _ in range(3))
    visitor.has_come(waiting)
    visitor.keep_only({waiting})
    assert [visitor.credential(scan) is not None for scan in (gone, waiting, later)] == [False, True, True]


def test_a_face_is_compared_with_the_ticket_that_is_looked_for():
    event = compared(ANNA.probe(0.25))
    assert event.attempt == 4
    assert event.face.comparison is not None
    assert event.face.comparison.distance == pytest.approx(0.25, abs=0.01)
    assert event.face.comparison.model_version == sim.MODEL_VERSION
    assert compared(BORIS.probe()).face.comparison.distance > 0.6


def test_nothing_is_compared_without_a_reference():
    visitor = Visitor()
    visitor.expect({ANNA.ticket: ANNA.reference})
    visitor.look_for("another ticket", 4)
    assert visitor.compare(FaceProbed(4, ANNA.probe()), rules()).face.comparison is None
    visitor.look_for(ANNA.ticket, 4)
    visitor.forget()
    assert visitor.compare(FaceProbed(4, ANNA.probe()), rules()).face.comparison is None


def test_a_problem_is_passed_on_and_not_compared():
    face = compared(ANNA.probe(problem=FaceProblem.TURNED)).face
    assert (face.problem, face.comparison, face.fault) == (FaceProblem.TURNED, None, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_version": "another-2"},
        {"template": b""},
        {"template": b"\x00" * 7},
        {"template": b"\x00" * 400},
        {"template": b"\xff" * 512},
    ],
    ids=["model", "empty", "cut", "size", "nan"],
)
def test_what_can_not_be_compared_is_a_fault_for_a_person(wrong: dict[str, object]):
    event = compared(replace(ANNA.probe(), **wrong), None, BORIS.listed())  # type: ignore[arg-type]
    assert event.face.fault
    assert (event.face.comparison, event.hits) == (None, ())


def test_a_listed_face_is_a_hint_without_its_template():
    event = compared(BORIS.probe(), None, ANNA.listed(), BORIS.listed())
    assert [hit.entry for hit in event.hits] == [BORIS.listed().entry]
    assert BORIS.reference.template.hex() not in wire.to_json(event).hex()
