"""`gatectl type-mrz` against a gate's socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from gate.config import load, sample
from models import wire
from models.command import Answer, Command, Line, Order, Snapshot
from models.decision import Profile
from models.view import LaneView, Phase

SNAPSHOT = Line(snapshot=Snapshot(LaneView("G1", Phase.IDLE, 3), 1.0, Profile.CARD))
PAGE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(sample().replace('# path = "/run/menshen/gate.sock"', f'path = "{tmp_path}/gate.sock"'))
    return path


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Callable[[Answer | None], list[Command]]]:
    """A function that has a gate listen, show a snapshot and give one answer, or hang up; and gives what it heard."""
    threads: list[threading.Thread] = []
    listener = socket.socket(socket.AF_UNIX)

    def serve(answer: Answer | None, heard: list[Command]) -> None:
        line, _ = listener.accept()
        with line, line.makefile("rb") as lines:
            line.sendall(wire.to_json(SNAPSHOT) + b"\n")
            heard.append(wire.from_json(Command, lines.readline()))
            if answer is not None:
                line.sendall(wire.to_json(Line(answer=answer)) + b"\n")

    def start(answer: Answer | None) -> list[Command]:
        heard: list[Command] = []
        listener.bind(str(tmp_path / "gate.sock"))
        listener.listen()
        threads.append(threading.Thread(target=serve, args=(answer, heard), daemon=True))
        threads[0].start()
        return heard

    yield start
    for thread in threads:
        thread.join(5.0)
    listener.close()


def type_mrz(config: Path, text: str, *options: str) -> Result:
    environment = {"CREDENTIALS_DIRECTORY": None}
    return CliRunner().invoke(main, ["type-mrz", "--config", str(config), *options], input=text, env=environment)


def test_the_sample_names_the_socket(config: Path) -> None:
    assert load(config).socket.path == config.parent / "gate.sock"


def test_a_page_is_handed_over(config, gate):
    heard = gate(Answer(1, ok=True))
    told = type_mrz(config, PAGE, "--reader", "exit_reader")
    assert (told.exit_code, told.stdout) == (0, ""), told.stderr
    assert "taken" in told.stderr
    assert (heard[0].order, heard[0].actor, heard[0].reader) == (Order.MRZ, "technician", "exit_reader")
    assert heard[0].mrz.split() == PAGE.split()


def test_what_is_wrong_is_told(config, gate):
    gate(Answer(1, ok=False, error="the check digit does not agree: line 2, date of birth"))
    told = type_mrz(config, PAGE)
    assert (told.exit_code, told.stderr) == (1, "the check digit does not agree: line 2, date of birth\n")


def test_a_gate_that_hangs_up_is_told(config, gate):
    gate(None)
    told = type_mrz(config, PAGE)
    assert told.exit_code == 5
    assert "hung up" in told.stderr


def test_no_gate_is_told(config):
    told = type_mrz(config, PAGE)
    assert told.exit_code == 5
    assert "no gate answers" in told.stderr
