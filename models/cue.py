"""What lamps, buzzers and voices are told: eight cues, whatever the device makes of them."""

from __future__ import annotations

from enum import StrEnum

from models.decision import Verdict
from models.view import LaneView, Phase


class Cue(StrEnum):
    """One state of the lane as a person hears or sees it from afar."""

    READY = "ready"  # present a card
    WAIT = "wait"  # a card was read, the answer is coming
    LOOK = "look"  # look at the camera
    WELCOME = "welcome"  # pass
    HELP = "help"  # a person decides
    REFUSED = "refused"
    FREE = "free"  # the barrier stands open
    FAULT = "fault"  # out of order, or paused


_BY_PHASE = {
    Phase.LOOKUP: Cue.WAIT,
    Phase.CAPTURE: Cue.LOOK,
    Phase.RELEASED: Cue.WELCOME,
    Phase.REFERRED: Cue.HELP,
    Phase.PAUSED: Cue.FAULT,
    Phase.FAULT: Cue.FAULT,
    Phase.FREE: Cue.FREE,
}


def cue_of(view: LaneView) -> Cue:
    """The cue that goes with a view of the lane. An idle lane that still shows a refusal is heard refusing."""
    if view.phase is Phase.IDLE:
        shown = {Verdict.DENY: Cue.REFUSED, Verdict.REFER: Cue.HELP}
        return shown.get(view.verdict, Cue.READY) if view.verdict else Cue.READY
    return _BY_PHASE[view.phase]
