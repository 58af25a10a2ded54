"""Every state of the lane has a cue."""

from __future__ import annotations

import pytest

from models.cue import Cue, cue_of
from models.decision import Verdict
from models.view import LaneView, Phase


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_cue(phase: Phase) -> None:
    assert cue_of(LaneView("G1", phase, 1)) in Cue


def test_an_idle_lane_that_still_shows_a_refusal_refuses() -> None:
    assert cue_of(LaneView("G1", Phase.IDLE, 1, verdict=Verdict.DENY)) is Cue.REFUSED
    assert cue_of(LaneView("G1", Phase.IDLE, 1, verdict=Verdict.REFER)) is Cue.HELP
    assert cue_of(LaneView("G1", Phase.IDLE, 1)) is Cue.READY
