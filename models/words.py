"""What is said, in English: to the visitor, to staff, and what to do next. Short, kind, and never an accusation.

A visitor is told what he needs to know and nothing that bystanders should not read: a list, another person's use of
his ticket and a face that does not match are staff's business.
"""

from __future__ import annotations

from types import MappingProxyType

from models.credential import Medium
from models.decision import Reason, Verdict
from models.face import FaceProblem
from models.spoken import Words as Words
from models.words_hospital import HOSPITAL_WORDS

_ASK = "Please wait a moment, a colleague is coming."
_LET_IN = "Let the visitor pass."

WORDS = MappingProxyType(
    {
        **HOSPITAL_WORDS,
        Reason.OK: Words("Welcome.", "Ticket and face are right.", _LET_IN),
        Reason.OK_WITHOUT_FACE: Words("Welcome.", "The ticket is right; no face is asked for.", _LET_IN),
        Reason.OK_BY_STEWARD: Words("Welcome.", "A steward settled it; that is on record.", _LET_IN),
        Reason.NO_TICKET: Words(
            "We could not find a ticket for this ID.",
            "No ticket is bound to this document.",
            "Ask for the document used when buying; otherwise send to the ticket desk.",
        ),
        Reason.UNREADABLE_CARD: Words(
            "Please hold your card on the reader a little longer.",
            "The card could not be read.",
            "Present it again, flat and still; after three tries go to the ticket desk.",
        ),
        Reason.UNSUPPORTED_CARD: Words(
            "This reader does not know this card. Please use your ID.",
            "The card is of no kind that this reader knows.",
            "Ask for the document used when buying.",
        ),
        Reason.REJECTED_CARD: Words(
            _ASK,
            "Card and reader did not accept each other: damaged, or not genuine.",
            "Look at the document by eye; take a second document, or call the supervisor.",
        ),
        Reason.CARD_EXPIRED: Words(
            "The date on this card is not valid today.",
            "The document is expired or not yet in force.",
            "Ask for another document, or a temporary ID from the police desk.",
        ),
        Reason.WEAK_CREDENTIAL: Words(
            "Please use your ID here.",
            "This kind of credential is too easy to copy for this event.",
            "Ask for the ID card or passport.",
        ),
        Reason.CODE_USED: Words(
            "Please show the code that your ticket app shows now.",
            "This code, or a later one, was used before: a picture of it, or the same phone again.",
            "Ask to open the ticket in the app and wait for the next code; a picture has none.",
        ),
        Reason.DOCUMENT_NEEDED: Words(
            "Thank you. A colleague will take a short look at your ID.",
            "A code alone is not enough here: anybody could hold it up.",
            "Compare an ID with the name on the ticket and with the person, then decide.",
        ),
        Reason.NOT_YET_VALID: Words(
            "You are early: your ticket is not open yet.",
            "The ticket's time has not begun.",
            "Tell the visitor when it opens; ask to come back then.",
        ),
        Reason.EXPIRED: Words(
            "Your ticket's time is over.", "The ticket's time has ended.", "Send to the ticket desk."
        ),
        Reason.WRONG_GATE: Words(
            "Your entrance is another gate.",
            "The ticket is for another gate.",
            "Show the way to the gate on the ticket.",
        ),
        Reason.WRONG_EVENT: Words(
            "This entrance serves another event today.",
            "Ticket or gate is set for another event.",
            "Look at the event on the ticket; if it is today's, call the technician.",
        ),
        Reason.REVOKED: Words(
            "This ticket is no longer active. The ticket desk will help you.",
            "The issuer withdrew the ticket: refunded, re-sold or replaced.",
            "Send to the ticket desk with the order number.",
        ),
        Reason.UNBOUND: Words(
            "Your ticket still needs your name. The ticket desk will help you.",
            "The ticket was bound to nobody, or too late.",
            "Send to the ticket desk.",
        ),
        Reason.ALREADY_ADMITTED: Words(
            "Please wait a moment, we would like to look at your ticket together.",
            "This ticket was used before; the holder may well be the one in front of you.",
            "Open the first use, compare with the person, and settle it at the dispute desk.",
        ),
        Reason.NOT_INSIDE: Words(
            _ASK, "No entry is on record for this person.", "Let the person out; note which gate was used to enter."
        ),
        Reason.DUPLICATE_IDENTITY: Words(
            "Please wait a moment, we would like to look at your tickets together.",
            "This person entered on another ticket of this show.",
            "Open the first use and compare; the dispute desk settles it.",
        ),
        Reason.OCCUPANCY: Words(
            "The house is full at this moment. Thank you for waiting.",
            "The limit of people inside is reached.",
            "Hold the queue until the count falls; tell the duty manager.",
        ),
        Reason.GUARDIAN_NEEDED: Words(
            "Please come in together with your grown-up.",
            "A child's ticket, and the guardian has not just entered.",
            "Let the guardian enter first, then the child.",
        ),
        Reason.CONFIRM_FIRST: Words(
            _ASK, "A note asks you to see to something first.", "Do what the note says, then confirm it."
        ),
        Reason.FACE_MISMATCH: Words(
            _ASK,
            "The comparison found little likeness; it errs more often than you would think.",
            "Compare the document's portrait with the person yourself, then decide.",
        ),
        Reason.FACE_UNCERTAIN: Words(
            _ASK,
            "The comparison could not tell.",
            "Compare the document's portrait with the person yourself, then decide.",
        ),
        Reason.FACE_DECLINED: Words(
            "Thank you. A colleague will look at your ID instead.",
            "The visitor chose the way without a camera, which is everybody's right.",
            "Compare the document's portrait with the person, then decide.",
        ),
        Reason.NO_FACE: Words(
            "Please look into the camera.",
            "The camera saw no face in time.",
            "Ask to look into the camera and try again, or compare by eye.",
        ),
        Reason.POOR_FACE: Words(
            "Please look straight into the camera, by yourself.",
            "The pictures were not clear enough.",
            "Help with light, mask or cap and try again, or compare by eye.",
        ),
        Reason.NO_REFERENCE: Words(
            _ASK,
            "No photograph was enrolled for this ticket.",
            "Compare the document's portrait with the person, then decide.",
        ),
        Reason.MODEL_MISMATCH: Words(
            _ASK,
            "The enrolled photograph is of another face model than this gate's.",
            "Compare by eye, and tell the technician: the manifest must be built again.",
        ),
        Reason.NOT_LIVE: Words(
            "Please look into the camera once more.",
            "The camera could not make sure that a living face was before it.",
            "Try again, or compare the document's portrait with the person.",
        ),
        Reason.WATCHLISTED: Words(
            _ASK,
            "A list asks that somebody looks. It is a hint, no proof.",
            "Call the supervisor; stay friendly, and say nothing of a list.",
        ),
        Reason.CLAIM_UNANSWERED: Words(
            _ASK,
            "No answer whether the ticket was used elsewhere.",
            "Ask the other gates by radio, then decide.",
        ),
        Reason.MANIFEST_STALE: Words(
            _ASK,
            "The list of tickets on this gate is too old.",
            "Tell the technician to load a new one; until then decide by eye.",
        ),
        Reason.MANIFEST_MISSING: Words(
            "This entrance is not ready yet. Please use the next one.",
            "This gate has no list of tickets.",
            "Send to another gate; tell the technician to load the manifest.",
        ),
        Reason.CLOCK_UNTRUSTED: Words(
            _ASK,
            "This gate does not know the time.",
            "Judge dates by eye; tell the technician to set the clock.",
        ),
        Reason.REFUSED_BY_STEWARD: Words(
            "We can't let you in here. The service desk will help you.",
            "A steward refused; the reason given is on record.",
            "Show the way to the service desk.",
        ),
        Reason.STEWARD_TIMEOUT: Words(
            "Thank you for waiting. Please present your card again.",
            "Nobody settled it in time.",
            "Begin again with the card, and stay at the lane.",
        ),
        Reason.DEVICE_FAULT: Words(
            _ASK,
            "A device did not answer.",
            "Decide by eye; if it stays, send to another lane and call the technician.",
        ),
        Reason.PAUSED: Words(
            "This entrance is closed for a moment. Please use the next one.",
            "The lane is paused.",
            "Show the way to the next lane.",
        ),
        Reason.OUT_OF_ORDER: Words(
            "This entrance is out of order. Please use the next one.",
            "The lane lacks a device that it can't work without.",
            "Show the way to the next lane; call the technician.",
        ),
    }
)
"""Every reason in its three voices."""

