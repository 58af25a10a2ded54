"""What stands beside the reason, and what a tap asks for: tables, without a window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.command import Command, DeviceStatus, OnShift, Order, Recent, Role, Snapshot
from models.decision import OfflineRule, Reason, StewardAction, Verdict
from models.keeping import Window
from models.link import Reach
from models.passage import STANDING, Direction, Passage, Use
from models.ticket import ManifestState, Note, NoteKind
from models.view import Mode
from tests.ui.operator_cases import DEVICES, NOW, asked, calm
from ui import icons, operator_buttons, operator_notes, theme
from ui import operator_says as says
from ui.operator_plan import Box, plan
from ui.operator_taps import SHEETS, Sheet, actor, answer_to
from ui.view import Tap, Tone, steward_screen
from ui.words import Words, load

EN = load("en")
LANGUAGES = pytest.mark.parametrize("words", [load("zh"), EN], ids=lambda words: words.language)

OBVIOUS: dict[Reason, Tap | None] = {
    Reason.OK: None,
    Reason.OK_WITHOUT_FACE: None,
    Reason.OK_BY_STEWARD: None,
    Reason.OK_EMERGENCY: None,
    Reason.WHOSE_COMPANION: Tap.COMPANION,
    Reason.PATIENT_NOT_HERE: Tap.ADMIT,
    Reason.COMPANIONS_FULL: Tap.ADMIT,
    Reason.NO_TICKET: Tap.TYPE,
    Reason.UNREADABLE_CARD: Tap.TYPE,
    Reason.UNSUPPORTED_CARD: Tap.TYPE,
    Reason.REJECTED_CARD: Tap.SUPERVISOR,
    Reason.CARD_EXPIRED: Tap.SUPERVISOR,
    Reason.WEAK_CREDENTIAL: Tap.TYPE,
    Reason.CODE_USED: Tap.SUPERVISOR,
    Reason.DOCUMENT_NEEDED: Tap.ADMIT,
    Reason.NOT_YET_VALID: Tap.SUPERVISOR,
    Reason.EXPIRED: Tap.SUPERVISOR,
    Reason.WRONG_GATE: Tap.SUPERVISOR,
    Reason.WRONG_EVENT: Tap.SUPERVISOR,
    Reason.REVOKED: Tap.SUPERVISOR,
    Reason.UNBOUND: Tap.SUPERVISOR,
    Reason.ALREADY_ADMITTED: Tap.HOLDER_HERE,
    Reason.NOT_INSIDE: Tap.ADMIT,
    Reason.DUPLICATE_IDENTITY: Tap.HOLDER_HERE,
    Reason.OCCUPANCY: Tap.SUPERVISOR,
    Reason.GUARDIAN_NEEDED: Tap.ADMIT,
    Reason.CONFIRM_FIRST: Tap.CONFIRM,
    Reason.FACE_MISMATCH: Tap.ADMIT,
    Reason.FACE_UNCERTAIN: Tap.ADMIT,
    Reason.FACE_DECLINED: Tap.ADMIT,
    Reason.NO_FACE: Tap.RETRY_FACE,
    Reason.POOR_FACE: Tap.RETRY_FACE,
    Reason.NO_REFERENCE: Tap.ADMIT,
    Reason.MODEL_MISMATCH: Tap.ADMIT,
    Reason.NOT_LIVE: Tap.RETRY_FACE,
    Reason.WATCHLISTED: Tap.CLEAR_WATCH,
    Reason.CLAIM_UNANSWERED: Tap.ADMIT,
    Reason.MANIFEST_STALE: Tap.ADMIT,
    Reason.MANIFEST_MISSING: Tap.SUPERVISOR,
    Reason.CLOCK_UNTRUSTED: Tap.ADMIT,
    Reason.REFUSED_BY_STEWARD: Tap.SUPERVISOR,
    Reason.STEWARD_TIMEOUT: Tap.SUPERVISOR,
    Reason.DEVICE_FAULT: Tap.ADMIT,
    Reason.PAUSED: Tap.MODE,
    Reason.OUT_OF_ORDER: Tap.MODE,
}
"""The one large button, for each reason."""


def test_the_table_has_every_reason():
    assert set(OBVIOUS) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_one_obvious_action(reason):
    taps = steward_screen(asked(reason), EN).taps
    assert (taps[0] if taps else None) is OBVIOUS[reason]


@pytest.mark.parametrize("reason", Reason)
def test_who_waits_for_a_person_can_always_be_refused(reason):
    snapshot = asked(reason)
    waits = snapshot.view.phase == "referred"
    assert (Tap.REFUSE in steward_screen(snapshot, EN).taps) == waits


@pytest.mark.parametrize(
    ("tap", "action"),
    [
        (Tap.RETRY_FACE, StewardAction.RETRY_FACE),
        (Tap.ADMIT, StewardAction.ADMIT),
        (Tap.REFUSE, StewardAction.REFUSE),
        (Tap.CONFIRM, StewardAction.CONFIRM),
        (Tap.SKIP_FACE, StewardAction.SKIP_FACE),
    ],
)
def test_a_common_case_is_one_tap_and_says_who_meant_whom(tap, action):
    told = answer_to(tap, asked(Reason.FACE_UNCERTAIN), 121)
    assert told == Command(0, Order.STEWARD, "s-7", attempt=121, action=action)


def test_a_dispute_is_looked_at_first():
    assert answer_to(Tap.HOLDER_HERE, asked(Reason.ALREADY_ADMITTED), 121) is Sheet.DISPUTE
    assert answer_to(Tap.CLEAR_WATCH, asked(Reason.WATCHLISTED), 121) is Sheet.DISPUTE


def test_every_tap_leads_somewhere():
    for tap in Tap:
        told = answer_to(tap, asked(Reason.FACE_UNCERTAIN), 121)
        leads = told is SHEETS[tap] if isinstance(told, Sheet) else told.action is not None or told.urgency is not None
        assert leads


def test_without_a_staff_book_the_steward_speaks():
    assert actor(replace(calm(), staff=(), pins=False)) == "steward"


def test_with_a_staff_book_nobody_speaks_before_a_shift():
    nobody = replace(asked(Reason.FACE_UNCERTAIN), staff=())
    assert answer_to(Tap.ADMIT, nobody, 121) is Sheet.SHIFT
    assert answer_to(Tap.TYPE, nobody, 121) is Sheet.SHIFT
    assert answer_to(Tap.OVERRIDE, nobody, 121) is Sheet.OVERRIDE  # a PIN of its own


def test_of_several_on_shift_the_latest_speaks():
    staff = (OnShift("s-9", "B", Role.SUPERVISOR, NOW - 60), OnShift("s-7", "A", Role.STEWARD, NOW - 900))
    snapshot = replace(calm(), staff=staff)
    assert actor(snapshot) == "s-9"
    assert says.shift(snapshot, EN).detail == "Supervisor and 1 more"


@LANGUAGES
@pytest.mark.parametrize("reason", Reason)
def test_buttons_say_what_they_do_about_this_reason(words: Words, reason):
    snapshot = asked(reason, overridable=True)
    labels = [says.label(tap, reason, words) for tap in steward_screen(snapshot, words).taps]
    assert all(labels)
    assert len(set(labels)) == len(labels)


def test_to_admit_is_to_compare_only_where_a_face_is_in_question():
    assert says.label(Tap.ADMIT, Reason.FACE_UNCERTAIN, EN) == EN("tap.admit")
    assert says.label(Tap.ADMIT, Reason.MANIFEST_STALE, EN) == EN("operator.admit_plain")
    assert says.label(Tap.ADMIT, Reason.NOT_INSIDE, EN) == "Let out"


@LANGUAGES
def test_the_network_is_told_with_the_rule_that_holds_without_it(words: Words):
    cells = {}
    for where in (*Reach, None):
        for rule in (*OfflineRule, None):
            cells[where, rule] = says.reach(replace(calm(), reach=where, offline_rule=rule), words)
    assert len({cell.line for cell in cells.values()}) == 4
    assert len({cells[Reach.ALONE, rule].detail for rule in OfflineRule}) == 3
    assert cells[Reach.ALONE, None].detail == ""
    assert [where for where in Reach if cells[where, OfflineRule.REFER].look] == [Reach.VENUE, Reach.ALONE]


def aged(age_s: float, **more: object) -> Snapshot:
    return replace(calm(), manifest=ManifestState("e", 1, NOW - age_s, NOW + 9e6, 5), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age_s", "line"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_the_age_of_the_data_is_told_in_its_largest_unit(age_s, line):
    assert says.data(aged(age_s, stale_after_s=0.0), EN).line == f"{line} old"


def test_data_that_are_too_old_ask_for_a_look():
    assert not says.data(aged(86_400), EN).look
    assert says.data(aged(86_401), EN).look
    gone = ManifestState("e", 1, NOW - 10, NOW - 1, 5)
    assert says.data(replace(calm(), manifest=gone), EN).look
    assert says.data(replace(calm(), manifest=None), EN).look


def test_a_clock_that_is_not_trusted_tells_no_age():
    told = says.data(replace(calm(), clock_trusted=False), EN)
    assert told.look
    assert "min" not in told.line + told.detail


def test_a_device_that_is_down_is_told_before_one_that_is_worn():
    down = (*DEVICES, DeviceStatus("reader-2", up=False, why="unplugged", uses=5))
    cell = says.health(replace(calm(), devices=down), EN)
    assert (cell.line, cell.detail, cell.look) == ("Reader 2: silent", "unplugged", True)
    both = (*down, DeviceStatus("sensor", up=False))
    assert says.health(replace(calm(), devices=both), EN).detail == "and 1 more"


@pytest.mark.parametrize(("uses", "worn"), [(0, False), (89_999, False), (90_000, True), (120_000, True)])
def test_wear_is_told_near_the_rating(uses, worn):
    device = DeviceStatus("relay", up=True, uses=uses, rated=100_000)
    cell = says.health(replace(calm(), devices=(device,)), EN)
    assert bool(cell.detail) == worn
    assert says.device(device, EN).odd == worn


def test_a_device_without_words_keeps_its_name():
    assert says.device_name("turntable-3", EN) == "turntable 3"
    assert says.device_name("exit_reader", EN) == "Exit reader"


def test_the_gravest_alert_comes_first_and_an_unknown_one_is_not_kept_quiet():
    view = calm(alerts=("stuck", "flood", "fire")).view
    assert says.alerts(view, EN) == (EN("alert.fire"), EN("alert.stuck"), "flood")


@LANGUAGES
def test_every_state_that_can_stand_has_words(words: Words):
    view = calm(alerts=tuple(kind.value for kind in STANDING)).view
    assert len(set(says.alerts(view, words))) == len(STANDING)


def test_a_mode_that_ends_says_when():
    free = replace(calm(mode=Mode.FREE), mode_until=NOW)
    assert says.place(free, EN).line == "Free passage"
    assert says.clock_time(NOW) in says.place(free, EN).detail
    assert says.place(calm(), EN).line == "A3"


def test_the_first_use_says_whether_anybody_saw_the_turn():
    seen = asked(Reason.ALREADY_ADMITTED).view
    unseen = replace(seen, first_use=Use("t", "p", Direction.ENTRY, Passage.UNKNOWN, NOW, "C1"))
    assert "no turn was seen" in says.more(unseen, EN)
    assert "no turn was seen" not in says.more(seen, EN)


def test_flags_are_told_once_in_words_and_never_lost():
    view = asked(Reason.OK, flags=("second_entry", "second_entry", "settled_no_face", "new_thing")).view
    assert says.more(view, EN) == "Was in before · new thing"


def test_the_last_ones_are_masked_and_told_by_how_it_ended():
    def cell(**what: object) -> says.Cell:
        one = Recent(NOW, 1, Verdict.ADMIT, Reason.OK, "张*", "B 1")
        return says.recent(replace(one, **what), EN)  # type: ignore[arg-type]

    assert cell() == cell(passage=Passage.PASSED)
    assert not cell().odd
    kinds = [cell(), cell(verdict=Verdict.DENY), cell(verdict=Verdict.REFER), cell(passage=Passage.NO_SHOW)]
    assert len({kind.icon for kind in kinds}) == 4
    assert cell(masked_name="").line.endswith("—")


# --- notes


def test_each_kind_of_note_has_a_place_a_colour_and_an_icon_of_its_own():
    places = [kind for row in operator_notes.PLACES for kind in row]
    assert sorted(places) == sorted(NoteKind)
    assert len({*operator_notes.COLOURS.values()}) == len({*operator_notes.ICONS.values()}) == len(NoteKind)


@pytest.mark.parametrize("kind", NoteKind)
def test_a_note_can_be_read_on_its_colour(kind):
    ground, ink = operator_notes.COLOURS[kind]
    assert theme.contrast_ratio(ground, ink) >= 4.5
    assert operator_notes.ICONS[kind] in icons.DRAWINGS


def test_a_note_keeps_its_place_among_others():
    notes = tuple(Note(kind) for kind in (NoteKind.WATCH, NoteKind.VIP, NoteKind.ACCESS_NEEDS))
    assert operator_notes.rows(notes) == ((NoteKind.ACCESS_NEEDS,), (NoteKind.VIP,), (NoteKind.WATCH,))


def test_notes_of_a_kind_are_told_together():
    notes = (Note(NoteKind.CHECK, "bag"), Note(NoteKind.CHECK, "student card"), Note(NoteKind.CHECK))
    assert operator_notes.texts(NoteKind.CHECK, notes, EN)[0] == "Please check: bag · student card"


def test_every_tap_and_cell_has_an_icon_that_is_drawn():
    assert set(operator_buttons.ICONS) == set(Tap)
    assert set(operator_buttons.ICONS.values()) <= set(icons.DRAWINGS)


@pytest.mark.parametrize("contrast", [False, True])
@pytest.mark.parametrize("tone", Tone)
def test_panels_and_turned_buttons_can_be_read_on_every_tone(tone, contrast):
    look = theme.tone(tone, contrast=contrast)
    assert theme.contrast_ratio(look.panel, look.ink) >= (7.0 if contrast else 4.5)


# --- places


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


@pytest.mark.parametrize("low", [False, True])
@pytest.mark.parametrize("notes", range(5))
@pytest.mark.parametrize("banner", [False, True])
@pytest.mark.parametrize(
    ("width", "height", "touch"), [(800, 480, 62), (800, 480, 78), (1024, 600, 62), (1280, 800, 100)]
)
def test_nothing_lies_over_anything_or_outside(width, height, touch, banner, notes, low):
    places = plan(width, height, touch, banner=banner, notes=notes, low=low)
    boxes = [getattr(places, name) for name in places.__slots__]
    shown = [box for box in boxes if box.height > 0]
    assert len(shown) == len(boxes) - (not banner) - (not notes)
    assert all(box.x >= 0 and box.y >= 0 and box.x + box.width <= width for box in shown)
    assert all(box.y + box.height <= height for box in shown)
    assert all(apart(one, other) for at, one in enumerate(shown) for other in shown[:at])
    assert places.taps.height >= touch
    assert places.bar.height >= touch
    if low:
        assert places.bar.y >= height / 2


def test_an_event_known_by_word_is_shown_with_who_said_it():
    window = Window("gala", 1.0, 2.0, "anna")
    told = says.data(replace(calm(), clock_trusted=False, window=window), EN)
    assert (told.line, told.detail, told.look) == ("Event by word: anna", "Clock not trusted", True)
