"""The book of wear: what it adds up, what it survives, and how it is read."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main
from gate.config import sample
from gate.messages import DeviceHealth
from gate.wear import Wear, WearBook, WearMeter
from models.store.errors import StoreFailed, WrongStore

AT = 1_750_000_000.0


def relay(uses: int = 0, errors: int = 0, reconnects: int = 0) -> DeviceHealth:
    return DeviceHealth("relay", uses=uses, bad_answers=errors, reconnects=reconnects)


def test_counts_go_on_where_the_last_process_ended(tmp_path: Path) -> None:
    for _ in range(2):
        meter = WearMeter(WearBook(tmp_path))
        for count in (1, 5, 5):
            meter.write([relay(count, 2 * count, 1)], AT + count)
    assert WearBook(tmp_path).read() == {"relay": Wear(AT + 1, uses=10, errors=20, reconnects=2)}


def test_what_is_not_written_yet_is_counted_as_well(tmp_path: Path) -> None:
    WearMeter(WearBook(tmp_path)).write([relay(100)], AT)
    meter = WearMeter(WearBook(tmp_path))
    meter.write([relay(3)], AT)
    assert meter.of(relay(4)).uses == 104


def test_a_device_that_was_taken_out_keeps_its_line(tmp_path: Path) -> None:
    WearMeter(WearBook(tmp_path)).write([relay(7), DeviceHealth("sensor", uses=8)], AT)
    WearMeter(WearBook(tmp_path)).write([relay(1)], AT)
    assert {name: one.uses for name, one in WearBook(tmp_path).read().items()} == {"relay": 8, "sensor": 8}


def test_a_new_device_counts_from_zero_while_the_gate_runs(tmp_path: Path) -> None:
    meter = WearMeter(WearBook(tmp_path))
    meter.write([relay(7, 1)], AT)
    WearBook(tmp_path).begin_anew("relay", AT + 9)
    meter.write([relay(9, 1)], AT + 60)
    assert WearBook(tmp_path).read() == {"relay": Wear(AT + 9, uses=2)}


def test_a_disk_that_fails_is_told_once_and_costs_no_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "not" / "there"
    meter = WearMeter(WearBook(folder))
    for count in (1, 2):
        meter.write([relay(count)], AT)
    assert caplog.text.count("is not written") == 1
    folder.mkdir(parents=True)
    meter.write([relay(3)], AT)
    assert WearBook(folder).read()["relay"].uses == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"relay": {"uses": "many"}}', b"\xff\xfe"])
def test_a_book_that_can_not_be_understood_is_kept_aside(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    book = WearBook(tmp_path)
    book.path.write_bytes(content)
    with pytest.raises(WrongStore, match="is no list of devices"):
        book.read()
    with caplog.at_level(logging.ERROR):
        WearMeter(book).write([relay(1)], AT)
    assert (tmp_path / "wear.unreadable").read_bytes() == content
    assert book.read() == {"relay": Wear(AT, uses=1)}
    assert "counting begins anew" in caplog.text


def test_a_writing_that_is_cut_off_leaves_the_old_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = WearBook(tmp_path)
    WearMeter(book).write([relay(1)], AT)

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", fails)
        with pytest.raises(StoreFailed, match="No space left"):
            book.begin_anew("relay", AT)
    assert book.read() == {"relay": Wear(AT, uses=1)}


def test_changes_by_several_wait_for_each_other(tmp_path: Path) -> None:
    meters = [WearMeter(WearBook(tmp_path)) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda own=meter: [own.write([relay(n)], AT) for n in range(1, 21)]) for meter in meters
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert WearBook(tmp_path).read()["relay"].uses == 4 * 20


# --- gatectl devices wear ------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    lane = sample().replace("/var/lib/menshen", str(tmp_path)).replace("# rated = {}", "rated = { relay = 1000 }")
    path.write_text(lane)
    return path


def ask(config: Path, *more: str) -> str:
    told = CliRunner().invoke(main, ["devices", "wear", "--config", str(config), *more])
    assert told.exit_code == 0, told.output
    return told.stdout


def test_wear_is_told_with_the_rated_life_where_it_is_known(config: Path, tmp_path: Path) -> None:
    assert "nothing is counted yet" in ask(config)
    WearMeter(WearBook(tmp_path)).write([relay(900, 2, 1), DeviceHealth("signal-2", uses=4)], AT)
    head, of_relay, of_signal = ask(config).splitlines()
    assert head.split() == ["device", "since", "uses", "of", "its", "life", "errors", "reconnects"]
    assert "900 closings of the contact 90% of 1000 2 1" in " ".join(of_relay.split())
    assert "4 cues not known 0 0" in " ".join(of_signal.split())
    line = json.loads(ask(config, "--json").splitlines()[0])
    assert line == {"device": "relay", "since": AT, "uses": 900, "errors": 2, "reconnects": 1, "rated": 1000}


def test_a_replaced_device_begins_at_zero_and_an_unknown_one_is_refused(config: Path, tmp_path: Path) -> None:
    WearMeter(WearBook(tmp_path)).write([relay(900)], AT)
    assert json.loads(ask(config, "--replaced", "relay", "--json"))["uses"] == 0
    refused = CliRunner().invoke(main, ["devices", "wear", "--config", str(config), "--replaced", "lamp"])
    assert refused.exit_code == 2
    assert "there are: relay" in refused.stderr
