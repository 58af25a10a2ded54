"""The shipped models keep their versions, and their bands follow from the curves beside them."""

from __future__ import annotations

import pytest

from models.decision import Profile
from models.face_card import FaceCard, read_card, write_card
from models.face_models import BEST_FIRST, DLIB, KNOWN, MOBILEFACENET, SFACE, SHIPPED_BANDS, known_file
from models.profiles import DLIB_BANDS, policy_of


def test_versions_stay_as_they_are() -> None:
    """Templates in sealed manifests carry them: a new field of the recipe must not change them by the way."""
    versions = [card.model_version for card in (DLIB, MOBILEFACENET, SFACE)]
    assert versions == ["dlib-resnet-v1-hog5", "mobilefacenet-2a3ac3d63650", "sface-110cb4a85749"]


@pytest.mark.parametrize("card", KNOWN, ids=lambda card: card.name)
def test_cards_can_be_written_and_read(card: FaceCard) -> None:
    assert read_card(write_card(card)) == card
    assert all(file.is_plain and known_file(file.sha256) == file for file in card.files)


@pytest.mark.parametrize("card", KNOWN, ids=lambda card: card.name)
def test_no_stranger_was_admitted_by_the_bands_and_curves_go_one_way(card: FaceCard) -> None:
    for measured in card.measured:
        points = {point.distance: point for point in measured.curve}
        assert points[measured.accept].false_matches == 0
        assert measured.refuse in points
        assert points[measured.accept].impostors >= 600
        matches = [point.false_matches for point in measured.curve]
        misses = [point.false_non_matches for point in measured.curve]
        assert (matches, misses) == (sorted(matches), sorted(misses, reverse=True))


def test_the_better_network_comes_first_and_profiles_know_the_bands_of_all() -> None:
    assert BEST_FIRST == (MOBILEFACENET, DLIB)
    for profile in (Profile.CONCERT, Profile.HOSPITAL):
        assert policy_of(profile, "e").bands == SHIPPED_BANDS
    assert DLIB.bands() == DLIB_BANDS == SHIPPED_BANDS[0]
    assert SFACE.bands() is None
