"""What is said aloud as the lane goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from models.command import Settings, Snapshot
from models.decision import Profile, Reason, Verdict
from models.view import LaneView, Phase
from ui.announcer import Announcer
from ui.app import Wanted, Windows, announce
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
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


def test_the_voice_speaks_as_the_visitor_chose_by_a_touch(qapp: QApplication, tmp_path: Path) -> None:
    link, heard = GateLink(tmp_path / "nobody.sock"), list[bytes]()
    for language, word in (("zh", "go"), ("en", "desk")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "look.wav").write_bytes(tone(word))
    wanted = Wanted(tmp_path / "nobody.sock", visitor=True, windowed=(800, 480))
    windows = Windows(qapp, wanted, link, MirrorFeed(link))
    announce(windows, link, Sounds(heard.append, tmp_path))
    windows.show()
    assert windows.visitor is not None
    for snapshot in (IDLE, LOOK, IDLE):
        link.snapshot.emit(snapshot)
    QTest.mouseClick(windows.visitor.idle.language, Qt.LeftButton)
    assert windows.visitor.language == "en"
    for snapshot in (LOOK, IDLE):
        link.snapshot.emit(snapshot)
    sip.delete(windows.visitor)
    sip.delete(windows)
    assert heard == [at_volume(tone("go"), 0.5), at_volume(tone("desk"), 0.5)]
