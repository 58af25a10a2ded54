"""What is said aloud as the lane goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.command import Settings, Snapshot
from models.decision import Profile, Reason, Verdict
from models.view import LaneView, Phase
from ui.announcer import Announcer
from ui.link import GateLink
from ui.sounds import Sounds, at_volume, tone
from ui.view import visitor_screen

pytestmark = pytest.mark.usefixtures("qapp")
IDLE = Snapshot(LaneView("G1", Phase.IDLE, 1), 1.0, Profile.CONCERT, settings=Settings(volume=0.5))


def shows(phase: Phase, attempt: int = 2, verdict: Verdict | None = None, reason: Reason | None = None) -> Snapshot:
    return replace(IDLE, view=LaneView("G1", phase, attempt, verdict, reason))


LOOK = shows(Phase.CAPTURE)
IN = shows(Phase.RELEASED, verdict=Verdict.ADMIT, reason=Reason.OK)


@pytest.fixture
def played(tmp_path: Path) -> tuple[GateLink, list[bytes]]:
    link, played = GateLink(tmp_path / "nobody.sock"), list[bytes]()
    Announcer(link, visitor_screen, Sounds(played.append))
    return link, played


def heard(*names: str) -> list[bytes]:
    return [at_volume(tone(name), 0.5) for name in names]


def test_each_change_is_said_once_at_the_lanes_volume(played: tuple[GateLink, list[bytes]]) -> None:
    link, sounds = played
    for snapshot in (IDLE, LOOK, LOOK, IN, IN, IDLE):
        link.snapshot.emit(snapshot)
    assert sounds == heard("look", "go")


def test_what_stands_after_a_silence_is_not_said(played: tuple[GateLink, list[bytes]]) -> None:
    link, sounds = played
    link.snapshot.emit(IN)
    link.silent.emit()
    link.snapshot.emit(IN)
    assert sounds == []
