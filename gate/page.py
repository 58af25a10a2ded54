"""A document's page, typed by a person for a reader that opens chips with it. It goes by here and stays nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gate.messages import DeviceHealth
from models.command import Answer, Command

NO_TAKER = "no reader of this lane takes an MRZ or a card access number: it reads no passports"


class PageTaker(Protocol):
    """A reader's pump, as seen from here."""

    name: str

    def expect(self, text: str) -> str | None:
        """Hand a page to the driver: empty, what is wrong with it, or `None` where it takes none or isn't there."""

    def health(self) -> DeviceHealth:
        """How the reader fares."""


def hand_page(command: Command, readers: Sequence[PageTaker]) -> Answer:
    """Give the page to the reader it is for, or to the first that takes one, and answer what became of it."""
    if not command.actor:
        return Answer(command.id, ok=False, error="a command needs an actor")
    if not command.mrz.strip():
        return Answer(command.id, ok=False, error="the order mrz lacks what it is about")
    asked = [reader for reader in readers if command.reader in ("", reader.name)]
    for reader in asked:
        if (wrong := reader.expect(command.mrz)) is not None:
            return Answer(command.id, ok=not wrong, error=wrong)
    down = [reader.name for reader in asked if not reader.health().up]
    return Answer(command.id, ok=False, error=f"not connected now: {', '.join(down)}" if down else NO_TAKER)
