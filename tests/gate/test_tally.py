"""What the lane has done, as the screens are told: counts, the last visitors, the pace."""

from __future__ import annotations

from dataclasses import replace

from gate.core.state import Lane
from gate.tally import MOST_RECENT, Tally
from models import wire
from models.command import Recent
from models.decision import Decision, Facts, LookupFacts, Reason, TicketFacts, Verdict
from models.ledger import Entry, EntryKind
from models.passage import Passage
from models.record import Body, DecisionBody, PassageBody
from models.ticket import Entitlement, TicketStatus, Validity
from models.view import Who

NIGHT = 1_750_000_000.0
TICKET = TicketFacts(
    ticket="T1",
    entitlement=Entitlement("e", seat="B 12"),
    validity=Validity(0, 1),
    status=TicketStatus.VALID,
    category="standard",
    bound_at=0.0,
    guardian="",
    face_declined=False,
    notes=(),
    reference_model="",
)
LANE = Lane("G1", holders={"T1": Who("张*", "B 12")})
ADMIT, REFER = Decision(Verdict.ADMIT, Reason.OK, ticket="T1"), Decision(Verdict.REFER, Reason.NO_FACE, ticket="T1")


def said(attempt: int, word: Decision = ADMIT, at: float = NIGHT) -> DecisionBody:
    return DecisionBody(attempt, Facts("G1", lookup=LookupFacts(None, tickets=(TICKET,))), word, at)


def told(*bodies: Body, lane: Lane = LANE) -> Tally:
    """A tally that heard all of these, a second apart."""
    tally = Tally()
    for second, body in enumerate(bodies):
        tally.wrote(kind_of(body), body, NIGHT + second, lane)
    return tally


def kind_of(body: Body) -> EntryKind:
    return EntryKind.DECISION if isinstance(body, DecisionBody) else EntryKind.PASSAGE


def test_a_visitor_stands_there_once_with_the_last_word_and_how_she_went_through() -> None:
    tally = told(said(1, REFER), said(1), PassageBody(1, Passage.PASSED))
    assert tally.recent == (Recent(NIGHT + 1, 1, Verdict.ADMIT, Reason.OK, "张*", "B 12", Passage.PASSED),)
    assert tally.counts == {"decision": 2, "refer": 1, "admit": 1, "passage": 1}


def test_the_newest_stands_first_and_ten_are_kept() -> None:
    tally = told(*(said(attempt) for attempt in range(1, 15)))
    assert [one.attempt for one in tally.recent] == list(range(14, 14 - MOST_RECENT, -1))


def test_a_name_that_was_known_stays_when_the_lane_has_forgotten_the_visitor() -> None:
    tally = told(said(1, REFER))
    gone = Decision(Verdict.DENY, Reason.STEWARD_TIMEOUT, ticket="T1")
    tally.wrote(EntryKind.DECISION, said(1, gone), NIGHT + 9, Lane("G1"))
    assert [(one.masked_name, one.reason) for one in tally.recent] == [("张*", Reason.STEWARD_TIMEOUT)]


def test_a_card_that_was_no_visitors_and_a_turn_in_free_passage_are_nobody() -> None:
    assert told(said(0), PassageBody(0, Passage.PASSED)).recent == ()


def test_the_pace_is_of_the_last_five_minutes() -> None:
    tally = told(*(said(attempt) for attempt in range(1, 11)), said(11, REFER))
    assert tally.per_minute(NIGHT + 60) == 2.0
    assert tally.per_minute(NIGHT + 304.5) == 1.0
    assert tally.per_minute(NIGHT + 400) == 0.0


def test_the_ledger_gives_everything_back_but_the_names() -> None:
    bodies: tuple[Body, ...] = (said(1, REFER), said(1), PassageBody(1, Passage.NO_SHOW), said(2))
    entries = [Entry("e", seq, NIGHT + seq, kind_of(body), wire.to_builtins(body)) for seq, body in enumerate(bodies)]
    unreadable = Entry("e", 9, NIGHT, EntryKind.DECISION, {"attempt": "of an older version"})
    restored = Tally()
    restored.restore([unreadable, *entries])
    named = told(*bodies).recent
    assert restored.recent == tuple(replace(one, masked_name="") for one in named)
    assert [one.seat for one in restored.recent] == ["B 12", "B 12"]
    assert restored.per_minute(NIGHT + 5) == told(*bodies).per_minute(NIGHT + 5) == 0.4
    assert restored.counts == {}, "what this process has done begins with it"
