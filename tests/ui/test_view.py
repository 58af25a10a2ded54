"""From snapshot to screen: the whole table, and the rows that matter by name."""

from __future__ import annotations

import itertools

import pytest

from models.command import Settings, Snapshot
from models.credential import Medium
from models.decision import Profile, Reason, Verdict
from models.passage import SignalKind
from models.view import LaneView, Mode, Phase, Who
from ui import icons, words
from ui.view import Screen, Tap, Tone, asks_for_faces, reason_key, steward_screen, visitor_screen

ZH, EN = words.load("zh"), words.load("en")
NAME, TICKET = "张*", "T-4711"
SOUNDS = ("", "go", "look", "stop", "desk")


def snapshot(phase: Phase, verdict: Verdict | None = None, reason: Reason | None = None, **more: object) -> Snapshot:
    """A snapshot of a lane that stands so."""
    view = LaneView("G1", phase, 7, verdict, reason, ticket=TICKET, who=Who(NAME, "A-12", "Stairs 4"), **more)
    return Snapshot(view, 0.0, Profile.CONCERT, settings=Settings())


TABLE = [
    (phase, verdict, reason, mode, settleable, medium)
    for phase, (verdict, reason), mode, settleable, medium in itertools.product(
        Phase,
        [(None, None), *itertools.product(Verdict, Reason)],
        Mode,
        (False, True),
        (Medium.CHIP_CARD, Medium.CODE, Medium.TYPED),
    )
]
"""Every Phase x Verdict x Reason x Mode, settleable or not, of three media. Most never happen; none breaks a screen."""


def sound_screen(screen: Screen) -> bool:
    """Whether it says something, in words, colour, picture and sound that there are."""
    words_there = bool(screen.title) and all(isinstance(text, str) for text in (screen.body, screen.next))
    obvious = len(set(screen.taps)) == len(screen.taps)
    return words_there and screen.icon in icons.DRAWINGS and screen.sound in SOUNDS and obvious


@pytest.mark.parametrize("spoken", [ZH, EN], ids=["zh", "en"])
def test_every_state_of_a_lane_has_both_screens(spoken):
    for phase, verdict, reason, mode, settleable, medium in TABLE:
        told = snapshot(phase, verdict, reason, mode=mode, settleable=settleable, medium=medium)
        shown, staff = visitor_screen(told, spoken), steward_screen(told, spoken)
        assert sound_screen(shown), (phase, verdict, reason, mode)
        assert sound_screen(staff), (phase, verdict, reason, mode)
        assert shown.taps == ()
        assert shown.tone is not Tone.STOP  # no visitor stands before a red screen
        texts = (shown.title, shown.body, shown.next)
        assert not any(NAME in text or TICKET in text for text in texts)


def test_the_same_snapshot_gives_the_same_screen():
    told = snapshot(Phase.REFERRED, Verdict.REFER, Reason.NO_FACE, settleable=True)
    assert visitor_screen(told, ZH) == visitor_screen(told, ZH)
    assert steward_screen(told, EN) == steward_screen(told, EN)


