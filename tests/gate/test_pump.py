"""Pumps with tiny devices; the test holds the other end of each wire."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from drivers import connect
from drivers.errors import DeviceLost, DeviceTimeout
from drivers.relay.lcus import simulator
from drivers.transport import PtyPort
from gate import relay_pump as pump_module
from gate.messages import DeviceDown, DeviceUp, Message, PumpDied, ReaderGave, SensorGave, SensorMissed
from gate.pump import BAD_IN_A_ROW, ReaderPump, SensorPump
from gate.relay_pump import RelayPump
from gate.vitals import Backoff
from models.credential import CardFault, CardProblem, Credential
from models.passage import SensorSignal, SignalKind
from tests.gate.pump_bench import LONG_S, Bench, Board, Line, LineReader, LineSensor, running


class LineRelay(Line):
    """A board that times pulses itself: it takes `P`, `C` and `o`, answers each with `!`."""

    def pulse(self, seconds: float) -> None:
        self._tell("P")

    def hold(self, closed: bool) -> None:
        self._tell("C" if closed else "o")

    def poll(self) -> None:
        self._tell("?")

    def _tell(self, letter: str) -> None:
        self.say(letter)
        if self.letter(LONG_S) != "!":
            raise DeviceTimeout("no answer")


class PlainRelay(LineRelay):
    """A board that can't time a pulse and never answers."""

    times_pulses = False

    def _tell(self, letter: str) -> None:
        self.say(letter)


def test_a_card_is_posted_with_the_time_at_which_it_was_read() -> None:
    bench = Bench(LineReader)
    with running(ReaderPump, bench), bench.far() as far:
        assert bench.next() == DeviceUp("device")
        far.sendall(b"c")
        gave = bench.expect(ReaderGave)
        assert isinstance(gave.item, Credential)
        assert gave.device == "device"
        assert gave.at_mono > 0


def test_a_signal_is_posted() -> None:
    bench = Bench(LineSensor)
    with running(SensorPump, bench), bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"t")
        assert bench.expect(SensorGave).signal == SensorSignal(SignalKind.TURNED)


def test_a_message_that_the_sensor_lost_is_told() -> None:
    bench = Bench(LineSensor)
    with running(SensorPump, bench), bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"b")
        assert bench.next() == SensorMissed("device", "one message is missing")


def test_a_lost_device_is_told_once_and_comes_back() -> None:
    bench = Bench(LineReader)
    with running(ReaderPump, bench) as pump:
        bench.expect(DeviceUp)
        bench.plugged.clear()
        bench.far().close()
        assert bench.next() == DeviceDown("device", "the line is dead")
        bench.plugged.set()
        with bench.far() as far:
            assert bench.next() == DeviceUp("device")
            far.sendall(b"c")
            bench.expect(ReaderGave)
        assert pump.health().reconnects == 1


def test_a_device_that_never_was_there_is_down_from_the_start() -> None:
    bench = Bench(LineReader)
    bench.plugged.clear()
    with running(ReaderPump, bench) as pump:
        assert bench.next() == DeviceDown("device", "no such device")
        assert not pump.health().up
        assert pump.health().why == "no such device"
        bench.plugged.set()
        assert bench.next() == DeviceUp("device")
        assert pump.health().reconnects == 0


def test_garbage_with_a_card_tells_the_visitor_and_garbage_alone_is_only_counted() -> None:
    bench = Bench(LineReader)
    with running(ReaderPump, bench) as pump, bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"btrBc")
        fault = bench.expect(ReaderGave).item
        assert isinstance(fault, CardFault)
        assert fault.problem is CardProblem.UNREADABLE
        assert isinstance(bench.expect(ReaderGave).item, Credential)
        assert pump.health().bad_answers == 4
        assert pump.health().up


def test_garbage_without_end_leads_to_a_new_connection() -> None:
    bench = Bench(LineReader)
    with running(ReaderPump, bench):
        bench.expect(DeviceUp)
        with bench.far() as far:
            far.sendall(b"b" * BAD_IN_A_ROW)
            assert f"{BAD_IN_A_ROW} bad answers in a row" in bench.expect(DeviceDown).why
        bench.expect(DeviceUp)
        bench.far().close()


def test_a_bug_in_a_driver_is_posted_without_the_words_of_the_error(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(LineReader)
    with caplog.at_level(logging.DEBUG), running(ReaderPump, bench), bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"x")
        died = bench.expect(PumpDied)
        assert "RuntimeError" in died.trace
        assert "in read" in died.trace
        assert "110101199003070000" not in died.trace + caplog.text


def test_stop_wakes_a_pump_that_waits_for_its_next_try() -> None:
    bench = Bench(LineReader)
    bench.plugged.clear()
    pump = ReaderPump("device", bench.connect, bench.posted.put, backoff=Backoff(3600, 3600))
    pump.start()
    bench.expect(DeviceDown)
    assert pump.stop(LONG_S)


def test_a_pump_that_was_never_started_can_be_stopped() -> None:
    bench = Bench(LineReader)
    assert RelayPump("device", bench.connect, bench.posted.put).stop()


def test_a_relay_is_put_at_rest_before_it_counts_as_up() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        assert board.next() == "o"
        pump.hold(True).result(LONG_S)
        assert board.next() == "C"
        board.pull_plug()
        bench.expect(DeviceDown)
        with Board(bench.far()) as again:
            bench.expect(DeviceUp)
            assert again.next() == "o"


