"""Snapshots as the gate sends them: one for every reason, and the situations of an evening at the lane."""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtWidgets import QWidget

from models.command import DeviceStatus, OnShift, Recent, Role, Snapshot
from models.credential import Medium
from models.decision import OfflineRule, Profile, Reason, Verdict
from models.link import Reach
from models.passage import Direction, Passage, Use
from models.ticket import ManifestState, Note, NoteKind
from models.view import LaneView, Mode, Phase, ShownHit, Who
from models.watch import HitMeans, WatchAction
from ui.fitting import FittedLabel
from ui.operator import OperatorWindow

NOW = 1_790_078_460.0
ADMITTED = (Reason.OK, Reason.OK_WITHOUT_FACE, Reason.OK_BY_STEWARD, Reason.OK_EMERGENCY)

FINAL = {
    **dict.fromkeys(
        (
            Reason.NO_TICKET,
            Reason.UNREADABLE_CARD,
            Reason.UNSUPPORTED_CARD,
            Reason.REJECTED_CARD,
            Reason.CARD_EXPIRED,
            Reason.WEAK_CREDENTIAL,
            Reason.CODE_USED,
            Reason.NOT_YET_VALID,
            Reason.EXPIRED,
            Reason.WRONG_GATE,
            Reason.WRONG_EVENT,
            Reason.REVOKED,
            Reason.UNBOUND,
            Reason.OCCUPANCY,
            Reason.REFUSED_BY_STEWARD,
            Reason.STEWARD_TIMEOUT,
        ),
        Verdict.DENY,
    ),
    **dict.fromkeys((Reason.PAUSED, Reason.OUT_OF_ORDER), Verdict.REFER),
}
"""The attempt is over with these, as the gate's rules have it; any other reason waits for a person."""

WHO = Who("欧阳*", "看台 B 区 312 排 18 座", "B 门，4 号楼梯上三层", "zh")

DEVICES = tuple(
    DeviceStatus(name, up=True, uses=uses, rated=rated)
    for name, uses, rated in (
        ("reader", 4_210, None),
        ("reader-2", 12, None),
        ("relay", 96_400, 100_000),
        ("sensor", 88_000, 1_000_000),
        ("camera", 0, None),
        ("vision", 0, None),
        ("signal", 0, None),
    )
)

RECENT = tuple(
    Recent(NOW - 14 * number, 120 - number, verdict, reason, name, seat, passage)
    for number, (verdict, reason, name, seat, passage) in enumerate(
        (
            (Verdict.ADMIT, Reason.OK, "张*", "B 12-18", Passage.PASSED),
            (Verdict.ADMIT, Reason.OK, "欧阳**", "B 12-19", Passage.PASSED),
            (Verdict.REFER, Reason.FACE_UNCERTAIN, "李*", "A 3-7", None),
            (Verdict.ADMIT, Reason.OK_BY_STEWARD, "李*", "A 3-7", Passage.PASSED),
            (Verdict.DENY, Reason.NO_TICKET, "", "", None),
            (Verdict.ADMIT, Reason.OK, "A*** S****", "VIP 2-1", Passage.NO_SHOW),
            (Verdict.ADMIT, Reason.OK, "王**", "C 30-2", Passage.PASSED),
            (Verdict.DENY, Reason.WRONG_GATE, "赵*", "D 1-1", None),
            (Verdict.ADMIT, Reason.OK, "陈*", "B 2-11", Passage.PASSED),
            (Verdict.ADMIT, Reason.OK, "周*", "B 2-12", Passage.UNKNOWN),
        )
    )
)


def calm(**view: object) -> Snapshot:
    """The lane at rest in the middle of an evening, with what `view` changes in it."""
    shown = LaneView("A3", Phase.IDLE, 0)
    return Snapshot(
        view=replace(shown, **view),  # type: ignore[arg-type]
        at=NOW,
        profile=Profile.CONCERT,
        event="夏日演唱会 2026",
        devices=DEVICES,
        manifest=ManifestState("summer", 7, NOW - 900, NOW + 86_400, tickets=18_400),
        inside=1_174,
        reach=Reach.ONLINE,
        counts={"admit": 1_204, "deny": 31, "refer": 58},
        recent=RECENT,
        per_minute=17.6,
        offline_rule=OfflineRule.ADMIT_AND_FLAG,
        stale_after_s=86_400.0,
        staff=(OnShift("s-7", "小林", Role.STEWARD, NOW - 7_000),),
        pins=True,
    )