@pytest.mark.parametrize(
    ("phase", "visitor", "steward"),
    [
        (Phase.IDLE, Tone.CALM, Tone.CALM),
        (Phase.LOOKUP, Tone.WAIT, Tone.WAIT),
        (Phase.CAPTURE, Tone.LOOK, Tone.LOOK),
        (Phase.RELEASED, Tone.GO, Tone.GO),
        (Phase.REFERRED, Tone.DESK, Tone.DESK),
        (Phase.PAUSED, Tone.OUT, Tone.OUT),
        (Phase.FREE, Tone.GO, Tone.GO),
        (Phase.FAULT, Tone.OUT, Tone.OUT),
    ],
)
def test_each_phase_has_its_tone(phase, visitor, steward):
    assert visitor_screen(snapshot(phase), ZH).tone is visitor
    assert steward_screen(snapshot(phase), ZH).tone is steward


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.startswith("ok")])
@pytest.mark.parametrize(("verdict", "tone"), [(Verdict.DENY, Tone.STOP), (Verdict.REFER, Tone.DESK)])
def test_a_refusal_has_reason_and_next_step_for_both(reason, verdict, tone):
    told = snapshot(Phase.REFERRED, verdict, reason)
    shown, staff = visitor_screen(told, EN), steward_screen(told, EN)
    assert shown.key == staff.key == f"reason.{reason}"
    assert (shown.title, shown.next) == (EN(f"reason.{reason}.visitor"), EN(f"reason.{reason}.step"))
    assert (staff.title, staff.body, staff.next) == tuple(
        EN(f"reason.{reason}.{v}") for v in ("short", "staff", "next")
    )
    assert shown.next
    assert staff.next
    assert (staff.tone, staff.sound) == (tone, "stop" if verdict is Verdict.DENY else "desk")
    assert shown.tone in (Tone.DESK, Tone.OUT)


def test_silence_is_out_of_service():
    assert visitor_screen(None, ZH).title == "此入口暂停服务"
    assert steward_screen(None, EN).tone is Tone.OUT


def test_a_code_is_spoken_of_as_a_code():
    told = snapshot(Phase.IDLE, Verdict.DENY, Reason.UNREADABLE_CARD, medium=Medium.CODE)
    assert visitor_screen(told, EN).title == "Please hold your code a little longer"
    assert visitor_screen(told, EN).icon == "code"
    assert "code" in steward_screen(told, EN).body
    assert reason_key(Reason.WRONG_GATE, Medium.CODE, EN) == "reason.wrong_gate"  # nothing else is to be said
    assert reason_key(Reason.DOCUMENT_NEEDED, Medium.TYPED, EN) == "typed.document_needed"
    assert reason_key(Reason.UNREADABLE_CARD, Medium.CHIP_CARD, EN) == "reason.unreadable_card"


def test_welcome_gives_seat_and_way_and_no_name():
    screen = visitor_screen(snapshot(Phase.RELEASED, Verdict.ADMIT, Reason.OK), EN)
    assert (screen.title, screen.body, screen.next) == ("Welcome", "Seat A-12", "Stairs 4")
    assert (screen.sound, screen.icon) == ("go", "tick")


@pytest.mark.parametrize("hint", ["covered", "too_dark", "several"])
def test_one_hint_at_a_time_while_the_camera_looks(hint):
    screen = visitor_screen(snapshot(Phase.CAPTURE, hint=hint), EN)
    assert (screen.tone, screen.sound, screen.body, screen.next) == (Tone.LOOK, "look", EN(f"hint.{hint}"), "")
    assert visitor_screen(snapshot(Phase.CAPTURE, hint="of a newer gate"), EN).body == EN("phase.capture.visitor_body")


@pytest.mark.parametrize(
    ("reason", "settleable", "overridable", "taps"),
    [
        (Reason.NO_FACE, True, False, (Tap.RETRY_FACE, Tap.ADMIT, Tap.REFUSE)),
        (Reason.FACE_MISMATCH, True, False, (Tap.ADMIT, Tap.RETRY_FACE, Tap.REFUSE)),
        (Reason.FACE_DECLINED, True, False, (Tap.ADMIT, Tap.REFUSE)),
        (Reason.DOCUMENT_NEEDED, True, False, (Tap.ADMIT, Tap.REFUSE)),
        (Reason.CONFIRM_FIRST, True, False, (Tap.CONFIRM, Tap.REFUSE)),
        (Reason.WATCHLISTED, False, False, (Tap.CLEAR_WATCH, Tap.REFUSE, Tap.SUPERVISOR)),
        (Reason.ALREADY_ADMITTED, True, False, (Tap.HOLDER_HERE, Tap.REFUSE)),
        (Reason.DUPLICATE_IDENTITY, True, True, (Tap.HOLDER_HERE, Tap.REFUSE, Tap.OVERRIDE)),
        (Reason.REVOKED, False, True, (Tap.OVERRIDE, Tap.REFUSE)),
        (Reason.MANIFEST_MISSING, False, False, (Tap.SUPERVISOR, Tap.REFUSE)),
    ],
)
def test_what_the_steward_may_do_begins_with_the_obvious(reason, settleable, overridable, taps):
    told = snapshot(Phase.REFERRED, Verdict.REFER, reason, settleable=settleable, overridable=overridable)
    assert steward_screen(told, ZH).taps == (*taps, Tap.SIGHTING)


