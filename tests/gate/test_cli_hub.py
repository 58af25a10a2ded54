"""`gatectl hub` without a browser: a venue, a code, an owner."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from models.decision import Profile
from models.profiles import policy_of
from models.wire import to_json

pytest.importorskip("fastapi")

from sqlalchemy import delete, insert, select

from sync.server import tables
from sync.server.erasure import Receipt, is_genuine
from sync.server.hub import Hub, open_hub
from sync.server.ingest import take
from sync.server.settings import Settings
from tests.sync.server.world import NIGHT, SHOW, GateBox


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


def test_lines_are_taken_up_again_and_told(hub: Callable[..., Result], tmp_path: Path) -> None:
    assert hub("venue", "v", "The hall", "--organisation", "o").exit_code == 0
    server = open_hub(Settings(tmp_path / "hub"))
    gate = _gate_with_a_line(server, tmp_path)
    with server.begin() as connection:
        take(server, connection, gate.device, gate.name, gate.batch())
        connection.execute(delete(tables.use))
    done = hub("rebuild", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"lines": 2, "uses": 1, "open_conflicts": 0})
    assert "2 lines make 1 uses" in hub("rebuild").stdout
    with server.begin() as connection:
        assert connection.execute(select(tables.use.c.passage)).scalars().all() == ["passed"]
        acts = connection.execute(select(tables.audit.c.actor).where(tables.audit.c.act == "rebuilt")).scalars().all()
    server.engine.dispose()
    assert acts == ["operator"] * 2


def test_a_database_that_is_harmed_is_a_store_that_can_not_be_used(hub: Callable[..., Result], tmp_path: Path) -> None:
    assert hub("rebuild").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "hub" / "hub.db")) as harmed:
        harmed.execute("DROP TABLE tally")
    refused = hub("rebuild", "--json")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "SELECT" not in refused.stderr.upper()
    assert "can't be reached" in refused.stderr


def test_an_event_is_erased_with_a_receipt(hub: Callable[..., Result], tmp_path: Path) -> None:
    assert hub("venue", "v", "The hall", "--organisation", "o").exit_code == 0
    server = open_hub(Settings(tmp_path / "hub"))
    _gate_with_a_line(server, tmp_path)
    server.engine.dispose()
    assert hub("erase", SHOW, stdin="n\n").exit_code == 1
    refused = hub("erase", SHOW, "--early", "--yes")
    assert (refused.exit_code, "say why" in refused.stderr) == (1, True)
    assert hub("erase", "elsewhere", "--yes").exit_code == 1
    done = hub("erase", SHOW, "--early", "--why", "asked for", "--yes", "--json")
    assert done.exit_code == 0, done.output
    receipt = Receipt(**json.loads(done.stdout))
    assert is_genuine(receipt, bytes.fromhex(receipt.public_key))
    assert "signature" in hub("erase", SHOW, "--yes").stdout


def _gate_with_a_line(server: Hub, folder: Path) -> GateBox:
    hall_policy = policy_of(Profile.CARD, SHOW)
    with server.begin() as connection:
        values = {"event": SHOW, "organisation": "o", "venue": "v", "name": SHOW, "begins_at": NIGHT, "ends_at": NIGHT}
        policy = to_json(hall_policy).decode()
        connection.execute(insert(tables.event).values(**values, policy=policy, sealed_secret=b"", made_at=0.0))
    gate = GateBox(server, folder, "G1")
    gate.passes("T1")
    return gate


def test_a_list_is_looked_at_and_then_proposed(hub: Callable[..., Result], tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("number,purpose\n11010519491231002X,scalping\n12345,scalping\n", encoding="utf-8")
    said = ("--owner", "Hospital", "--action", "review", "--appeal", "desk 3", "--evidence", "decision 7")
    looked = hub("watch", "import", str(table), *said)
    assert looked.exit_code == 0, looked.output
    assert "row 3: left out: no_person, bad_cell, no_end, no_approvers (number)" in looked.stdout
    assert looked.stdout.endswith("2 rows, 1 can be listed; 0 were proposed\n")
    assert hub("watch", "list", "--json").stdout == ""
    made = json.loads(hub("watch", "import", str(table), *said, "--propose", "--json").stdout)
    assert (made["proposed"], made["report"]["rows"]) == (1, 2)
    listed = json.loads(hub("watch", "list", "--state", "proposed", "--json").stdout)
    shown = hub("watch", "show", listed["entry"])
    assert "proposed by operator: proposed" in shown.stdout
    assert "11010519491231002X" not in shown.stdout + hub("watch", "show", listed["entry"], "--json").stdout
    assert hub("watch", "show", "watch-none").exit_code == 1