def asked(reason: Reason, **more: object) -> Snapshot:
    """What the gate sends when this is the reason: who waits for a person is referred, the others are gone again."""
    view: dict[str, object] = {
        "attempt": 121,
        "reason": reason,
        "ticket": "t-1",
        "who": WHO,
        "medium": Medium.CHIP_CARD,
    }
    if reason in ADMITTED:
        view |= {"verdict": Verdict.ADMIT, "phase": Phase.RELEASED}
    elif reason in FINAL:
        view |= {"verdict": FINAL[reason], "phase": Phase.IDLE, "seconds": 3.0}
    else:
        settleable = reason is not Reason.MANIFEST_MISSING
        view |= {"verdict": Verdict.REFER, "phase": Phase.REFERRED, "settleable": settleable, "portrait": True}
    if reason is Reason.ALREADY_ADMITTED:
        first = Use("t-1", "p", Direction.ENTRY, Passage.PASSED, NOW - 2_400, "C1")
        view |= {"verdict": Verdict.DENY, "first_use": first}
    if reason is Reason.WATCHLISTED:
        view["hits"] = (ShownHit("倒卖票证核查", "市公安局治安总队", WatchAction.REVIEW, HitMeans.FACE),)
    return calm(**view | more)


NOTES = (
    Note(NoteKind.ACCESS_NEEDS, "轮椅，走 2 号电梯"),
    Note(NoteKind.CHECK, "学生票：看学生证", hold=True),
    Note(NoteKind.CHILD, "同行儿童 1.1 米"),
)

SITUATIONS: dict[str, Snapshot | None] = {
    "idle": calm(),
    "refused": calm(attempt=121, refused=Reason.NOT_YET_VALID, overridable=True),
    "go": asked(Reason.OK, notes=NOTES[:1], flags=("claim_unanswered",)),
    "capture": calm(phase=Phase.CAPTURE, attempt=121, hint="covered", who=WHO),
    "face": asked(Reason.FACE_UNCERTAIN),
    "poor": asked(Reason.POOR_FACE, notes=NOTES[2:]),
    "twice": asked(Reason.ALREADY_ADMITTED, overridable=True),
    "watch": asked(Reason.WATCHLISTED),
    "notes": asked(Reason.CONFIRM_FIRST, notes=NOTES),
    "denied": asked(Reason.NO_TICKET, who=Who()),
    "alone": replace(
        asked(Reason.CLAIM_UNANSWERED),
        reach=Reach.ALONE,
        offline_rule=OfflineRule.HOME_GATE_ONLY,
        clock_trusted=False,
        staff=(),
    ),
    "fire": calm(alerts=("held_open", "fire")),
    "jam": asked(Reason.DOCUMENT_NEEDED, alerts=("jam", "cabinet"), medium=Medium.CODE),
    "camera": replace(
        asked(Reason.DEVICE_FAULT),
        devices=(*DEVICES[:4], DeviceStatus("camera", up=False, why="no such device: /dev/gate-camera"), *DEVICES[5:]),
    ),
    "typed": asked(Reason.DOCUMENT_NEEDED, medium=Medium.TYPED),
    "typed_for_nothing": asked(Reason.WEAK_CREDENTIAL, medium=Medium.TYPED, overridable=True),
    "free": replace(calm(phase=Phase.FREE, mode=Mode.FREE), mode_until=NOW + 600),
    "hospital": replace(calm(), red_path=True),
    "companion": replace(asked(Reason.WHOSE_COMPANION, who=Who(), settleable=False), red_path=True),
    "face_in_hospital": replace(asked(Reason.FACE_UNCERTAIN, overridable=True), red_path=True),
    "refused_in_hospital": replace(calm(attempt=121, refused=Reason.NO_TICKET, overridable=True), red_path=True),
    "silent": None,
}


def misfits(window: OperatorWindow) -> list[str]:
    """Every text on the window that is cut short or runs out of its place."""
    found = []
    for part in window.findChildren(QWidget):
        if not part.isVisibleTo(window):
            continue
        if isinstance(part, FittedLabel):
            found += [] if part.fits() else [part.text()]
        elif hasattr(part, "misfits"):
            found += part.misfits()
    return found
