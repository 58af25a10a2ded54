"""YuNet and MobileFaceNet, in ncnn and as ONNX, see what the dlib engine sees; a file that is not the card's never
runs.

The networks and photographs stand in a folder beside the repository, and nothing of them is copied in.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drivers import connect
from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer, MissingLibrary, UnknownDevice
from drivers.face._chip import cut, similarity
from drivers.interfaces import FaceEngine, Frame
from models.face import FaceProbe, FaceProblem
from models.face_card import FaceCard, ModelFile, Recipe, Runner, write_card
from models.face_models import MOBILEFACENET
from tests.drivers.ncnn_as_onnx import as_onnx

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
NETWORKS, FACES = SHARED / "models", SHARED / "faces"
POINTS = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
WHO = visitors.identity(visitors.CHOSEN[1])
OTHER = visitors.identity(visitors.CHOSEN[4])
ENGINES = ["opencv", "onnxruntime", "ncnn"]

needs_networks = pytest.mark.skipif(not NETWORKS.is_dir(), reason="the folder of networks is not here")
needs_faces = pytest.mark.skipif(not FACES.is_dir(), reason="the folder of real photographs is not here")


def fact(path: Path) -> ModelFile:
    content = path.read_bytes()
    return ModelFile(path.name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both cards, made for the test and gone after it."""
    folder = tmp_path_factory.mktemp("networks")
    param, weights = (NETWORKS / "mobilefacenet" / f"mobilefacenet.{end}" for end in ("param", "bin"))
    yunet = NETWORKS / "yunet" / "yunet_n_640_640.onnx"
    for file in (param, weights, yunet):
        (folder / file.name).symlink_to(file)
    (folder / "net.onnx").write_bytes(as_onnx(param.read_text(), weights.read_bytes()))
    for runner, files in ((Runner.NCNN, (fact(param), fact(weights))), (Runner.ONNX, (fact(folder / "net.onnx"),))):
        card = FaceCard("net", runner, "unknown", "a test", Recipe(files, fact(yunet), POINTS))
        (folder / f"{runner}.toml").write_text(write_card(card))
    return folder


def opened(shelf: Path, how: str) -> FaceEngine:
    if importlib.util.find_spec(how) is None and how != "opencv":
        pytest.skip(f"{how} is not installed")
    return connect("face", f"ncnn://{shelf}/ncnn.toml" if how == "ncnn" else f"onnx://{shelf}/onnx.toml?network={how}")


@pytest.fixture(scope="module", params=ENGINES)
def engine(shelf: Path, request: pytest.FixtureRequest) -> FaceEngine:
    return opened(shelf, request.param)


def lane(*people: tuple[visitors.Identity, float]) -> Frame:
    return np.hstack([visitors.render(who, distance=distance, size=(400, 480)) for who, distance in people])


def apart(one: FaceProbe, other: FaceProbe) -> float:
    return float(np.linalg.norm(np.frombuffer(one.template, "<f4") - np.frombuffer(other.template, "<f4")))


@needs_networks
def test_a_good_face_gives_a_template_of_length_one(engine: FaceEngine) -> None:
    probe = engine.probe(visitors.render(WHO))
    features = np.frombuffer(probe.template, "<f4")
    assert (probe.problem, probe.frames, probe.model_version) == (None, 1, engine.model_version)
    assert (features.size, round(float(np.linalg.norm(features)), 4)) == (128, 1.0)
    assert 110 < probe.quality.height_px < 200
    assert 0.45 < probe.quality.nose < 0.55


