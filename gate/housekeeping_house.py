"""The house around the lane, its broom first: what the daemon builds, ticks, asks and closes as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from gate.ballast import Room
from gate.clock import Clock
from gate.config import Config
from gate.duty import Duty
from gate.housekeeping_round import Housekeeper
from gate.lane import LaneRunner
from gate.stores import Stores
from models.command import DeviceStatus, Snapshot
from models.link import LaneWord
from models.store.keys import load_or_make_signing_key

InStore = Callable[[Callable[[], Any]], Awaitable[Any]]


class House:
    """Belongs to the event loop's thread."""

    def __init__(
        self, config: Config, stores: Stores, runner: LaneRunner, duty: Duty, clock: Clock, in_store: InStore
    ) -> None:
        self._runner, self._clock = runner, clock
        self.broom = Housekeeper(
            config.gate.state_dir,
            config.keep,
            key=load_or_make_signing_key(config.secrets.signing_key),
            ledger=stores.ledger,
            clock=clock,
            ask=runner.ask,
            in_store=in_store,
            forget_pins=duty.forget_pins,
        )
        stores.make_room = self.broom.make_room

    @property
    def spare(self) -> bool:
        """Whether there is room for what helps nobody to get in."""
        return self.broom.ballast.spare

    async def tick(self) -> None:
        """Once a second."""
        lane = self._runner.lane
        await self.broom.tick(lane.phase, lane_works="ledger" not in lane.lost)

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what is wrong in the house."""
        ballast = self.broom.ballast
        if ballast.room is not Room.TIGHT:
            return snapshot
        full = DeviceStatus("disk", up=False, why=f"{ballast.free_bytes >> 20} MiB free")
        return replace(snapshot, devices=(*snapshot.devices, full))

    def complete_word(self, word: LaneWord) -> LaneWord:
        """What the authority is told, with the same."""
        return replace(word, faults=(*word.faults, *self.broom.faults))
