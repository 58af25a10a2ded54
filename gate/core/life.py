"""Is it a living face, as far as the policy asks? Where the machine doubts, a person looks: nobody is turned away."""

from __future__ import annotations

from models.decision import FaceFacts, Policy
from models.face import FaceProbe, FaceProblem
from models.pad import PadBand, PadChallenge, pad_band

FACING, ASIDE = 0.08, 0.15
"""How far the nose stands from the middle of the eyes when the head faces the camera, and when it is turned aside.

A picture that is turned about stays in its proportions: its nose moves with its eyes. Its landmarks may still be found
amiss: of twenty drawn sheets that were swung by 45 degrees, two large ones passed (`tests/bench/bench_liveness.py`).
"""


def band_of(face: FaceFacts, policy: Policy) -> PadBand:
    """The band of its score; everything is live for a policy that asks for no score."""
    if policy.pad_accept is None:
        return PadBand.LIVE
    return pad_band(face.pad_score, policy.pad_accept, policy.pad_doubt)


def is_live(face: FaceFacts, policy: Policy) -> bool:
    """Whether the machine may take it for living: by the score, or by a turned head where the policy has it so."""
    band = band_of(face, policy)
    if policy.pad_challenge is PadChallenge.ALWAYS:
        return band is PadBand.LIVE and face.turned
    if band is PadBand.DOUBTFUL and policy.pad_challenge is PadChallenge.DOUBT:
        return face.turned and face.pad_score is not None
    return band is PadBand.LIVE


def is_attack(face: FaceFacts, policy: Policy) -> bool:
    """Whether it looks like a picture of a face: a person is to look at once, and no further try is asked for."""
    return face.problem is None and not face.fault and band_of(face, policy) is PadBand.ATTACK


def asks_turn(face: FaceFacts | None, policy: Policy) -> bool:
    """Whether the next picture is to be of a head that turns: always, or after one that looked doubtful."""
    if policy.pad_challenge is PadChallenge.ALWAYS:
        return True
    doubtful = face is not None and face.comparison is not None and band_of(face, policy) is PadBand.DOUBTFUL
    return doubtful and policy.pad_challenge is PadChallenge.DOUBT


class Turn:
    """A challenge under way: the head faces the camera, turns aside, and faces it again, in sight all the while.

    Who turns aside and holds up a picture afterwards is out of sight in between, or stands beside it: then it begins
    anew. A quick hand is not to be seen by this.
    """

    def __init__(self) -> None:
        self._faced = self._turned = False

    def look(self, probe: FaceProbe) -> bool:
        """Whether it is met, with this frame; its probe is then the one to be compared."""
        if probe.problem is FaceProblem.BLURRED:  # a head that turns quickly
            return False
        if probe.problem not in (None, FaceProblem.TURNED):
            self._faced = self._turned = False
            return False
        away = abs(probe.quality.nose - 0.5)
        if away <= FACING and probe.problem is None:
            self._faced = True
            return self._turned
        self._turned = self._turned or (self._faced and away >= ASIDE)
        return False