@needs_networks
@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (visitors.empty_lane(), FaceProblem.NO_FACE),
        (np.zeros((20, 20, 3), np.uint8), FaceProblem.NO_FACE),
        (np.zeros((1, 2000, 3), np.uint8), FaceProblem.NO_FACE),
        (visitors.render(WHO, distance=2.8), FaceProblem.TOO_SMALL),
        (visitors.render(WHO, light=(0.0, -0.4, 0.25)), FaceProblem.TOO_DARK),
        (cv2.GaussianBlur(visitors.render(WHO), (0, 0), 5), FaceProblem.BLURRED),
        (visitors.render(WHO, pose=(34.0, 0.0, 0.0)), FaceProblem.TURNED),
        (lane((WHO, 1.2), (OTHER, 1.2)), FaceProblem.SEVERAL),
    ],
    ids=["lane", "tiny", "a line", "small", "dark", "blurred", "turned", "several"],
)
def test_each_problem_is_named_and_leaves_no_template(engine: FaceEngine, frame: Frame, problem: FaceProblem) -> None:
    probe = engine.probe(frame)
    assert (probe.problem, probe.template) == (problem, b"")


@needs_networks
def test_enrolment_is_stricter_than_the_lane(engine: FaceEngine) -> None:
    far, bystander = visitors.render(WHO, distance=1.9), lane((WHO, 0.9), (OTHER, 1.8))
    assert (engine.probe(far).problem, engine.enrol(far).problem) == (None, FaceProblem.TOO_SMALL)
    assert (engine.probe(bystander).problem, engine.enrol(bystander).problem) == (None, FaceProblem.SEVERAL)


@needs_networks
def test_the_nearest_of_two_wins(engine: FaceEngine) -> None:
    alone = engine.probe(visitors.render(WHO, distance=1.0, size=(400, 480)))
    both = engine.probe(lane((OTHER, 1.8), (WHO, 1.0)))
    assert both.problem is None
    assert apart(alone, both) < 0.4


@needs_networks
def test_what_is_no_picture_is_a_bad_answer(engine: FaceEngine) -> None:
    with pytest.raises(BadAnswer, match="a frame must be"):
        engine.probe(np.zeros((4, 4), np.uint8))
    engine.close()
    engine.close()


@needs_networks
@pytest.mark.parametrize("how", ["onnxruntime", "ncnn"])
def test_all_that_compute_one_network_agree(shelf: Path, how: str) -> None:
    frame = visitors.render(WHO)
    assert apart(opened(shelf, how).probe(frame), opened(shelf, "opencv").probe(frame)) < 1e-3


@needs_networks
@needs_faces
def test_the_same_person_is_near_and_a_stranger_far(shelf: Path) -> None:
    engine, seen = opened(shelf, "opencv"), []
    with (FACES / "provenance.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["source"] == "ageitgey" and row["kind"] == "face"]
    for row in rows:
        probe = engine.probe(np.asarray(cv2.imread(str(FACES / row["file"])), np.uint8))
        if probe.problem is None:
            seen.append((row["identity"], probe))
    assert len(seen) >= 0.9 * len(rows) > 10
    for (one, mine), (other, theirs) in itertools.combinations(seen, 2):
        assert apart(mine, theirs) < 1.05 if one == other else apart(mine, theirs) > 1.15


@needs_networks
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "net.onnx").write_bytes(b"another"), "is not the file of .* install it again"),
        (lambda folder: (folder / "net.onnx").unlink(), "lacks .*net.onnx: No such file"),
        (lambda folder: (folder / "onnx.toml").unlink(), "can't be read: No such file"),
        (lambda folder: (folder / "onnx.toml").write_bytes(b"\xff"), "no UTF-8 text"),
        (lambda folder: (folder / "onnx.toml").write_text("name = 1"), "no card of a face model"),
        (lambda folder: rewrite(folder, runner=Runner.NCNN), "run by ncnn, not by onnx"),
        (lambda folder: lie(folder, "files", "net.onnx", b"nonsense"), "can't"),
        (lambda folder: lie(folder, "detector", "yunet_n_640_640.onnx", b"nonsense"), "detector's file is no ONNX"),
        (lambda folder: rewrite(folder, recipe={"width": 96, "height": 96}), "can't"),
    ],
    ids=["exchanged", "gone", "no card", "bytes", "no such card", "other", "no network", "no detector", "wrong size"],
)
@pytest.mark.parametrize("network", ["opencv", "auto"])
def test_what_does_not_fit_its_card_is_refused_in_words(
    shelf: Path, tmp_path: Path, spoil: Any, told: str, network: str
) -> None:
    for file in shelf.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spoil(tmp_path)
    with pytest.raises((UnknownDevice, BadAnswer), match=told):
        connect("face", f"onnx://{tmp_path}/onnx.toml?network={network}")


