"""`gatectl rest`: what a killed gate left closed is opened."""

from __future__ import annotations

import threading
from pathlib import Path

from click.testing import CliRunner

from drivers.relay.lcus import LcusSimulator, Op, encode
from drivers.transport import PtyPort
from gate.cli import main
from gate.config import sample


def config(folder: Path, relay: str) -> str:
    path = folder / "gate.toml"
    path.write_text(sample().replace("lcus+serial:///dev/gate-relay?channel=1", relay))
    return str(path)


def test_a_contact_that_a_dead_gate_left_closed_opens(tmp_path):
    stop = threading.Event()
    with PtyPort() as port:
        board = LcusSimulator(port)
        board._take(encode(1, Op.ON))
        assert board.state(1)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        told = CliRunner().invoke(main, ["rest", "--config", config(tmp_path, f"lcus+serial://{port.path}?channel=1")])
        opened = board.wait_for(lambda: not board.state(1), 5.0)
        stop.set()
        runner.join()
    assert (told.exit_code, told.output) == (0, "")
    assert opened


def test_a_relay_that_is_away_is_told_with_the_code_of_devices(tmp_path):
    told = CliRunner().invoke(
        main, ["rest", "--config", config(tmp_path, "lcus+serial:///dev/no-such-relay?channel=1")]
    )
    assert told.exit_code == 5
    assert "no-such-relay" in told.output
