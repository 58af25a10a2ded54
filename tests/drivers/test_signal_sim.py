"""The simulated signal, in the process and at the end of a line."""

from __future__ import annotations

import pytest

from drivers import connect
from drivers.errors import DeviceLost
from drivers.signal.sim import SignalSimulator, SimSignal
from drivers.transport import PtyPort
from models.cue import Cue
from tests.contract import Kit, SignalContract


class TestFarSignal(SignalContract):
    """Over a line."""

    kit = Kit("signal", "sim", shows=lambda far, cue: far.shown[-1:] == [cue])


def test_it_remembers_the_cues_in_their_order() -> None:
    signal = connect("signal", "sim:")
    assert isinstance(signal, SimSignal)
    signal.show(Cue.WAIT)
    signal.show(Cue.WELCOME)
    signal.poll()
    assert signal.shown == [Cue.WAIT, Cue.WELCOME]
    signal.close()
    with pytest.raises(DeviceLost):
        signal.show(Cue.READY)


def test_the_far_end_obeys_words() -> None:
    with PtyPort() as port:
        far = SignalSimulator(port)
        assert far.command("state") == "shows: nothing yet; cues: 0"
        far._take({"n": 1, "do": "show", "cue": "fault"})
        far._take({"n": 2, "do": "show", "cue": "fireworks"})
        assert far.command("state") == "shows: fault; cues: 1"
        assert far.command("mute") == "done"
        assert "commands" in far.command("help")
