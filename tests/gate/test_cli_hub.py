"""`gatectl hub` without a browser: a venue, a code, an owner."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main

pytest.importorskip("fastapi")


@pytest.fixture
def hub(tmp_path: Path) -> Callable[..., Result]:
    """Types `gatectl hub …`."""

    def type_in(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(main, ["hub", "--state", str(tmp_path / "hub"), *words], input=stdin)

    return type_in


def test_a_code_needs_a_venue_and_is_shown_with_its_picture(hub: Callable[..., Result], tmp_path: Path) -> None:
    refused = hub("code", "G1", "--venue", "v")
    assert (refused.exit_code, "no such venue" in refused.stderr) == (1, True)
    assert hub("venue", "v", "The hall", "--organisation", "o").exit_code == 0
    made = json.loads(hub("code", "G1", "--venue", "v", "--qr", str(tmp_path / "qr.svg"), "--json").stdout)
    assert made["text"] == f"menshen://localhost:8443/{made['code']}?ca={made['fingerprint']}"
    assert (tmp_path / "qr.svg").read_text().startswith("<svg")
    assert hub("devices", "--json").stdout == ""
    assert hub("revoke", "gate-0").exit_code == 1


def test_an_owner_comes_from_the_keyboard(hub: Callable[..., Result]) -> None:
    weak = hub("setup", "--owner", "olga", stdin="short\n")
    assert (weak.exit_code, "12 to 256" in weak.stderr) == (1, True)
    assert hub("setup", "--owner", "olga", stdin="a horse in the rain\n").exit_code == 0
    assert json.loads(hub("accounts", "--json").stdout) == {
        "account": "olga",
        "name": "olga",
        "organisation": None,
        "role": "owner",
        "state": "open",
    }
    assert "last owner" in hub("accounts", "--disable", "olga").stderr
    reset = hub("accounts", "--code", "olga")
    assert "once, within a day" in reset.stderr


def test_what_the_server_can_not_use_is_a_matter_of_configuration(hub: Callable[..., Result]) -> None:
    refused = hub("--database", "postgresql://olga:sesame@127.0.0.1:1/x", "accounts")
    assert refused.exit_code == 3
    assert "sesame" not in refused.output
