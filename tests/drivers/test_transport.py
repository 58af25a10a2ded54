"""Byte streams: ptys with a plug to pull, sockets, tapes."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, UnknownDevice
from drivers.transport import PtyPort, Transport, open_transport
from drivers.url import parse


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(tmp_path / "line") as port:
        yield port


def opened(text: str) -> Transport:
    return open_transport(parse(text), 115200)


def gather(stream: Transport | PtyPort, size: int) -> bytes:
    """Read until `size` bytes came or a second passed in silence."""
    data = b""
    while len(data) < size and (more := stream.read(1.0)):
        data += more
    return data


def test_every_byte_passes_a_serial_line_both_ways(port: PtyPort) -> None:
    """No byte is taken for a control character, a newline or flow control."""
    every = bytes(range(256))
    host = opened(f"x+serial://{port.path}")
    host.write(every)
    assert gather(port, 256) == every
    port.write(every)
    assert gather(host, 256) == every
    host.close()


def test_nothing_to_read_is_no_error(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    assert host.read(0) == b""
    assert host.read(0.01) == b""
    assert port.read(0.01) == b""
    host.close()


def test_discard_throws_pending_input_away(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    port.write(b"old")
    host.discard()
    port.write(b"new")
    assert gather(host, 3) == b"new"
    host.close()


def test_a_serial_port_is_for_one_program_alone(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    with pytest.raises(DeviceLost, match="in use by another program"):
        opened(f"x+serial://{port.path}")
    host.close()
    opened(f"x+serial://{port.path}").close()


def test_a_missing_node_is_a_lost_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match="is not there"):
        opened(f"x+serial://{tmp_path}/nowhere")


@pytest.mark.parametrize("act", ["read", "write", "discard"])
def test_an_unplugged_device_is_lost_whatever_one_does(port: PtyPort, act: str) -> None:
    host = opened(f"x+serial://{port.path}")
    port.unplug()
    with pytest.raises(DeviceLost):
        {"read": lambda: host.read(1), "write": lambda: host.write(b"x"), "discard": host.discard}[act]()
    host.close()
    host.close()


def test_unplugging_wakes_a_host_that_waits(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    threading.Timer(0.02, port.unplug).start()
    with pytest.raises(DeviceLost):
        host.read(10)
    host.close()


def test_a_closed_port_is_a_lost_device(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    host.close()
    for act in (lambda: host.read(0), lambda: host.write(b"x"), host.discard):
        with pytest.raises(DeviceLost):
            act()


def test_a_replugged_device_is_found_under_the_same_link(port: PtyPort) -> None:
    link = port.path
    port.unplug()
    assert not os.path.lexists(link)
    with pytest.raises(DeviceLost):
        opened(f"x+serial://{link}")
    port.replug()
    host = opened(f"x+serial://{link}")
    host.write(b"back")
    assert gather(port, 4) == b"back"
    host.close()


def test_unplugging_wakes_a_simulator_that_waits(port: PtyPort) -> None:
    waiting = threading.Thread(target=port.read, args=(10,))
    waiting.start()
    port.unplug()
    port.replug()  # must not be held up either
    port.close()
    port.close()
    waiting.join(20)


def test_hosts_may_come_and_go(port: PtyPort) -> None:
    for word in (b"one", b"two"):
        host = opened(f"x+serial://{port.path}")
        host.write(word)
        assert gather(port, 3) == word
        host.close()
        assert port.read(0.01) == b""


def test_a_line_that_takes_no_more_bytes_is_a_timeout(port: PtyPort) -> None:
    host = opened(f"x+serial://{port.path}")
    with pytest.raises(DeviceTimeout):
        host.write(b"x" * 1_000_000)
    host.close()


@pytest.fixture(params=["tcp", "unix"])
def far_end(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A URL, and the listening socket behind it."""
    if request.param == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"x+tcp://127.0.0.1:{listener.getsockname()[1]}?connect_s=1"
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        url = f"x+unix://{tmp_path}/s"
    with listener:
        yield url, listener


