"""Opens the sheets that lie over the steward's window. They are loaded when first wanted: most evenings need few."""

from __future__ import annotations

from importlib import import_module

from PyQt5.QtWidgets import QWidget

from models.command import Snapshot
from ui.link import GateLink
from ui.operator_taps import Sheet as Which
from ui.words import Words

WHERE = {
    Which.DISPUTE: ("ui.dispute", "open_dispute"),
    Which.OVERRIDE: ("ui.supervisor", "open_override"),
    Which.MANUAL: ("ui.manual", "open_manual"),
    Which.SUPERVISOR: ("ui.supervisor", "open_supervisor"),
    Which.SHIFT: ("ui.supervisor", "open_shift"),
    Which.COMPANION: ("ui.hospital", "open_companion"),
    Which.RED: ("ui.hospital", "open_red"),
    Which.SIGHTING: ("ui.sighting", "open_sighting"),
}


def open_sheet(which: Which, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> QWidget:
    """The sheet, shown over `window`; it goes by itself, and tells by `closed`."""
    module, function = WHERE[which]
    made = getattr(import_module(module), function)(window, link, snapshot, words)
    assert isinstance(made, QWidget)
    return made
