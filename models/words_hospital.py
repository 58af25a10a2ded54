"""What is said at a hospital's doors: companions, and the red path. See `models.words`."""

from __future__ import annotations

from models.decision import Reason
from models.spoken import Words

HOSPITAL_WORDS = {
    Reason.OK_EMERGENCY: Words(
        "Please come through.",
        "An emergency: let in on one tap, nobody was asked.",
        "Let them pass; ask later who it was, and write that down.",
    ),
    Reason.WHOSE_COMPANION: Words(
        "Please wait a moment, a colleague is coming.",
        "No appointment on this document: perhaps with a patient inside.",
        "Ask with whom the visitor came; name the patient, or send to the registration desk.",
    ),
    Reason.PATIENT_NOT_HERE: Words(
        "Please wait a moment, a colleague is coming.",
        "A companion, and the patient is not inside.",
        "Ask where the patient is; let the companion in with the patient.",
    ),
    Reason.COMPANIONS_FULL: Words(
        "Please wait a moment, a colleague is coming.",
        "The patient has as many companions inside as the house allows.",
        "Ask whether two can change places; let one more in only where the ward agrees.",
    ),
}
