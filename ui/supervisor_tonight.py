"""While the clock is not trusted: a supervisor says that it is the event of this lane's manifest, or takes that back.

What is signed for stands on the page, and only that is asked of the gate: its event, from the manifest's issue to its
end. A manifest that changes in between puts the sheet away.
"""

from __future__ import annotations

import time

from PyQt5.QtWidgets import QVBoxLayout, QWidget

from models.command import Command, Order, Snapshot
from ui.supervisor_sign import Signed, SignPage, Task
from ui.words import Words


class Tonight(Task):
    """It is this event now; where somebody said so before, it is so no longer."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.on = snapshot.window is None
        self.title = "supervisor.tonight" if self.on else "supervisor.not_tonight"
        self.attempt, self.manifest, self.window = snapshot.view.attempt, snapshot.manifest, snapshot.window

    def build(self, page: SignPage) -> QWidget:
        """Which event, between which times, and what follows from it."""
        sheet, (event, since, until) = page.sheet, self._taken()
        made, column = QWidget(), QVBoxLayout()
        made.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        self.event = sheet.said(event or sheet.words("supervisor.no_event"), 30, bold=True)
        column.addWidget(self.event, 3)
        if event:
            self.times = sheet.said(sheet.words("supervisor.between", since=since, until=until), 22)
            column.addWidget(self.times, 2)
            column.addWidget(sheet.said(self._means(sheet.words), 20), 3)
        return made

    def _taken(self) -> tuple[str, str, str]:
        """The event and its two ends, as the page shows them; empty where there is none."""
        if self.window is not None:
            return self.window.event, day_time(self.window.since), day_time(self.window.until)
        if self.manifest is None:
            return "", "", ""
        return self.manifest.event, day_time(self.manifest.issued_at), day_time(self.manifest.expires_at)

    def _means(self, words: Words) -> str:
        if self.window is not None:
            return words("supervisor.said_by", actor=self.window.actor)
        return words("supervisor.tonight_means")

    def missing(self) -> str:
        """An event that it could be."""
        return "" if self.window is not None or self.manifest is not None else "supervisor.no_event"

    def is_stale(self, now: Snapshot) -> bool:
        """Whether the page shows what is so no longer."""
        return now.clock_trusted or now.manifest != self.manifest or now.window != self.window

    def command(self, by: Signed) -> Command:
        """The times that were shown: a later manifest could make them shorter, never longer."""
        taken = self.manifest if self.on else None
        return Command(
            id=0,
            order=Order.WINDOW,
            on=self.on,
            window_since=taken.issued_at if taken else 0.0,
            window_until=taken.expires_at if taken else 0.0,
            attempt=self.attempt,
            actor=by.actor,
            pin=by.pin,
        )


def day_time(at: float) -> str:
    """Unix seconds as a day and a time at the venue."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
