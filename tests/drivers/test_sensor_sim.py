"""The passage sensor without hardware."""

from __future__ import annotations

import pytest

from drivers import connect
from drivers.errors import BadAnswer
from drivers.sensor.sim import SensorSimulator, SimSensor
from drivers.transport import PtyPort
from models.passage import Direction, SensorSignal, SignalKind
from tests.contract import Kit, SensorContract


class TestFarSensor(SensorContract):
    """The contract, with the other end behind a wire."""

    kit = Kit("sensor", "sim")


@pytest.mark.parametrize("line", [b'{"kind": "flew"}', b'{"kind": "turned", "direction": "up"}', b"{}", b"7", b"\x00"])
def test_a_line_that_names_no_signal_is_a_bad_answer_and_the_next_one_is_read(line: bytes) -> None:
    with PtyPort() as port:
        sensor = connect("sensor", f"sim+serial://{port.path}")
        port.write(line + b"\n")
        with pytest.raises(BadAnswer):
            sensor.read(5.0)
        assert SensorSimulator(port).command("cleared fire") == "told"
        assert sensor.read(5.0) == SensorSignal(SignalKind.CLEARED, detail="fire")
        sensor.close()


def test_the_far_end_names_what_it_knows() -> None:
    with PtyPort() as port:
        far = SensorSimulator(port)
        assert "second_person" in far.command("help")
        assert "entry or exit" in far.command("turned sideways")


def test_in_this_process_it_reads_back_what_it_was_told() -> None:
    sensor = SimSensor()
    told = [SensorSignal(kind, Direction.EXIT) for kind in SignalKind]
    for signal in told:
        sensor.tell(signal)
    assert [sensor.read(1.0) for _ in told] == told
    assert sensor.read(0.01) is None
