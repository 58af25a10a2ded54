"""`gatectl demo --gates`: gates and their server as processes, from the table of people to one settled conflict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main


@pytest.mark.long
def test_two_gates_and_a_server_go_through_a_cut_and_all_is_as_it_must_be(tmp_path: Path) -> None:
    """Real processes over TLS; the exit code is 0 only if every step went as it must."""
    done = CliRunner().invoke(main, ["demo", "--gates", "2", "--json", "--keep", str(tmp_path / "city")])
    told = json.loads(done.stdout)
    assert [step["problem"] for step in told["steps"]] == [""] * 11, done.stderr
    assert (done.exit_code, told["ok"]) == (0, True)
    words = {step["name"]: " ".join(step["words"]) for step in told["steps"]}
    assert "in use since" in words["one ticket at a second gate"]
    assert "one conflict" in words["the network heals"]


def test_what_makes_no_sense_with_several_gates_is_refused(tmp_path: Path) -> None:
    """Nothing is started for it."""
    done = CliRunner().invoke(main, ["demo", "--gates", "2", "--reader", "line"])
    assert (done.exit_code, "--gates goes with" in done.output) == (2, True)
