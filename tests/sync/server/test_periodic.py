"""What is done once in a while is done once, however many workers there are."""

from __future__ import annotations

import asyncio
import threading

from sync.server.hub import Hub
from sync.server.periodic import every, take_turn
from tests.sync.server.conftest import Clock


def _turns(hub: Hub, count: int) -> int:
    """How many of so many workers, all at once, get the turn."""
    got: list[bool] = []

    def work() -> None:
        with hub.begin() as connection:
            got.append(take_turn(hub, connection, "sweep", 60.0))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == count
    return sum(got)


def test_one_of_many_workers_gets_the_turn_and_the_next_comes_in_time(hub: Hub, clock: Clock) -> None:
    assert _turns(hub, 6) == 1
    assert _turns(hub, 6) == 0
    clock.now += 60.0
    assert _turns(hub, 6) == 1


def test_a_turn_set_by_a_clock_that_was_ahead_is_not_waited_for(hub: Hub, clock: Clock) -> None:
    clock.now += 40 * 86_400.0
    assert _turns(hub, 1) == 1
    clock.now -= 40 * 86_400.0
    assert _turns(hub, 6) == 1
    assert _turns(hub, 6) == 0


def test_a_failure_is_no_reason_not_to_try_again(hub: Hub, clock: Clock) -> None:
    done = threading.Event()
    tries: list[int] = []

    def work(_: Hub) -> None:
        tries.append(1)
        clock.now += 1.0
        if len(tries) == 1:
            raise RuntimeError("the disk is full")
        done.set()

    async def run() -> None:
        async with every(hub, "work", 0.01, work):
            await asyncio.to_thread(done.wait, 20)

    asyncio.run(run())
    assert done.is_set()
