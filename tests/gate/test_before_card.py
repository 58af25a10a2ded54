"""When the lane has faces looked at before the card, and how that ends on record; and a real child in ready mode."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.face.sim import MODEL_VERSION, marked, template
from gate.before_card import apart, ready_s
from gate.core.events import DeviceBack
from gate.core.state import Lane, new_lane
from gate.messages import FaceFailed, FaceProbed
from models.decision import FaceFacts, Profile
from models.face import FaceBands
from models.ledger import EntryKind
from models.pad import PadChallenge
from models.passage import Direction
from models.profiles import policy_of
from models.view import Phase
from tests.gate.lane_bench import POLICY as LANE_POLICY
from tests.gate.lane_bench import Bench as LaneBench
from tests.gate.lane_bench import Guest, contents, play, ticket_of
from tests.gate.test_vision import LIMITS, NOBODY, VISITOR, Bench, running

POLICY = replace(policy_of(Profile.CONCERT, "gala"), face_ready_s=3.0)
APART = {MODEL_VERSION: 0.4}
AT_REST = replace(new_lane("G1"), phase=Phase.IDLE)


def test_a_profile_that_ships_looks_at_nobody_before_the_card() -> None:
    assert all(policy_of(profile, "gala").face_ready_s == 0.0 for profile in Profile)


@pytest.mark.parametrize(
    ("lane", "seconds"),
    [
        (AT_REST, 3.0),
        (replace(AT_REST, phase=Phase.LOOKUP), 3.0),
        (replace(AT_REST, phase=Phase.CAPTURE), 3.0),
        (replace(AT_REST, phase=Phase.CAPTURE, facts=replace(AT_REST.facts, face=FaceFacts())), 0.0),
        (replace(AT_REST, told=True), 0.0),
        (replace(AT_REST, direction=Direction.EXIT), 0.0),
        *[
            (replace(AT_REST, phase=phase), 0.0)
            for phase in (Phase.RELEASED, Phase.REFERRED, Phase.PAUSED, Phase.FREE, Phase.FAULT)
        ],
    ],
)
def test_faces_are_looked_at_ahead_only_where_a_card_may_be_presented_and_answered(lane: Lane, seconds: float) -> None:
    assert ready_s(lane, POLICY) == seconds


@pytest.mark.parametrize(
    "change",
    [
        {"needs_face": False},
        {"needs_ticket": False},
        {"face_ready_s": 0.0},
        {"pad_challenge": PadChallenge.ALWAYS},
    ],
)
def test_a_policy_that_needs_no_face_or_a_turned_head_looks_at_none(change: dict[str, object]) -> None:
    assert ready_s(AT_REST, replace(POLICY, **change)) == 0.0  # type: ignore[arg-type]


def test_two_frames_are_of_one_person_where_one_would_be_admitted_on_the_other() -> None:
    bands = (FaceBands("m", "any", 0.4, 0.6), FaceBands("m", "any", 0.3, 0.6, "c", 0.5), FaceBands("n", "any", 0.9, 1))
    assert apart(replace(POLICY, bands=bands)) == {"m": 0.5, "n": 0.9}


def test_the_lane_tells_its_eyes_and_which_way_it_was_stands_in_the_ledger(tmp_path: Path) -> None:
    anna, boris = Guest(1), Guest(2)
    policy = replace(LANE_POLICY, face_ready_s=3.0, face_frames=2)

    async def scene(lane: LaneBench) -> None:
        lane.runner.post(DeviceBack("camera"))
        await lane.quiet()
        assert lane.camera.watched == [(3.0, 2)]
        await lane.taps(anna)
        assert lane.camera.watched == [(3.0, 2)], "what is held is the answer to this card"
        twice = replace(anna.probe(0.1), further=(anna.probe(0.3).template,))
        lane.runner.take(FaceProbed(lane.runner.lane.attempt, twice, held_s=0.4))
        await lane.quiet()
        assert lane.camera.watched[-1] == (0.0, 2)
        await lane.turns()
        await lane.a_while_later(5.0)
        assert lane.camera.watched[-1] == (3.0, 2)
        await lane.admitted(boris)
        faces = [entry.body["facts"]["face"] for entry in lane.entries(EntryKind.DECISION)]
        assert [(face.get("held_s"), face.get("frames")) for face in faces] == [(0.4, 2), (None, 1)]
        assert faces[0]["comparison"]["distance"] == pytest.approx(0.3), "the frame least like the reference counts"

    play(tmp_path, scene, manifest=contents([(guest, ticket_of(guest)) for guest in (anna, boris)], policy=policy))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running(Bench(tmp_path)) as made:
        made.stage.clear()
        yield made


def waits_until_looked(bench: Bench, looks: int) -> None:
    """So many more frames were taken, and one begun after them: what the first of them showed is held by then."""
    wanted = bench.stage.frames_taken + looks + 1
    while bench.stage.frames_taken < wanted:
        with pytest.raises(queue.Empty):
            bench.next(0.02)


def held(bench: Bench, attempt: int) -> FaceProbed:
    said = bench.capture(attempt)
    assert isinstance(said, FaceProbed)
    return said


def test_the_card_is_answered_with_what_was_held_and_without_a_further_picture(bench: Bench) -> None:
    bench.vision.watch(3.0, 1, APART)
    bench.show(VISITOR)
    waits_until_looked(bench, 2)
    bench.vision.capture(1, 5.0)
    said = bench.next()
    assert isinstance(said, FaceProbed)
    assert said.probe.template == template(VISITOR)
    assert said.held_s is not None
    assert 0.0 < said.held_s < 3.0
    assert (said.ms["grab"], said.ms["probe"]) == (0.0, 0.0)
    again = held(bench, 2)
    assert again.held_s is None, "what was used is not used twice"


def test_the_one_who_has_left_is_not_the_one_who_brings_the_card(bench: Bench) -> None:
    bench.vision.watch(3.0, 1, APART)
    bench.show(VISITOR)
    waits_until_looked(bench, 2)
    bench.stage.clear()
    waits_until_looked(bench, 2)
    bench.show(VISITOR + 1)
    assert held(bench, 1).probe.template == template(VISITOR + 1)


def test_when_the_lane_is_no_longer_at_rest_no_frame_is_taken_and_nothing_held(bench: Bench) -> None:
    bench.vision.watch(3.0, 1, APART)
    bench.show(VISITOR)
    waits_until_looked(bench, 2)
    bench.vision.watch(0.0, 1, APART)
    assert held(bench, 1).held_s is None
    taken = bench.stage.frames_taken
    with pytest.raises(queue.Empty):
        bench.next(2 * LIMITS.beat_s)
    assert bench.stage.frames_taken == taken


def test_a_child_that_died_leaves_one_behind_that_looks_as_well(bench: Bench) -> None:
    bench.vision.watch(3.0, 1, APART)
    bench.show(VISITOR)
    waits_until_looked(bench, 2)
    bench.signal_child(9)
    assert not any(isinstance(bench.next(), FaceFailed) for _ in range(2))
    waits_until_looked(bench, 3)
    assert held(bench, 1).held_s is not None


def test_several_frames_are_taken_after_the_card_where_the_policy_asks_for_them(bench: Bench) -> None:
    bench.vision.watch(0.0, 3, APART)
    bench.stage.show(itertools.chain([NOBODY], [marked(VISITOR, offset=0.01 * each) for each in range(3)]))
    said = held(bench, 1)
    assert len({said.probe.template, *said.probe.further}) == 3
    assert said.probe.frames == 4


def test_frames_of_two_people_are_not_put_together(bench: Bench) -> None:
    bench.vision.watch(0.0, 2, APART)
    bench.stage.show(itertools.chain([marked(VISITOR)], itertools.repeat(marked(VISITOR + 1))))
    said = held(bench, 1)
    assert {said.probe.template, *said.probe.further} == {template(VISITOR + 1)}


def test_too_few_frames_are_no_face(bench: Bench) -> None:
    bench.vision.watch(0.0, 2, APART)
    bench.stage.show(marked(who) for who in itertools.chain.from_iterable(itertools.repeat((VISITOR, VISITOR + 1))))
    said = bench.capture(1, timeout_s=0.3)
    assert isinstance(said, FaceProbed)
    assert said.probe.problem is not None
    assert said.probe.template == b""
