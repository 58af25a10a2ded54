"""The Grafana board asks for figures that there are, and for what they can be asked for."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from models.exposition import render
from models.link import Reach, SyncStatus
from models.ticket import ManifestState
from sync.metrics import families
from tests.exposition import Read, read_exposition
from tests.gate.test_metrics import every_family

BOARD = Path(__file__).resolve().parents[2] / "systemd" / "grafana" / "menshen-lanes.json"


def board() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(BOARD.read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """All that a lane tells."""
    held = ManifestState("gala", 1, 0.0, 1.0)
    status = SyncStatus("hall", "d1", "https://hub", Reach.ONLINE, contact_at=1.0, manifest=held)
    sync = read_exposition(render(families(status, 2.0, gate_up=True)))
    return every_family(tmp_path_factory.mktemp("root")) | sync


EXPRESSIONS = [target["expr"] for panel in board()["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_asks_for_figures_that_there_are(expression: str, told: dict[str, Read]) -> None:
    names = re.findall(r"\bmenshen_\w+", expression)
    assert names
    for name in names:
        bucket = name.removesuffix("_bucket")
        assert bucket in told
        assert (told[bucket].kind == "histogram") is (bucket != name)
        assert (told[bucket].kind != "gauge") is bool(re.search(rf"(rate|increase)\({name}\b", expression))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_label_asked_for_is_one_of_that_figure(expression: str, told: dict[str, Read]) -> None:
    for name, inside in re.findall(r"\b(menshen_\w+?)(?:_bucket)?\{([^}]*)\}", expression):
        asked = set(re.findall(r"(\w+)=~?\"", inside)) - {"instance"}
        has = {label for _, labels in told[name].samples for label, _ in labels}
        assert asked <= has


def test_what_matters_at_an_event_is_on_the_board(told: dict[str, Read]) -> None:
    shown = set(re.findall(r"\bmenshen_\w+", " ".join(EXPRESSIONS)))
    for name in ("clock_trusted", "ledger_unacknowledged", "manifest_age_seconds", "disk_free_bytes", "device_up"):
        assert f"menshen_{name}" in shown
    ids = [panel["id"] for panel in board()["panels"]]
    assert len(set(ids)) == len(ids) >= 15


def test_the_package_brings_the_board() -> None:
    brought = runpy.run_path(str(BOARD.parents[1] / "package.py"))["FILES"]
    assert brought[f"grafana/{BOARD.name}"] == f"usr/share/menshen/grafana/{BOARD.name}"
    assert all((BOARD.parents[1] / name).is_file() for name in brought)
