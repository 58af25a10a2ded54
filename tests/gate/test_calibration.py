"""Bands from recorded distances: by the strictest group, never from too few, and whether they have drifted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera import _visitors as visitors
from gate.calibration import Score, ScoresRefused, calibrate, drift, read_scores, write_scores
from gate.calibration_page import page
from gate.cli import main
from gate.commands._exits import Exit
from gate.commands._issue import _value
from models.decision import Decision, Reason, Verdict
from models.face import FaceBands
from models.wire import from_builtins
from tests.examples import examples
from tests.gate.core import strategies as tonight
from tests.gate.ledger_of_an_evening import Evening


def recorded(seed: int = 1, *, strangers: int = 4000, holders: int = 300, group: str = "", nearer: float = 0.0):
    """Distances as a model might give them; in a group that it knows less well strangers are `nearer`."""
    chance = np.random.default_rng(seed)
    return [
        *(Score(float(each), True, group) for each in np.abs(chance.normal(0.32, 0.06, holders))),
        *(Score(float(each), False, group) for each in np.abs(chance.normal(0.75 - nearer, 0.08, strangers))),
    ]


def typed(*words: object) -> Result:
    return CliRunner().invoke(main, ["calibrate", *map(str, words)])


def test_accept_keeps_to_the_wanted_rate_and_nearly_all_holders_are_nearer_than_refuse():
    found = calibrate(recorded(), "m", "site", 1e-3)
    assert found.bands is not None
    assert found.scores.fmr(found.bands.accept).value <= 1e-3
    assert found.scores.fnmr(found.bands.refuse).value <= 0.01
    assert (found.bands.model_version, found.bands.population, found.bands.cohort) == ("m", "site", "")


def test_the_group_that_the_model_knows_least_sets_accept():
    scores = [*recorded(1, group="west"), *recorded(2, group="east", nearer=0.15)]
    found = calibrate(scores, "m", "site", 1e-3)
    everybody, east, west = found.rows
    assert found.bands is not None
    assert found.bands.accept == east.own < everybody.own < west.own
    assert "accept is set by the group east" in found.words
    assert (east.genuine, east.impostor) == (300, 4000)


def test_a_group_too_small_for_a_threshold_is_named_and_still_shown():
    found = calibrate([*recorded(), *recorded(2, group="few", strangers=50)], "m", "site", 1e-3)
    assert found.words == ("too few pairs of strangers for a threshold of their own: few",)
    assert [row.own for row in found.rows][1] is None
    assert found.rows[1].fmr.trials == 50


def test_too_few_strangers_give_no_bands_and_the_number_it_takes():
    found = calibrate(recorded(strangers=2999), "m", "site", 1e-3)
    assert found.bands is None
    assert "it takes 3000, as 79 persons make" in found.words[0]


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.builds(Score, st.floats(0.0, 2.0), st.booleans(), st.sampled_from(["", "a", "b"])), max_size=200))
def test_whatever_was_recorded_the_bands_keep_to_the_rate_in_every_group_that_can_show_it(scores: list[Score]):
    found = calibrate(scores, "m", "site", 0.1)
    assert "<h1>" in page(found, "x")
    if found.bands is not None:
        assert 0 < found.bands.accept <= found.bands.refuse
        assert all(row.fmr.value <= 0.1 for row in found.rows if row.own is not None)


def test_scores_come_back_as_they_were_written(tmp_path: Path):
    file = tmp_path / "s.csv"
    written = [Score(0.25, True), Score(0.75, False, "a,b")]
    write_scores(file, written)
    assert read_scores(file) == written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "the columns distance and same"),
        ("", "the columns distance and same"),
        ("distance,same\n0.5,1\nnan,1\n", "line 3: the distance is no number"),
        ("distance,same\nfar,1\n", "line 2: the distance is no number"),
        ("distance,same\n0.5,yes\n", "line 2: same is 1"),
    ],
)
def test_a_file_that_holds_no_scores_is_refused_with_the_line(tmp_path: Path, text: str, told: str):
    file = tmp_path / "s.csv"
    file.write_text(text)
    with pytest.raises(ScoresRefused, match=told):
        read_scores(file)
    result = typed("scores", file, "--model", "m")
    assert (result.exit_code, told.split(":")[-1].strip() in result.output) == (Exit.NOT_RIGHT, True)


def test_the_same_camera_has_not_drifted_and_a_darker_hall_has():
    darker = [Score(each.distance + 0.05 * each.same, each.same) for each in recorded(3)]
    assert [each.moved for each in drift(recorded(1), recorded(2))] == [False, False]
    assert [(each.what, each.moved) for each in drift(recorded(1), darker)] == [("holders", True), ("strangers", False)]


def test_drift_ends_with_a_finding(tmp_path: Path):
    write_scores(tmp_path / "then.csv", recorded(1))
    write_scores(tmp_path / "now.csv", [Score(each.distance + 0.1, each.same) for each in recorded(2)])
    result = typed("drift", tmp_path / "then.csv", tmp_path / "now.csv")
    assert result.exit_code == Exit.NOT_RIGHT
    assert result.output.count("moved") == 2
    same = typed("drift", tmp_path / "then.csv", tmp_path / "then.csv")
    assert (same.exit_code, same.output.count("as before")) == (Exit.DONE, 2)


def test_what_is_printed_for_the_policy_is_what_the_policy_takes(tmp_path: Path):
    file, report = tmp_path / "s.csv", tmp_path / "r.html"
    write_scores(file, recorded())
    result = typed("scores", file, "--model", "m", "--population", "hall", "--report", report)
    assert result.exit_code == 0, result.output
    setting = re.search(r"--set 'bands=(.*)'", result.output)
    assert setting
    (plain,) = _value("bands", setting[1])
    bands = from_builtins(FaceBands, plain)
    measured = calibrate(read_scores(file), "m", "hall", 1e-3).bands
    assert measured is not None
    assert measured.accept - 1e-4 <= bands.accept <= measured.accept
    svg = re.search(r"<svg.*</svg>", report.read_text(), re.DOTALL)
    assert svg
    assert len(ElementTree.fromstring(svg[0]).findall("polyline")) == 2


def test_volunteers_are_compared_by_person_and_group_and_only_distances_are_kept(tmp_path: Path):
    for place, seed in (("a/Ann", 0), ("a/Bob", 1), ("b/Cid", 2)):
        (tmp_path / "v" / place).mkdir(parents=True)
        portrait = visitors.portrait(visitors.identity(visitors.CHOSEN[seed]))
        for number, alpha in enumerate((1.0, 0.93)):
            cv2.imwrite(str(tmp_path / "v" / place / f"{number}.png"), cv2.convertScaleAbs(portrait, alpha=alpha))
    cv2.imwrite(str(tmp_path / "v" / "b" / "Cid" / "none.png"), np.zeros((200, 200, 3), np.uint8))
    kept = tmp_path / "s.csv"
    result = typed("faces", tmp_path / "v", "--scores", kept, "--fmr", 0.25, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(next(line for line in result.output.splitlines() if line.startswith("{")))
    assert "7 pictures, 1 without a usable face" in result.output
    assert [(row["group"], row["genuine"], row["impostor"]) for row in told["groups"]] == [
        ("", 3, 12),
        ("a", 2, 4),
        ("b", 1, 0),
    ]
    assert "Ann" not in kept.read_text()


def test_a_folder_without_people_is_told(tmp_path: Path):
    result = typed("faces", tmp_path)
    assert (result.exit_code, "one a person" in result.output) == (Exit.NOT_RIGHT, True)


def test_a_lanes_own_decisions_give_the_distances_of_the_model_it_has_now(tmp_path: Path):
    evening = Evening(tmp_path)
    refused = Decision(Verdict.DENY, Reason.REFUSED_BY_STEWARD)
    old = replace(tonight.face(), comparison=replace(tonight.face().comparison, cohort="old"))
    evening.decide(tonight.good_facts(face=old), word=Decision(Verdict.ADMIT, Reason.OK))
    evening.decide(tonight.good_facts(face=tonight.face(0.25)))
    evening.decide(tonight.good_facts(face=tonight.face(0.75)), word=refused)
    evening.decide(tonight.good_facts(face=tonight.face(0.55)))  # referred, and nobody has said anything
    evening.decide(tonight.good_facts(face=None))
    evening.close()
    kept = tmp_path / "s.csv"
    result = typed("recorded", "--ledger", evening.path, "--scores", kept)
    assert result.exit_code == 0, result.output
    assert read_scores(kept) == [Score(0.25, True), Score(0.75, False)]
    assert "2 comparisons by dlib" in result.output
    assert "1 by another model or cohort" in result.output
