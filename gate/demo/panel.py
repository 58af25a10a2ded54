"""The demo's own window: presses the visitors' cards on the reader, puts faces before the camera, pulls plugs."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QKeySequence
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from gate.demo.hand import Face, Part, Shown

Deed = Callable[[], object]


class Panel(QWidget):
    """Who comes next, and how. Every button has a key; the list says whom there is."""

    closed = pyqtSignal()

    def __init__(self, parts: list[Part], staff: list[str]) -> None:
        super().__init__()
        self.setWindowTitle("menshen demo: opening the lane")
        self._parts = parts
        self._status = QLabel("starting")
        self._status.setWordWrap(True)
        self._status.setMinimumHeight(44)
        self.people = QListWidget()
        for part in parts:
            self.people.addItem(QListWidgetItem(_row(part)))
        self.people.setCurrentRow(0)
        self.face, self.shown = _choice(Face), _choice(Shown)
        self._buttons = QGridLayout()
        self._all: list[QPushButton] = []
        controls = QVBoxLayout()
        who = QLabel("Staff: " + "; ".join(staff))
        who.setWordWrap(True)
        for each in (self._status, who, self.face, self.shown):
            controls.addWidget(each)
        controls.addLayout(self._buttons)
        controls.addStretch()
        layout = QHBoxLayout(self)
        layout.addWidget(self.people, 1)
        layout.addLayout(controls)
        self.resize(860, 340)

    @property
    def part(self) -> Part:
        """Who is chosen."""
        return self._parts[max(self.people.currentRow(), 0)]

    @property
    def chosen_face(self) -> Face:
        """Who is to stand before the camera."""
        return Face(self.face.currentText())

    @property
    def chosen_card(self) -> Shown:
        """What is to be shown to the reader."""
        return Shown(self.shown.currentText())

    def add(self, title: str, key: str, press: Deed) -> QPushButton:
        """One more button, two in a row."""
        button = QPushButton(f"{title}  ({key})")
        button.clicked.connect(lambda: press())
        button.setFocusPolicy(Qt.NoFocus)
        QShortcut(QKeySequence(key), self, button.click)
        at = len(self._all)
        self._buttons.addWidget(button, at // 2, at % 2)
        self._all.append(button)
        return button

    def show_below(self, windows_px: int) -> None:
        """Below windows of that height, as far as there is room."""
        room = QApplication.primaryScreen().availableGeometry()
        self.move(room.left(), room.top() + max(0, min(windows_px + 24, room.height() - self.height())))
        self.show()

    def say(self, text: str) -> None:
        """On the line at the top."""
        self._status.setText(text)

    def enable(self, ready: bool) -> None:
        """Whether there is a lane to play with."""
        for button in self._all:
            button.setEnabled(ready)
        if ready:
            self.setWindowTitle("menshen demo: ready")

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  # Qt's name
        """The demo ends with this window."""
        self.closed.emit()
        super().closeEvent(event)


def _row(part: Part) -> str:
    one = part.person
    return f"{part.story}\n    {one.name} · {one.ticket} · {one.number}"


def _choice(words: type[Face] | type[Shown]) -> QComboBox:
    box = QComboBox()
    box.addItems([word.value for word in words])
    box.setFocusPolicy(Qt.NoFocus)
    return box
