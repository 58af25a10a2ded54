"""From what the gate tells to what a screen says: pure, and the same for the same snapshot.

`visitor_screen` never accuses, and never says what bystanders should not read: a list, another person's use of the
ticket and a face that does not match are a colleague's business. `steward_screen` says it in plain words, and which
taps would help, the obvious one first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from models.command import Snapshot
from models.credential import Medium
from models.decision import Profile, Reason, Verdict
from models.view import LaneView, Mode, Phase
from ui.words import Words


class Tone(StrEnum):
    """The mood of a whole screen; `ui.theme` gives it colour, icon, shape and sound."""

    CALM = "calm"
    GO = "go"
    LOOK = "look"
    WAIT = "wait"
    DESK = "desk"  # a person helps
    STOP = "stop"  # refused; staff alone see this
    OUT = "out"


class Tap(StrEnum):
    """What a button of the steward does."""

    RETRY_FACE = "retry_face"
    ADMIT = "admit"
    REFUSE = "refuse"
    CONFIRM = "confirm"
    CLEAR_WATCH = "clear_watch"
    SKIP_FACE = "skip_face"
    HOLDER_HERE = "holder_here"
    OVERRIDE = "override"
    TYPE = "type"
    SUPERVISOR = "supervisor"
    MODE = "mode"
    COMPANION = "companion"
    RED = "red"
    RED_WHY = "red_why"
    SIGHTING = "sighting"


@dataclass(frozen=True, slots=True)
class Screen:
    """What a screen says. `icon` is a name in `ui.icons`, `key` where the words came from; the words are ready."""

    tone: Tone
    icon: str
    key: str
    title: str
    body: str = ""
    next: str = ""
    sound: str = ""  # "", "go", "look", "stop", "desk"
    seconds: float = 0.0  # how long; 0: until the next
    taps: tuple[Tap, ...] = ()  # for the steward: the one obvious action first, then the others


OK_REASONS = (Reason.OK, Reason.OK_WITHOUT_FACE, Reason.OK_BY_STEWARD, Reason.OK_EMERGENCY)

BUSY = (Phase.LOOKUP, Phase.CAPTURE)
"""Somebody is in the lane and the machine is at work."""

_ICONS = {
    Reason.NO_TICKET: "ticket",
    Reason.UNREADABLE_CARD: "card",
    Reason.UNSUPPORTED_CARD: "card",
    Reason.WEAK_CREDENTIAL: "document",
    Reason.DOCUMENT_NEEDED: "document",
    Reason.CODE_USED: "code",
    Reason.CARD_EXPIRED: "calendar",
    Reason.NOT_YET_VALID: "clock",
    Reason.EXPIRED: "clock",
    Reason.WRONG_GATE: "way",
    Reason.WRONG_EVENT: "calendar",
    Reason.REVOKED: "ticket",
    Reason.UNBOUND: "ticket",
    Reason.OCCUPANCY: "people",
    Reason.GUARDIAN_NEEDED: "child",
    Reason.NO_FACE: "face",
    Reason.POOR_FACE: "face",
    Reason.NOT_LIVE: "face",
    Reason.STEWARD_TIMEOUT: "card",
    Reason.PAUSED: "way",
    Reason.OUT_OF_ORDER: "way",
    Reason.MANIFEST_MISSING: "way",
}
"""What the visitor needs next, as a picture; any other reason shows a person who comes."""

_CLOSED = (Reason.PAUSED, Reason.OUT_OF_ORDER, Reason.MANIFEST_MISSING)
"""It is the lane that can't, whoever came."""

