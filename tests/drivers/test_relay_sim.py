"""The relay without hardware."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.relay.sim import RelaySimulator
from drivers.transport import PtyPort
from tests.contract import Kit, RelayContract


class TestFarRelay(RelayContract):
    """The contract, with the other end behind a wire."""

    kit = Kit("relay", "sim")


def test_in_this_process_it_counts() -> None:
    relay = connect("relay", "sim:")
    relay.pulse(0.5)
    relay.pulse(0.5)
    relay.hold(True)
    assert (relay.pulses, relay.held) == (2, True)  # type: ignore[attr-defined]
    relay.close()
    relay.close()
    assert not relay.held  # type: ignore[attr-defined]
    with pytest.raises(DeviceLost):
        relay.pulse(0.5)


def test_a_jammed_far_end_refuses_and_a_mute_one_is_a_timeout() -> None:
    stop = threading.Event()
    with PtyPort() as port:
        far = RelaySimulator(port)
        runner = threading.Thread(target=far.run, args=(stop,))
        runner.start()
        relay = connect("relay", f"sim+serial://{port.path}")
        far.command("jam")
        with pytest.raises(DeviceRefused, match="jammed"):
            relay.pulse(0.5)
        far.command("free")
        far.command("mute")
        with pytest.raises(DeviceTimeout):
            relay.poll()
        far.command("speak")
        relay.hold(True)
        assert far.command("state") == "pulses: 0; held closed"
        relay.close()
        assert far.wait_for(lambda: not far.held, 5.0)
        stop.set()
        runner.join()


def test_it_speaks_over_a_unix_socket(tmp_path: Path) -> None:
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "relay"))
        listener.listen()
        relay = connect("relay", f"sim+unix://{tmp_path / 'relay'}")
        far, _ = listener.accept()

        def answer() -> None:
            asked.append(far.recv(1000))
            far.sendall(b'{"n": 1, "ok": true}\n')

        runner = threading.Thread(target=answer)
        runner.start()
        relay.pulse(0.5)
        runner.join()
        far.close()
        assert asked == [b'{"n": 1, "do": "pulse", "seconds": 0.5}\n']
        with pytest.raises(DeviceLost):
            relay.poll()
        relay.close()


@pytest.mark.parametrize("answer", [b"\xff\n", b"[1]\n", b'{"n": 1}\n', b"[" * 4000 + b"\n", b"x" * 5000])
def test_a_senseless_answer_is_a_bad_answer(answer: bytes) -> None:
    with PtyPort() as port:
        relay = connect("relay", f"sim+serial://{port.path}")
        port.write(answer)
        with pytest.raises(BadAnswer):
            relay.poll()
        relay.close()


def test_it_knows_no_options() -> None:
    with pytest.raises(UnknownDevice, match="channel"):
        connect("relay", "sim:?channel=1")