def rewrite(folder: Path, recipe: dict[str, Any] | None = None, **changes: Any) -> None:
    from models.face_card import read_card

    card = read_card((folder / "onnx.toml").read_text())
    assert card.recipe
    (folder / "onnx.toml").write_text(
        write_card(replace(card, recipe=replace(card.recipe, **(recipe or {})), **changes))
    )


def lie(folder: Path, part: str, name: str, content: bytes) -> None:
    """A file that is what its card says, and no network."""
    (folder / name).write_bytes(content)
    told = fact(folder / name)
    rewrite(folder, recipe={part: told if part == "detector" else (told,)})


def test_a_missing_location_library_or_option_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownDevice, match="give the card of a face model"):
        connect("face", "onnx:")
    with pytest.raises(UnknownDevice, match="did you mean 'min_height'"):
        connect("face", "onnx:///nowhere.toml?min_heigth=3")
    if importlib.util.find_spec("ncnn") is None:
        with pytest.raises(MissingLibrary, match="pip install ncnn"):
            connect("face", "ncnn:///nowhere.toml")


def test_a_turn_a_scale_and_a_shift_are_found_again_and_a_mirror_is_not_made() -> None:
    points, angle = np.array(POINTS), 0.6
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity(points @ turn.T + (40.0, -9.0), points)
    assert np.allclose(np.hypot(*matrix[:, 0]), 1 / 1.7)
    assert np.allclose((points @ turn.T + (40.0, -9.0)) @ matrix[:, :2].T + matrix[:, 2], points)
    mirrored = similarity(points * (-1, 1), points)
    assert np.linalg.det(mirrored[:, :2]) >= 0


def test_a_large_face_is_reduced_before_it_is_cut() -> None:
    """Fine stripes become grey: a plain warp would hit black or white by chance."""
    stripes = np.zeros((2240, 2240, 3), np.uint8)
    stripes[:, ::2] = 255
    chip = cut(stripes, np.array(POINTS) * 20, np.array(POINTS), (112, 112))
    assert chip.shape == (112, 112, 3)
    assert abs(chip[10:-10, 10:-10].mean() - 127.5) < 3
    assert chip[10:-10, 10:-10].std() < 3


@needs_networks
@needs_faces
@pytest.mark.faces
@pytest.mark.slow
def test_the_shipped_bands_admit_no_stranger_among_all_photographs(shelf: Path) -> None:
    """What `models.face_models` tells of MobileFaceNet, measured again through camera, engine and comparison."""
    from tests.bench import accuracy

    photographs, probe_ms = accuracy.look(FACES, f"onnx://{shelf}/onnx.toml?network=opencv")
    figures, bands = accuracy.groups(photographs), MOBILEFACENET.bands()
    assert bands
    print(f"\n{probe_ms:.0f} ms a probe\n{accuracy.report(figures, bands.accept, bands.refuse)}")
    everyone, east_asian = figures["all"], figures["east asian, frontal"]
    assert (everyone.fmr(bands.accept).errors, east_asian.fmr(bands.accept).errors) == (0, 0)
    assert everyone.fmr(bands.accept).interval[1] < 0.001
    assert everyone.fnmr(bands.accept).value < 0.15
    assert everyone.fnmr(bands.refuse).interval[1] < 0.05
    assert figures["cctwelve, frontal"].failures.errors == 0


@needs_networks
@pytest.mark.parametrize("pad", ["cues", str(NETWORKS / "minifasnet")])
def test_it_tells_how_live_a_good_face_looks_where_it_is_asked(shelf: Path, pad: str) -> None:
    engine = connect("face", f"onnx://{shelf}/onnx.toml?network=opencv&pad={pad}")
    score = engine.probe(visitors.render(WHO)).pad_score
    assert score is not None
    assert 0 <= score <= 1
    assert engine.probe(visitors.empty_lane()).pad_score is None
    engine.close()
