"""Whose face a network tells apart least: twins, children, and whoever brings a portrait of long ago."""

from __future__ import annotations

from datetime import date, timedelta

from gate.core.case import Case
from models.ticket import NoteKind


def is_hard_to_tell(case: Case) -> bool:
    """Whether more is left to a person's eye in this case, as far as the policy asks for that."""
    ticket = case.ticket
    if ticket is None or not case.policy.face_wider:
        return False
    child = case.card.child or bool(ticket.guardian) or any(note.kind is NoteKind.CHILD for note in ticket.notes)
    return ticket.twin or child or (not ticket.reference_model and _portrait_is_old(case))


def _portrait_is_old(case: Case) -> bool:
    """A document's portrait is as old as the document, or older."""
    issued = case.card.valid_from
    if not issued:
        return False
    try:
        ends = date.fromisoformat(issued) + timedelta(seconds=case.policy.face_old_after_s)
    except (ValueError, OverflowError):
        return False  # a date that is none was judged by the rule about the card
    return case.day(case.latest) > ends.isoformat()
