"""When nobody comes: quiet and dead told apart, by asking."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.face.sim import marked
from gate.claims import lane_word
from gate.demo.box_office import sell
from gate.demo.rig import Rig
from gate.prove_silence import Silence
from models.proof import Alive, Asked
from models.view import LaneView, Phase
from tests.gate.daemon_bench import HEAL_S, WIRING, marked_people, marked_policy

WELL = Asked(1.0, {"reader": Alive.ANSWERS, "scanner": Alive.CANNOT_TELL})
DEAF = Asked(2.0, {"reader": Alive.SILENT, "camera": Alive.ANSWERS})


class Lane:
    """Answers from a list, and counts how often it was asked."""

    def __init__(self, *answers: Asked) -> None:
        self.answers = list(answers)
        self.questions = 0

    async def ask(self) -> Asked:
        self.questions += 1
        return self.answers.pop(0)


async def ticks(silence: Silence, *times: float, at_rest: bool = True) -> None:
    for at in times:
        silence.tick(at, at_rest)
        if silence.task is not None:
            await silence.task


def test_devices_are_asked_after_a_silence_and_again_after_another() -> None:
    async def evening() -> None:
        lane = Lane(WELL, DEAF)
        silence = Silence(600.0, lane.ask)
        await ticks(silence, 0.0, 599.0)
        assert silence.asked is None
        await ticks(silence, 600.0, 601.0, 1199.0)
        assert silence.asked == WELL
        assert silence.asked.silent == ()
        await ticks(silence, 1200.0)
        assert silence.asked == DEAF
        assert silence.asked.silent == ("reader",)
        assert lane.questions == 2

    asyncio.run(evening())


def test_a_visitor_ends_the_silence_and_what_was_asked_in_it() -> None:
    async def evening() -> None:
        silence = Silence(600.0, Lane(DEAF).ask)
        await ticks(silence, 0.0, 600.0)
        silence.ends(700.0)
        assert silence.asked is None
        await ticks(silence, 1200.0, 1299.0)
        assert silence.asked is None

    asyncio.run(evening())


def test_nobody_is_asked_while_somebody_is_in_the_lane() -> None:
    async def evening() -> None:
        lane = Lane(WELL)
        silence = Silence(60.0, lane.ask)
        await ticks(silence, 0.0)
        await ticks(silence, 30.0, 100.0, 200.0, at_rest=False)
        await ticks(silence, 259.0)
        assert lane.questions == 0
        await ticks(silence, 260.0)
        assert lane.questions == 1

    asyncio.run(evening())


def test_a_visitor_who_comes_while_devices_are_asked_makes_no_false_alarm() -> None:
    async def evening() -> None:
        asked = asyncio.Event()

        async def ask() -> Asked:
            asked.set()
            await asyncio.Event().wait()  # the camera has gone over to the visitor
            return DEAF

        silence = Silence(60.0, ask)
        silence.tick(0.0, True)
        silence.tick(60.0, True)
        await asked.wait()
        task = silence.task
        silence.ends(61.0)
        assert task is not None
        await asyncio.wait([task])
        assert silence.asked is None
        assert silence.task is None

    asyncio.run(evening())


def test_without_minutes_nobody_is_asked() -> None:
    async def evening() -> None:
        lane = Lane(WELL)
        await ticks(Silence(0.0, lane.ask), 0.0, 1e6)
        assert lane.questions == 0

    asyncio.run(evening())


def test_a_lane_word_says_nothing_of_questions_that_were_not_asked() -> None:
    word = lane_word(LaneView("G1", Phase.IDLE, 0), (), {}, True)
    assert (word.asked_at, word.silent, word.proved_at, word.proved) == (0.0, (), 0.0, False)


class Impatient(Rig):
    """A lane that asks its devices after a second without a visitor."""

    def _settings(self) -> str:
        return super()._settings().replace("[socket]", "ask_after_min = 0.02\n[socket]")


@pytest.mark.slow
def test_a_running_lane_says_that_it_is_quiet_and_then_that_it_is_dead(tmp_path: Path) -> None:
    with Impatient(tmp_path, WIRING) as rig:
        sell(rig, marked_people(tmp_path / "pictures", 1), marked_policy())
        rig.start()
        quiet = rig.link.wait(lambda told: told.asked is not None, HEAL_S)
        assert quiet.asked is not None
        assert quiet.asked.silent == ()
        assert quiet.asked.devices["camera"] is Alive.ANSWERS
        rig.stage.show([marked(3)])
        rig.stage.silent = True
        dead = rig.link.wait(lambda told: bool(told.asked and told.asked.silent), HEAL_S)
        assert dead.asked is not None
        assert dead.asked.silent == ("camera",)
        assert "camera" in dead.view.faults
        assert rig.relay.pulses == 0