_ANSWERS: dict[Reason, tuple[Tap, ...]] = {
    Reason.CONFIRM_FIRST: (Tap.CONFIRM, Tap.REFUSE),
    Reason.WHOSE_COMPANION: (Tap.COMPANION, Tap.REFUSE),
    Reason.WATCHLISTED: (Tap.CLEAR_WATCH, Tap.REFUSE, Tap.SUPERVISOR),
    Reason.ALREADY_ADMITTED: (Tap.HOLDER_HERE, Tap.REFUSE),
    Reason.DUPLICATE_IDENTITY: (Tap.HOLDER_HERE, Tap.REFUSE),
    Reason.NO_FACE: (Tap.RETRY_FACE, Tap.ADMIT, Tap.REFUSE),
    Reason.POOR_FACE: (Tap.RETRY_FACE, Tap.ADMIT, Tap.REFUSE),
    Reason.NOT_LIVE: (Tap.RETRY_FACE, Tap.ADMIT, Tap.REFUSE),
    Reason.FACE_UNCERTAIN: (Tap.ADMIT, Tap.RETRY_FACE, Tap.REFUSE),
    Reason.FACE_MISMATCH: (Tap.ADMIT, Tap.RETRY_FACE, Tap.REFUSE),
}
"""What settles a reason, where it is not a plain admit or refuse."""

_TYPED = (Reason.UNREADABLE_CARD, Reason.UNSUPPORTED_CARD, Reason.WEAK_CREDENTIAL, Reason.NO_TICKET)
"""A document that is read off by eye may help."""


_OTHERWISE = {Medium.CODE: "code", Medium.TYPED: "typed"}
"""The sections of what is said otherwise of a code, and of a document that was read off."""


def reason_key(reason: Reason, medium: Medium | None, words: Words) -> str:
    """Where the words for a reason stand: some are said otherwise to somebody who holds up a code."""
    key = f"{_OTHERWISE[medium]}.{reason.value}" if medium in _OTHERWISE else ""
    return key if words.has(f"{key}.visitor") else f"reason.{reason.value}"


def asks_for_faces(snapshot: Snapshot | None) -> bool:
    """Whether this lane looks at faces: then the law wants its notice, and a way around it."""
    return snapshot is not None and (snapshot.profile is Profile.CONCERT or bool(snapshot.mirror))


def visitor_screen(snapshot: Snapshot | None, words: Words) -> Screen:
    """What the person in the lane sees. `None`: the gate is silent."""
    if snapshot is None:
        return _visitor(Tone.OUT, "barred", "out_of_service", words)
    view = snapshot.view
    if "fire" in view.alerts:
        return _visitor(Tone.STOP, "way", "visitor.fire", words, sound="stop")
    if view.phase is Phase.RELEASED:
        return _welcome(view, words)
    if view.reason is not None and view.verdict in (Verdict.DENY, Verdict.REFER):
        return _next_step(view, view.reason, words)
    return _visitor_phase(view, words)


def _visitor_phase(view: LaneView, words: Words) -> Screen:
    if view.mode is Mode.OUT_OF_ORDER and view.phase not in BUSY:
        return _visitor(Tone.OUT, "way", "phase.fault", words)
    match view.phase:
        case Phase.CAPTURE:
            return _look_here(view, words)
        case Phase.LOOKUP:
            return _visitor(Tone.WAIT, "hourglass", "phase.lookup", words)
        case Phase.REFERRED:
            return _visitor(Tone.DESK, "person", "phase.referred", words, sound="desk")
        case Phase.FREE:
            return _visitor(Tone.GO, "way", "phase.free", words)
        case Phase.PAUSED:
            return _visitor(Tone.OUT, "way", "phase.paused", words)
        case Phase.FAULT:
            return _visitor(Tone.OUT, "way", "phase.fault", words)
        case _:
            return _visitor(Tone.CALM, "card", "phase.idle", words)


def _visitor(tone: Tone, icon: str, key: str, words: Words, *, sound: str = "", seconds: float = 0.0) -> Screen:
    title, body, step = words(f"{key}.visitor"), words(f"{key}.visitor_body"), words(f"{key}.step")
    return Screen(tone, icon, key, title, body, step, sound, seconds)


