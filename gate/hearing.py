"""What devices tell and people order, as the lane's events. What a card says of a person stays with the `Visitor`."""

from __future__ import annotations

import math
from dataclasses import replace

from gate.core.events import (
    CardFailed,
    DeviceBack,
    DeviceLost,
    Event,
    FaceCompared,
    FaceHinted,
    ModeSet,
    Passed,
    RedTapped,
    SensorDoubted,
    SensorSaw,
    StewardSaid,
)
from gate.messages import (
    DeviceDown,
    DeviceUp,
    DocumentTyped,
    FaceFailed,
    FaceHint,
    FaceProbed,
    Message,
    PortraitRefused,
    ReaderGave,
    SensorGave,
    SensorMissed,
)
from gate.stores import Rules
from gate.visitor import Visitor
from models.command import Command, Order
from models.credential import CardFault, Credential
from models.decision import FaceFacts, StewardAction
from models.passage import Direction, SignalKind
from models.staff import Cause

EXIT_READER = "exit_reader"

LONGEST_MODE_S = 7 * 86_400.0


def event_of(message: Message, visitor: Visitor, rules: Rules) -> Event:
    """The event that `message` means to the lane."""
    match message:
        case ReaderGave(device, Credential() as credential):
            return visitor.presents(credential, _way(device))
        case ReaderGave(device, CardFault() as fault):
            return CardFailed(fault.problem, _way(device), fault.medium)
        case DocumentTyped(credential, typed_by, child):
            read = visitor.presents(credential, None)
            return replace(read, card=replace(read.card, typed_by=typed_by, child=child))
        case SensorGave(device, signal):
            return Passed(signal.direction) if signal.kind is SignalKind.TURNED else SensorSaw(signal, device)
        case SensorMissed():
            return SensorDoubted()
        case DeviceUp(device):
            return DeviceBack(device)
        case DeviceDown(device, why):
            return DeviceLost(device, why)
        case FaceHint(attempt, problem):
            return FaceHinted(attempt, problem)
        case FaceProbed():
            return visitor.compare(message, rules)
        case PortraitRefused(attempt, why):
            return FaceCompared(attempt, FaceFacts(portrait_problem=why))
        case FaceFailed(attempt, why):
            return FaceCompared(attempt, FaceFacts(fault=why))
        case _:
            raise TypeError(f"the lane takes no {type(message).__name__}")


def event_of_command(command: Command, now: float) -> Event:
    """The event that a person's order means to the lane. `now`: Unix seconds. `ValueError` when it lacks something."""
    if not command.actor:
        raise ValueError("a command needs an actor")
    match command.order:
        case Order.MODE if command.mode is not None:
            return ModeSet(command.mode, command.actor, command.why, _until(command.for_s, now))
        case Order.STEWARD if command.action is StewardAction.OVERRIDE and command.cause is None:
            raise ValueError(f"an override needs a cause: {', '.join(Cause)}")
        case Order.STEWARD if command.action is not None:
            said = command.attempt, command.action, command.actor, command.why
            return StewardSaid(*said, command.cause, command.second, command.of)
        case Order.RED if command.urgency is not None:
            return RedTapped(command.actor, command.urgency)
        case _:
            raise ValueError(f"the order {command.order} lacks what it is about")


def _until(for_s: float, now: float) -> float | None:
    if not (math.isfinite(for_s) and 0.0 <= for_s <= LONGEST_MODE_S):
        raise ValueError(f"a mode holds for 0 to {LONGEST_MODE_S:g} seconds; 0: until told")
    return now + for_s if for_s else None


def _way(reader: str) -> Direction | None:
    """A second reader on the inner side lets people out; the other follows the lane."""
    return Direction.EXIT if reader == EXIT_READER else None
