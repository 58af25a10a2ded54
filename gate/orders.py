"""A command from the socket: judged, carried out in the lane's own order, and answered truthfully."""

from __future__ import annotations

from gate.clock_window import NOT_NEEDED, window_of
from gate.core.events import WindowSet
from gate.devices import LaneDevices
from gate.duty import Duty
from gate.hearing import event_of_command
from gate.lane import LaneRunner
from gate.page import hand_page
from gate.prove import Prover
from gate.reds import name_red
from gate.sightings import Sightings
from gate.typed import TypedDocuments
from models.command import Answer, Command, Order

TOO_LATE = "it changes nothing now: the person has left, or this can't settle it"


async def obey(
    command: Command,
    duty: Duty,
    runner: LaneRunner,
    devices: LaneDevices,
    typed: TypedDocuments,
    prover: Prover,
    sightings: Sightings,
    now: float,
) -> Answer:
    """What became of `command`, given at `now` (Unix seconds)."""
    refused = await duty.refuse(command)
    if refused is not None:
        return refused
    match command.order:
        case Order.SHIFT | Order.SETTINGS:
            return await duty.carry_out(command)
        case Order.MRZ:
            return hand_page(command, devices.readers)
        case Order.PRESENT:
            return await typed.present(command)
        case Order.RED_NAMED:
            return await name_red(command, runner.tally.reds, runner.ask, typed.key_of)
        case Order.SIGHTING:
            return await sightings.note(command)
        case Order.PROVE:
            return prover.begin(command)
        case Order.WINDOW:
            return await _state_window(command, runner)
    try:
        event = event_of_command(command, now)
    except ValueError as error:
        return Answer(command.id, ok=False, error=str(error))
    mattered = await runner.ask(event)
    return Answer(command.id, ok=mattered, error="" if mattered else TOO_LATE)


async def _state_window(command: Command, runner: LaneRunner) -> Answer:
    """Somebody says which event it is, while the clock is not trusted."""
    try:
        window = window_of(command, runner.rules.manifest)
    except ValueError as error:
        return Answer(command.id, ok=False, error=str(error))
    mattered = await runner.ask(WindowSet(window, command.actor, command.why))
    return Answer(command.id, ok=mattered, error="" if mattered else NOT_NEEDED)
