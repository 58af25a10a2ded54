"""Who may order what at a lane with a staff book, and what it costs to guess."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate import pins
from gate.core.events import Event, ModeEnded, StaffNoted
from gate.core.state import new_lane
from gate.duty import NOT_RECORDED, WRONG, Duty
from gate.hearing import event_of_command
from gate.lockout import WAITS_S, Lockout, wait_after
from gate.shifts import LONGEST_S, STRUCK_OUT, TOO_LONG, Shifts
from gate.staff_book import Member, StaffBook
from models import wire
from models.command import Answer, Command, Order, Settings, Snapshot
from models.decision import Policy, Profile, StewardAction
from models.ledger import Entry, EntryKind
from models.profiles import policy_of
from models.record import ModeBody, SettingsBody, ShiftBody, WrongPinBody
from models.staff import UNKNOWN, VISITOR, Cause, Role
from models.view import LaneView, Mode, Phase

PINS = {"s7": "4071", "v1": "904726", "v2": "55021"}
NOON = 1_800_000_000.0


class Desk:
    """A lane's duty, the time it is told, and what it had the lane take."""

    def __init__(self, folder: Path, book: Path | None, entries: tuple[Entry, ...] = ()) -> None:
        self.folder, self.book = folder, book
        self.now, self.on_record, self.taken = NOON, True, list[Event]()
        self.policy: Policy = policy_of(Profile.CARD, "show")
        self.duty = Duty(
            book, folder, Shifts(entries), wall=lambda: self.now, ask=self._ask, policy=lambda: self.policy
        )

    async def _ask(self, event: Event) -> bool:
        self.taken += [event] if self.on_record else []
        return self.on_record

    @property
    def bodies(self) -> list[object]:
        """What was written down."""
        return [event.body for event in self.taken if isinstance(event, StaffNoted)]

    async def order(self, order: Order, actor: str, **words: Any) -> Answer:
        """The answer to an order: a refusal, or what duty itself makes of it; for the lane's own orders a yes."""
        command = Command(1, order, actor, **words)
        refused = await self.duty.refuse(command)
        if refused is not None:
            return refused
        if order in (Order.SHIFT, Order.SETTINGS):
            return await self.duty.carry_out(command)
        return Answer(1, ok=True)

    async def begins(self, actor: str) -> Answer:
        """Somebody comes to work."""
        return await self.order(Order.SHIFT, actor, pin=PINS[actor])

    def snapshot(self) -> Snapshot:
        """What the screens are told of it."""
        view = LaneView("G1", Phase.IDLE, 0)
        return self.duty.complete(Snapshot(view, self.now, Profile.CARD), new_lane("G1"))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One steward and two supervisors. What is kept of a PIN names its own cost, and here it is a small one."""
    made = StaffBook(tmp_path_factory.mktemp("book") / "staff.json")
    with pytest.MonkeyPatch.context() as cheaper:
        cheaper.setattr(pins, "MEMORY_KIB", 64)
        for actor, pin in PINS.items():
            made.add(actor, actor.upper(), Role.STEWARD if actor[0] == "s" else Role.SUPERVISOR, pin)
    return made.path


@pytest.fixture
def desk(tmp_path: Path, book: Path) -> Desk:
    """A lane with a book of its own."""
    own = tmp_path / "staff.json"
    own.write_bytes(book.read_bytes())
    return Desk(tmp_path, own)


def steward(action: StewardAction = StewardAction.ADMIT, **more: Any) -> dict[str, Any]:
    return {"action": action, "attempt": 1, **more}


def test_without_a_book_everybody_at_the_socket_is_trusted_and_there_are_no_shifts(tmp_path: Path):
    desk = Desk(tmp_path, None)

    async def story() -> None:
        assert (await desk.order(Order.STEWARD, "anna", **steward())).ok
        assert (await desk.order(Order.MODE, "anna", mode=Mode.FREE)).ok
        assert (await desk.order(Order.SETTINGS, "anna", settings=Settings(0.2))).ok
        assert "no staff book" in (await desk.begins("s7")).error
        assert "actor" in (await desk.order(Order.MODE, "", mode=Mode.FREE)).error
        await desk.duty.tick(new_lane("G1"))

    asyncio.run(story())
    assert desk.snapshot().pins is False
    assert desk.snapshot().settings.volume == 0.2


def test_a_word_needs_a_shift_and_a_shift_a_pin(desk: Desk):
    async def story() -> None:
        for order in (Order.STEWARD, Order.PRESENT, Order.SIGHTING):
            assert "not on shift" in (await desk.order(order, "s7", **steward())).error
        assert (await desk.order(Order.SHIFT, "s7", pin="4072")).error == WRONG
        assert (await desk.order(Order.SHIFT, "s7")).error == WRONG
        assert (await desk.begins("s7")).ok
        for order in (Order.STEWARD, Order.PRESENT, Order.SIGHTING):
            assert (await desk.order(order, "s7", **steward())).ok
        assert "not on shift" in (await desk.order(Order.STEWARD, "v1", **steward())).error
        assert (await desk.begins("s7")).ok, "whoever is on shift may say so again"
        assert (await desk.order(Order.SHIFT, "s7", pin=PINS["s7"], on=False)).ok
        assert "not on shift" in (await desk.order(Order.STEWARD, "s7", **steward())).error
        assert "not on shift" in (await desk.order(Order.SHIFT, "s7", pin=PINS["s7"], on=False)).error

    asyncio.run(story())
    assert [body for body in desk.bodies if isinstance(body, ShiftBody)] == [
        ShiftBody("s7", on=True),
        ShiftBody("s7", on=False),
    ]


def test_a_visitor_may_decline_the_camera_without_anybody_on_shift_and_order_nothing_else(desk: Desk, tmp_path: Path):
    bookless = Desk(tmp_path / "bookless", None)

    async def story() -> None:
        for lane in (desk, bookless):
            assert (await lane.order(Order.STEWARD, VISITOR, **steward(StewardAction.SKIP_FACE))).ok
            for action in set(StewardAction) - {StewardAction.SKIP_FACE}:
                assert "nothing else" in (await lane.order(Order.STEWARD, VISITOR, **steward(action))).error
            for order in set(Order) - {Order.STEWARD}:
                words = steward(StewardAction.SKIP_FACE, mode=Mode.FREE, settings=Settings(0.2), pin=PINS["v1"])
                assert "nothing else" in (await lane.order(order, VISITOR, **words)).error

    asyncio.run(story())
    assert desk.taken == bookless.taken == []


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order.MODE, {"mode": Mode.PAUSED}),
        (Order.SETTINGS, {"settings": Settings()}),
        (Order.STEWARD, steward(StewardAction.OVERRIDE, cause=Cause.HELPDESK)),
    ],
)
def test_a_mode_a_setting_and_an_override_take_a_supervisors_pin_each_time(desk: Desk, order: Order, words):
    async def story() -> None:
        for actor in ("s7", "v1"):
            await desk.begins(actor)
        assert "takes a supervisor" in (await desk.order(order, "s7", pin=PINS["s7"], **words)).error
        assert (await desk.order(order, "v1", **words)).error == WRONG
        assert (await desk.order(order, "v1", pin=PINS["v1"], **words)).ok
        assert (await desk.order(order, "v2", pin=PINS["v2"], **words)).ok, "without a shift of her own"

    asyncio.run(story())


def test_where_two_override_both_prove_it(desk: Desk):
    desk.policy = replace(desk.policy, override_by_two=True)
    words = steward(StewardAction.OVERRIDE, cause=Cause.HELPDESK, pin=PINS["v1"])

    async def story() -> None:
        assert "two supervisors" in (await desk.order(Order.STEWARD, "v1", **words)).error
        assert (
            "two supervisors"
            in (await desk.order(Order.STEWARD, "v1", second="v1", second_pin=PINS["v1"], **words)).error
        )
        assert (await desk.order(Order.STEWARD, "v1", second="v2", **words)).error == WRONG
        assert (
            "takes a supervisor"
            in (await desk.order(Order.STEWARD, "v1", second="s7", second_pin=PINS["s7"], **words)).error
        )
        assert (await desk.order(Order.STEWARD, "v1", second="v2", second_pin=PINS["v2"], **words)).ok

    asyncio.run(story())
    assert desk.snapshot().override_by_two


def test_wrong_pins_are_written_down_and_hold_their_owner_up_for_longer_each_time(desk: Desk):
    async def story() -> list[float]:
        waits = []
        for _ in range(5):
            answer = await desk.order(Order.SHIFT, "s7", pin="9999")
            assert answer.error == WRONG
            waits.append(answer.wait_s)
            if answer.wait_s:
                held = await desk.begins("s7")
                assert (held.ok, held.wait_s) == (False, answer.wait_s)
                desk.now += answer.wait_s
        assert (await desk.begins("v1")).ok, "it holds nobody else up"
        assert (await desk.begins("s7")).ok
        assert (await desk.order(Order.SHIFT, "s7", pin="9999")).wait_s == 0.0, "a right one begins anew"
        return waits

    assert asyncio.run(story()) == [0.0, 0.0, 5.0, 15.0, 60.0]
    wrong = [body for body in desk.bodies if isinstance(body, WrongPinBody)]
    assert [(body.actor, body.tries, body.wait_s) for body in wrong[:4]] == [
        ("s7", 1, 0.0),
        ("s7", 2, 0.0),
        ("s7", 3, 5.0),
        ("s7", 4, 15.0),
    ]
    assert b"9999" not in wire.to_json(wrong)


def test_a_new_process_remembers_the_wrong_ones(desk: Desk):
    async def guess(at: Desk, times: int) -> Answer:
        for _ in range(times):
            answer = await at.order(Order.SHIFT, "s7", pin="9999")
        return answer

    asyncio.run(guess(desk, 3))
    later = Desk(desk.folder, desk.book)
    assert asyncio.run(later.begins("s7")).wait_s == 5.0
    later.now += 5.0
    assert asyncio.run(guess(later, 1)).wait_s == 15.0


def test_who_is_not_in_the_book_is_told_no_more_than_who_is_and_is_not_quoted(desk: Desk):
    async def story() -> None:
        assert (await desk.order(Order.SHIFT, "904726", pin="v1")).error == WRONG
        assert (await desk.order(Order.SHIFT, "somebody", pin="4071")).error == WRONG
        assert (await desk.order(Order.SHIFT, "another", pin="4071")).wait_s == 5.0

    asyncio.run(story())
    assert {body.actor for body in desk.bodies if isinstance(body, WrongPinBody)} == {UNKNOWN}


def test_two_guesses_at_once_are_taken_one_after_the_other(desk: Desk):
    async def story() -> list[Answer]:
        return await asyncio.gather(*(desk.order(Order.SHIFT, "s7", pin="9999") for _ in range(6)))

    answers = asyncio.run(story())
    assert sum(answer.error == WRONG for answer in answers) == 3
    assert sum("too many" in answer.error for answer in answers) == 3


def test_the_loop_goes_on_while_a_pin_is_looked_at(desk: Desk):
    assert desk.book
    StaffBook(desk.book).set_pin("s7", PINS["s7"])  # at its full cost

    async def story() -> int:
        turns, proving = 0, asyncio.ensure_future(desk.begins("s7"))
        while not proving.done():
            turns += 1
            await asyncio.sleep(0.001)
        return turns

    assert asyncio.run(story()) > 5


def test_without_a_readable_book_nobody_proves_anything_and_whoever_works_goes_on(desk: Desk):
    async def story() -> None:
        await desk.begins("s7")
        assert desk.book
        desk.book.write_text("gone")
        assert "can't be read" in (await desk.begins("v1")).error
        await desk.duty.tick(new_lane("G1"))
        assert (await desk.order(Order.STEWARD, "s7", **steward())).ok

    asyncio.run(story())


def test_a_shift_that_is_not_on_record_was_never_begun(desk: Desk):
    async def story() -> None:
        desk.on_record = False
        assert (await desk.begins("s7")).error == NOT_RECORDED
        assert (await desk.order(Order.SETTINGS, "v1", pin=PINS["v1"], settings=Settings(0.1))).error == NOT_RECORDED

    asyncio.run(story())
    assert desk.snapshot().staff == ()
    assert desk.snapshot().settings == Settings()


def test_shifts_are_shown_and_end_after_twelve_hours_or_with_the_book(desk: Desk):
    async def story() -> None:
        for actor in ("s7", "v1", "v2"):
            await desk.begins(actor)
            desk.now += 60.0
        assert [(one.actor, one.name, one.role, one.since) for one in desk.snapshot().staff] == [
            ("s7", "S7", Role.STEWARD, NOON),
            ("v1", "V1", Role.SUPERVISOR, NOON + 60.0),
            ("v2", "V2", Role.SUPERVISOR, NOON + 120.0),
        ]
        assert desk.book
        StaffBook(desk.book).remove("v2")
        await desk.duty.tick(new_lane("G1"))
        desk.now = NOON + LONGEST_S
        await desk.duty.tick(new_lane("G1"))

    asyncio.run(story())
    assert desk.bodies[3:] == [ShiftBody("v2", on=False, why=STRUCK_OUT), ShiftBody("s7", on=False, why=TOO_LONG)]
    assert [one.actor for one in desk.snapshot().staff] == ["v1"]


def test_a_new_process_learns_of_shifts_from_the_ledger(desk: Desk):
    told = [("s7", True), ("v1", True), ("s7", False), ("v1", True), ("x", 4)]
    entries = tuple(
        Entry("e", seq, NOON + seq, EntryKind.SHIFT, {"actor": actor, "on": on}) for seq, (actor, on) in enumerate(told)
    )
    later = Desk(desk.folder, desk.book, entries)
    asyncio.run(later.duty.tick(new_lane("G1")))
    assert [(one.actor, one.since) for one in later.snapshot().staff] == [("v1", NOON + 1)]


def test_a_mode_is_ended_when_its_time_has_come(desk: Desk):
    lane = new_lane("G1", ordered=ModeBody(Mode.FREE, "v1", "", NOON + 10.0))
    asyncio.run(desk.duty.tick(lane))
    assert desk.taken == []
    desk.now += 10.0
    asyncio.run(desk.duty.tick(lane))
    assert desk.taken == [ModeEnded(NOON + 10.0)]


# --- settings -----------------------------------------------------------------------------------------------------


def test_settings_are_kept_and_on_record(desk: Desk):
    wanted = Settings(volume=0.25, brightness=0.5, language="en")

    async def story() -> None:
        assert (await desk.order(Order.SETTINGS, "v1", pin=PINS["v1"], settings=wanted)).ok

    asyncio.run(story())
    assert desk.bodies == [SettingsBody("v1", wanted)]
    assert desk.snapshot().settings == wanted
    assert Desk(desk.folder, desk.book).snapshot().settings == wanted


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Settings(volume=1.1), "volume"),
        (Settings(brightness=-0.1), "brightness"),
        (Settings(volume=float("nan")), "volume"),
        (Settings(language="../zh"), "language"),
        (None, "lacks"),
    ],
)
def test_settings_that_no_screen_could_follow_are_refused(desk: Desk, wrong: Settings | None, words: str):
    async def story() -> Answer:
        return await desk.order(Order.SETTINGS, "v1", pin=PINS["v1"], settings=wrong)

    assert words in asyncio.run(story()).error
    assert desk.snapshot().settings == Settings()


def test_a_file_of_settings_that_is_broken_gives_the_defaults(tmp_path: Path):
    for content in (b"", b'{"volume": 7}', b"\xff"):
        (tmp_path / "settings.json").write_bytes(content)
        (tmp_path / "pins.json").write_bytes(content)
        assert Desk(tmp_path, None).snapshot().settings == Settings()


# --- orders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 8 * 86_400.0])
def test_a_while_is_a_while(seconds: float):
    with pytest.raises(ValueError, match="a mode holds for"):
        event_of_command(Command(1, Order.MODE, "v1", mode=Mode.FREE, for_s=seconds), NOON)


def test_an_override_needs_a_cause():
    with pytest.raises(ValueError, match="helpdesk"):
        event_of_command(Command(1, Order.STEWARD, "v1", action=StewardAction.OVERRIDE), NOON)


# --- waits --------------------------------------------------------------------------------------------------------


def test_waits_grow_and_stay_at_the_longest():
    assert [wait_after(count) for count in range(9)] == [0.0, 0.0, 0.0, *WAITS_S, WAITS_S[-1]]


@given(st.lists(st.tuples(st.floats(0, 2000), st.booleans()), max_size=12), st.floats(-1e9, 1e9))
def test_nobody_waits_longer_than_the_tries_are_worth_whatever_the_clock_does(tries, jump: float):
    lockout = Lockout(Path("/nonexistent/pins.json"))
    now, count = NOON, 0
    for after_s, right in tries:
        now += after_s
        if right:
            lockout.right("s7")
            count = 0
        else:
            count, wait_s = lockout.wrong("s7", now)
            assert lockout.wait_s("s7", now) == pytest.approx(wait_s) == wait_after(count)
    assert 0.0 <= lockout.wait_s("s7", now + jump) <= wait_after(count)


def test_a_members_pin_is_in_no_text_of_it():
    words: Callable[[Member], str] = repr
    assert "secret" not in words(Member("s7", "Li", Role.STEWARD, "secret"))
    command = Command(1, Order.SHIFT, "s7", pin="4071", second_pin="55021")
    assert "4071" not in repr(command)
    assert "55021" not in repr(command)
