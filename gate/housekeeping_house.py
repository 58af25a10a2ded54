"""The house around the lane, its broom and its figures: what the daemon builds, ticks, asks and closes as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gate.ballast import Room
from gate.clock import Clock
from gate.clock_floor import ClockFloor
from gate.clock_window import window_at_start
from gate.config import Config
from gate.devices import LaneDevices
from gate.duty import Duty
from gate.housekeeping_round import Housekeeper
from gate.lane import LaneRunner
from gate.metrics import Figures, LedgerMarks, of_devices, of_lane, of_stores
from gate.metrics_socket import MetricsSocket
from gate.stores import Stores
from models.command import DeviceStatus, Snapshot
from models.exposition import render
from models.link import LaneWord
from models.store.errors import StoreError
from models.store.keys import load_or_make_signing_key
from models.version import VERSION

InStore = Callable[[Callable[[], Any]], Awaitable[Any]]


class House:
    """Belongs to the event loop's thread."""

    def __init__(
        self,
        config: Config,
        stores: Stores,
        runner: LaneRunner,
        duty: Duty,
        devices: LaneDevices,
        clock: Clock,
        in_store: InStore,
    ) -> None:
        self._stores, self._runner, self._devices, self._in_store = stores, runner, devices, in_store
        self._clock, self._floor = clock, ClockFloor(config.gate.state_dir, clock)
        self._floor.begin()
        self._told: Snapshot | None = None
        self._figures = Figures(VERSION, clock.wall())
        runner.tally.listeners.append(self._figures.wrote)
        self._socket = MetricsSocket(config.metrics_path, self.figures)
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

    async def open(self) -> None:
        """Tell figures from now on."""
        await self._socket.open()
        rules, ledger = self._runner.rules, self._stores.ledger
        window = await self._in_store(lambda: window_at_start(ledger, rules.policy.event))
        if window is not None and not self._clock.trusted:
            self._runner.lane = replace(self._runner.lane, window=window)

    async def close(self) -> None:
        """No longer."""
        await self._socket.close()

    async def tick(self) -> None:
        """Once a second."""
        lane = self._runner.lane
        await asyncio.to_thread(self._floor.tick)
        await self.broom.tick(lane.phase, lane_works="ledger" not in lane.lost)

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what is wrong in the house."""
        ballast = self.broom.ballast
        if ballast.room is Room.TIGHT:
            full = DeviceStatus("disk", up=False, why=f"{ballast.free_bytes >> 20} MiB free")
            snapshot = replace(snapshot, devices=(*snapshot.devices, full))
        self._told = replace(snapshot, window=None if snapshot.clock_trusted else self._runner.lane.window)
        return self._told

    def complete_word(self, word: LaneWord) -> LaneWord:
        """What the authority is told, with the same."""
        return replace(word, faults=(*word.faults, *self.broom.faults))

    async def figures(self) -> str:
        """All figures of this moment, as Prometheus reads them."""
        marks = None
        with suppress(StoreError):
            marks = await self._in_store(self._marks)
        families = [
            *self._figures.counted(),
            *self._figures.process(),
            *of_devices(self._devices.health()),
            *of_stores(marks, self.broom.ballast),
        ]
        if self._told is not None:
            families += of_lane(self._told, self._runner.waiting())
        return render(families)

    def _marks(self) -> LedgerMarks:
        return LedgerMarks(self._stores.ledger.last_seq(), self._stores.ledger.acknowledged())
