"""A lane is as bright as the gate says: by the panel's own light, or under a veil that touches go through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, Qt
from PyQt5.QtGui import QColor
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QPushButton, QWidget

from ui.brightness import DARKEST, Backlight, Dimmer, backlights

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def window() -> Iterator[QWidget]:
    made = QWidget()
    made.setStyleSheet("background: white")
    made.resize(300, 200)
    made.show()
    yield made
    sip.delete(made)


def panel(folder: Path, brightness: int = 180, most: str = "200\n") -> Path:
    """A panel as the kernel shows it."""
    folder.mkdir(parents=True)
    (folder / "max_brightness").write_text(most)
    (folder / "brightness").write_text(f"{brightness}\n")
    return folder


def light(window: QWidget, x: int = 150, y: int = 100) -> int:
    return QColor(window.grab().toImage().pixel(x, y)).red()


def test_a_panel_is_dimmed_by_its_own_light_never_quite_and_left_as_it_was(tmp_path: Path, window: QWidget) -> None:
    shown = panel(tmp_path / "rpi_backlight") / "brightness"
    dimmer = Dimmer((window,), backlights(tmp_path))
    for share, told in ((1.0, 200), (0.5, 110), (0.0, 20)):
        dimmer.dim(share)
        assert int(shown.read_text()) == told
    assert light(window) == 255
    dimmer.restore()
    assert int(shown.read_text()) == 180


def test_a_panel_is_told_when_something_changed_and_not_every_second(tmp_path: Path) -> None:
    shown = panel(tmp_path / "dsi") / "brightness"
    dimmer = Dimmer((), backlights(tmp_path))
    dimmer.dim(0.5)
    shown.write_text("77")
    dimmer.dim(0.5)
    assert shown.read_text() == "77"


def test_a_panel_of_two_steps_is_never_switched_off(tmp_path: Path) -> None:
    shown = panel(tmp_path / "gpio", brightness=1, most="1") / "brightness"
    Backlight(tmp_path / "gpio").shine(0.0)
    assert shown.read_text() == "1"


@pytest.mark.parametrize("most", ["0", "bright", ""])
def test_what_is_no_usable_light_is_passed_over(tmp_path: Path, most: str) -> None:
    panel(tmp_path / "odd", most=most)
    (tmp_path / "empty").mkdir()
    assert backlights(tmp_path) == ()
    assert backlights(tmp_path / "none") == ()


def test_a_light_that_may_not_be_written_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel(tmp_path / "dsi")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root, who runs tests too, may everything
    assert backlights(tmp_path) == ()


def test_a_light_that_is_gone_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = panel(tmp_path / "dsi")
    dimmer = Dimmer((), backlights(tmp_path))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    dimmer.dim(0.5)
    assert "as bright as it was" in caplog.text


def test_without_a_panel_a_veil_takes_the_light(window: QWidget) -> None:
    dimmer = Dimmer((window,), ())
    dimmer.dim(1.0)
    assert light(window) == 255
    dimmer.dim(0.5)
    assert light(window) == pytest.approx(255 * (1 - DARKEST / 2), abs=2)
    dimmer.dim(0.0)
    assert light(window) == pytest.approx(255 * (1 - DARKEST), abs=2)
    assert light(window) > 60
    dimmer.dim(1.0)
    assert light(window) == 255


def test_a_veil_grows_with_its_window_and_lies_over_what_opens_later(window: QWidget) -> None:
    dimmer = Dimmer((window,), ())
    dimmer.dim(0.0)
    window.resize(500, 400)
    sheet = QWidget(window)
    sheet.setStyleSheet("background: white")
    sheet.setGeometry(100, 100, 390, 290)
    sheet.show()
    sheet.raise_()
    QCoreApplication.processEvents()
    assert light(window, 480, 380) < 100


def test_touches_go_through_the_veil(window: QWidget) -> None:
    button, touched = QPushButton("x", window), list[bool]()
    button.setGeometry(50, 50, 100, 100)
    button.clicked.connect(touched.append)
    button.show()
    Dimmer((window,), ()).dim(0.2)
    QCoreApplication.processEvents()
    QTest.mouseClick(window.windowHandle(), Qt.LeftButton, pos=button.geometry().center())
    assert touched == [False]