def test_bytes_pass_a_socket_both_ways(far_end: tuple[str, socket.socket]) -> None:
    host = opened(far_end[0])
    device, _ = far_end[1].accept()
    with device:
        host.write(b"question")
        assert device.recv(100) == b"question"
        assert host.read(0) == b""
        device.sendall(b"old")
        assert gather(host, 3) == b"old"
        host.discard()
        device.sendall(b"new")
        assert gather(host, 3) == b"new"
    host.close()


def test_the_end_of_a_socket_is_a_lost_device(far_end: tuple[str, socket.socket]) -> None:
    host = opened(far_end[0])
    far_end[1].accept()[0].close()
    with pytest.raises(DeviceLost, match="closed the connection"):
        host.read(1)
    host.close()
    with pytest.raises(DeviceLost):
        host.read(0)


@pytest.mark.parametrize("url", ["x+tcp://127.0.0.1:1?connect_s=1", "x+unix:///nowhere/at/all"])
def test_nobody_listening_is_a_lost_device(url: str) -> None:
    with pytest.raises(DeviceLost, match="no connection"):
        opened(url)


@pytest.mark.parametrize(
    "url", ["x+tcp://nohost", "x+tcp://h:port", "x+tcp://h:99999", "x+serial:", "x+pigeon:/x", "x:/x"]
)
def test_a_location_that_cannot_be_is_an_unknown_device(url: str) -> None:
    with pytest.raises(UnknownDevice):
        opened(url)


def converse(host: Transport) -> bytes:
    host.write(b"\x01\x02")
    first = gather(host, 2)
    host.write(b"\x03")
    return first + gather(host, 1)


def record(port: PtyPort, tape: Path) -> bytes:
    """A short conversation with a device that answers two bytes to the first two and one to the third."""
    host = opened(f"x+spy+serial://{port.path}?tape={tape}")

    def device() -> None:
        gather(port, 2)
        port.write(b"\xaa\xbb")
        gather(port, 1)
        port.write(b"\xcc")

    thread = threading.Thread(target=device)
    thread.start()
    heard = converse(host)
    thread.join()
    host.close()
    return heard


def test_a_tape_replays_what_a_spy_heard(port: PtyPort, tmp_path: Path) -> None:
    tape = tmp_path / "a.tape"
    assert record(port, tape) == b"\xaa\xbb\xcc"
    assert tape.stat().st_mode & 0o077 == 0, "a tape holds personal data"
    replay = opened(f"x+replay://{tape}")
    assert converse(replay) == b"\xaa\xbb\xcc"
    with pytest.raises(DeviceLost, match="is over"):
        replay.read(0)
    with pytest.raises(DeviceLost, match="is over"):
        replay.write(b"x")


def test_a_host_that_says_something_else_than_the_tape_is_told_where(port: PtyPort, tmp_path: Path) -> None:
    record(port, tmp_path / "a.tape")
    replay = opened(f"x+replay://{tmp_path}/a.tape")
    with pytest.raises(BadAnswer, match=r"the host wrote 01 09, the tape has 01 02"):
        replay.write(b"\x01\x09")


def test_a_tape_answers_only_after_the_question(port: PtyPort, tmp_path: Path) -> None:
    record(port, tmp_path / "a.tape")
    replay = opened(f"x+replay://{tmp_path}/a.tape")
    assert replay.read(0) == b""
    replay.write(b"\x01")
    assert replay.read(0) == b""
    replay.write(b"\x02")
    assert replay.read(0) == b"\xaa\xbb"


@pytest.mark.parametrize("text", ["", "hello\n", "# menshen tape 1\n0.1 ? AA\n", "# menshen tape 1\n0.1 > XY\n"])
def test_what_is_no_tape_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "no.tape").write_text(text)
    with pytest.raises(BadAnswer, match=r"no\.tape"):
        opened(f"x+replay://{tmp_path}/no.tape")


def test_a_tape_that_cannot_be_written_is_named_and_the_line_given_back(port: PtyPort) -> None:
    with pytest.raises(UnknownDevice, match="can't be written"):
        opened(f"x+spy+serial://{port.path}?tape=/nowhere/at/all")
    opened(f"x+serial://{port.path}").close()