CODE_WORDS = MappingProxyType(
    {
        Reason.NO_TICKET: Words(
            "We could not find a ticket for this code.",
            "This code opens none of the tickets that this gate knows.",
            "Ask for the ID used when buying; otherwise send to the ticket desk.",
        ),
        Reason.UNREADABLE_CARD: Words(
            "Please hold your code before the scanner a little longer.",
            "The code could not be read.",
            "Help with brightness, distance or a smooth sheet; else ask for the ID.",
        ),
        Reason.UNSUPPORTED_CARD: Words(
            "This scanner does not know this code. Please show your ticket's own code.",
            "The code is of no kind that this gate takes: perhaps another one on the ticket.",
            "Look for the entrance code on the ticket or in the app; else ask for the ID.",
        ),
        Reason.REJECTED_CARD: Words(
            "This code does not open here. Please show the ticket in your ticket app.",
            "The code is not of our issuers, was changed, or is an old picture of one that changes.",
            "Ask to open the ticket in the app; if it stays, take the ID or call the supervisor.",
        ),
        Reason.CARD_EXPIRED: Words(
            "The date of this code is not today's.",
            "The days for which the code was issued are over, or have not begun.",
            "Look at the date on the ticket; otherwise send to the ticket desk.",
        ),
        Reason.WRONG_EVENT: Words(
            "Your code is for another event than today's.",
            "The code was issued for another event.",
            "Look at event and date on the ticket; ask for today's code.",
        ),
        Reason.STEWARD_TIMEOUT: Words(
            "Thank you for waiting. Please show your code again.",
            "Nobody settled it in time.",
            "Begin again with the code, and stay at the lane.",
        ),
    }
)
"""What is said otherwise to somebody who holds up a code."""

