"""What is remembered of the time over a restart, and the event that somebody stated."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.clock import BUILD_FLOOR, Clock
from gate.clock_floor import KEEP_S, ClockFloor, rtc_time
from gate.clock_window import window_at_start, window_of
from models.command import Command, Order
from models.keeping import ClockBody, Window
from models.ledger import EntryKind
from models.ticket import ManifestState
from tests.models.ledgers import NIGHT, open_ledger

SIGNED = BUILD_FLOOR + 9e6
HELD = ManifestState("gala", 7, NIGHT, NIGHT + 86_400)


class Times:
    def __init__(self, wall: float) -> None:
        self.wall, self.mono = wall, 10.0

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.mono)


def test_the_signed_time_is_a_floor_after_a_restart(tmp_path: Path) -> None:
    times = Times(SIGNED)
    clock = times.clock()
    clock.learn(SIGNED)
    ClockFloor(tmp_path, clock).tick()
    later = Times(BUILD_FLOOR + 1000)  # after the build, and before what was signed: only the file knows better
    clock = later.clock()
    assert clock.trusted
    ClockFloor(tmp_path, clock, tmp_path).begin()
    assert not clock.trusted
    later.wall = SIGNED + 5
    assert clock.trusted


def test_it_is_written_seldom_and_never_without_a_signed_time(tmp_path: Path) -> None:
    times = Times(SIGNED)
    clock = times.clock()
    floor = ClockFloor(tmp_path, clock)
    floor.tick()
    assert not (tmp_path / "clock-floor").exists()
    clock.learn(SIGNED)
    floor.tick()
    times.mono += KEEP_S - 1
    floor.tick()
    assert float((tmp_path / "clock-floor").read_text()) == SIGNED
    times.mono += 1
    floor.tick()
    assert float((tmp_path / "clock-floor").read_text()) == SIGNED + KEEP_S


@pytest.mark.parametrize("text", ["", "nonsense", "inf\x00"])
def test_a_file_that_says_nothing_stops_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock-floor").write_text(text)
    clock = Times(SIGNED).clock()
    ClockFloor(tmp_path, clock, tmp_path).begin()
    assert clock.trusted


def an_rtc(root: Path, at: float) -> Path:
    (root / "sys/class/rtc/rtc0").mkdir(parents=True)
    (root / "sys/class/rtc/rtc0/since_epoch").write_text(f"{at:.0f}\n")
    return root


def test_a_hardware_clock_is_believed_where_ours_is_impossible(tmp_path: Path) -> None:
    times = Times(1000.0)
    clock = times.clock()
    ClockFloor(tmp_path, clock, an_rtc(tmp_path, SIGNED)).begin()
    times.mono += 60
    assert (clock.trusted, clock.wall()) == (True, SIGNED + 60)
    clock.learn(SIGNED + 500)
    assert clock.wall() == SIGNED + 500, "the authority's word goes before it"


def test_a_hardware_clock_in_1970_is_not_believed(tmp_path: Path) -> None:
    clock = Times(1000.0).clock()
    ClockFloor(tmp_path, clock, an_rtc(tmp_path, 40.0)).begin()
    assert not clock.trusted
    assert rtc_time(tmp_path / "elsewhere") is None


def test_the_window_is_the_manifests_or_less() -> None:
    said = Command(1, Order.WINDOW, "anna")
    assert window_of(said, HELD) == Window("gala", NIGHT, NIGHT + 86_400, "anna")
    closer = Command(1, Order.WINDOW, "anna", window_since=NIGHT + 3600, window_until=NIGHT + 9e9)
    assert window_of(closer, HELD) == Window("gala", NIGHT + 3600, NIGHT + 86_400, "anna")
    assert window_of(Command(1, Order.WINDOW, "anna", on=False), None) is None
    for command, manifest in (
        (said, None),
        (Command(1, Order.WINDOW, "anna", window_since=NIGHT + 9e9), HELD),
        (Command(1, Order.WINDOW, "anna", window_until=NIGHT - 1), HELD),
    ):
        with pytest.raises(ValueError, match="manifest"):
            window_of(command, manifest)


def test_a_word_outlives_a_restart_for_its_own_event(tmp_path: Path) -> None:
    window = Window("gala", NIGHT, NIGHT + 1, "anna")
    with open_ledger(tmp_path / "ledger.db") as ledger:
        assert window_at_start(ledger, "gala") is None
        ledger.append(EntryKind.CLOCK, ClockBody("anna", window), 1000.0)
        assert window_at_start(ledger, "gala") == window
        assert window_at_start(ledger, "another") is None
        ledger.append(EntryKind.CLOCK, ClockBody("clock", None, "the clock is right"), NIGHT)
        assert window_at_start(ledger, "gala") is None
