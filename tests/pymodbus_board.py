"""A Modbus board of somebody else's making: pymodbus's own server at the far end of a pseudo-terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import tty
from collections.abc import Iterator

import pytest

from tests.bad_wire import PATIENCE_S

COUNT = 16


@contextlib.contextmanager
def pymodbus_board(inputs: list[bool]) -> Iterator[tuple[str, PymodbusBoard]]:
    """The path to open, and the board behind it: 16 coils, all off, and 16 discrete inputs."""
    pytest.importorskip("pymodbus")
    first, second = os.openpty(), os.openpty()
    for _, slave in (first, second):
        tty.setraw(slave)
    board = PymodbusBoard(os.ttyname(second[1]), inputs)
    stop = threading.Event()
    cable = threading.Thread(target=_join, args=(first[0], second[0], stop))
    cable.start()
    board.start()
    try:
        yield os.ttyname(first[1]), board
    finally:
        board.stop()
        stop.set()
        cable.join(PATIENCE_S)
        for fd in (*first, *second):
            os.close(fd)


class PymodbusBoard:
    """The server and the thread of its loop."""

    def __init__(self, path: str, inputs: list[bool]) -> None:
        self.inputs = inputs
        self._path = path
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._done: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))

    def start(self) -> None:
        """Serve; returns when the line is open."""
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)

    def stop(self) -> None:
        """End the server."""
        assert self._done is not None
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def set_input(self, number: int, level: bool) -> None:
        """Give input `number`, from 1, a level."""
        change = self._server.async_setValues(1, 2, number - 1, [level])
        asyncio.run_coroutine_threadsafe(change, self._loop).result(PATIENCE_S)

    async def _serve(self) -> None:
        from pymodbus.server import ModbusSerialServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        def bits(values: list[bool]) -> SimData:
            return SimData(address=0, values=values, datatype=DataType.BITS)

        words = [SimData(address=0, count=COUNT, values=0, datatype=DataType.REGISTERS)]
        device = SimDevice(1, ([bits([False] * COUNT)], [bits(self.inputs)], words, words))
        server = ModbusSerialServer(device, port=self._path, baudrate=9600)
        self._done = asyncio.Event()
        await server.serve_forever(background=True)
        self._server = server
        self._ready.set()
        await self._done.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]


def _join(one: int, other: int, stop: threading.Event) -> None:
    """Carry bytes both ways."""
    while not stop.is_set():
        for fd in select.select([one, other], [], [], 0.05)[0]:
            os.write(other if fd == one else one, os.read(fd, 4096))
