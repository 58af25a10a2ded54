"""Why a command changed nothing, in the words of whoever sent it.

The gate answers in English, for logs and technicians. The sentences that a steward can meet have words of their own
under `answer.*`; another one is shown as it came, after words that say that nothing was done.
"""

from __future__ import annotations

import math
import re

from models.command import Answer
from ui.words import Words

# The beginning of the gate's sentence -> the key of our words.
_KNOWN = (
    ("the gate does not listen", "not_there"),
    ("the command could not be sent", "not_there"),
    ("the gate did not answer", "unknown"),
)


def in_words(answer: Answer, words: Words) -> str:
    """What to say of a failed answer; with the seconds to wait, where the gate asks for a pause."""
    key = next((key for start, key in _KNOWN if re.match(start, answer.error)), "")
    text = words(f"answer.{key}") if key else words("answer.other", error=answer.error)
    return f"{text} {words('answer.wait', seconds=math.ceil(answer.wait_s))}" if answer.wait_s > 0 else text