TYPED_WORDS = MappingProxyType(
    {
        Reason.DOCUMENT_NEEDED: Words(
            "Thank you. A colleague will take a short look at your document.",
            "The number was typed: no reader vouched for the document, and no camera compared a face.",
            "Compare the portrait in the document with the person, then decide.",
        ),
        Reason.WEAK_CREDENTIAL: Words(
            "Please use your ID here.",
            "A typed number opens nothing at this event: a number can be anybody's.",
            "Ask for a document that the reader can read, or call the supervisor.",
        ),
    }
)
"""What is said otherwise when a steward read the document off."""


def words_of(reason: Reason, medium: Medium | None = None) -> Words:
    """The reason in its three voices, to somebody who presented a `medium`."""
    otherwise = CODE_WORDS if medium is Medium.CODE else TYPED_WORDS if medium is Medium.TYPED else WORDS
    return otherwise.get(reason) or WORDS[reason]


VERDICTS = MappingProxyType({Verdict.ADMIT: "admitted", Verdict.DENY: "refused", Verdict.REFER: "referred to staff"})

FACE_PROBLEMS = MappingProxyType(  # what is wrong with a picture, for the one who took it
    {
        FaceProblem.NO_FACE: "no face is seen",
        FaceProblem.TOO_SMALL: "the face is too small",
        FaceProblem.TOO_DARK: "the picture is too dark",
        FaceProblem.TOO_BRIGHT: "the picture is too bright",
        FaceProblem.BLURRED: "the picture is blurred",
        FaceProblem.TURNED: "the face is turned away",
        FaceProblem.SEVERAL: "several faces are seen",
        FaceProblem.COVERED: "the face is covered",
        FaceProblem.TURN_ASKED: "the head was asked to turn, and did not",
    }
)
