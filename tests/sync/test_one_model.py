"""A manifest whose faces come from two models is not made, and the words say whose they are and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.face import FaceReference
from models.ticket import TicketStatus
from models.watch import WatchAction, WatchEntry
from sync.bundle_build import MixedModels, build
from sync.holding import Listed
from sync.one_model import mixed_models

OTHER = FaceReference("sface-1", bytes(512), "consent-9")


@pytest.fixture
def people(make_people):
    """Three persons, two of whose faces `dlib-1` enrolled; the one between has none here."""
    return make_people(3)


def enrolled_by_another(person):
    return replace(person, ticket=replace(person.ticket, reference=OTHER))


def listed(model: str) -> Listed:
    return Listed(
        WatchEntry("w1", "hospital", "touting", WatchAction.REVIEW, 1, 2, ("a", "b"), "law", "", bytes(512), model)
    )


def test_a_manifest_of_two_models_is_refused_in_words(gate, people):
    mixed = [*people[:2], enrolled_by_another(people[2])]
    out = gate.issuer.folder / "out"
    with pytest.raises(MixedModels) as refused:
        build(out, mixed, gate.issuer.issue({"A1": gate.key.public}))
    told = str(refused.value)
    assert "dlib-1 (1 ticket, such as TICKET-0); sface-1 (1 ticket, such as TICKET-2)" in told
    assert "gatectl manifest build PEOPLE PHOTOS --face URL" in told
    assert not out.exists()


def test_one_model_whichever_it_is_will_do(gate, people):
    for same in (people, [enrolled_by_another(person) for person in people]):
        assert build(gate.issuer.folder / "out", same, gate.issuer.issue({"A1": gate.key.public})).tickets == 3


def test_a_listed_face_counts_too_for_it_would_never_be_found(people):
    assert mixed_models(people, [listed("dlib-1")]) == ""
    assert "sface-1 (1 of the list's entries)" in mixed_models(people, [listed("sface-1")])


def test_faces_of_tickets_that_open_nothing_and_no_faces_count_for_nothing(people):
    revoked = enrolled_by_another(people[2])
    revoked = replace(revoked, ticket=replace(revoked.ticket, status=TicketStatus.REVOKED))
    bare = replace(people[1], ticket=replace(people[1].ticket, reference=None))
    assert mixed_models([people[0], bare, revoked], []) == ""
    assert mixed_models([], []) == ""
