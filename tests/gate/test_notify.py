"""sd_notify's messages, taken from a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from gate.notify import Notifier


@pytest.fixture(params=["file", "abstract"])
def supervisor(request, tmp_path) -> Iterator[tuple[socket.socket, str]]:
    """The other end, as systemd has it: a bound datagram socket, and how the environment names it."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@menshen-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        end.settimeout(5)
        yield end, name


def test_every_message_arrives_as_systemd_reads_it(supervisor):
    end, name = supervisor
    notifier = Notifier({"NOTIFY_SOCKET": name})
    assert notifier.ready("lane G1 open")
    assert notifier.alive()
    assert notifier.at_work()
    assert notifier.status("camera lost")
    assert notifier.stopping()
    notifier.close()
    assert [end.recv(500) for _ in range(5)] == [
        b"READY=1\nSTATUS=lane G1 open",
        b"WATCHDOG=1",
        b"READY=1\nWATCHDOG=1",
        b"STATUS=camera lost",
        b"STOPPING=1",
    ]


def test_a_status_can_not_smuggle_a_second_assignment(supervisor):
    end, name = supervisor
    Notifier({"NOTIFY_SOCKET": name}).status("fine\nMAINPID=1")
    assert end.recv(500) == b"STATUS=fine MAINPID=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_supervisor_nothing_happens(environment):
    notifier = Notifier(environment)
    assert not notifier.ready()
    assert not notifier.alive()
    notifier.close()


def test_a_supervisor_that_is_gone_does_not_stop_the_gate(supervisor):
    end, name = supervisor
    notifier = Notifier({"NOTIFY_SOCKET": name})
    end.close()
    assert not notifier.ready()


def test_after_close_nothing_is_sent_and_close_may_come_twice(supervisor):
    _, name = supervisor
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.close()
    notifier.close()
    assert not notifier.alive()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "10000000"}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_patience(environment, expected):
    assert Notifier(environment).interval_s == expected
