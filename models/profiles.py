"""Policy profiles: named starting points, and the face bands that ship.

The bands of dlib's network are narrow on purpose. On pairs of East-Asian faces its usual threshold of 0.6 takes a third
of all strangers for the holder; at 0.40 it is about one in a thousand, and a person looks at the rest.
"""

from __future__ import annotations

from dataclasses import replace

from models.credential import Assurance
from models.decision import Policy, Profile, ReEntryMode
from models.face import FaceBands

DLIB_BANDS = FaceBands("dlib-resnet-v1-hog5", population="any", accept=0.40, refuse=0.60)

_CARD = Policy(Profile.CARD, event="", min_assurance=Assurance.AUTHENTICATED)

_PROFILES = {
    Profile.CARD: _CARD,
    Profile.CONCERT: replace(
        _CARD,
        profile=Profile.CONCERT,
        needs_face=True,
        document_reference=True,
        bands=(DLIB_BANDS,),
        bound_before_s=24 * 3600.0,
    ),
    Profile.HOSPITAL: replace(
        _CARD,
        profile=Profile.HOSPITAL,
        min_assurance=Assurance.SIGNED,
        one_per_identity=False,
        reentry=ReEntryMode.SOFT,
        exits=True,
        early_s=1800.0,
    ),
    Profile.SCREENING: replace(
        _CARD,
        profile=Profile.SCREENING,
        needs_ticket=False,
        min_assurance=Assurance.SIGNED,
        one_per_identity=False,
        reentry=ReEntryMode.SOFT,
        exits=True,
    ),
}


def policy_of(profile: Profile, event: str) -> Policy:
    """The profile's policy for one event."""
    return replace(_PROFILES[profile], event=event)
