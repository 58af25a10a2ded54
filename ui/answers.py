"""Why a command changed nothing, in the words of whoever sent it.

The gate answers in English, for logs and technicians. The sentences that a steward can meet have words of their own
under `answer.*`; another one is shown as it came, after words that say that nothing was done.
"""

from __future__ import annotations

import math

from models.command import Answer
from ui.words import Words

# What the gate's sentence has in it -> the key of our words.
_KNOWN = (
    ("it was not sent", "not_there"),
    ("the gate did not answer", "unknown"),
    ("it changes nothing now", "too_late"),
    ("the clock is trusted, or this is said", "not_needed"),
    ("this lane holds no manifest", "no_event"),
    ("leave no time of", "no_time"),
    ("the name or the PIN is wrong", "wrong_pin"),
    ("too many wrong PINs", "locked_out"),
    ("that takes a supervisor", "not_supervisor"),
    ("a visitor may ask for", "not_staff"),
    ("is not on shift at this lane", "not_on_shift"),
    ("a command needs an actor", "not_on_shift"),
    ("an override needs two supervisors", "two_needed"),
    ("this lane keeps no staff book", "no_book"),
    ("the staff book can't be read", "book_unread"),
    ("the ledger takes no entries", "not_recorded"),
    ("too many numbers were typed", "typed_too_many"),
    ("too many reports within a minute", "reported_too_many"),
    ("nobody of this number", "too_late"),
    ("check digit", "check_digit"),
    ("no reader of this lane takes", "no_chip_reader"),
    ("not connected now", "reader_away"),
)


def in_words(answer: Answer, words: Words) -> str:
    """What to say of a failed answer; with the seconds to wait, where the gate asks for a pause."""
    key = next((key for part, key in _KNOWN if part in answer.error), "")
    text = words(f"answer.{key}") if key else words("answer.other", error=answer.error)
    return f"{text} {words('answer.wait', seconds=math.ceil(answer.wait_s))}" if answer.wait_s > 0 else text