def _look_here(view: LaneView, words: Words) -> Screen:
    """One hint at a time, the one that helps most; the gate chose it."""
    key = f"hint.{view.hint}"
    body = words(key) if view.hint and words.has(key) else words("phase.capture.visitor_body")
    return Screen(Tone.LOOK, "face", "phase.capture", words("phase.capture.visitor"), body, "", "look")


def _welcome(view: LaneView, words: Words) -> Screen:
    """Welcome, the seat, the way. No name: it is nobody's business in the queue."""
    key = f"reason.{(view.reason or Reason.OK).value}"
    seat = words("visitor.seat", seat=view.who.seat) if view.who.seat else ""
    return Screen(Tone.GO, "tick", key, words(f"{key}.visitor"), seat, view.who.way, "go", view.seconds)


def _next_step(view: LaneView, reason: Reason, words: Words) -> Screen:
    key = reason_key(reason, view.medium, words)
    tone = Tone.OUT if reason in _CLOSED else Tone.DESK
    icon = "code" if view.medium is Medium.CODE and reason in _TYPED else _ICONS.get(reason, "person")
    return Screen(tone, icon, key, words(f"{key}.visitor"), "", words(f"{key}.step"), "desk", view.seconds)


def steward_screen(snapshot: Snapshot | None, words: Words) -> Screen:
    """What the steward sees: the verdict in a word or two, the reason in plain words, what to do. `None`: silence."""
    if snapshot is None:
        return _steward(Tone.OUT, "barred", "out_of_service", words)
    screen = _steward_screen(snapshot.view, words)
    red = _red_taps(snapshot) if snapshot.red_path else ()
    return replace(screen, taps=(*screen.taps, *_sighting_taps(snapshot, screen, len(red)), *red))


def _sighting_taps(snapshot: Snapshot, screen: Screen, more: int) -> tuple[Tap, ...]:
    """While the lane rests or waits for a person, and the row has room. An office has no tickets to scalp."""
    still = snapshot.view.phase in (Phase.IDLE, Phase.REFERRED, Phase.FREE, Phase.PAUSED)
    room = 0 < len(screen.taps) <= (5 if screen.tone is Tone.CALM else 4) - more
    calm = still and room and not {"fire", "tamper"} & set(snapshot.view.alerts)
    return (Tap.SIGHTING,) if calm and snapshot.profile is not Profile.SCREENING else ()


def _red_taps(snapshot: Snapshot) -> tuple[Tap, ...]:
    """The red path is open whoever is in the lane, but where it stands open anyway or can't move."""
    view = snapshot.view
    if view.mode in (Mode.FREE, Mode.OUT_OF_ORDER) or view.phase in (Phase.RELEASED, Phase.FAULT):
        return ()
    return (Tap.RED, Tap.RED_WHY) if view.phase is Phase.IDLE and view.reason is None else (Tap.RED,)


def _steward_screen(view: LaneView, words: Words) -> Screen:
    if view.reason is not None and view.verdict is not None:
        return _verdict(view, view.verdict, view.reason, words)
    if view.alerts and view.phase not in (*BUSY, Phase.RELEASED, Phase.REFERRED):
        return _alert(view, words)
    return _steward_phase(view, words)


def _verdict(view: LaneView, verdict: Verdict, reason: Reason, words: Words) -> Screen:
    key = reason_key(reason, view.medium, words)
    tone = {Verdict.ADMIT: Tone.GO, Verdict.REFER: Tone.DESK, Verdict.DENY: Tone.STOP}[verdict]
    icon, sound = {Tone.GO: ("tick", "go"), Tone.DESK: ("person", "desk")}.get(tone, ("hand", "stop"))
    title, body, step = (words(f"{key}.{voice}") for voice in ("short", "staff", "next"))
    return Screen(tone, icon, key, title, body, step, sound, view.seconds, _taps(view, reason))


