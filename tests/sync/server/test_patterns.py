"""Patterns that suggest scalping: found where they are, not found where they are not, and nothing follows from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from models.decision import Decision, Facts, LookupFacts, Profile, Reason, Verdict
from models.face import FaceReference
from models.ids import DocumentType, check_digit
from models.ledger import EntryKind
from models.profiles import DLIB_BANDS, policy_of
from models.record import DecisionBody
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.wire import to_json
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.pattern_faces import Held, faces_of_others, near_of
from sync.server.patterns import Kind, Pattern, look_for_patterns
from sync.server.permissions import Person, Role
from sync.server.tickets import event_place, put_tickets
from sync.server.watch_tables import watch_entry, watch_item
from tests.sync.server.world import NIGHT, GateBox, hall

SPRING, AUTUMN, ELSEWHERE = "spring", "autumn", "elsewhere"
DLIB = DLIB_BANDS.model_version
LI = Person("li", "Li", Role.SUPERVISOR, None, "zh")


def face(seed: int, off: float = 0.0) -> FaceReference:
    """A reference; with `off` another picture of the same face, that far away."""
    rng = np.random.default_rng(seed)
    template = rng.normal(size=128)
    template /= np.linalg.norm(template)
    turn = rng.normal(size=128)
    template += off * turn / np.linalg.norm(turn)
    return FaceReference(DLIB, template.astype("<f4").tobytes(), "consent")


def holding(name: str, person: int, event: str = SPRING, reference: FaceReference | None = None) -> Holding:
    """A ticket of somebody who does not exist."""
    stem = f"00000019900101{person:03d}"
    ticket = Ticket(name, Entitlement(event), Validity(NIGHT, NIGHT + 9_000), bound_at=NIGHT - 9e5, reference=reference)
    return Holding(ticket, (Document(DocumentType.RESIDENT_ID, stem + check_digit(stem)),))


class Site:
    """Two shows of one organiser, and one of another's."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        hall(hub)
        with hub.begin() as connection:
            connection.execute(insert(tables.organisation).values(organisation="p", name="P"))
            connection.execute(insert(tables.venue).values(venue="w", organisation="p", name="W"))
            for event, owner, venue in ((SPRING, "o", "v"), (AUTUMN, "o", "v"), (ELSEWHERE, "p", "w")):
                connection.execute(
                    insert(tables.event).values(
                        event=event,
                        organisation=owner,
                        venue=venue,
                        name=event,
                        begins_at=NIGHT,
                        ends_at=NIGHT + 9_000,
                        policy=to_json(policy_of(Profile.CONCERT, event)).decode(),
                        sealed_secret=hub.seal(event.encode().ljust(32), event_place(event)),
                        made_at=0.0,
                    )
                )

    def sells(self, *holdings: Holding) -> None:
        for event in sorted({one.ticket.entitlement.event for one in holdings}):
            of = [one for one in holdings if one.ticket.entitlement.event == event]
            with self.hub.begin() as connection:
                put_tickets(self.hub, connection, "li", event, of)

    def hands_on(self, event: str, *pairs: tuple[str, str]) -> None:
        with self.hub.begin() as connection:
            self.hub.audit(connection, "li", "resold", event, seats=[list(pair) for pair in pairs])

    def refuses(self, gate: str, person_key: str, verdict: Verdict = Verdict.DENY, event: str = SPRING) -> None:
        box = GateBox(self.hub, self.folder, gate, event)
        lookup = LookupFacts(ManifestState(event, 1, NIGHT, NIGHT + 9_000), person_key)
        body = DecisionBody(1, Facts(gate, lookup=lookup), Decision(verdict, Reason.NO_TICKET), NIGHT)
        box.ledger.append(EntryKind.DECISION, body, NIGHT)
        with self.hub.begin() as connection:
            take(self.hub, connection, box.device, box.name, box.batch())

    def patterns(self, kind: Kind, person: Person = LI) -> list[Pattern]:
        return [one for one in look_for_patterns(self.hub, person) if one.kind is kind]


@pytest.fixture
def site(hub: Hub, tmp_path: Path) -> Site:
    return Site(hub, tmp_path)


def test_an_ordinary_crowd_has_no_patterns(site: Site):
    site.sells(*(holding(f"T{n}", n, reference=face(n)) for n in range(30)))
    assert look_for_patterns(site.hub, LI) == []


