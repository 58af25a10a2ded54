"""Widgets without a display: Qt paints into memory. Tests with real windows have a display of their own (`xvfb.py`)."""

from __future__ import annotations

import os

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before any test imports Qt

collect_ignore_glob: list[str] = []
try:
    import PyQt5.QtWidgets  # noqa: F401
except ImportError:  # where a machine has no PyQt5, its screens can't be tested
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def qapp():
    """The one application that a process may have."""
    from PyQt5.QtWidgets import QApplication

    return QApplication.instance() or QApplication(["menshen-test"])
