"""Lamps, buzzers and voices, and further inputs: what they show and tell, and that they hold up nobody."""

from __future__ import annotations

import logging
import queue
import socket
from contextlib import suppress

import pytest

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout
from gate.messages import DeviceDown, DeviceUp, ReaderGave, SensorGave
from gate.pump import BAD_IN_A_ROW, HANG_S, ReaderPump
from gate.signal_pump import SignalPump
from gate.spare_pump import InputPump
from models.cue import Cue
from models.passage import Direction, SensorSignal, SignalKind
from tests.gate.pump_bench import LONG_S, Bench, Board, Line, LineReader, running

ANSWERS: dict[str, Exception] = {
    "b": BadAnswer("checksum"),
    "r": DeviceRefused("it has no such colour"),
    "x": RuntimeError("a bug that quotes 110101199003070000"),
}


class Lamp(Line):
    """Takes `show ready\\n` and the like, `poll\\n`, and is answered with a letter."""

    def show(self, cue: Cue) -> None:
        self._tell(f"show {cue}")

    def poll(self) -> None:
        self._tell("poll")

    def _tell(self, word: str) -> None:
        self.say(word + "\n")
        answer = self.letter(LONG_S)
        if answer in ANSWERS:
            raise ANSWERS[answer]
        if answer != "!":
            raise DeviceTimeout("no answer")


class LampEnd:
    """The lamp itself."""

    def __init__(self, far: socket.socket) -> None:
        self._far, self._lines = far, far.makefile("r")

    def hears(self) -> str:
        """The next word, not answered yet; polls are answered and passed over."""
        while (word := self._lines.readline().strip()) == "poll":
            self.answers()
        return word

    def polled(self) -> bool:
        """Whether the next word is a poll."""
        return self._lines.readline().strip() == "poll"

    def answers(self, letter: str = "!") -> None:
        self._far.sendall(letter.encode())

    def shows(self) -> str:
        """The next word, answered well."""
        word = self.hears()
        self.answers()
        return word

    def rest(self) -> list[str]:
        """All that was said until the line was closed."""
        return self._lines.read().split("\n")[:-1]

    def __enter__(self) -> LampEnd:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the pump was first
            self._far.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._far.close()


@pytest.fixture(autouse=True)
def short_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.signal_pump.POLL_S", 0.05)


def test_a_cue_is_shown_once_however_often_it_is_told() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump, LampEnd(bench.far()) as lamp:
        assert lamp.polled()
        lamp.answers()
        bench.expect(DeviceUp)
        for cue in (Cue.READY, Cue.READY):
            pump.show(cue)
        assert lamp.shows() == "show ready"
        pump.show(Cue.READY)
        pump.show(Cue.WAIT)
        assert lamp.shows() == "show wait"
        assert lamp.polled()
        assert pump.health().uses == 2


def test_a_slow_lamp_skips_to_the_latest_cue() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump:
        pump.show(Cue.READY)
        with LampEnd(bench.far()) as lamp:
            assert lamp.hears() == "show ready"
            for cue in (Cue.WAIT, Cue.LOOK, Cue.WELCOME):
                pump.show(cue)
            lamp.answers()
            assert lamp.shows() == "show welcome"


def test_the_same_word_to_the_next_person_is_told_again_even_if_what_lay_between_was_skipped() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump:
        pump.show(Cue.REFUSED)
        with LampEnd(bench.far()) as lamp:
            assert lamp.hears() == "show refused"
            pump.show(Cue.WAIT)
            pump.show(Cue.REFUSED)
            lamp.answers()
            assert lamp.shows() == "show refused"


def test_a_lamp_that_comes_back_shows_what_holds_by_then_before_it_counts_as_up() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump:
        pump.show(Cue.READY)
        with LampEnd(bench.far()) as lamp:
            assert lamp.shows() == "show ready"
            bench.expect(DeviceUp)
            bench.plugged.clear()
        assert isinstance(bench.next(), DeviceDown)
        pump.show(Cue.WAIT)
        pump.show(Cue.HELP)
        bench.plugged.set()
        with LampEnd(bench.far()) as again:
            assert again.hears() == "show help"
            with pytest.raises(queue.Empty):
                bench.posted.get_nowait()
            again.answers()
            assert bench.next() == DeviceUp("device")
        assert pump.health().reconnects == 1


def test_a_refused_cue_is_tried_again_and_refusals_without_end_are_a_loss() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump, LampEnd(bench.far()) as lamp:
        assert lamp.polled()
        lamp.answers()
        bench.expect(DeviceUp)
        pump.show(Cue.LOOK)
        for answer in "rb!":
            assert lamp.hears() == "show look"
            lamp.answers(answer)
        pump.show(Cue.HELP)
        for _ in range(BAD_IN_A_ROW):
            assert lamp.hears() == "show help"
            lamp.answers("r")
        assert f"{BAD_IN_A_ROW} bad answers in a row" in bench.expect(DeviceDown).why
        assert pump.health().bad_answers == 2 + BAD_IN_A_ROW
        bench.far().close()


def test_at_the_end_a_lamp_is_left_with_the_gate_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.signal_pump.POLL_S", 3600.0)
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump, LampEnd(bench.far()) as lamp:
        for _ in range(2):  # as a greeting, and when it begins to wait
            assert lamp.polled()
            lamp.answers()
        lamp.answers()  # to what it will show in the end
        assert pump.stop(LONG_S)
        assert lamp.rest() == ["show fault"]


