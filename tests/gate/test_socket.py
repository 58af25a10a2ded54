"""The gate's Unix socket, with real sockets at both ends."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gate import socket as gate_socket
from gate.socket import MOST_LINE, Hall
from models import wire
from models.command import Answer, Command, Line, Order, Snapshot
from models.decision import Profile
from models.view import LaneView, Mode, Phase

LONG_S = 10.0
Scene = Callable[[Hall, Path], Awaitable[None]]


def snapshot(attempt: int, event: str = "") -> Snapshot:
    return Snapshot(LaneView("G1", Phase.IDLE, attempt), 1.0, Profile.CARD, event)


class Listener:
    """A screen."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def line(self) -> Line:
        raw = await asyncio.wait_for(self._reader.readline(), LONG_S)
        assert raw.endswith(b"\n"), "the gate has hung up"
        return wire.from_json(Line, raw)

    async def attempt(self) -> int:
        """The attempt of the next snapshot."""
        line = await self.line()
        assert line.snapshot is not None
        return line.snapshot.view.attempt

    async def answer(self, text: bytes) -> Answer:
        """The answer to one line."""
        self._writer.write(text + b"\n")
        line = await self.line()
        assert line.answer is not None
        return line.answer

    async def ends(self) -> None:
        """The gate hangs up."""
        assert await asyncio.wait_for(self._reader.read(), LONG_S) == b""

    def leave(self) -> None:
        self._writer.close()


async def listen(path: Path) -> Listener:
    return Listener(*await asyncio.open_unix_connection(str(path)))


async def obey(command: Command) -> Answer:
    """A gate that does whatever it is told by somebody."""
    return Answer(command.id, ok=bool(command.actor), error="" if command.actor else "who are you?")


@asynccontextmanager
async def hall(path: Path, group: str = "") -> AsyncIterator[Hall]:
    opened = Hall(path, group, obey)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


def play(path: Path, scene: Callable[[Hall], Awaitable[None]]) -> None:
    async def run() -> None:
        async with hall(path) as opened:
            await asyncio.wait_for(scene(opened), LONG_S)

    asyncio.run(run())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "gate.sock"


def command(number: int, actor: str = "anna") -> bytes:
    return wire.to_json(Command(number, Order.MODE, actor, mode=Mode.PAUSED))


def test_who_comes_late_begins_with_the_latest_snapshot(path: Path):
    async def scene(opened: Hall) -> None:
        opened.tell(snapshot(1))
        opened.tell(snapshot(2))
        late = await listen(path)
        assert await late.attempt() == 2
        opened.tell(snapshot(3))
        assert await late.attempt() == 3

    play(path, scene)


def test_everybody_is_told_the_same(path: Path):
    async def scene(opened: Hall) -> None:
        opened.tell(snapshot(1))
        screens = [await listen(path) for _ in range(3)]
        assert [await screen.attempt() for screen in screens] == [1, 1, 1]
        screens[1].leave()
        opened.tell(snapshot(2))
        assert [await screen.attempt() for screen in (screens[0], screens[2])] == [2, 2]

    play(path, scene)


def test_commands_are_answered_in_their_order(path: Path):
    async def scene(opened: Hall) -> None:
        steward = await listen(path)
        assert await steward.answer(command(7)) == Answer(7, ok=True)
        assert await steward.answer(command(8, actor="")) == Answer(8, ok=False, error="who are you?")
        assert (await steward.answer(command(9) + b"\n" + command(10))).id == 9
        answer = (await steward.line()).answer
        assert answer is not None
        assert answer.id == 10

    play(path, scene)


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"hello", b"{}", b"[1]", b"\xff\xfe", b'{"id": 1, "order": "open sesame", "actor": "a"}', b"[" * 5000],
    ids=["empty", "text", "lacking", "list", "bytes", "order", "deep"],
)
def test_nonsense_is_answered_and_the_connection_kept(path: Path, nonsense: bytes):
    async def scene(opened: Hall) -> None:
        steward = await listen(path)
        answer = await steward.answer(nonsense)
        assert (answer.id, answer.ok) == (0, False)
        assert answer.error
        assert (await steward.answer(command(1))).ok

    play(path, scene)


def test_an_answer_to_nonsense_does_not_repeat_it(path: Path):
    async def scene(opened: Hall) -> None:
        steward = await listen(path)
        answer = await steward.answer(b'{"id": "000000199001010017", "order": "mode", "actor": "a"}')
        assert "000000199001010017" not in answer.error

    play(path, scene)


def test_too_long_a_line_is_told_and_ends_that_connection_alone(path: Path):
    async def scene(opened: Hall) -> None:
        steward, other = await listen(path), await listen(path)
        answer = await steward.answer(b"x" * (MOST_LINE + 10))
        assert str(MOST_LINE) in answer.error
        await steward.ends()
        assert (await other.answer(command(1))).ok

    play(path, scene)


def test_who_does_not_read_is_dropped_and_nobody_waits_for_him(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate_socket, "MOST_BACKLOG", 100_000)

    async def scene(opened: Hall) -> None:
        opened.tell(snapshot(0))
        reads = await listen(path)
        assert await reads.attempt() == 0
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(path))
            while len(opened._writers) < 2:
                await asyncio.sleep(0)
            attempt = 0
            while len(opened._writers) > 1:
                attempt += 1
                assert attempt < 5000, "a listener that never reads is kept for ever"
                opened.tell(snapshot(attempt, "x" * 1000))
                assert await reads.attempt() == attempt

    play(path, scene)


def test_a_listener_that_breaks_off_in_the_middle_of_a_line_is_no_matter(path: Path):
    async def scene(opened: Hall) -> None:
        rude = await listen(path)
        rude._writer.write(b'{"id": 1')
        rude._writer.transport.abort()
        polite = await listen(path)
        assert (await polite.answer(command(2))).ok

    play(path, scene)


def test_screens_of_the_group_may_talk_and_others_may_not(path: Path):
    async def scene(opened: Hall) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    play(path, scene)


def test_the_socket_is_given_to_the_group_of_the_screens(path: Path):
    import grp

    mine = os.getgroups() or [os.getgid()]
    group = grp.getgrgid(mine[-1])

    async def run() -> None:
        async with hall(path, group.gr_name):
            assert path.stat().st_gid == group.gr_gid

    asyncio.run(run())


def test_a_socket_that_a_dead_gate_left_is_replaced(path: Path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def scene(opened: Hall) -> None:
        assert (await (await listen(path)).answer(command(1))).ok

    play(path, scene)


def test_a_living_gates_socket_is_not_taken_from_it(path: Path):
    async def scene(opened: Hall) -> None:
        with pytest.raises(OSError, match="another gate is running"):
            await Hall(path, "", obey).open()
        assert (await (await listen(path)).answer(command(1))).ok

    play(path, scene)


def test_a_file_that_is_no_socket_is_left_alone(path: Path):
    path.parent.mkdir()
    path.write_text("somebody's letters")
    with pytest.raises(OSError, match="is no socket"):
        asyncio.run(Hall(path, "", obey).open())
    assert path.read_text() == "somebody's letters"


def test_at_the_end_everybody_is_sent_home_and_the_socket_is_gone(path: Path):
    async def run() -> None:
        async with hall(path) as opened:
            screen = await listen(path)
            opened.tell(snapshot(1))
            assert await screen.attempt() == 1
        await screen.ends()
        assert not path.exists()

    asyncio.run(run())