def _taps(view: LaneView, reason: Reason) -> tuple[Tap, ...]:
    """What would help now; the gate takes nothing else. Over an attempt that is over, only a new one helps."""
    override = (Tap.OVERRIDE,) if view.overridable else ()
    if reason in OK_REASONS:
        return ()
    if view.phase is Phase.REFERRED:
        special = (Reason.CONFIRM_FIRST, Reason.WATCHLISTED, Reason.WHOSE_COMPANION)
        if view.settleable or reason in special:
            return (*_ANSWERS.get(reason, (Tap.ADMIT, Tap.REFUSE)), *override)
        return (*(override or (Tap.SUPERVISOR,)), Tap.REFUSE)
    if reason in (Reason.PAUSED, Reason.OUT_OF_ORDER):
        return (Tap.MODE, Tap.SUPERVISOR)
    return (*override, *((Tap.TYPE,) if reason in _TYPED else ()), Tap.SUPERVISOR)


def _alert(view: LaneView, words: Words) -> Screen:
    """A sensor told of a state that stands while nobody is in the lane: the gravest first."""
    grave = [alert for alert in view.alerts if alert in ("fire", "tamper")]
    alert = (grave or list(view.alerts))[0]
    key = f"alert.{alert}"
    if not words.has(f"alerted.{alert}.staff"):
        return _steward_phase(view, words)
    tone, icon, sound = (Tone.STOP, "hand", "stop") if grave else (Tone.DESK, "bell", "desk")
    title, body, step = words(key), words(f"alerted.{alert}.staff"), words(f"alerted.{alert}.next")
    return Screen(tone, icon, key, title, body, step, sound, 0.0, (Tap.SUPERVISOR, Tap.MODE))


def _steward_phase(view: LaneView, words: Words) -> Screen:
    if view.mode is Mode.OUT_OF_ORDER and view.phase not in (*BUSY, Phase.RELEASED, Phase.REFERRED):
        return _steward(Tone.OUT, "barred", "phase.out_of_order", words, taps=(Tap.MODE, Tap.SUPERVISOR))
    match view.phase:
        case Phase.CAPTURE:
            screen = _steward(Tone.LOOK, "face", "phase.capture", words, "look", (Tap.SKIP_FACE, Tap.REFUSE))
            key = f"hint.{view.hint}"
            return replace(screen, body=words(key)) if view.hint and words.has(key) else screen
        case Phase.LOOKUP:
            return _steward(Tone.WAIT, "hourglass", "phase.lookup", words)
        case Phase.RELEASED:
            return _steward(Tone.GO, "tick", "phase.released", words, "go")
        case Phase.REFERRED:
            return _steward(Tone.DESK, "person", "phase.referred", words, "desk", (Tap.SUPERVISOR, Tap.REFUSE))
        case Phase.FREE:
            return _steward(Tone.GO, "way", "phase.free", words, taps=(Tap.MODE, Tap.SUPERVISOR))
        case Phase.PAUSED:
            return _steward(Tone.OUT, "barred", "phase.paused", words, taps=(Tap.MODE, Tap.SUPERVISOR))
        case Phase.FAULT:
            return _steward(Tone.OUT, "barred", "phase.fault", words, taps=(Tap.SUPERVISOR, Tap.MODE))
        case _:
            return _at_rest(view, words)


def _at_rest(view: LaneView, words: Words) -> Screen:
    """The lane waits for the next one; the last one may have been refused, and stand there still with a supervisor."""
    screen = _steward(Tone.CALM, "card", "phase.idle", words, taps=(Tap.TYPE, Tap.SUPERVISOR))
    if view.refused is None or not view.overridable:
        return screen
    last = words("phase.idle.refused", reason=words(f"reason.{view.refused.value}.short"))
    return replace(screen, next=last, taps=(Tap.TYPE, Tap.OVERRIDE, Tap.SUPERVISOR))


def _steward(tone: Tone, icon: str, key: str, words: Words, sound: str = "", taps: tuple[Tap, ...] = ()) -> Screen:
    title, body, step = (words(f"{key}.{voice}") for voice in ("short", "staff", "next"))
    return Screen(tone, icon, key, title, body, step, sound, 0.0, taps)
