"""The gate's figures: counted from what stands in the ledger, told on a Unix socket, and nobody in them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.ballast import Ballast
from gate.cli import main
from gate.commands.metrics import ask
from gate.demo.box_office import sell
from gate.demo.night import Night
from gate.demo.rig import Rig
from gate.messages import DeviceHealth
from gate.metrics import Figures, LedgerMarks, of_devices, of_lane, of_stores
from gate.metrics_socket import MetricsSocket
from models.command import Snapshot
from models.decision import Decision, Facts, Profile, Reason, Verdict
from models.exposition import render
from models.ledger import EntryKind
from models.passage import Passage
from models.record import DecisionBody, PassageBody
from models.ticket import ManifestState
from models.view import LaneView, Phase
from tests.exposition import Read, read_exposition
from tests.gate.daemon_bench import WIRING, marked_people, marked_policy


def decision(verdict: Verdict, reason: Reason, **ms: float) -> DecisionBody:
    return DecisionBody(1, Facts(gate="G1"), Decision(verdict, reason, (), "T1"), 0.0, ms=ms)


def a_machine(root: Path) -> Path:
    (root / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
    (root / "sys/class/thermal/thermal_zone0/temp").write_text("48312\n")
    (root / "proc/self/fd").mkdir(parents=True)
    (root / "proc/self/fd/0").touch()
    (root / "proc/self/statm").write_text("99 25 3 1 0 4 0\n")
    return root


def every_family(root: Path) -> dict[str, Read]:
    """All that a gate with everything would tell."""
    figures = Figures("1.0", 100.0, a_machine(root))
    figures.wrote(EntryKind.DECISION, decision(Verdict.ADMIT, Reason.OK, lookup=3.0, face=120.0))
    figures.wrote(EntryKind.DECISION, decision(Verdict.DENY, Reason.NO_TICKET, lookup=2.0))
    figures.wrote(EntryKind.DECISION, decision(Verdict.DENY, Reason.NO_TICKET, lookup=2.0, steward=9000.0))
    figures.wrote(EntryKind.PASSAGE, PassageBody(1, Passage.PASSED))
    ballast = Ballast(root, 0)
    ballast.look()
    held = ManifestState("gala", 7, 1000.0, 9000.0, 812)
    told = Snapshot(LaneView("G1", Phase.IDLE, 0), 1060.0, Profile.CARD, manifest=held, inside=3)
    families = [
        *figures.counted(),
        *figures.process(),
        *of_devices([DeviceHealth("reader", up=True, uses=9), DeviceHealth("relay")]),
        *of_stores(LedgerMarks(100, 60), ballast),
        *of_lane(told, 2),
    ]
    return read_exposition(render(families))


def test_what_is_written_is_counted(tmp_path: Path) -> None:
    told = every_family(tmp_path)
    assert told["menshen_decisions_total"].value(verdict="deny", reason="no_ticket") == 2
    assert told["menshen_step_seconds"].value("_count", step="lookup") == 3
    assert told["menshen_decision_seconds"].value("_sum", verdict="admit") == 0.123
    assert told["menshen_decision_seconds"].value("_count", verdict="deny") == 1, "a person's time is not the gate's"
    assert told["menshen_passages_total"].value(passage="passed") == 1
    assert told["menshen_entries_total"].value(kind="decision") == 3


def test_the_lane_its_data_and_its_machine_are_told(tmp_path: Path) -> None:
    told = every_family(tmp_path)
    assert told["menshen_device_up"].value(device="reader") == 1
    assert told["menshen_device_up"].value(device="relay") == 0
    assert told["menshen_manifest_age_seconds"].value() == 60
    assert told["menshen_ledger_unacknowledged"].value() == 40
    assert told["menshen_queue_events"].value() == 2
    assert told["menshen_lane_phase"].value(phase="idle") == 1
    assert told["menshen_temperature_celsius"].value(zone="thermal_zone0") == 48.312
    assert told["menshen_disk_free_bytes"].value() > 0
    assert told["menshen_open_files"].value() == 1


def test_a_ledger_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    told = read_exposition(render(of_stores(None, Ballast(tmp_path, 0))))
    assert told["menshen_ledger_up"].value() == 0
    assert "menshen_ledger_unacknowledged" not in told


def on_a_socket(path: Path, question: bytes) -> bytes:
    """The answer of a socket that tells `a 1`, from a thread of its own."""
    answers: list[bytes] = []

    def visit() -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.sendall(question)
            line.shutdown(socket.SHUT_WR)
            with line.makefile("rb") as answer:
                answers.append(answer.read())

    async def scene() -> None:
        async def tell() -> str:
            return "a 1\n"

        place = MetricsSocket(path, tell)
        await place.open()
        await asyncio.to_thread(visit)
        await place.close()

    asyncio.run(scene())
    return answers[0]


@pytest.mark.parametrize(
    ("question", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: gate\r\n\r\n", b"200 OK", b"a 1\n"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200 OK", b"a 1\n"),
        (b"HEAD /metrics HTTP/1.0\r\n\r\n", b"200 OK", b""),
        (b"GET /else HTTP/1.0\r\n\r\n", b"404 Not Found", b"the figures are at /metrics\n"),
        (b"POST /metrics HTTP/1.0\r\n\r\n", b"405 Method Not Allowed", b"only GET\n"),
    ],
)
def test_the_socket_speaks_http(tmp_path: Path, question: bytes, status: bytes, body: bytes) -> None:
    head, _, told = on_a_socket(tmp_path / "m.sock", question).partition(b"\r\n\r\n")
    assert (head.split(b" ", 1)[1].partition(b"\r\n")[0], told) == (status, body)


@pytest.mark.parametrize("question", [b"", b"nonsense", b"GET " + b"x" * 20_000])
def test_who_asks_for_nothing_gets_nothing(tmp_path: Path, question: bytes) -> None:
    assert on_a_socket(tmp_path / "m.sock", question) == b""
    assert not (tmp_path / "m.sock").exists()


def test_a_place_that_can_not_be_had_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "m.sock").write_text("somebody's file")

    async def tell() -> str:
        return ""

    async def scene() -> None:
        place = MetricsSocket(tmp_path / "m.sock", tell)
        await place.open()
        await place.close()

    asyncio.run(scene())
    assert "no figures are told" in caplog.text
    assert (tmp_path / "m.sock").read_text() == "somebody's file"


@pytest.mark.slow
def test_a_running_gate_tells_its_figures_and_names_nobody(tmp_path: Path) -> None:
    people = marked_people(tmp_path / "pictures", 3)
    with Rig(tmp_path, WIRING) as rig:
        sell(rig, people, marked_policy())
        rig.start()
        Night(rig).enters(people[0])
        text = ask(tmp_path / "metrics.sock")
        shown = CliRunner().invoke(main, ["metrics", "--config", str(rig.config)])
    told = read_exposition(text)
    assert set(read_exposition(shown.output)) == set(told)
    assert told["menshen_decisions_total"].value(verdict="admit", reason="ok") == 1
    assert told["menshen_device_up"].value(device="relay") == 1
    assert told["menshen_manifest_tickets"].value() == 3
    for one in people:
        assert not any(word in text for word in (one.number, one.name, one.ticket))
    assert CliRunner().invoke(main, ["metrics", "--config", str(rig.config)]).exit_code != 0
