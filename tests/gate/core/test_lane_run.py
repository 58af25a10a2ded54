"""Plain stories of the lane itself: who is next, what the screens are told, what breaks, how it is run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.core.effects import Hold, Lookup, Record, Release, Show, StartTimer
from gate.core.events import (
    ClaimAnswered,
    DeviceBack,
    DeviceLost,
    FaceCompared,
    FaceHinted,
    ModeSet,
    Passed,
    RecordFailed,
    ReleaseFailed,
    SensorSaw,
    TicketFound,
    Timer,
)
from models.decision import ClaimAnswer, Profile, Reason, Verdict
from models.face import FaceProblem
from models.ledger import EntryKind
from models.passage import STANDING, Direction, Passage, SensorSignal, SignalKind
from models.record import DeviceBody, ModeBody, SignalBody
from models.ticket import TicketStatus
from models.view import Mode, Phase, Who
from tests.gate.core.paper_lane import PaperLane
from tests.gate.core.stories import of_attempt
from tests.gate.core.strategies import face, lookup, policy, ticket
from tests.gate.core.told import AN, WEI, a_lane, compared, found, kinds, passages, words

# --- the next person -----------------------------------------------------------------------------------------------


def test_the_next_person_s_card_is_taken_up_when_the_lane_is_free() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared())
    assert lane.tell(WEI) == ()
    assert lane.tell(Passed())[-3:-2] == (Lookup(2, WEI.scan),)
    assert (lane.phase, lane.lane.attempt) == (Phase.LOOKUP, 2)


def test_a_card_that_waited_too_long_is_forgotten() -> None:
    lane = a_lane(policy(passage_s=30.0))
    lane.tell(AN, found(), compared(), WEI)
    lane.wait(10.5)
    lane.tell(Passed())
    assert (lane.phase, lane.lane.attempt) == (Phase.IDLE, 1)


def test_the_same_person_s_second_tap_is_nothing_new() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), replace(AN, scan=2), Passed())
    assert (lane.phase, lane.lane.attempt) == (Phase.IDLE, 1)


def test_who_waited_and_taps_again_is_asked_once() -> None:
    lane = a_lane(policy(Profile.CARD))
    lane.tell(AN, WEI, found(tickets=()), replace(WEI, scan=3), of_attempt(2, found()), Passed())
    assert (lane.phase, lane.lane.attempt) == (Phase.IDLE, 2)


def test_nobody_walks_on_somebody_else_s_face() -> None:
    lane = a_lane()
    lane.tell(AN, found(tickets=()), WEI, TicketFound(2, lookup()))
    assert lane.tell(compared()) == ()
    assert lane.phase is Phase.CAPTURE


# --- what the screens are told -------------------------------------------------------------------------------------


def test_the_screen_greets_by_the_ticket_s_masked_name_and_says_no_word_too_early() -> None:
    lane = a_lane()
    lane.tell(AN, replace(found(), holders={"T1": Who("张*", language="en")}))
    view = lane.effects(Show)[-1].view
    assert (view.phase, view.verdict, view.who.masked_name) == (Phase.CAPTURE, None, "张*")


def test_a_hint_is_told_once() -> None:
    lane = a_lane()
    lane.tell(AN, found())
    shown = lane.tell(FaceHinted(1, FaceProblem.TOO_DARK))
    assert [e.view.hint for e in shown if isinstance(e, Show)] == ["too_dark"]
    assert lane.tell(FaceHinted(1, FaceProblem.TOO_DARK)) == ()


# --- what breaks ---------------------------------------------------------------------------------------------------


def test_a_relay_that_does_not_move_leaves_the_ticket_good_and_calls_a_person() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), ReleaseFailed(1, "no answer"))
    assert passages(lane) == [(1, Passage.NO_SHOW, "release_failed")]
    assert lane.lane.decision is not None
    assert (lane.phase, lane.lane.decision.reason) == (Phase.REFERRED, Reason.DEVICE_FAULT)


def test_a_ledger_that_takes_no_entry_puts_the_lane_out_of_order_until_it_is_back() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), RecordFailed(1, "disk full"))
    assert (lane.phase, lane.lane.lost) == (Phase.FAULT, ("ledger",))
    lane.tell(WEI)
    assert words(lane)[-1] == (Verdict.REFER, Reason.OUT_OF_ORDER)
    lane.tell(DeviceBack("ledger"))
    assert lane.phase is Phase.IDLE


def test_a_device_that_goes_and_comes_back_is_written_down_once() -> None:
    lane = a_lane()
    lane.tell(DeviceLost("reader", "unplugged"), DeviceLost("reader"), DeviceBack("reader"), DeviceBack("reader"))
    told = [record.body for record in lane.effects(Record)]
    assert told == [DeviceBody("reader", up=False, why="unplugged"), DeviceBody("reader", up=True)]
    assert lane.phase is Phase.IDLE


def test_who_is_in_the_lane_is_served_although_the_reader_went() -> None:
    lane = a_lane()
    lane.tell(AN, found(), DeviceLost("reader"), compared(), Passed())
    assert (words(lane), lane.phase) == ([(Verdict.ADMIT, Reason.OK)], Phase.FAULT)


# --- how the lane is run -------------------------------------------------------------------------------------------


def test_in_free_passage_the_barrier_is_held_and_everybody_is_counted() -> None:
    lane = a_lane()
    effects = lane.tell(ModeSet(Mode.FREE, "steward-4", "rain"))
    assert Record(0, EntryKind.MODE, ModeBody(Mode.FREE, "steward-4", "rain")) in effects
    assert Hold(True) in effects
    lane.tell(AN, found(), Passed(), Passed())
    assert lane.effects(Release) == []
    assert passages(lane) == [(0, Passage.PASSED, "")] * 2
    assert lane.effects(Record)[1].body.decision.flags[-1] == "free_passage"  # type: ignore[union-attr]
    assert Hold(False) in lane.tell(ModeSet(Mode.CONTROLLED, "steward-4"))


def test_a_relay_that_comes_back_is_told_to_hold_in_free_passage_alone() -> None:
    lane = a_lane()
    assert kinds(lane.tell(DeviceLost("relay"), DeviceBack("relay"))) == ["Record", "Show"]
    lane.tell(ModeSet(Mode.FREE, "steward-4"), DeviceLost("relay"))
    assert Hold(True) in lane.tell(DeviceBack("relay"))


def test_free_passage_begins_with_a_clean_screen() -> None:
    """Somebody is in the lane when it is opened: he is decided about, and the screen forgets him in time."""
    lane = a_lane()
    lane.tell(AN, ModeSet(Mode.FREE, "steward-4"), found(ticket(status=TicketStatus.REVOKED)))
    lane.wait(3.0)
    view = lane.effects(Show)[-1].view
    assert (view.phase, view.verdict) == (Phase.FREE, None)


def test_a_paused_lane_says_so_to_who_comes() -> None:
    lane = a_lane()
    lane.tell(ModeSet(Mode.PAUSED, "steward-4"), AN)
    assert (lane.phase, words(lane)) == (Phase.PAUSED, [(Verdict.REFER, Reason.PAUSED)])
    lane.wait(3.0)
    assert (lane.phase, lane.lane.decision) == (Phase.PAUSED, None)
    assert lane.effects(Lookup) == []


# --- what the sensor sees ------------------------------------------------------------------------------------------


def test_a_second_person_behind_the_first_is_a_tailgate() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared())
    effects = lane.tell(SensorSaw(SensorSignal(SignalKind.SECOND_PERSON)))
    assert effects == (Record(1, EntryKind.TAILGATE, SignalBody(SignalKind.SECOND_PERSON, attempt=1)),)


def test_a_turn_without_a_release_or_the_other_way_is_an_intrusion() -> None:
    lane = a_lane()
    lane.tell(Passed())
    lane.tell(AN, found(), compared(), Passed(Direction.EXIT))
    assert [record.kind for record in lane.effects(Record)].count(EntryKind.INTRUSION) == 2
    assert lane.phase is Phase.RELEASED


def test_fire_is_written_down_and_moves_nothing() -> None:
    """The fire panel opens the turnstile by its own wire; software must not stand between."""
    lane = a_lane()
    written, shown = lane.tell(SensorSaw(SensorSignal(SignalKind.FIRE)))
    assert written == Record(0, EntryKind.SAFETY, SignalBody(SignalKind.FIRE))
    assert isinstance(shown, Show)
    assert shown.view.alerts == ("fire",)
    assert lane.phase is Phase.IDLE


# --- what stands ---------------------------------------------------------------------------------------------------


def alerts(lane: PaperLane) -> tuple[str, ...]:
    """What the screens are told that stands."""
    return lane.effects(Show)[-1].view.alerts


@pytest.mark.parametrize("kind", sorted(STANDING))
def test_a_state_is_shown_until_it_is_cleared_whoever_comes_and_goes(kind: SignalKind) -> None:
    lane = a_lane()
    lane.tell(SensorSaw(SensorSignal(kind)), AN, found(), compared(), Passed())
    assert alerts(lane) == (kind,)
    lane.tell(SensorSaw(SensorSignal(SignalKind.CLEARED, detail=kind)))
    assert alerts(lane) == ()


def test_each_device_clears_its_own_states_only() -> None:
    lane = a_lane()
    lane.tell(SensorSaw(SensorSignal(SignalKind.FIRE)), SensorSaw(SensorSignal(SignalKind.FIRE), "input"))
    assert alerts(lane) == ("fire",)
    lane.tell(SensorSaw(SensorSignal(SignalKind.CLEARED, detail="fire")))
    assert alerts(lane) == ("fire",)
    lane.tell(SensorSaw(SensorSignal(SignalKind.CLEARED, detail="fire"), "input"))
    assert alerts(lane) == ()


def test_of_two_stuck_inputs_one_can_be_cleared_by_its_name() -> None:
    lane = a_lane()
    lane.tell(*(SensorSaw(SensorSignal(SignalKind.STUCK, detail=f"input {number}")) for number in (1, 2)))
    lane.tell(SensorSaw(SensorSignal(SignalKind.CLEARED, detail="input 1")))
    assert alerts(lane) == ("stuck",)
    lane.tell(SensorSaw(SensorSignal(SignalKind.CLEARED, detail="stuck")))
    assert alerts(lane) == ()


def test_what_a_lost_sensor_saw_stands_until_it_is_back_and_tells_anew() -> None:
    lane = a_lane()
    lane.tell(SensorSaw(SensorSignal(SignalKind.FIRE), "input"), DeviceLost("input"))
    assert alerts(lane) == ("fire",)
    lane.tell(DeviceBack("sensor"), DeviceLost("sensor"), DeviceBack("sensor"))
    assert alerts(lane) == ("fire",)
    lane.tell(DeviceBack("input"))
    assert alerts(lane) == ()


def test_the_ledger_tells_which_further_input_it_was() -> None:
    written, _ = a_lane().tell(SensorSaw(SensorSignal(SignalKind.TAMPER, detail="door"), "input-2"))
    assert written == Record(0, EntryKind.SAFETY, SignalBody(SignalKind.TAMPER, detail="door", device="input-2"))


STUCK, FREED = SensorSignal(SignalKind.STUCK), SensorSignal(SignalKind.CLEARED, detail="stuck")


def test_with_a_stuck_passage_sensor_nobody_is_called_a_no_show() -> None:
    lane = a_lane()
    lane.tell(SensorSaw(STUCK), AN, found(), compared())
    lane.wait(6.0)
    assert passages(lane) == [(1, Passage.UNKNOWN, "")]


def test_a_sensor_that_stuck_for_a_part_of_the_release_leaves_it_unknown_and_the_next_one_known() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), SensorSaw(STUCK), SensorSaw(FREED))
    lane.wait(6.0)
    lane.tell(WEI, TicketFound(2, lookup()), FaceCompared(2, face()))
    lane.wait(6.0)
    assert passages(lane) == [(1, Passage.UNKNOWN, ""), (2, Passage.NO_SHOW, "")]


@pytest.mark.parametrize("seen", [SensorSaw(STUCK, "input"), SensorSaw(SensorSignal(SignalKind.JAM))])
def test_neither_a_stuck_further_input_nor_a_jam_blinds_the_passage_sensor(seen: SensorSaw) -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), seen, DeviceLost("input"))
    lane.wait(6.0)
    assert passages(lane) == [(1, Passage.NO_SHOW, "")]


@pytest.mark.parametrize("device", ["signal", "signal-2", "input", "input-2"])
def test_without_a_lamp_or_a_further_input_the_lane_goes_on(device: str) -> None:
    lane = a_lane()
    written, shown = lane.tell(DeviceLost(device, "unplugged"))
    assert written == Record(0, EntryKind.DEVICE, DeviceBody(device, up=False, why="unplugged"))
    assert isinstance(shown, Show)
    assert shown.view.faults == (device,)
    lane.tell(AN, found(), compared(), Passed())
    assert passages(lane) == [(1, Passage.PASSED, "")]


def test_each_wait_has_its_timer() -> None:
    lane = a_lane(policy(claims=True))
    lane.tell(AN, found(), ClaimAnswered(1, ClaimAnswer.GRANTED), compared(), Passed())
    started = {timer.timer: timer.seconds for timer in lane.effects(StartTimer)}
    assert started == {Timer.LOOKUP: 2.0, Timer.CLAIM: 0.3, Timer.CAPTURE: 6.0, Timer.PASSAGE: 5.0}
