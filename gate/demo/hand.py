"""The lane of the demo, played by hand: who stands there, what is shown to the reader, what happens to the hardware."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.demo.stories import Book, Story, evening, ordinary, rendered_looks
from gate.staff_book import StaffBook
from models.command import Command, Order
from models.decision import Policy
from models.staff import Role

HOLDERS = 12
"""So many ordinary visitors beside those of the evening."""

STAFF = (
    ("steward-demo", "Li", Role.STEWARD, "4827"),
    ("s-1", "Wang", Role.SUPERVISOR, "9051"),
    ("s-2", "Zhao", Role.SUPERVISOR, "7364"),
)
"""Who works at the lane: actor, name, role, PIN."""


class Face(StrEnum):
    """Who is before the camera when a card is shown."""

    OWN = "the holder"
    ANOTHER = "somebody else"
    COVERED = "a covered face"
    NOBODY = "nobody"


class Shown(StrEnum):
    """What is shown to the reader."""

    CARD = "the card"
    PULLED = "the card, pulled away too soon"
    GARBLED = "the card, on a disturbed wire"
    FORGED = "a forged card"
    OTHER = "a bus card"


@dataclass(frozen=True, slots=True)
class Part:
    """One person of the evening, and what there is to know of her before she comes."""

    story: str
    person: Person


class Hand:
    """What a hand may do at the lane. Each call is short, but for those that start the gate."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        book = evening(rendered_looks(), rig.wire)
        self.stories: list[Story] = book.stories
        more = Book(rendered_looks(), first=500, wire=rig.wire)
        ordinary(more, HOLDERS)
        self.parts = [Part(one.name, one.people[0]) for one in more.stories]
        self.parts += [Part(story.name, person) for story in self.stories for person in story.people]
        self._night = Night(rig)
        self._visit = 0

    def sell(self, progress: Callable[[int, int], None]) -> None:
        """Write the staff book, enrol the pictures, seal the tickets, and put the manifest on the lane."""
        people = {part.person.ticket: part.person for part in self.parts}
        book = StaffBook(self.rig.staff_book)
        for one in STAFF:
            book.add(*one)
        sell(self.rig, list(people.values()), by_hand(self.rig.wire.policy(evening_policy())), progress)

    def open(self) -> None:
        """Start the lane, and let the steward come to work."""
        self.rig.start()
        actor, _, _, pin = STAFF[0]
        self.rig.link.order(Command(0, Order.SHIFT, actor, pin=pin))

    def show(self, part: Part, face: Face, what: Shown) -> None:
        """Somebody steps up, and shows something to the reader."""
        one, reader = part.person, self.rig.entry
        self._visit += 1
        self._stand(one, face)
        match what:
            case Shown.CARD:
                reader.present(one)
            case Shown.PULLED:
                reader.pull_too_soon(one)
            case Shown.GARBLED:
                reader.garble(one)
            case Shown.FORGED:
                reader.forge(one)
            case Shown.OTHER:
                reader.show_something_else(one)

    def stand(self, part: Part, face: Face) -> None:
        """Somebody steps before the camera, or away from it."""
        self._visit += 1
        self._stand(part.person, face)

    def leave(self) -> None:
        """Takes the card and goes."""
        self._night.leaves()

    def walk(self) -> None:
        """Turns the turnstile, and is gone: through it if it is released, over it if not."""
        self.rig.sensor.turn()
        self._night.leaves()

    def unplug_camera(self) -> None:
        """Pull the camera's plug."""
        self.rig.stage.unplug()

    def plug_camera(self) -> None:
        """Put it in again."""
        self.rig.plug_camera()

    def cut_power(self) -> None:
        """As when the power goes: the screens are out of service within two seconds."""
        if self.rig.process.poll() is None:
            self.rig.kill()

    def restore_power(self) -> None:
        """The gate starts again."""
        if self.rig.process.poll() is not None:
            self.rig.start(ready=False)

    def _stand(self, one: Person, face: Face) -> None:
        match face:
            case Face.NOBODY:
                self.rig.stage.clear()
            case Face.ANOTHER:
                self.rig.stage.show(self._stranger(one).looks.frames(self._visit))
            case _:
                self.rig.stage.show(one.looks.frames(self._visit, covered=face is Face.COVERED))

    def _stranger(self, one: Person) -> Person:
        return next(part.person for part in reversed(self.parts) if part.person.looks != one.looks)


def by_hand(policy: Policy) -> Policy:
    """The evening's rules, with the time that people take."""
    return replace(policy, capture_s=6.0, passage_s=8.0, show_s=3.0, show_portrait=True)