def test_one_buyer_whose_tickets_went_to_others_over_two_shows(site: Site):
    site.sells(*(holding(f"T{n}", 1, event) for n, event in enumerate((SPRING, SPRING, AUTUMN))), holding("T9", 2))
    site.hands_on(SPRING, ("T0", "N0"), ("T9", "N9"))
    site.hands_on(AUTUMN, ("T2", "N2"))
    assert site.patterns(Kind.HANDED_ON) == []  # twice may happen to anybody
    site.hands_on(SPRING, ("T1", "N1"))
    (found,) = site.patterns(Kind.HANDED_ON)
    assert (found.size, found.events) == (3, (AUTUMN, SPRING))
    assert [(one.ticket, one.other) for one in found.evidence] == [("T0", "N0"), ("T2", "N2"), ("T1", "N1")]


def test_one_document_refused_at_three_gates(site: Site):
    for gate in ("A", "B"):
        site.refuses(gate, "ab" * 32)
    site.refuses("D", "ab" * 32, Verdict.REFER)
    site.refuses("E", "cd" * 32)
    assert site.patterns(Kind.MANY_GATES) == []
    site.refuses("C", "ab" * 32)
    (found,) = site.patterns(Kind.MANY_GATES)
    assert (found.size, [one.gate for one in found.evidence]) == (3, ["A", "B", "C"])
    assert {one.reason for one in found.evidence} == {"no_ticket"}


def test_one_face_under_three_ids_is_one_pattern_with_its_distances(site: Site):
    site.sells(
        holding("T1", 1, reference=face(5)),
        holding("T2", 2, reference=face(5, 0.1)),
        holding("T3", 3, AUTUMN, reference=face(5, 0.2)),
        holding("T4", 4, reference=face(6)),
    )
    (found,) = site.patterns(Kind.ONE_FACE)
    assert (found.size, found.events) == (3, (AUTUMN, SPRING))
    assert all(one.distance is not None and one.distance <= (near_of(DLIB) or 0) for one in found.evidence)
    assert {name for one in found.evidence for name in (one.ticket, one.other)} == {"T1", "T2", "T3"}


def test_one_persons_tickets_for_two_shows_are_no_pattern(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 1, AUTUMN, reference=face(5, 0.1)))
    assert look_for_patterns(site.hub, LI) == []


def test_the_same_picture_under_two_ids(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 2, AUTUMN, reference=face(5)))
    (found,) = site.patterns(Kind.ONE_PICTURE)
    assert {one.ticket for one in found.evidence} == {"T1", "T2"}


def test_two_faces_under_one_id(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 1, AUTUMN, reference=face(6)))
    (found,) = site.patterns(Kind.SEVERAL_FACES)
    assert found.evidence[0].distance is not None
    assert found.evidence[0].distance > 0.6


def test_another_organisers_shows_are_not_looked_into(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 2, ELSEWHERE, reference=face(5)))
    assert site.patterns(Kind.ONE_PICTURE, replace(LI, organisation="o")) == []
    assert len(site.patterns(Kind.ONE_PICTURE)) == 1


def test_nothing_follows_from_a_pattern_but_a_line_in_the_audit(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 2, reference=face(5)))
    assert look_for_patterns(site.hub, LI)
    with site.hub.begin() as connection:
        assert connection.execute(select(watch_entry)).all() == []
        assert connection.execute(select(watch_item)).all() == []
        acts = list(connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars())
    assert acts[-1] == "patterns.looked"


def test_no_number_name_or_face_is_told(site: Site):
    site.sells(holding("T1", 1, reference=face(5)), holding("T2", 2, reference=face(5)))
    told = to_json(look_for_patterns(site.hub, LI)).decode()
    assert "19900101" not in told
    assert "template" not in told


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=14, unique=True))
def test_faces_are_grouped_as_if_every_pair_had_been_looked_at_by_hand(crowd: list[tuple[int, int]]):
    """Whoever has a face in common through any chain of pairs is in one group; told a second way."""
    held = [
        Held("e", f"T{n}", frozenset({bytes([n])}), DLIB, face(who, 0.01 * picture).template)
        for n, (who, picture) in enumerate(crowd)
    ]
    groups = [{one.ticket for pair in pairs for one in (pair.one, pair.other)} for pairs in faces_of_others(held)]
    by_face: dict[int, set[str]] = {}
    for n, (who, _) in enumerate(crowd):
        by_face.setdefault(who, set()).add(f"T{n}")
    assert sorted(map(sorted, groups)) == sorted(sorted(names) for names in by_face.values() if len(names) > 1)
