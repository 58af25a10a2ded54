"""What a steward's tap asks for: a word to the gate, or a sheet that opens over the window. Pure.

A word says for which attempt it was meant, and by whom. Where the lane has a staff book, nobody speaks without a shift.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from models.command import Command, OnShift, Order, Snapshot
from models.decision import StewardAction
from models.red_path import Urgency
from ui.view import Tap

NOBODY_IN_PARTICULAR = "steward"
"""Who speaks at a lane without a staff book."""


class Sheet(StrEnum):
    """What opens over the window; `ui.operator_sheets` knows where it is written."""

    DISPUTE = "dispute"
    OVERRIDE = "override"
    MANUAL = "manual"
    SUPERVISOR = "supervisor"
    SHIFT = "shift"
    COMPANION = "companion"
    RED = "red"
    SIGHTING = "sighting"


WORDS = MappingProxyType(
    {
        Tap.RETRY_FACE: StewardAction.RETRY_FACE,
        Tap.ADMIT: StewardAction.ADMIT,
        Tap.REFUSE: StewardAction.REFUSE,
        Tap.CONFIRM: StewardAction.CONFIRM,
        Tap.SKIP_FACE: StewardAction.SKIP_FACE,
    }
)
"""Said with one tap."""

SHEETS = MappingProxyType(
    {
        Tap.HOLDER_HERE: Sheet.DISPUTE,
        Tap.CLEAR_WATCH: Sheet.DISPUTE,
        Tap.OVERRIDE: Sheet.OVERRIDE,
        Tap.TYPE: Sheet.MANUAL,
        Tap.SUPERVISOR: Sheet.SUPERVISOR,
        Tap.MODE: Sheet.SUPERVISOR,
        Tap.COMPANION: Sheet.COMPANION,
        Tap.RED_WHY: Sheet.RED,
        Tap.SIGHTING: Sheet.SIGHTING,
    }
)
"""Looked at first: the sheet says what is to be known, and sends the word."""

OWN_PROOF = frozenset({Tap.OVERRIDE, Tap.SUPERVISOR, Tap.MODE})
"""Whoever does these shows who he is by a PIN, on shift or not."""


OF_A_PERSON = frozenset(WORDS) | {Tap.HOLDER_HERE, Tap.CLEAR_WATCH, Tap.OVERRIDE, Tap.COMPANION}
"""These are about the one in the lane; the others are about the lane itself."""


def on_duty(snapshot: Snapshot) -> OnShift | None:
    """Who speaks by the taps: of several on shift, the one who began last."""
    return max(snapshot.staff, key=lambda person: person.since, default=None)


def actor(snapshot: Snapshot) -> str:
    """In whose name a word goes to the gate; empty where the lane wants a shift and nobody has begun one."""
    person = on_duty(snapshot)
    if person is not None:
        return person.actor
    return "" if snapshot.pins else NOBODY_IN_PARTICULAR


def answer_to(tap: Tap, snapshot: Snapshot, attempt: int, urgency: Urgency = Urgency.STRETCHER) -> Command | Sheet:
    """What the tap leads to. `attempt` is the one that stood on the screen when the finger came down.

    `urgency` is what the red button writes down.
    """
    if tap not in OWN_PROOF and not actor(snapshot):
        return Sheet.SHIFT
    if tap is Tap.RED:
        return Command(id=0, order=Order.RED, actor=actor(snapshot), urgency=urgency)
    if tap in SHEETS:
        return SHEETS[tap]
    return Command(id=0, order=Order.STEWARD, actor=actor(snapshot), attempt=attempt, action=WORDS[tap])
