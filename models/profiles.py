"""Policy profiles: named starting points, and the face bands that ship.

The bands of dlib's network are narrow on purpose. On pairs of East-Asian faces its usual threshold of 0.6 takes a third
of all strangers for the holder; at 0.40 it is about one in a thousand, and a person looks at the rest.

Of ticket codes only signed ones count, and none counts alone, for a picture of it looks the same:

- concert: the face is compared with the ticket's reference, as for cards; who declines goes by a person's eye.
- card: no face is known here, so a person looks at a document.
- hospital: the same. Patients have forgotten an ID sooner than a phone, and are not to be turned away by a machine; but
  appointments are traded, and a code proves nothing of who holds it. No face: few patients have a reference, whoever
  declines would end before the same person, and nobody should have to be photographed to see a doctor.
- screening: a code names no person who could be looked for in a list, so it opens nothing.

A document that no reader can read, a person reads off and types: a temporary ID, a passport, a household book. Nobody
has asked a chip, so its assurance is `uid_only`, and by `min_assurance` it would open nothing anywhere. But the steward
held it in his hand, which no code can say of itself. So where there are tickets, a typed document is looked up, and who
has one is referred (`document_needed`): the steward, or another, compares the portrait in the document with the visitor
and says so, under his name. It is no way around the ticket, its gate and time, or a list, and no face is taken for it.
Screening has no ticket that a number would have to agree with, and a number can be chosen to be on no list: there a
typed document opens nothing.

Whom a list knows, a person looks at, within `watch_review_s`. Where nobody came in that time, the hospital lets her go
on with a note, for she may be a patient; elsewhere the word stays. None of them refuses her for it.

What a supervisor may override, beside what every steward settles:

- concert and card: a document that the reader can't vouch for, one that has run out, the wrong door, a little too
  early: with each the right holder of a good ticket stands there. Not a ticket whose time is over, for yesterday's is
  not tonight's; nor a ticket bound too late or a full house: both are conditions of the permit, and not the venue's.
- hospital: these too. Whoever is late, or one too many, is still a patient.
- screening: a document that has run out, which still names her. Not one that anybody can copy: whom it names was looked
  for in the lists, and who holds it was not.
"""

from __future__ import annotations

from dataclasses import replace

from models.credential import Assurance
from models.decision import CodeNeed, Policy, Profile, Reason, ReEntryMode
from models.face import FaceBands
from models.face_models import SHIPPED_BANDS
from models.typed import TypedNeed
from models.watch import WatchFallback

DLIB_BANDS = FaceBands("dlib-resnet-v1-hog5", population="any", accept=0.40, refuse=0.60)
"""One of `face_models.SHIPPED_BANDS`, where all that was measured is told, of MobileFaceNet too."""

MAY_BE_OVERRIDDEN = frozenset(
    {
        Reason.WEAK_CREDENTIAL,
        Reason.CARD_EXPIRED,
        Reason.WRONG_GATE,
        Reason.NOT_YET_VALID,
        Reason.EXPIRED,
        Reason.UNBOUND,
        Reason.OCCUPANCY,
    }
)
"""All that a policy may hand to supervisors; what else it names is passed over.

A list's hit is settled by the word that clears it, and a "no" by no other person's "yes". Where nothing was read, no
ticket found, or the manifest is missing or another event's, there is nothing to admit on. A withdrawn ticket may have
been sold again, and a used code may be a picture of one: the box office puts both right for everybody at once.
"""

_CARD = Policy(
    Profile.CARD,
    event="",
    min_assurance=Assurance.AUTHENTICATED,
    min_code_assurance=Assurance.SIGNED,
    code_needs=CodeNeed.STEWARD,
    typed_needs=TypedNeed.STEWARD,
    overridable=(Reason.WEAK_CREDENTIAL, Reason.CARD_EXPIRED, Reason.WRONG_GATE, Reason.NOT_YET_VALID),
)

_PROFILES = {
    Profile.CARD: _CARD,
    Profile.CONCERT: replace(
        _CARD,
        profile=Profile.CONCERT,
        code_needs=CodeNeed.FACE,
        needs_face=True,
        document_reference=True,
        bands=SHIPPED_BANDS,
        face_cohort=True,
        face_wider=0.25,
        bound_before_s=24 * 3600.0,
    ),
    Profile.HOSPITAL: replace(
        _CARD,
        profile=Profile.HOSPITAL,
        face_cohort=True,
        face_wider=0.25,
        bands=SHIPPED_BANDS,  # for a site that has its patients' consent and sets `needs_face`
        min_assurance=Assurance.SIGNED,
        one_per_identity=False,
        reentry=ReEntryMode.SOFT,
        exits=True,
        early_s=1800.0,
        watch_fallback=WatchFallback.ADMIT_WITH_NOTE,
        companions=1,
        red_path=True,
        overridable=(*_CARD.overridable, Reason.EXPIRED, Reason.UNBOUND, Reason.OCCUPANCY),
    ),
    Profile.SCREENING: replace(
        _CARD,
        profile=Profile.SCREENING,
        code_needs=CodeNeed.DOCUMENT,
        typed_needs=TypedNeed.DOCUMENT,
        needs_ticket=False,
        min_assurance=Assurance.SIGNED,
        one_per_identity=False,
        reentry=ReEntryMode.SOFT,
        exits=True,
        frequent_times=10,
        overridable=(Reason.CARD_EXPIRED,),
    ),
}


def policy_of(profile: Profile, event: str) -> Policy:
    """The profile's policy for one event."""
    return replace(_PROFILES[profile], event=event)
