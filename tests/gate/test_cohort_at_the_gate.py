"""From the manifest's cohort to the core: which rules the gate gets of it, and for which references it counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gate.messages import FaceProbed
from gate.stores import Rules
from gate.visitor import Visitor
from models.decision import Policy, Profile
from models.face import FaceProbe, FaceReference
from tests.cohorts import MODEL, PLAIN, Population, cohort_from, reference
from tests.gate.lane_bench import EVENT, contents, load, open_stores

CROWD = Population(300)
COHORT = cohort_from(CROWD.look())
POLICY = Policy(Profile.CONCERT, EVENT, bands=(PLAIN,), face_cohort=True)
ANNA, HERSELF = Population(2, seed=9).look()


def rules_of(folder: Path, policy: Policy) -> Rules:
    """What a gate makes of a manifest with this policy and the cohort."""
    load(folder, replace(contents([], policy=policy), cohort=(COHORT,)))
    stores = open_stores(folder)
    try:
        return stores.rules(None)
    finally:
        stores.close()


def compared(rules: Rules, enrolled: bool = True):
    """The probe beside Anna's enrolled reference, or beside her document's portrait."""
    visitor, probe = Visitor(), FaceProbe(MODEL, HERSELF.astype("<f4").tobytes())
    visitor.expect({"T1": reference(ANNA)} if enrolled else {}, portrait=b"picture")
    visitor.look_for("T1", 4)
    portrait = None if enrolled else FaceReference(MODEL, reference(ANNA).template)
    return visitor.compare(FaceProbed(4, probe, reference=portrait), rules).face.comparison


def test_the_rules_in_force_get_the_cohorts_bands(tmp_path: Path):
    rules = rules_of(tmp_path, POLICY)
    assert rules.cohort == COHORT
    assert rules.policy.bands == (PLAIN, COHORT.bands(PLAIN))


def test_without_the_policys_word_it_counts_for_nothing(tmp_path: Path):
    rules = rules_of(tmp_path, replace(POLICY, face_cohort=False))
    assert (rules.cohort, rules.policy.bands) == (None, (PLAIN,))
    assert compared(rules).cohort == ""


def test_an_enrolled_face_is_compared_with_it_and_a_documents_portrait_is_not(tmp_path: Path):
    rules = rules_of(tmp_path, POLICY)
    normalised, plain = compared(rules), compared(rules, enrolled=False)
    assert (normalised.cohort, plain.cohort, plain.plain) == (COHORT.digest, "", None)
    assert normalised.plain == pytest.approx(plain.distance)
    assert plain.distance == pytest.approx(float(np.linalg.norm(ANNA - HERSELF)), abs=1e-5)
    assert normalised.distance != plain.distance
