"""The accuracy bench takes any folder of pictures, and LFW's lists of pairs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from drivers.camera import _visitors as visitors
from models.face import FaceBands, FaceProbe
from tests.bench import accuracy, pairing
from tests.cohorts import MODEL, PLAIN, Population

NAMES = ("Ann_A", "Bob_B", "Cid_C", "Dan_D")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four drawn persons, two pictures each, as LFW names them."""
    root = tmp_path_factory.mktemp("faces")
    for name, seed in zip(NAMES, visitors.CHOSEN, strict=False):
        (root / name).mkdir()
        portrait = visitors.portrait(visitors.identity(seed))
        for number, picture in enumerate((portrait, cv2.convertScaleAbs(portrait, alpha=0.93)), start=1):
            cv2.imwrite(str(root / name / f"{name}_{number:04d}.png"), picture)
    return root


def run(*args: str) -> str:
    result = CliRunner().invoke(accuracy.main, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_everybody_is_compared_with_everybody_plainly_and_normalised(folder: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    told = run("--faces", str(folder), "--scores", str(scores))
    plain, normalised = told.split("== ")[1:]
    for part in (plain, normalised):
        assert "4 genuine and 24 impostor pairs" in part
    assert "against the single faces of the others (4 identities" in normalised
    rows = scores.read_text().splitlines()
    assert (rows[0], len(rows), sum(row.endswith(",1") for row in rows)) == ("distance,same", 29, 4)


def test_a_list_as_lfw_writes_it_names_the_pairs(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "pairs.txt"
    listed.write_text("1\t2\nAnn_A\t1\t2\nBob_B\t1\t2\nAnn_A\t1\tBob_B\t2\nCid_C\t1\tNobody\t7\n")
    told = run("--faces", str(folder), "--pairs", str(listed), "--cohort", "none")
    assert "2 genuine and 1 impostor pairs" in told
    assert "1 pairs of the list had a picture without a template" in told


def test_a_list_of_paths_does_too_and_a_line_that_is_no_pair_is_told(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "pairs.csv"
    listed.write_text("Ann_A/Ann_A_0001.png,Ann_A/Ann_A_0002.png,1\nAnn_A/Ann_A_0001.png,Cid_C/Cid_C_0001.png,0\n")
    assert [same for _, _, same in pairing.read_pairs(listed, folder)] == [True, False]
    listed.write_text("Ann_A one two three four\n")
    with pytest.raises(SystemExit, match="line 1: no pair"):
        pairing.read_pairs(listed, folder)
    with pytest.raises(SystemExit, match="neither a provenance"):
        pairing.read_folder(tmp_path / "none")


def test_the_blocks_of_a_large_table_lose_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    templates = chance.normal(size=(23, 8)).astype(np.float32)
    people = [pairing.Picture(str(n), f"p{n // 3}", "", frozenset()) for n in range(23)]
    whole = pairing.all_pairs(people, templates, None, None)
    monkeypatch.setattr(pairing, "BLOCK", 5)
    parts = pairing.all_pairs(people, templates, None, None)
    assert len(whole[0]) + len(whole[1]) == 23 * 22 // 2
    for one, other in zip(whole[:2], parts[:2], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_with_persons_enough_distances_are_normalised_by_the_events_cohort_and_its_bands() -> None:
    enrolled = Population(240).look()
    good = [
        accuracy.Photograph(str(n), f"p{n}", "", frozenset(), FaceProbe(MODEL, row.astype("<f4").tobytes()))
        for n, row in enumerate(enrolled)
    ]
    normal = pairing.normaliser("auto", good, PLAIN)
    assert normal is not None
    assert normal.bands is not None
    assert "10 centres of 216 persons" in normal.words
    figures = accuracy.weigh("all", good, None, normal)
    assert figures.fmr(normal.bands.accept).value < 2e-3
    assert pairing.normaliser("none", good) is None


def test_who_is_beyond_the_plain_ceiling_is_not_counted_as_admitted() -> None:
    bands = FaceBands(MODEL, "any", 0.5, 0.7, "c", ceiling=0.5)
    near_all = pairing.Normaliser(lambda templates, names, rows, columns: np.full((1, 1), -1.0, np.float32), "", bands)
    people = [pairing.Picture(str(n), f"p{n}", "", frozenset()) for n in range(2)]
    for apart, admitted in ((0.49, True), (0.51, False)):
        templates = np.array([[0.0], [apart]], np.float32)
        _, impostor, _ = pairing.all_pairs(people, templates, [("0", "1", False)], near_all)
        assert (float(impostor[0]) <= bands.accept) == admitted