def test_a_relay_that_does_not_obey_rest_never_counts_as_up() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump:
        bench.far().close()
        bench.expect(DeviceDown)
        with pytest.raises(DeviceLost):
            pump.pulse(0.5).result(0)
        bench.far().close()


def test_a_pulse_is_done_when_the_board_has_taken_it() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        board.answers.clear()
        done = pump.pulse(0.5)
        assert [board.next(), board.next()] == ["o", "P"]
        assert not done.done()
        board.answers.set()
        done.result(LONG_S)


def test_with_a_board_that_cannot_time_a_pulse_it_is_done_when_the_contact_has_closed() -> None:
    bench = Bench(PlainRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        pump.pulse(3600.0).result(LONG_S)
        assert [board.next(), board.next()] == ["o", "C"]
        assert pump.stop()  # also ends a pulse, and opens
        assert board.next() == "o"


def test_the_next_persons_pulse_cuts_the_last_one_short() -> None:
    bench = Bench(PlainRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        pump.pulse(3600.0).result(LONG_S)
        pump.pulse(0.01).result(LONG_S)
        assert [board.next() for _ in range(5)] == ["o", "C", "o", "C", "o"]


def test_a_pulse_in_free_passage_leaves_the_contact_closed() -> None:
    bench = Bench(PlainRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        for done in (pump.hold(True), pump.pulse(0.0), pump.hold(False), pump.pulse(0.0)):
            done.result(LONG_S)
        assert "".join(board.next() for _ in range(7)) == "o" + "C" + "CC" + "o" + "Co"


def test_a_pulse_that_waited_too_long_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        board.next()
        board.answers.clear()
        first = pump.pulse(0.5)
        assert board.next() == "P"
        monkeypatch.setattr(pump_module, "COMMAND_S", -1.0)
        late = pump.pulse(0.5)
        monkeypatch.undo()
        board.answers.set()
        first.result(LONG_S)
        with pytest.raises(DeviceTimeout, match="busy"):
            late.result(LONG_S)
        pump.hold(True).result(LONG_S)
        assert board.next() == "C"


def test_a_pulse_that_was_withdrawn_is_never_given() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        board.next()
        board.answers.clear()
        first = pump.pulse(0.5)
        assert board.next() == "P"
        withdrawn = pump.pulse(0.5)
        assert withdrawn.cancel()
        board.answers.set()
        first.result(LONG_S)
        pump.hold(True).result(LONG_S)
        assert board.next() == "C"
        with pytest.raises(CancelledError):
            withdrawn.result(0)


def test_when_the_relay_is_lost_the_pulse_and_all_behind_it_fail_and_none_is_kept() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump:
        with Board(bench.far()) as board:
            bench.expect(DeviceUp)
            board.next()
            board.answers.clear()
            asked = [pump.pulse(0.5), pump.pulse(0.5)]
            assert board.next() == "P"
            bench.plugged.clear()
            board.pull_plug()
            for done in asked:
                with pytest.raises(DeviceLost):
                    done.result(LONG_S)
            bench.expect(DeviceDown)
            with pytest.raises(DeviceLost, match="not connected"):
                pump.pulse(0.5).result(0)
        bench.plugged.set()
        with Board(bench.far()) as again:
            bench.expect(DeviceUp)
            pump.hold(True).result(LONG_S)
            assert [again.next(), again.next()] == ["o", "C"]


def test_an_idle_relay_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "POLL_S", 0.02)
    bench = Bench(LineRelay)
    with running(RelayPump, bench):
        with Board(bench.far()) as board:
            bench.expect(DeviceUp)
            assert [board.next(), board.next()] == ["o", "?"]
            bench.plugged.clear()
            board.pull_plug()
            bench.expect(DeviceDown)
        bench.plugged.set()
        with Board(bench.far()):
            bench.expect(DeviceUp)


def test_a_relay_is_at_rest_after_stop() -> None:
    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()) as board:
        bench.expect(DeviceUp)
        pump.hold(True).result(LONG_S)
        assert pump.stop()
        assert [board.next() for _ in range(3)] == ["o", "C", "o"]


def test_a_pump_on_a_real_driver_drives_a_simulated_board_through_an_unplugging(tmp_path: Path) -> None:
    stop, posted = threading.Event(), queue.Queue[Message]()
    with PtyPort(link=tmp_path / "relay") as port:
        board = simulator(port)
        thread = threading.Thread(target=board.run, args=(stop,))
        thread.start()
        pump = RelayPump("relay", lambda: connect("relay", f"lcus+serial://{port.path}"), posted.put)
        pump.start()
        try:
            assert posted.get(timeout=LONG_S) == DeviceUp("relay")
            pump.pulse(0.05).result(LONG_S)
            assert board.wait_for(lambda: board.pulses == 1 and not board.state(1), LONG_S)
            port.unplug()
            assert isinstance(posted.get(timeout=LONG_S), DeviceDown)
            with pytest.raises(DeviceLost):
                pump.pulse(0.05).result(0)
            port.replug()
            assert posted.get(timeout=LONG_S) == DeviceUp("relay")
            pump.pulse(0.05).result(LONG_S)
            assert board.wait_for(lambda: board.pulses == 2 and not board.state(1), LONG_S)
        finally:
            assert pump.stop()
            stop.set()
            thread.join(LONG_S)
