"""`gatectl models`: nothing gets onto the shelf that is not known by its hash, and what is there is told as it is."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from models import face_models
from models.face_card import FaceCard, ModelFile, Recipe, Runner, write_card
from models.face_models import MOBILEFACENET, SFACE
from sync.failures import Garbled, RefusedBy, Unreachable
from sync.model_fetch import fetch

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "models"
SOURCES = [SHARED / "mobilefacenet" / "mobilefacenet.param", SHARED / "mobilefacenet" / "mobilefacenet.bin"]
SOURCES += [SHARED / "yunet" / "yunet_n_640_640.onnx"]
POINTS = ((38.0, 51.0), (73.0, 51.0), (56.0, 71.0), (41.0, 92.0), (70.0, 92.0))

needs_networks = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of networks is not here")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def models(shelf: Path) -> Any:
    """A function that runs `gatectl models` with this shelf."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["models", *map(str, arguments), "--folder", str(shelf)])

    return run


def own_network(folder: Path, content: bytes = b"a network", name: str = "own") -> Path:
    """A card of somebody's own with two files that are no networks; its path."""
    folder.mkdir(exist_ok=True)
    facts = []
    for file, data in (("own.onnx", content), ("find.onnx", b"a detector")):
        (folder / file).write_bytes(data)
        facts.append(ModelFile(file, len(data), hashlib.sha256(data).hexdigest()))
    card = FaceCard(name, Runner.ONNX, "MIT", "a venue", Recipe((facts[0],), facts[1], POINTS))
    (folder / "card.toml").write_text(write_card(card))
    return folder / "card.toml"


def test_the_list_tells_what_is_known_and_what_it_needs(models: Any) -> None:
    told = models("list").stdout
    assert SFACE.files[0].sha256 in told
    assert "any: accept 0.95, refuse 1.15" in told
    assert told.count("not installed") == 2
    lines = [json.loads(line) for line in models("list", "--json").stdout.splitlines()]
    assert [line["name"] for line in lines] == ["dlib-resnet-v1-hog5", "mobilefacenet", "sface"]
    assert [line["address"] for line in lines] == ["dlib:", "", ""]


@needs_networks
def test_a_known_model_is_whole_once_its_last_file_came_in_any_order(models: Any, shelf: Path, tmp_path: Path) -> None:
    for number, source in enumerate(reversed(SOURCES)):
        (tmp_path / f"stick-{number}").write_bytes(source.read_bytes())
        told = models("install", tmp_path / f"stick-{number}")
        assert told.exit_code == 0
        assert ("still missing" in told.stderr) == (number < 2)
    assert f'face = "ncnn://{shelf}/mobilefacenet.toml"' in told.stdout
    assert MOBILEFACENET.model_version in told.stdout
    assert "--face ncnn://" in told.stderr
    line = json.loads(models("list", "--json").stdout.splitlines()[1])
    assert (line["address"], line["troubles"]) == (f"ncnn://{shelf}/mobilefacenet.toml", [])


def test_an_unknown_file_is_refused_with_its_hash(models: Any, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "face_recognition_sface_2021dec.onnx").write_bytes(b"not what it is called")
    told = models("install", tmp_path / "face_recognition_sface_2021dec.onnx")
    assert (told.exit_code, shelf.exists()) == (1, False)
    assert hashlib.sha256(b"not what it is called").hexdigest() in told.stderr


def test_a_network_of_ones_own_comes_with_its_card(models: Any, shelf: Path, tmp_path: Path) -> None:
    card = own_network(tmp_path / "stick")
    assert models("install", card).exit_code == 0
    assert models("install", card).exit_code == 0  # twice does no harm
    assert sorted(path.name for path in shelf.iterdir()) == ["find.onnx", "own.onnx", "own.toml"]
    line = json.loads(models("list", "--json").stdout.splitlines()[-1])
    assert (line["name"], line["address"]) == ("own", f"onnx://{shelf}/own.toml")


def test_a_card_whose_files_are_others_is_refused(models: Any, shelf: Path, tmp_path: Path) -> None:
    card = own_network(tmp_path / "stick")
    (card.parent / "own.onnx").write_bytes(b"a networm")
    told = models("install", card)
    assert (told.exit_code, shelf.exists()) == (1, False)
    assert "own.onnx is not the file that card.toml names" in told.stderr


def test_another_model_never_takes_a_name_that_is_taken(models: Any, shelf: Path, tmp_path: Path) -> None:
    models("install", own_network(tmp_path / "stick"))
    before = (shelf / "own.toml").read_bytes()
    told = models("install", own_network(tmp_path / "other", b"another"))
    assert (told.exit_code, (shelf / "own.toml").read_bytes()) == (1, before)
    assert "another model of this name" in told.stderr
    told = models("install", own_network(tmp_path / "third", b"another", name="third"))
    assert "another file of this name: take it away first" in told.stderr


def test_verify_finds_the_file_that_changed_and_the_network_that_does_not_open(
    models: Any, shelf: Path, tmp_path: Path
) -> None:
    assert models("verify").exit_code == 0
    models("install", own_network(tmp_path / "stick"))
    told = models("verify")
    assert (told.exit_code, "no ONNX network" in told.stdout) == (1, True)
    (shelf / "own.onnx").write_bytes(b"a networm")
    assert "own.onnx is not the file that the card names" in models("verify").stdout
    (shelf / "own.onnx").unlink()
    assert "own.onnx is missing" in models("verify").stdout
    (shelf / "own.toml").write_text("name =")
    told = models("verify")
    assert (told.exit_code, "own.toml: no card of a face model" in told.stderr) == (1, True)


def test_a_file_that_is_no_network_of_dlibs_is_refused(models: Any, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.dat").write_bytes(b"nothing")
    assert models("install", tmp_path / "weights.dat").exit_code == 5
    assert not shelf.exists()


@pytest.fixture
def mirror() -> Iterator[str]:
    """A server that gives eight bytes at /file and nothing elsewhere."""

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file")
                self.end_headers()
                return
            self.send_response(200 if self.path == "/file" else 404)
            self.end_headers()
            self.wfile.write(b"a model.")

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_fetched_is_what_was_wanted_or_nothing(mirror: str) -> None:
    wanted = ModelFile("model", 8, hashlib.sha256(b"a model.").hexdigest())
    assert fetch(f"{mirror}/moved", wanted) == b"a model."
    for other in (ModelFile("model", 7, wanted.sha256), ModelFile("model", 8, "0" * 64)):
        with pytest.raises(Garbled, match="another file than model"):
            fetch(f"{mirror}/file", other)
    with pytest.raises(RefusedBy, match="answers 404"):
        fetch(f"{mirror}/nowhere", wanted)
    with pytest.raises(Unreachable, match="can't be reached"):
        fetch("http://127.0.0.1:1/", wanted)


def test_a_model_is_fetched_by_name(
    models: Any, shelf: Path, tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the publishers' addresses lead, another file lies here: it is not taken for the model."""
    monkeypatch.setattr("gate.commands.models.ADDRESSES", dict.fromkeys(face_models.ADDRESSES, f"{mirror}/file"))
    told = models("install", "sface")
    assert (told.exit_code, shelf.exists()) == (1, False)
    assert "another file than face_recognition_sface_2021dec.onnx" in told.stderr
    told = models("install", "mobilefacenet")
    assert told.exit_code == 2
    assert "install it from a file" in told.stderr