def test_over_an_attempt_that_is_over_nothing_is_offered_that_the_gate_would_not_take():
    told = snapshot(Phase.IDLE, Verdict.DENY, Reason.UNREADABLE_CARD)
    assert steward_screen(told, ZH).taps == (Tap.TYPE, Tap.SUPERVISOR, Tap.SIGHTING)
    assert steward_screen(snapshot(Phase.RELEASED, Verdict.ADMIT, Reason.OK), ZH).taps == ()
    assert steward_screen(snapshot(Phase.CAPTURE), ZH).taps == (Tap.SKIP_FACE, Tap.REFUSE)


def test_at_rest_the_last_ones_refusal_is_offered_to_a_supervisor_for_as_long_as_the_gate_would_take_it():
    told = snapshot(Phase.IDLE, refused=Reason.WRONG_GATE, overridable=True)
    screen = steward_screen(told, EN)
    assert (screen.tone, screen.taps) == (Tone.CALM, (Tap.TYPE, Tap.OVERRIDE, Tap.SUPERVISOR, Tap.SIGHTING))
    assert screen.next == "Last visitor: Other gate. A supervisor may override it."
    assert visitor_screen(told, EN) == visitor_screen(snapshot(Phase.IDLE), EN)
    for over in (snapshot(Phase.IDLE, refused=Reason.WRONG_GATE), snapshot(Phase.IDLE, overridable=True)):
        assert steward_screen(over, EN) == steward_screen(snapshot(Phase.IDLE), EN)


@pytest.mark.parametrize("kind", [kind.value for kind in SignalKind])
def test_an_alert_is_shown_to_staff_while_nobody_is_in_the_lane(kind):
    at_rest = steward_screen(snapshot(Phase.IDLE, alerts=(kind,)), EN)
    assert (at_rest.key == f"alert.{kind}") is EN.has(f"alerted.{kind}.staff")
    assert steward_screen(snapshot(Phase.CAPTURE, alerts=(kind,)), EN).key == "phase.capture"


def test_fire_goes_before_any_other_alert_and_reaches_the_visitor():
    told = snapshot(Phase.RELEASED, Verdict.ADMIT, Reason.OK, alerts=("jam", "fire"))
    assert visitor_screen(told, EN).key == "visitor.fire"
    assert steward_screen(snapshot(Phase.IDLE, alerts=("jam", "fire")), EN).key == "alert.fire"


def test_a_lane_taken_out_of_order_says_so_to_both():
    for phase in (Phase.IDLE, Phase.FAULT):
        told = snapshot(phase, mode=Mode.OUT_OF_ORDER)
        assert visitor_screen(told, EN).key == "phase.fault"
        assert (steward_screen(told, EN).key, steward_screen(told, EN).taps[0]) == ("phase.out_of_order", Tap.MODE)


@pytest.mark.parametrize(
    ("profile", "mirror", "asks"),
    [
        (Profile.CONCERT, "", True),
        (Profile.CARD, "", False),
        (Profile.CARD, "/run/menshen/mirror.sock", True),
        (Profile.HOSPITAL, "", False),
    ],
)
def test_the_notice_is_for_lanes_that_look_at_faces(profile, mirror, asks):
    told = Snapshot(LaneView("G1", Phase.IDLE, 0), 0.0, profile, mirror=mirror)
    assert asks_for_faces(told) is asks
    assert not asks_for_faces(None)
