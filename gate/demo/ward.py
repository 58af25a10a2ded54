"""A morning at a hospital's entrance: appointments, a companion, somebody typed in, an emergency."""

from __future__ import annotations

from gate.demo.cast import HOUR_S, Looks
from gate.demo.night import Night, NotAsTold
from gate.demo.readers import Wire
from gate.demo.stories import BY_STEWARD, PASSED, WITHOUT_FACE, Book, does, ends
from models.command import Command, Order
from models.decision import Reason, StewardAction, Verdict
from models.passage import Direction
from models.red_path import Urgency
from models.view import Phase

WAIT_S = 2.0
"""So soon the barrier has to be open after the tap; and so long anything may take here."""


def emergency(night: Night) -> None:
    """A stretcher: one tap, and nobody is asked."""
    rig, pulses = night.rig, night.rig.relay.pulses
    rig.link.order(Command(0, Order.RED, "steward-demo", urgency=Urgency.STRETCHER))
    if not rig.relay.wait_for(lambda: rig.relay.pulses > pulses, WAIT_S):
        raise NotAsTold("the relay did not move")
    rig.sensor.turn()
    rig.link.wait_view(lambda view: view.phase is Phase.IDLE, WAIT_S)


def morning(looks: list[Looks], wire: Wire | None = None) -> Book:
    """One story for every way in."""
    book = Book(looks, wire=wire)
    patient, wife, stranger = book.someone(), book.someone(has_ticket=False), book.someone(has_ticket=False)
    alone = ends(Verdict.DENY, Reason.NO_TICKET)
    whose = ends(Verdict.REFER, Reason.WHOSE_COMPANION)
    book.tell("no appointment, and nobody inside", (stranger,), does(Night.is_stopped, stranger), alone)
    book.tell("a patient with an appointment", (patient,), does(Night.enters, patient), WITHOUT_FACE, leaves=(PASSED,))
    companion = does(Night.is_settled, wife, StewardAction.COMPANION)
    book.tell("his wife goes in with him", (wife,), companion, whose, BY_STEWARD, leaves=(PASSED,))
    book.tell("one companion is enough", (stranger,), does(Night.is_stopped, stranger), alone)
    book.tell(
        "she goes out and comes in again",
        (wife,),
        does(Night.enters, wife, Direction.EXIT),
        does(Night.enters, wife),
        WITHOUT_FACE,
        WITHOUT_FACE,
        leaves=(PASSED, PASSED),
    )
    book.tell("an emergency, on one tap", (), does(emergency), leaves=(PASSED,))
    early = book.someone(opens_s=3 * HOUR_S)
    book.tell("three hours early", (early,), does(Night.is_stopped, early), ends(Verdict.DENY, Reason.NOT_YET_VALID))
    listed = book.someone(listed="notify")
    book.tell(
        "a listed patient with an appointment", (listed,), does(Night.enters, listed), WITHOUT_FACE, leaves=(PASSED,)
    )
    return book
