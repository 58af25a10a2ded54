"""Why: the closed list of reasons for a verdict."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why. The string is API, ledger column and translation key at once, and never changes its meaning."""

    OK = "ok"
    OK_WITHOUT_FACE = "ok_without_face"  # the profile asks for no face
    OK_BY_STEWARD = "ok_by_steward"  # a person decided; the alternative to the face is recorded as such
    OK_EMERGENCY = "ok_emergency"  # the red path: nobody was asked for anything
    NO_TICKET = "no_ticket"
    UNREADABLE_CARD = "unreadable_card"
    UNSUPPORTED_CARD = "unsupported_card"
    REJECTED_CARD = "rejected_card"
    CARD_EXPIRED = "card_expired"
    WEAK_CREDENTIAL = "weak_credential"
    CODE_USED = "code_used"  # this very code of a ticket whose codes change, or a later one, was let in on before
    DOCUMENT_NEEDED = "document_needed"  # a code alone is not enough: a person looks at a document
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    WRONG_GATE = "wrong_gate"
    WRONG_EVENT = "wrong_event"
    REVOKED = "revoked"
    UNBOUND = "unbound"
    ALREADY_ADMITTED = "already_admitted"
    NOT_INSIDE = "not_inside"  # an exit without an entry
    DUPLICATE_IDENTITY = "duplicate_identity"
    OCCUPANCY = "occupancy"
    GUARDIAN_NEEDED = "guardian_needed"
    WHOSE_COMPANION = "whose_companion"  # no appointment; somebody is inside who may have brought her
    PATIENT_NOT_HERE = "patient_not_here"  # a companion, and her patient is not inside
    COMPANIONS_FULL = "companions_full"  # a companion, and her patient has as many as the house allows
    CONFIRM_FIRST = "confirm_first"
    FACE_MISMATCH = "face_mismatch"
    FACE_UNCERTAIN = "face_uncertain"
    FACE_DECLINED = "face_declined"
    NO_FACE = "no_face"
    POOR_FACE = "poor_face"
    NO_REFERENCE = "no_reference"
    MODEL_MISMATCH = "model_mismatch"
    NOT_LIVE = "not_live"
    WATCHLISTED = "watchlisted"
    CLAIM_UNANSWERED = "claim_unanswered"
    MANIFEST_STALE = "manifest_stale"
    MANIFEST_MISSING = "manifest_missing"
    CLOCK_UNTRUSTED = "clock_untrusted"
    REFUSED_BY_STEWARD = "refused_by_steward"
    STEWARD_TIMEOUT = "steward_timeout"
    DEVICE_FAULT = "device_fault"
    PAUSED = "paused"
    OUT_OF_ORDER = "out_of_order"
