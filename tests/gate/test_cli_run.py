"""`gatectl run`: it serves, it ends in good order, and it says in a sentence what is wrong."""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main
from gate.commands import _exits
from gate.commands._exits import MEANINGS, Exit, exit_for
from gate.config import LogLevel
from gate.log import set_up

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(
        f"""
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "{tmp_path / "state"}"
issuers = ["issuer.pub"]
[socket]
path = "{tmp_path / "gate.sock"}"
[devices]
reader = "sim:"
camera = ""
relay = "sim:"
"""
    )
    return path


@pytest.fixture
def gatectl():
    """A function that runs `gatectl` in this process."""

    def run(*arguments: object):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def test_the_process_serves_until_sigterm_and_ends_with_0(config, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify.sock"))
        systemd.settimeout(30)
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify.sock"), "MENSHEN_CONFIG": str(config)}
        command = [sys.executable, "-m", "gate.cli", "run"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            while b"READY=1" not in systemd.recv(4096):
                pass
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
    assert process.returncode == Exit.DONE
    assert "Traceback" not in log
    assert (tmp_path / "state" / "ledger.db").exists()


def test_a_missing_configuration_is_told(gatectl, tmp_path):
    told = gatectl("run", "--config", tmp_path / "none.toml")
    assert told.exit_code == Exit.CONFIGURATION
    assert "No such file" in told.stderr
    assert told.stdout == ""


def test_all_problems_of_a_configuration_are_told(gatectl, config):
    config.write_text(config.read_text().replace("[devices]", "[devices]\ncamra = 1").replace('"G1"', '"G 1"'))
    told = gatectl("run", "--config", config)
    assert told.exit_code == Exit.CONFIGURATION
    assert "gate.name" in told.stderr
    assert "did you mean camera?" in told.stderr


def test_a_key_that_others_may_read_is_told(gatectl, config, tmp_path):
    key = tmp_path / "signing-key"
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    told = gatectl("run", "--config", config)
    assert told.exit_code == Exit.STORE
    assert "chmod 600" in told.stderr


def test_a_command_that_is_not_there_is_wrong_use(gatectl):
    assert gatectl("runn").exit_code == Exit.WRONG_USE


def test_the_help_shows_every_exit_code(gatectl):
    told = gatectl("--help").stdout
    assert all(f"\n  {int(code)} " in told for code in Exit)
    assert set(MEANINGS) == set(Exit)


def test_every_foreseen_trouble_is_a_class_of_ours():
    for name in _exits._TROUBLES:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(import_module(module), kind), Exception)


def test_trouble_that_nobody_foresaw_is_our_fault():
    assert exit_for(ZeroDivisionError()) is Exit.OUR_FAULT
    assert exit_for(KeyboardInterrupt()) is Exit.INTERRUPTED
    assert exit_for(FileNotFoundError()) is Exit.STORE


@pytest.fixture
def root_logger():
    """The root logger, put back afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield root
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("journal", [False, True])
def test_a_record_is_one_line_with_its_traceback(root_logger, journal):
    out = io.StringIO()
    root_logger.handlers[:] = []
    set_up(LogLevel.INFO, out, journal=journal)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("gate.test").exception("it broke\nhere")
    logging.getLogger("gate.test").debug("not asked for")
    (line,) = out.getvalue().splitlines()
    assert "it broke | here" in line
    assert "ValueError: first | second" in line
    assert line.startswith("<3>gate.test:") is journal
