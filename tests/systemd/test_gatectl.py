"""/usr/bin/gatectl: as whom a command goes on that root has typed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "systemd" / "usr-bin-gatectl.sh"


def goes_on_as(folder: Path, *words: str) -> str:
    """What `runuser` is asked for. Without it there is no program at the end of this test's road."""
    for name, says in {"id": "echo 0", "runuser": 'echo "$2"'}.items():
        (folder / name).write_text(f"#!/bin/sh\n{says}\n")
        (folder / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    told = subprocess.run(["sh", str(SCRIPT), *words], env=environment, capture_output=True, text=True)
    return told.stdout.strip()


@pytest.mark.parametrize(
    "words",
    [
        ("accept",),
        ("enrol", "menshen://x"),
        ("prove",),
        ("renew", "--keys"),
        ("devices", "wear", "--replaced", "relay"),
    ],
)
def test_what_writes_the_lanes_state_is_the_lane(tmp_path: Path, words: tuple[str, ...]):
    assert goes_on_as(tmp_path, *words) == "menshen"


def test_what_writes_the_servers_folder_is_the_server(tmp_path: Path):
    assert goes_on_as(tmp_path, "hub", "backup") == "menshen-hub"


@pytest.mark.parametrize("words", [("setup",), ("update", "--from", "USB"), ("devices", "list"), ("manifest", "build")])
def test_what_writes_elsewhere_stays_with_root(tmp_path: Path, words: tuple[str, ...]):
    assert goes_on_as(tmp_path, *words) == ""
