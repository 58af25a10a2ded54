"""The evening's stories: each is one visitor, what happens, and how it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from drivers.camera import _visitors as visitors
from gate.demo.cast import DAY_S, HOUR_S, Looks, Person, person
from gate.demo.night import Night
from gate.demo.readers import Wire
from models.decision import Reason, StewardAction, Verdict
from models.passage import Direction

Ending = tuple[Verdict, frozenset[Reason]]
Deed = Callable[[Night], None]


@dataclass(frozen=True, slots=True)
class Story:
    """`endings` are the decisions that must stand in the ledger, in order; `leaves` what else must.

    With `unseen` the camera must not have taken a single picture.
    """

    name: str
    people: tuple[Person, ...]
    deeds: tuple[Deed, ...]
    endings: tuple[Ending, ...]
    leaves: tuple[str, ...] = ()
    unseen: bool = False


def does(verb: Callable[..., None], *who: object, **how: object) -> Deed:
    """One thing that somebody does: a verb of `Night`, with its words."""
    return lambda night: verb(night, *who, **how)


def ends(verdict: Verdict, *reasons: Reason) -> Ending:
    """One decision; any of the reasons will do."""
    return verdict, frozenset(reasons)


OK = ends(Verdict.ADMIT, Reason.OK)
BY_STEWARD = ends(Verdict.ADMIT, Reason.OK_BY_STEWARD)
WITHOUT_FACE = ends(Verdict.ADMIT, Reason.OK_WITHOUT_FACE)
PASSED = "passage:passed"


class Book:
    """Hands out people one after the other, each with a face of his own, and writes the stories down.

    With a `wire` they are told as it fits that reader; `left_out` are those that don't, with the reason.
    """

    def __init__(self, looks: list[Looks], first: int = 0, wire: Wire | None = None) -> None:
        self._looks = looks
        self._count = first
        self._wire = wire
        self.stories: list[Story] = []
        self.left_out: dict[str, str] = {}

    def someone(self, **changes: object) -> Person:
        """The next visitor."""
        index = self._count
        self._count += 1
        one = person(index, self._looks[index % len(self._looks)])
        return replace(self._wire.dress(one) if self._wire else one, **changes)  # type: ignore[arg-type]

    def tell(
        self,
        name: str,
        people: tuple[Person, ...],
        *told: Deed | Ending,
        leaves: tuple[str, ...] = (),
        unseen: bool = False,
    ) -> None:
        """Add a story: what is done, and how it ends. The wire may leave it out, or have it told otherwise."""
        wire = self._wire
        if wire and name in wire.left_out:
            self.left_out[wire.titles.get(name, name)] = wire.left_out[name]
            return
        if wire and name in wire.retold:
            wire.retold[name](self)
            return
        name = wire.titles.get(name, name) if wire else name
        deeds = tuple(part for part in told if callable(part))
        endings = tuple(part for part in told if isinstance(part, tuple))
        self.stories.append(Story(name, people, deeds, endings, leaves, unseen))


def rendered_looks() -> list[Looks]:
    """The rendered visitors that are known to look different from each other."""
    return [Looks(seed=seed) for seed in visitors.CHOSEN]


def ordinary(book: Book, count: int) -> None:
    """`count` visitors with whom nothing goes wrong."""
    for _ in range(count):
        one = book.someone()
        book.tell("holder of a ticket", (one,), does(Night.enters, one), OK, leaves=(PASSED,))


def evening(looks: list[Looks], wire: Wire | None = None) -> Book:
    """One story for every way the evening goes right or wrong."""
    book = Book(looks, wire=wire)
    for chapter in (_tickets, _cards, _faces, _people):
        chapter(book)
    if wire:
        wire.more(book)
    _hardware(book)
    return book


def _tickets(book: Book) -> None:
    good = book.someone()
    book.tell("holder of a ticket", (good,), does(Night.enters, good), OK, leaves=(PASSED,))
    book.tell(
        "the same ticket again",
        (good,),
        does(Night.is_stopped, good, then=StewardAction.REFUSE),
        ends(Verdict.DENY, Reason.ALREADY_ADMITTED),
        ends(Verdict.DENY, Reason.REFUSED_BY_STEWARD),
    )
    book.tell(
        "goes out and comes in again",
        (good,),
        does(Night.enters, good, Direction.EXIT),
        does(Night.enters, good),
        WITHOUT_FACE,
        OK,
        leaves=(PASSED, PASSED),
    )
    for name, reason, changes in (
        ("no ticket", Reason.NO_TICKET, {"has_ticket": False}),
        ("refunded ticket", Reason.REVOKED, {"status": "revoked"}),
        ("wrong gate", Reason.WRONG_GATE, {"gates": "G7|G8"}),
        ("too early", Reason.NOT_YET_VALID, {"opens_s": 5 * HOUR_S}),
        ("yesterday's ticket", Reason.EXPIRED, {"opens_s": -2 * DAY_S}),
        ("work pass bound this morning", Reason.UNBOUND, {"category": "work", "bound_s": -3 * HOUR_S}),
    ):
        one = book.someone(**changes)
        book.tell(name, (one,), does(Night.is_stopped, one), ends(Verdict.DENY, reason), unseen=True)
    first = book.someone()
    second = book.someone(
        number=first.number, name=first.name, birth=first.birth, looks=first.looks, opens_s=-HOUR_S / 2
    )
    book.tell(
        "two tickets on one ID",
        (first, second),
        does(Night.enters, first),
        does(Night.is_stopped, second, then=StewardAction.REFUSE),
        OK,
        ends(Verdict.DENY, Reason.DUPLICATE_IDENTITY),
        ends(Verdict.DENY, Reason.REFUSED_BY_STEWARD),
        leaves=(PASSED,),
    )


def _cards(book: Book) -> None:
    expired = book.someone(card_ends=date(2022, 1, 1))
    book.tell("expired card", (expired,), does(Night.is_stopped, expired), ends(Verdict.DENY, Reason.CARD_EXPIRED))
    hasty = book.someone()
    unread = ends(Verdict.DENY, Reason.UNREADABLE_CARD)
    book.tell("card pulled too soon", (hasty,), does(Night.pulls_card_too_soon, hasty), unread, OK, leaves=(PASSED,))
    garbled = book.someone()
    book.tell(
        "card with a bad checksum", (garbled,), does(Night.has_garbled_card, garbled), unread, OK, leaves=(PASSED,)
    )
    forged = book.someone()
    book.tell(
        "card the module rejects", (forged,), does(Night.shows_forged, forged), ends(Verdict.DENY, Reason.REJECTED_CARD)
    )
    bus = book.someone(has_ticket=False)
    book.tell("a bus card", (bus,), does(Night.shows_bus_card, bus), ends(Verdict.DENY, Reason.UNSUPPORTED_CARD))


def _faces(book: Book) -> None:
    holder, stranger = book.someone(), book.someone(has_ticket=False)
    book.tell(
        "wrong person with the right card",
        (holder, stranger),
        does(Night.is_stopped, holder, face=stranger, then=StewardAction.REFUSE),
        ends(Verdict.REFER, Reason.FACE_MISMATCH, Reason.FACE_UNCERTAIN),
        ends(Verdict.DENY, Reason.REFUSED_BY_STEWARD),
    )
    shy = book.someone()
    book.tell(
        "covered face, then shown",
        (shy,),
        does(Night.covers_face_then_shows_it, shy),
        ends(Verdict.REFER, Reason.NO_FACE, Reason.POOR_FACE),
        OK,
        leaves=(PASSED,),
    )
    declined = book.someone(declined=True)
    book.tell(
        "declined face, steward compares",
        (declined,),
        does(Night.is_settled, declined, StewardAction.ADMIT),
        ends(Verdict.REFER, Reason.FACE_DECLINED),
        BY_STEWARD,
        leaves=(PASSED,),
    )
    unpictured = book.someone(has_photo=False)
    book.tell(
        "no picture was handed in",
        (unpictured,),
        does(Night.is_settled, unpictured, StewardAction.ADMIT),
        ends(Verdict.REFER, Reason.NO_REFERENCE),
        BY_STEWARD,
        leaves=(PASSED,),
    )


def _people(book: Book) -> None:
    guardian = book.someone()
    child = book.someone(guardian=guardian.ticket, has_photo=False, declined=True, birth=date(2016, 6, 1))
    absent = book.someone()
    lost = book.someone(guardian=absent.ticket, has_photo=False, declined=True, birth=date(2017, 6, 1))
    declined = ends(Verdict.REFER, Reason.FACE_DECLINED)
    book.tell(
        "child with guardian",
        (guardian, child),
        does(Night.enters, guardian),
        does(Night.is_settled, child, StewardAction.ADMIT),
        OK,
        declined,
        BY_STEWARD,
        leaves=(PASSED, PASSED),
    )
    book.tell("child alone", (absent, lost), does(Night.is_stopped, lost), ends(Verdict.REFER, Reason.GUARDIAN_NEEDED))
    listed = book.someone(listed="review")
    book.tell(
        "on a watchlist, cleared by staff",
        (listed,),
        does(Night.is_settled, listed, StewardAction.CLEAR_WATCH),
        ends(Verdict.REFER, Reason.WATCHLISTED),
        OK,
        leaves=(PASSED,),
    )
    noted = book.someone(listed="notify")
    book.tell("on a list that only informs", (noted,), does(Night.enters, noted), OK, leaves=(PASSED,))
    held = book.someone(notes="check!:student card")
    book.tell(
        "a note that holds until seen to",
        (held,),
        does(Night.is_settled, held, StewardAction.CONFIRM),
        ends(Verdict.REFER, Reason.CONFIRM_FIRST),
        OK,
        leaves=(PASSED,),
    )


def _hardware(book: Book) -> None:
    late = book.someone()
    book.tell(
        "released, nobody passed, comes again",
        (late,),
        does(Night.enters, late, walks=False),
        does(Night.enters, late),
        OK,
        OK,
        leaves=("passage:no_show", PASSED),
    )
    pair = book.someone()
    book.tell("somebody slips in behind", (pair,), does(Night.is_followed, pair), OK, leaves=("tailgate", PASSED))
    unseen = book.someone()
    book.tell(
        "camera unplugged in the middle",
        (unseen,),
        does(Night.comes_when_camera_fails, unseen),
        ends(Verdict.REFER, Reason.DEVICE_FAULT),
        OK,
        leaves=(PASSED,),
    )
    cut = book.someone()
    book.tell(
        "power cut at the release, and back",
        (cut,),
        does(Night.loses_power, cut),
        OK,
        ends(Verdict.REFER, Reason.ALREADY_ADMITTED),
        BY_STEWARD,
        leaves=("passage:unknown", PASSED),
    )
    book.tell("somebody climbs over", (), does(Night.climbs_over), leaves=("intrusion",))
