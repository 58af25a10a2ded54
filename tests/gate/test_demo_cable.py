"""The cable of the demo and of the fault tests: it passes bytes on, and breaks in the ways it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gate.demo.cable import Break, Cable, Trick


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything back; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(one: socket.socket) -> None:
        with one:
            while piece := one.recv(4096):
                one.sendall(piece)

    def serve() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(one,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def cable(echo: int) -> Iterator[Cable]:
    """Between a test and the echo."""
    made = Cable(echo)
    yield made
    made.close()


def plug(cable: Cable) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cable.port), 2.0)


def says_back(line: socket.socket, text: bytes, within_s: float = 2.0) -> bytes:
    """What came back; empty where the line is closed. Raises `TimeoutError` where nothing comes."""
    line.settimeout(within_s)
    line.sendall(text)
    return line.recv(4096)


def is_closed(line: socket.socket) -> bool:
    """Whether the other side has hung up, in whatever manner."""
    line.settimeout(2.0)
    try:
        return line.recv(10) == b""
    except ConnectionError:
        return True


def test_a_whole_cable_passes_everything_on_both_ways(cable: Cable) -> None:
    with plug(cable) as line:
        assert says_back(line, b"hello") == b"hello"
        line.shutdown(socket.SHUT_WR)
        assert line.recv(10) == b"", "an end is passed on too"


def test_a_silent_cut_says_nothing_and_loses_what_was_under_way(cable: Cable) -> None:
    with plug(cable) as line:
        assert says_back(line, b"before") == b"before"
        cable.cut(Break.SILENT)
        assert cable.is_cut
        with pytest.raises(TimeoutError):
            says_back(line, b"in the cut", 0.1)
        cable.heal()
        assert is_closed(line)
    with plug(cable) as line:
        assert says_back(line, b"after") == b"after"


def test_a_refusing_cut_hangs_up_on_everybody(cable: Cable) -> None:
    with plug(cable) as line:
        assert says_back(line, b"before") == b"before"
        cable.cut(Break.REFUSED)
        assert line.recv(10) == b""
    with plug(cable) as line:
        assert is_closed(line)
    cable.heal()
    with plug(cable) as line:
        assert says_back(line, b"after") == b"after"


def test_a_torn_piece_arrives_by_half(cable: Cable) -> None:
    cable.play(Trick.HALF)
    with plug(cable) as line:
        got = says_back(line, b"12345678")
        assert got in (b"", b"1234"), "half went over, and whether its echo came back is a matter of luck"
        assert line.recv(10) == b""


def test_a_slow_cable_holds_every_piece_back(cable: Cable) -> None:
    cable.delay_s = 0.1
    with plug(cable) as line:
        began = time.monotonic()
        assert says_back(line, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.2, "there and back"


def test_a_lost_piece_is_missed_and_what_follows_arrives(cable: Cable) -> None:
    with plug(cable) as line:
        cable.play(Trick.LOST)
        with pytest.raises(TimeoutError):
            says_back(line, b"lost", 0.1)
        assert says_back(line, b"found") == b"found"


def test_a_doubled_piece_arrives_twice(cable: Cable) -> None:
    with plug(cable) as line:
        cable.play(Trick.TWICE)
        got = says_back(line, b"twice")
        while len(got) < 10:
            got += line.recv(10)
        assert got == b"twicetwice"


def test_a_deaf_cable_carries_one_way() -> None:
    heard = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cable = Cable(listener.getsockname()[1])

        def answer() -> None:
            one, _ = listener.accept()
            with one:
                while one.recv(10):
                    one.sendall(b"yes")
                    heard.set()

        threading.Thread(target=answer, daemon=True).start()
        with plug(cable) as line:
            cable.cut(Break.DEAF)
            assert cable.is_cut
            with pytest.raises(TimeoutError):
                says_back(line, b"do you hear?", 0.2)
            assert heard.wait(2.0)
            cable.heal()
            assert is_closed(line)
        cable.close()


def test_a_router_that_starts_anew_forgets_whom_it_knew_and_tells_nobody(cable: Cable) -> None:
    with plug(cable) as old:
        assert says_back(old, b"before") == b"before"
        cable.forget()
        with pytest.raises(TimeoutError):
            says_back(old, b"after", 0.1)
        with plug(cable) as new:
            assert says_back(new, b"after") == b"after"
        cable.hang_up()
        assert is_closed(old)
