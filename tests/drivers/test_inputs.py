"""From contacts to signals: bounces, stuck contacts, loops that are cut, and who went through the beams."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._contacts import contacts_of, timing_of
from drivers._inputs import BEAMS, NAMES, STATES, TURNS, Contact, Inputs, Timing
from drivers.errors import UnknownDevice
from drivers.url import parse
from models.passage import Direction, SensorSignal, SignalKind
from tests.examples import examples

DEBOUNCE_MS = 30
ENTRY, EXIT = SensorSignal(SignalKind.TURNED), SensorSignal(SignalKind.TURNED, Direction.EXIT)
SECOND = SensorSignal(SignalKind.SECOND_PERSON)


def cleared(detail: str) -> SensorSignal:
    return SensorSignal(SignalKind.CLEARED, detail=detail)


class Box:
    """Inputs called by what they mean, all at rest at the start. Time is counted in whole milliseconds."""

    def __init__(self, *names: str, timing: Timing | None = None, lazy: bool = False) -> None:
        self.now = 0
        self.levels = dict.fromkeys(names, False)
        self.told: list[SensorSignal] = []
        self.inputs = Inputs({name: Contact(name) for name in names}, timing or Timing())
        self.told += self.inputs.sample(self.levels, 0.0)
        self._lazy = lazy

    def after(self, milliseconds: int) -> list[SensorSignal]:
        """What is told while nothing moves, when `tick` is asked at the moments that `due` names."""
        ends, before = self.now + milliseconds, len(self.told)
        while not self._lazy and (due := self.inputs.due()) is not None and due <= ends / 1000:
            told = self.inputs.tick(due)
            self.told += told
            assert told or (self.inputs.due() or ends) > due, "asked in vain, and forever"
        self.now = ends
        return self.told[before:]

    def put(self, name: str, level: bool) -> list[SensorSignal]:
        """One edge, now."""
        before = len(self.told)
        self.levels[name] = level
        self.told += self.inputs.edge(name, level, self.now / 1000)
        return self.told[before:]

    def play(self, *steps: tuple[str, bool, int]) -> list[SensorSignal]:
        """Edges, each with the milliseconds after it."""
        before = len(self.told)
        for name, level, milliseconds in steps:
            self.put(name, level)
            self.after(milliseconds)
        return self.told[before:]


# --- Contacts ---------------------------------------------------------------------------------------------------------


def test_a_turn_is_told_when_it_has_lasted_for_its_debounce() -> None:
    box = Box("turn_in", "turn_out")
    assert box.put("turn_in", True) == []
    assert box.after(DEBOUNCE_MS - 1) == []
    assert box.after(1) == [ENTRY]
    assert box.play(("turn_in", False, 100), ("turn_out", True, 100), ("turn_out", False, 100)) == [EXIT]


def test_an_edge_that_comes_late_still_tells_how_long_the_level_had_lasted() -> None:
    box = Box("turn_in", lazy=True)
    assert box.play(("turn_in", True, 200), ("turn_in", False, 200), ("turn_in", True, 10)) == [ENTRY]


def test_polled_inputs_do_not_count_what_lay_between_two_looks() -> None:
    inputs = Inputs({"turn_in": Contact("1")}, Timing())
    looks = [(0.0, False), (0.1, True), (0.2, False), (0.3, True), (0.32, True), (0.34, True)]
    assert [inputs.sample({"1": level}, at) for at, level in looks] == [[]] * 5 + [[ENTRY]]


@pytest.mark.parametrize("name", STATES)
def test_states_are_told_and_cleared(name: str) -> None:
    box = Box(name)
    told = box.play((name, True, 100_000), (name, False, 100))
    assert told == [STATES[name], cleared(STATES[name].detail or STATES[name].kind.value)]


def test_a_state_that_stands_at_the_start_is_told_and_a_turn_that_stands_is_none() -> None:
    inputs = Inputs({"fire": Contact("3", active_level=False), "turn_in": Contact("1")}, Timing())
    levels = {"3": False, "1": True}
    assert inputs.sample(levels, 0.0) == []
    assert inputs.tick(0.05) == [STATES["fire"]]
    assert inputs.tick(9.9) == []
    assert inputs.tick(10.0) == [SensorSignal(SignalKind.STUCK, detail="turn_in, input 1")]


def test_a_pulse_below_the_least_length_is_no_turn() -> None:
    box = Box("turn_in", timing=Timing(turn_min_s=0.1))
    assert box.play(("turn_in", True, 99), ("turn_in", False, 500)) == []
    assert box.play(("turn_in", True, 101), ("turn_in", False, 500)) == [ENTRY]


def test_each_stuck_contact_is_named_and_cleared_when_it_moves() -> None:
    box = Box("turn_in", "second")
    stuck = [SensorSignal(SignalKind.STUCK, detail=f"{name}, input {name}") for name in ("turn_in", "second")]
    assert box.play(("turn_in", True, 100), ("second", True, 60_000)) == [ENTRY, SECOND, *stuck]
    assert box.play(("turn_in", False, 100)) == [cleared("turn_in, input turn_in")]
    assert box.play(("turn_in", True, 100)) == [ENTRY]
    assert box.play(("second", False, 100)) == [cleared("second, input second")]


bounces = st.lists(st.integers(1, DEBOUNCE_MS - 1), min_size=2, max_size=30).filter(lambda gaps: len(gaps) % 2 == 0)


@settings(max_examples=examples(200))
@given(closing=bounces, opening=bounces, lazy=st.booleans())
def test_bounce_never_gives_two_turns(closing: list[int], opening: list[int], lazy: bool) -> None:
    box = Box("turn_in", lazy=lazy)
    level = False
    for gaps in ([*closing, 500], [*opening, 500]):
        for gap in gaps:
            level = not level
            box.play(("turn_in", level, gap))
    box.put("turn_in", level)
    assert box.told == [ENTRY]


edges = st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.integers(0, 400)), max_size=60)


@settings(max_examples=examples(300))
@given(edges=edges, lazy=st.booleans())
def test_there_is_one_turn_for_each_debounced_cycle(edges: list[tuple[str, bool, int]], lazy: bool) -> None:
    box = Box(*NAMES, lazy=lazy)
    box.play(*edges)
    box.now += 1000
    box.told += box.inputs.tick(box.now / 1000)
    for name, direction in TURNS.items():
        turned = box.told.count(SensorSignal(SignalKind.TURNED, direction))
        assert turned == cycles([(at, level) for at, (one, level) in times(edges) if one == name], box.now)


def times(edges: list[tuple[str, bool, int]]) -> list[tuple[int, tuple[str, bool]]]:
    """When each of `edges` came."""
    now, found = 0, []
    for name, level, gap in edges:
        found.append((now, (name, level)))
        now += gap
    return found


def cycles(edges: list[tuple[int, bool]], end: int) -> int:
    """How often the level was high for the debounce, after it had been low for the debounce."""
    moves = [(0, False)]
    for at, level in edges:
        if level != moves[-1][1]:
            moves.append((at, level))
    lasting = [level for (at, level), (then, _) in pairwise([*moves, (end, False)]) if then - at >= DEBOUNCE_MS]
    return sum(after and not before for before, after in pairwise([False, *lasting]))


@settings(max_examples=examples(200))
@given(edges=edges, lazy=st.booleans(), polled=st.booleans())
def test_what_is_cleared_stood_before_and_nothing_stands_twice(
    edges: list[tuple[str, bool, int]], lazy: bool, polled: bool
) -> None:
    box = Box(*NAMES, timing=Timing(stuck_s=0.5, jam_s=0.5, beam_stuck_s=0.9), lazy=lazy)
    for name, level, gap in edges:
        if polled:
            box.levels[name] = level
            box.now += gap
            box.told += box.inputs.sample(box.levels, box.now / 1000)
        else:
            box.play((name, level, gap))
    standing: set[str] = set()
    for signal in box.told:
        state = signal.detail or signal.kind.value
        if signal.kind is SignalKind.CLEARED:
            standing.remove(state)  # raises where it didn't stand
        elif signal.kind not in (SignalKind.TURNED, SignalKind.SECOND_PERSON):
            assert state not in standing
            standing.add(state)


@given(names=st.sets(st.sampled_from(NAMES), min_size=1), looks=st.lists(st.integers(1, 100_000), max_size=20))
def test_idle_inputs_tell_nothing(names: set[str], looks: list[int]) -> None:
    box = Box(*names)
    assert box.inputs.due() is None
    for gap in looks:
        box.now += gap
        box.told += box.inputs.sample(box.levels, box.now / 1000) + box.inputs.tick(box.now / 1000)
    assert box.told == []


# --- Beams ------------------------------------------------------------------------------------------------------------

# Who stands where: outside, in A, in both, in B, inside.
PLACES = [frozenset[str](), {"beam_a"}, {"beam_a", "beam_b"}, {"beam_b"}, frozenset[str]()]


def walk(box: Box, places: list[int], step: int = 100) -> list[SensorSignal]:
    """Somebody goes from place to place, at rest for `step` milliseconds in each."""
    before = len(box.told)
    for place in places:
        for beam in BEAMS:
            if (beam in PLACES[place]) != box.levels[beam]:
                box.put(beam, beam in PLACES[place])
        box.after(step)
    return box.told[before:]


def test_the_order_of_the_beams_gives_the_direction() -> None:
    box = Box(*BEAMS)
    assert walk(box, [1, 2, 3, 4], 300) == [ENTRY]
    assert walk(box, [3, 2, 1, 0], 300) == [EXIT]


def test_beams_that_change_shortly_after_each_other_and_are_read_late_keep_their_order() -> None:
    box = Box(*BEAMS, lazy=True)
    box.play(("beam_b", True, 10), ("beam_a", True, 500), ("beam_b", False, 10), ("beam_a", False, 500))
    assert box.told + box.inputs.tick(box.now / 1000) == [EXIT]


def test_turning_back_is_nothing() -> None:
    assert walk(Box(*BEAMS), [1, 2, 3, 2, 1, 0, 0, 0, 0]) == []


def test_somebody_slim_leaves_one_beam_before_the_other_is_hit() -> None:
    box = Box(*BEAMS)
    assert walk(box, [1, 0, 3, 4], 300) == [ENTRY]
    assert walk(box, [3, 0, 1, 0], 300) == [EXIT]
    assert walk(box, [1, *[0] * 5, 3, 4], 300) == []


@settings(max_examples=examples(200))
@given(steps=st.lists(st.sampled_from([-1, 1]), max_size=80))
def test_whoever_dithers_is_told_by_where_they_came_out(steps: list[int]) -> None:
    box, place, began, expected = Box(*BEAMS), 0, 0, []
    for step in steps:
        if not 0 <= place + step <= 4:
            continue
        place += step
        if place in (0, 4):
            expected += [] if place == began else [ENTRY if place == 4 else EXIT]
            began = place
            walk(box, [place], 2000)
        else:
            walk(box, [place])
    assert box.told == expected


@pytest.mark.parametrize(("gap", "second"), [(200, [SECOND]), (251, [ENTRY])])
def test_a_second_person_is_one_who_follows_closely(gap: int, second: list[SensorSignal]) -> None:
    box = Box(*BEAMS)
    walk(box, [1, 2, 3])
    assert walk(box, [4], gap) + walk(box, [1, 2, 3, 4]) == [ENTRY, *second]


def test_a_third_is_told_too_and_the_next_one_later_turns() -> None:
    box = Box(*BEAMS)
    assert walk(box, [1, 2, 3, 4] * 3) == [ENTRY, SECOND, SECOND]
    assert walk(box, [4] * 5 + [1, 2, 3, 4]) == [ENTRY]


def test_nobody_is_second_behind_one_who_turned_back() -> None:
    assert walk(Box(*BEAMS), [1, 2, 1, 0, 1, 2, 3, 4]) == [ENTRY]


def test_with_a_contact_that_turns_the_beams_tell_second_people_alone() -> None:
    box = Box("turn_in", *BEAMS)
    assert walk(box, [1, 2, 3, 4, 1, 2, 3, 4]) == [SECOND]
    assert box.play(("turn_in", True, 100)) == [ENTRY]


def test_one_beam_alone_tells_second_people_and_no_turns() -> None:
    box = Box("beam_a")
    assert box.play(("beam_a", True, 300), ("beam_a", False, 100), ("beam_a", True, 300), ("beam_a", False, 900)) == [
        SECOND
    ]


def test_a_beam_that_is_blocked_is_a_jam_and_then_dirty() -> None:
    box = Box(*BEAMS)
    jam, stuck = (
        SensorSignal(SignalKind.JAM, detail="beam_b"),
        SensorSignal(SignalKind.STUCK, detail="beam_b, input beam_b"),
    )
    assert box.play(("beam_b", True, 61_000)) == [jam, stuck]
    assert box.play(("beam_b", False, 100)) == [cleared("beam_b"), cleared("beam_b, input beam_b")]


def test_beams_hit_between_the_same_two_looks_tell_no_direction() -> None:
    inputs = Inputs({name: Contact(name) for name in BEAMS}, Timing())
    shots = [(False, False), (True, True), (True, True), (False, True), (False, True), (False, False), (False, False)]
    told = [inputs.sample(dict(zip(BEAMS, shot, strict=True)), at * 0.05) for at, shot in enumerate(shots)]
    assert not any(told)


@settings(max_examples=examples(200))
@given(steps=st.lists(st.tuples(st.sampled_from(BEAMS), st.booleans(), st.integers(0, 400)), max_size=80))
def test_no_more_turns_and_second_people_than_times_the_light_was_let_through(
    steps: list[tuple[str, bool, int]],
) -> None:
    box = Box(*BEAMS)
    box.play(*steps)
    clears, blocked = 0, set[str]()
    for name, level, _ in steps:
        was = bool(blocked)
        (blocked.add if level else blocked.discard)(name)
        clears += was and not blocked
    kinds = Counter(signal.kind for signal in box.told)
    assert kinds[SignalKind.TURNED] <= clears
    assert kinds[SignalKind.TURNED] + kinds[SignalKind.SECOND_PERSON] <= clears + 1


# --- Options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "closed_level", "active_level"),
    [
        ("turn_in=1", True, True),
        ("turn_in=1:no", True, True),
        ("turn_in=1:nc", True, False),
        ("turn_in=1!", True, False),
        ("turn_in=1", False, False),
        ("turn_in=1:nc", False, True),
        ("fire=1", True, False),
        ("fire=1", False, True),
        ("fire=1:no", True, True),
        ("fire=1:nc", False, True),
    ],
)
def test_which_level_means_something(text: str, closed_level: bool, active_level: bool) -> None:
    url = parse(f"any:?{text}")
    (contact,) = contacts_of(url, lambda name, source: source, closed_level=closed_level).values()
    assert (contact.input, contact.active_level) == ("1", active_level)


def test_timing_comes_from_the_options() -> None:
    url = parse("any:?debounce_ms=25&beam_ms=5&turn_min_ms=80&stuck_s=4&jam_s=3&beam_stuck_s=9&gap_ms=400")
    assert timing_of(url) == Timing(0.025, 0.005, 0.08, 4, 3, 9, 0.4)
    assert timing_of(parse("any:")) == Timing()


def test_a_box_without_inputs_is_refused() -> None:
    with pytest.raises(UnknownDevice, match="no input"):
        contacts_of(parse("any:"), lambda name, source: source)
