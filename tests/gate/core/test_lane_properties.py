"""What holds of a lane whatever happens to it, in whatever order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.decide import chosen_ticket, explain
from gate.core.effects import Capture, Record, Release, Show, StartTimer, StopCapture
from gate.core.events import DeviceBack, FaceCompared, ModeEnded, RecordFailed, SensorSaw, StaffNoted
from gate.core.lane import TABLE, step
from gate.core.rules import TICKET_RULES
from gate.core.state import Lane, new_lane
from models.decision import Policy, StewardAction, Verdict
from models.ledger import EntryKind
from models.passage import Direction
from models.record import DecisionBody
from models.view import Mode, Phase
from tests.examples import examples
from tests.gate.core.paper_lane import REST, PaperLane, Taken
from tests.gate.core.stories import EVENTS, Move, of_attempt, stories
from tests.gate.core.strategies import GATE, mostly, policies, policy

thorough = settings(max_examples=examples(500), deadline=None)


def lanes() -> st.SearchStrategy[Lane]:
    """New lanes: ways in and out, with and without a sensor, with and without devices missing."""
    return st.builds(
        new_lane,
        st.just(GATE),
        direction=mostly(Direction.ENTRY, st.just(Direction.EXIT), weight=7),
        has_sensor=st.booleans(),
        lost=mostly((), st.sampled_from([("camera",), ("reader", "relay")]), weight=7),
    )


def evenings() -> st.SearchStrategy[PaperLane]:
    """A lane after a whole story; most stories are at a concert with claims, some with one try of the camera."""
    rules = st.one_of(*(st.just(policy(claims=True, face_tries=tries)) for tries in (3, 1, 1)), policies())
    return st.builds(lambda lane, rules, story: PaperLane(lane, rules).play(story), lanes(), rules, stories())


# --- laws of every step -------------------------------------------------------------------------------------------


def a_release_comes_right_after_the_record_of_its_admission(taken: Taken, rules: Policy) -> None:
    for before, effect in zip((None, *taken.effects), taken.effects, strict=False):
        if isinstance(effect, Release):
            assert isinstance(before, Record)
            assert before.opens
            assert isinstance(before.body, DecisionBody)
            assert before.body.decision.verdict is Verdict.ADMIT
            assert before.attempt == before.body.attempt == effect.attempt == taken.after.attempt


def only_an_admission_opens_the_lane(taken: Taken, rules: Policy) -> None:
    released = [effect for effect in taken.effects if isinstance(effect, Release)]
    words = [e.body.decision for e in taken.effects if isinstance(e, Record) and isinstance(e.body, DecisionBody)]
    assert len(released) <= 1
    assert not released or [word.verdict for word in words] == [Verdict.ADMIT]
    assert not released or taken.after.phase is Phase.RELEASED


def attempts_are_numbered_upwards_and_a_busy_lane_keeps_its_number(taken: Taken, rules: Policy) -> None:
    grown = taken.after.attempt - taken.before.attempt
    assert grown in (0, 1)
    busy = taken.before.phase in (Phase.LOOKUP, Phase.CAPTURE, Phase.RELEASED)
    assert grown == 0 or not busy or taken.before.waiting is not None


def who_has_no_good_ticket_is_never_photographed(taken: Taken, rules: Policy) -> None:
    for effect in taken.effects:
        if isinstance(effect, Capture):
            chosen = chosen_ticket(taken.after.facts, rules, taken.now)
            assert chosen is not None
            assert effect.ticket == chosen.ticket
            assert taken.after.phase is Phase.CAPTURE
            assert _passes_the_ticket_rules(taken, rules)


def _passes_the_ticket_rules(taken: Taken, rules: Policy) -> bool:
    """Whether each rule about the ticket was asked, and none of them objects but to what a person settled."""
    _, steps = explain(taken.after.facts, rules, taken.now)
    asked = [step for step in steps if step.rule in TICKET_RULES]
    objections = [step for step in asked if hasattr(step.finding, "verdict") and not step.settled]
    return len(asked) == len(TICKET_RULES) and not objections


def who_declined_the_camera_is_photographed_only_when_staff_look_again(taken: Taken, rules: Policy) -> None:
    if any(isinstance(effect, Capture) for effect in taken.effects):
        assert all(word.action is not StewardAction.SKIP_FACE for word in taken.after.facts.steward)


def the_camera_stops_when_the_lane_goes_on_without_it(taken: Taken, rules: Policy) -> None:
    left = taken.before.phase is Phase.CAPTURE and taken.after.phase is not Phase.CAPTURE
    if left and not isinstance(taken.event, FaceCompared):
        assert StopCapture(taken.before.attempt) in taken.effects


def every_change_of_phase_is_shown(taken: Taken, rules: Policy) -> None:
    shown = [effect.view for effect in taken.effects if isinstance(effect, Show)]
    assert shown or taken.before.phase is taken.after.phase
    assert not shown or (shown[-1].phase, shown[-1].attempt) == (taken.after.phase, taken.after.attempt)


def no_screen_shows_a_word_that_is_not_said_yet(taken: Taken, rules: Policy) -> None:
    for effect in taken.effects:
        if isinstance(effect, Show) and effect.view.phase in (Phase.LOOKUP, Phase.CAPTURE):
            assert effect.view.verdict is None
            assert effect.view.reason is None


def every_timer_belongs_to_the_attempt_that_started_it(taken: Taken, rules: Policy) -> None:
    for effect in taken.effects:
        if isinstance(effect, StartTimer):
            assert effect.seconds > 0
            assert taken.before.attempt <= effect.attempt <= taken.after.attempt


def what_a_sensor_tells_of_states_is_written_and_moves_nothing(taken: Taken, rules: Policy) -> None:
    if isinstance(taken.event, SensorSaw):
        assert {type(effect) for effect in taken.effects} <= {Record, Show}
        assert any(isinstance(effect, Record) for effect in taken.effects)
        assert taken.after.phase is taken.before.phase


def what_stands_ends_by_the_word_of_its_own_device_alone(taken: Taken, rules: Policy) -> None:
    for alert in set(taken.before.alerts) - set(taken.after.alerts):
        assert isinstance(taken.event, SensorSaw | DeviceBack)
        assert taken.event.device == alert.device


def every_change_of_what_stands_is_shown(taken: Taken, rules: Policy) -> None:
    shown = [effect.view for effect in taken.effects if isinstance(effect, Show)]
    assert shown or taken.before.alerts == taken.after.alerts
    for view in shown:
        assert set(view.alerts) == {alert.kind for alert in taken.after.alerts}


def nothing_is_overridden_that_the_policy_does_not_leave_to_supervisors(taken: Taken, rules: Policy) -> None:
    for effect in taken.effects:
        if isinstance(effect, Record) and isinstance(effect.body, DecisionBody):
            said = {word.on for word in effect.body.facts.steward if word.action is StewardAction.OVERRIDE}
            assert said <= set(rules.overridable)
            overridden = {flag for flag in effect.body.decision.flags if flag.startswith("override_")}
            assert overridden <= {f"override_{reason}" for reason in said}


def who_was_told_is_shown_no_longer_and_can_be_overridden_until_somebody_comes(taken: Taken, rules: Policy) -> None:
    lane = taken.after
    assert not lane.told or (lane.phase is Phase.IDLE and lane.decision is not None and lane.decision.overridable)
    for effect in taken.effects:
        if isinstance(effect, Show) and effect.view.refused is not None:
            view = effect.view
            assert (view.verdict, view.reason, view.ticket, view.overridable) == (None, None, "", True)


def a_mode_for_a_while_ends_when_that_is_over_and_not_before(taken: Taken, rules: Policy) -> None:
    if isinstance(taken.event, ModeEnded) and taken.effects:
        assert taken.before.mode_until == taken.event.until <= taken.now.wall
        assert (taken.after.mode, taken.after.mode_until) == (Mode.CONTROLLED, None)


def who_works_here_moves_nothing(taken: Taken, rules: Policy) -> None:
    if isinstance(taken.event, StaffNoted):
        assert taken.after is taken.before
        assert [type(effect) for effect in taken.effects] == [Record]


LAWS = (
    a_release_comes_right_after_the_record_of_its_admission,
    only_an_admission_opens_the_lane,
    attempts_are_numbered_upwards_and_a_busy_lane_keeps_its_number,
    who_has_no_good_ticket_is_never_photographed,
    who_declined_the_camera_is_photographed_only_when_staff_look_again,
    the_camera_stops_when_the_lane_goes_on_without_it,
    every_change_of_phase_is_shown,
    no_screen_shows_a_word_that_is_not_said_yet,
    every_timer_belongs_to_the_attempt_that_started_it,
    what_a_sensor_tells_of_states_is_written_and_moves_nothing,
    what_stands_ends_by_the_word_of_its_own_device_alone,
    every_change_of_what_stands_is_shown,
    nothing_is_overridden_that_the_policy_does_not_leave_to_supervisors,
    who_was_told_is_shown_no_longer_and_can_be_overridden_until_somebody_comes,
    a_mode_for_a_while_ends_when_that_is_over_and_not_before,
    who_works_here_moves_nothing,
)


@settings(max_examples=examples(800), deadline=None)
@given(evenings())
def test_every_step_of_every_evening_keeps_the_laws(evening: PaperLane) -> None:
    """One run for all of `LAWS`; the traceback names the one that was broken."""
    for taken in evening.taken:
        for law in LAWS:
            law(taken, evening.policy)


# --- laws of an evening -------------------------------------------------------------------------------------------


@thorough
@given(evenings())
def test_every_admission_is_settled_once_before_the_next_attempt(evening: PaperLane) -> None:
    opened: int | None = None
    for taken in evening.taken:
        for effect in taken.effects:
            if isinstance(effect, Record) and effect.settles:
                assert opened == effect.attempt
                assert effect.kind is EntryKind.PASSAGE
                opened = None
            if isinstance(effect, Record) and effect.opens and isinstance(effect.body, DecisionBody):
                assert opened is None
                opened = effect.attempt
        if isinstance(taken.event, RecordFailed):
            opened = None  # the ledger itself settles what is open when it is back
        assert opened is None or (taken.after.phase is Phase.RELEASED and taken.after.attempt == opened)
        assert taken.after.phase is not Phase.RELEASED or opened is not None


@thorough
@given(evenings())
def test_no_event_raises_and_one_that_is_not_in_the_table_changes_nothing(evening: PaperLane) -> None:
    for event in EVENTS:
        event = of_attempt(evening.lane.attempt, event)
        outcome = step(evening.lane, event, evening.policy, evening.now)
        assert step(evening.lane, event, evening.policy, evening.now) == outcome
        if (evening.lane.phase, type(event)) not in TABLE:
            assert outcome[0] is evening.lane
            assert outcome[1] == ()


@thorough
@given(evenings(), st.sampled_from([-1, 1]))
def test_an_answer_to_another_attempt_changes_nothing(evening: PaperLane, late: int) -> None:
    for event in EVENTS:
        if hasattr(event, "attempt") and not isinstance(event, RecordFailed):
            event = of_attempt(evening.lane.attempt + late, event)
            lane, effects = step(evening.lane, event, evening.policy, evening.now)
            assert lane is evening.lane
            assert effects == ()


@thorough
@given(lanes(), policies(), stories())
def test_the_same_story_always_ends_the_same(lane: Lane, rules: Policy, story: list[Move]) -> None:
    assert PaperLane(lane, rules).play(story).taken == PaperLane(lane, rules).play(story).taken


# --- laws of the clock --------------------------------------------------------------------------------------------


@settings(max_examples=examples(1000), deadline=None)
@given(evenings())
def test_left_alone_at_any_moment_the_lane_comes_to_rest_and_no_phase_outlasts_the_longest_timer(
    evening: PaperLane,
) -> None:
    """Nobody does anything any more: the timers alone clear the lane and the screen."""
    for lane in evening.left_alone():
        comes_to_rest(lane)


def comes_to_rest(lane: PaperLane) -> None:
    """Let the timers run out. A card that waited may begin an attempt of its own on the way."""
    rules, since, stood = lane.policy, lane.now.mono, (lane.lane.attempt, lane.phase)
    waits = (rules.lookup_s, rules.claim_s, rules.capture_s, rules.passage_s, rules.refer_s, rules.show_s)
    begun = since
    while lane.timers:
        lane.fire_next()
        stands = (lane.lane.attempt, lane.phase)
        if stands[0] != stood[0]:
            begun = lane.now.mono
        if stands != stood:
            assert lane.now.mono - since <= max(waits) + 1e-6
            since, stood = lane.now.mono, stands
        assert lane.phase in REST or lane.now.mono - begun <= sum(waits)
    assert lane.phase in REST
    assert lane.lane.decision is None


def test_the_stories_are_worth_something() -> None:
    """Of the stories told here many reach every phase, release, photograph, claim, and bring a second person."""
    seen: Counter[str] = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(evenings())
    def tell(evening: PaperLane) -> None:
        seen.update({taken.after.phase for taken in evening.taken})
        seen.update({type(effect).__name__ for taken in evening.taken for effect in taken.effects})
        seen.update(["waited"] if any(taken.before.waiting for taken in evening.taken) else [])
        seen.update(["twice"] if evening.lane.attempt > 1 else [])

    tell()
    assert min(seen[phase] for phase in Phase) >= 10, seen
    assert min(seen[name] for name in ("Release", "Capture", "Claim", "waited", "twice")) >= 10, seen
