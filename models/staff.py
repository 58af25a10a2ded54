"""People at the lane: what they may do, what they may say, and why a supervisor overrides."""

from __future__ import annotations

from enum import StrEnum

LEAST_PIN, MOST_PIN = 4, 6
"""How many digits a PIN has. The screens hand over one of the most digits without a further touch."""


VISITOR = "visitor"
"""The actor of a visitor's own tap on the lane's screen: the way without a face, and nothing else."""

UNKNOWN = "unknown"
"""In the ledger for an actor who is not in the book: whatever was typed there may have been a PIN."""

NOBODY_ON_STAFF = (VISITOR, UNKNOWN)
"""What the ledger calls others; nobody in a staff book may be called so."""


class Role(StrEnum):
    """What a person at the lane may do; each may do what those before may."""

    STEWARD = "steward"
    SUPERVISOR = "supervisor"


class Cause(StrEnum):
    """Why a supervisor overrides: a closed list, so that a report can count them."""

    HELPDESK = "helpdesk"  # the box office or the service desk vouches for the visitor
    DOCUMENT_SEEN = "document_seen"  # a document was looked at that the reader can't read
    SYSTEM_WRONG = "system_wrong"  # the data are wrong, and it was seen how
    EMERGENCY = "emergency"
    ACCOMPANIED = "accompanied"  # goes in with staff
    ORDERED = "ordered"  # the organiser or an authority said so


class StewardAction(StrEnum):
    """What a person at the lane can say of the attempt before him."""

    ADMIT = "admit"  # compared portrait and person, or settled it otherwise
    REFUSE = "refuse"
    RETRY_FACE = "retry_face"
    CONFIRM = "confirm"  # the held note was seen to
    TAKE_WATCH = "take_watch"  # the list's hint is in my hands: the review has an owner from now on
    CLEAR_WATCH = "clear_watch"
    SKIP_FACE = "skip_face"  # the visitor asks for the way without a face
    HOLDER_HERE = "holder_here"  # "already admitted", and the holder stands here: the first passage is in question
    COMPANION = "companion"  # she came with a patient who is inside, and goes to him
    OVERRIDE = "override"  # a supervisor's word: it settles what the policy lets him settle, and a steward's does not