def test_a_bug_in_a_lamps_driver_costs_the_lamp_and_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Lamp)
    with caplog.at_level(logging.DEBUG), running(SignalPump, bench) as pump:
        pump.show(Cue.READY)
        with LampEnd(bench.far()) as lamp:
            assert lamp.shows() == "show ready"
            bench.expect(DeviceUp)
            pump.show(Cue.WAIT)
            assert lamp.hears() == "show wait"
            lamp.answers("x")
            assert "RuntimeError" in bench.expect(DeviceDown).why
            assert not pump.health().up
    assert "in _tell" in caplog.text
    assert "110101199003070000" not in caplog.text


def test_a_lamp_whose_driver_hangs_is_told_as_lost_and_as_back() -> None:
    bench = Bench(Lamp)
    with running(SignalPump, bench) as pump:
        pump.show(Cue.READY)
        with LampEnd(bench.far()) as lamp:
            assert lamp.shows() == "show ready"
            bench.expect(DeviceUp)
            since = pump.health().since_mono
            pump.look_for_hang(since)
            assert pump.health().up
            pump.look_for_hang(since + 3600.0)
            pump.look_for_hang(since + 3601.0)
            assert "hung for 36" in bench.expect(DeviceDown).why
            assert not pump.health().up
            pump.look_for_hang(since + HANG_S / 2)
            assert bench.next() == DeviceUp("device")
            assert pump.health().up


# --- further inputs ------------------------------------------------------------------------------------------------


class LineInput(Line):
    """Tells of a fire, a turn, or something garbled."""

    def read(self, timeout: float) -> SensorSignal | None:
        letter = self.letter(timeout)
        if letter in ANSWERS:
            raise ANSWERS[letter]
        kinds = {"f": SignalKind.FIRE, "t": SignalKind.TURNED}
        return SensorSignal(kinds[letter], Direction.ENTRY) if letter in kinds else None


def test_an_input_tells_of_states_and_neither_of_turns_nor_of_gaps(caplog: pytest.LogCaptureFixture) -> None:
    """A gap in it hides no turn, and a turn of it settles no release."""
    bench = Bench(LineInput)
    with running(InputPump, bench) as pump, bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"tbtf")
        assert bench.expect(SensorGave).signal == SensorSignal(SignalKind.FIRE)
        assert (pump.health().uses, pump.health().bad_answers) == (0, 1)
    assert caplog.text.count("tells of turns") == 1


def test_a_bug_in_an_inputs_driver_costs_the_input() -> None:
    bench = Bench(LineInput)
    with running(InputPump, bench), bench.far() as far:
        bench.expect(DeviceUp)
        far.sendall(b"x")
        assert isinstance(bench.next(), DeviceDown)


# --- a reader's own lamp -------------------------------------------------------------------------------------------


class LitReader(LineReader):
    """A reader with a lamp; `refuses` says how the next cue fares."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.shown: queue.Queue[Cue] = queue.Queue()
        self.refuses: list[Exception] = []

    def show(self, cue: Cue) -> None:
        if self.refuses:
            raise self.refuses.pop()
        self.shown.put(cue)


def test_a_readers_own_lamp_shows_the_latest_cue_also_after_it_was_lost() -> None:
    bench = Bench(LitReader)
    with running(ReaderPump, bench) as pump:
        bench.expect(DeviceUp)
        with bench.far():
            pump.show(Cue.READY)
            assert bench.made[0].shown.get(timeout=LONG_S) is Cue.READY
        bench.expect(DeviceDown)
        bench.expect(DeviceUp)
        assert bench.made[1].shown.get(timeout=LONG_S) is Cue.READY
        bench.far().close()


@pytest.mark.parametrize("error", [BadAnswer("checksum"), DeviceTimeout("no session"), DeviceRefused("no lamp")])
def test_a_lamp_that_does_not_obey_costs_no_reader_and_is_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.pump.SHOW_AGAIN_S", 0.0)
    bench = Bench(LitReader)
    with running(ReaderPump, bench) as pump, bench.far() as far:
        bench.expect(DeviceUp)
        bench.made[0].refuses.append(error)
        pump.show(Cue.READY)
        assert bench.made[0].shown.get(timeout=LONG_S) is Cue.READY
        far.sendall(b"c")
        bench.expect(ReaderGave)
        assert (pump.health().uses, pump.health().bad_answers) == (1, 1)


def test_a_lamp_that_shows_the_reader_to_be_gone_has_it_connected_anew() -> None:
    bench = Bench(LitReader)
    with running(ReaderPump, bench) as pump, bench.far():
        bench.expect(DeviceUp)
        bench.made[0].refuses.append(DeviceLost("the reader was closed"))
        pump.show(Cue.READY)
        assert bench.next() == DeviceDown("device", "the reader was closed")
        bench.expect(DeviceUp)
        bench.far().close()


def test_a_reader_without_a_lamp_is_left_alone() -> None:
    bench = Bench(LineReader)
    with running(ReaderPump, bench) as pump, bench.far() as far:
        bench.expect(DeviceUp)
        pump.show(Cue.READY)
        far.sendall(b"c")
        bench.expect(ReaderGave)


def test_each_closing_of_a_relays_contact_is_counted() -> None:
    from gate.relay_pump import RelayPump
    from tests.gate.test_pump import LineRelay

    bench = Bench(LineRelay)
    with running(RelayPump, bench) as pump, Board(bench.far()):
        bench.expect(DeviceUp)
        for done in (pump.pulse(0.5), pump.hold(True), pump.pulse(0.5), pump.hold(True), pump.hold(False)):
            done.result(LONG_S)
        assert pump.health().uses == 2
