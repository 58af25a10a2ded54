"""A face model that nobody has measured here admits nobody, however alike two faces look to it."""

from __future__ import annotations

import pytest

from gate.core.decide import decide
from models.decision import Reason, Verdict
from models.face import Comparison, FaceFacts
from models.face_models import KNOWN, SFACE, SHIPPED_BANDS
from models.profiles import Profile
from tests.gate.core.strategies import NOW, good_facts, lookup, policy, ticket


def test_of_the_known_models_sface_alone_is_unmeasured() -> None:
    assert [card.name for card in KNOWN if card.bands() is None] == [SFACE.name]
    assert SFACE.model_version not in {bands.model_version for bands in SHIPPED_BANDS}
    assert "no bands" in SFACE.warning


@pytest.mark.parametrize("distance", [0.0, 0.2, 1.0])
def test_where_nobody_measured_it_a_person_compares(distance: float) -> None:
    face = FaceFacts(Comparison(distance, SFACE.model_version), model_version=SFACE.model_version)
    facts = good_facts(lookup=lookup(ticket(reference_model=SFACE.model_version)), face=face)
    decision = decide(facts, policy(Profile.CONCERT, bands=SHIPPED_BANDS), NOW)
    assert (decision.verdict, decision.reason) == (Verdict.REFER, Reason.MODEL_MISMATCH)
