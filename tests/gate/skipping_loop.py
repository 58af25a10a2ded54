"""An event loop whose clock jumps over every wait: two minutes at the lane take no time, and a deadlock is told."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class _Skipping(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and nothing will ever happen"
            self.now += max(timeout, 0.0)
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """Where nothing is to be done until a timer, the timer's time is now."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class StoreThread(Executor):
    """Does at once what it is given, and so needs no thread. `hold` keeps the next piece of work back."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []
        self.broken: Exception | None = None
        self._holds = 0

    def hold(self) -> None:
        """The next piece of work waits for `let_go`."""
        self._holds += 1

    def let_go(self) -> None:
        """Do what was held back."""
        for work in self.held:
            work()
        self.held = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        if self.broken is not None:
            future.set_exception(self.broken)
        elif self._holds:
            self._holds -= 1
            self.held.append(work)
        else:
            work()
        return future
