"""What devices tell and people order, as the lane's events. What a card says of a person stays with the `Visitor`."""

from __future__ import annotations

from gate.core.events import (
    CardFailed,
    DeviceBack,
    DeviceLost,
    Event,
    FaceCompared,
    FaceHinted,
    ModeSet,
    Passed,
    SensorDoubted,
    SensorSaw,
    StewardSaid,
)
from gate.messages import (
    DeviceDown,
    DeviceUp,
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
from models.decision import FaceFacts
from models.passage import Direction, SignalKind

EXIT_READER = "exit_reader"


def event_of(message: Message, visitor: Visitor, rules: Rules) -> Event:
    """The event that `message` means to the lane."""
    match message:
        case ReaderGave(device, Credential() as credential):
            return visitor.presents(credential, _way(device))
        case ReaderGave(device, CardFault() as fault):
            return CardFailed(fault.problem, _way(device), fault.medium)
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


def event_of_command(command: Command) -> Event:
    """The event that a person's order means to the lane. Raises `ValueError` when it lacks something."""
    if not command.actor:
        raise ValueError("a command needs an actor")
    match command.order:
        case Order.MODE if command.mode is not None:
            return ModeSet(command.mode, command.actor, command.why)
        case Order.STEWARD if command.action is not None:
            return StewardSaid(command.attempt, command.action, command.actor, command.why)
        case _:
            raise ValueError(f"the order {command.order} lacks what it is about")


def _way(reader: str) -> Direction | None:
    """A second reader on the inner side lets people out; the other follows the lane."""
    return Direction.EXIT if reader == EXIT_READER else None
