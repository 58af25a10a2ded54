"""`gatectl sync status`, before whatever a sync process tells of itself."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from gate.config import sample
from models.link import FromSync, Reach, SyncStatus
from models.ticket import ManifestState
from models.watch import HeldList
from models.wire import to_json

PATIENCE_S = 10.0


def asked(folder: Path, told: SyncStatus) -> Result:
    """What a technician sees where a sync process tells this."""
    config, path = folder / "gate.toml", folder / "s.sock"
    config.write_text(sample().replace('# socket = "/run/menshen/sync.sock"', f'socket = "{path}"'))

    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(to_json(FromSync(reach=told.reach)) + b"\n" + to_json(FromSync(status=told)) + b"\n")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(PATIENCE_S)
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        shown = CliRunner().invoke(main, ["sync", "status", "--config", str(config)])
        thread.join(PATIENCE_S)
    return shown


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "manifest  none"),
        ({"manifest": ManifestState("gala", 7, 1.0, 2.0, tickets=18_400, digest="ab" * 32)}, "gala, version 7, 18,400"),
        ({"wiped": True}, "destroyed: this lane was revoked"),
        ({"wiped": True, "erased": True}, "destroyed: the event's persons were erased by the centre"),
    ],
)
def test_it_says_what_the_lane_holds_and_why_it_holds_nothing(
    tmp_path: Path, more: dict[str, object], said: str
) -> None:
    shown = asked(tmp_path, SyncStatus("hall", "d-1", "https://hub.example:8443", Reach.ONLINE, **more))
    assert shown.exit_code == 0, shown.output
    assert said in shown.output
    assert shown.output.count("destroyed") == ("wiped" in more)


@pytest.mark.parametrize(
    ("age_s", "said"),
    [(7_200.0, "city, revision 41, 2,100 entries, confirmed 2.0 h ago"), (9e5, "too old: it does nothing")],
)
def test_it_says_what_list_the_lane_holds_and_since_when(tmp_path: Path, age_s: float, said: str) -> None:
    issued_at = time.time() - age_s
    held = HeldList("city", 41, 2_100, "cd" * 32, issued_at, issued_at + 604_800)
    shown = asked(tmp_path, SyncStatus("hall", "d-1", "https://hub.example:8443", Reach.ONLINE, watch=held))
    assert said in shown.output
    assert "cdcd" in shown.output


def test_alone_is_no_good_state(tmp_path: Path) -> None:
    assert asked(tmp_path, SyncStatus("hall", "d-1", "https://hub.example:8443")).exit_code == 1
