"""What the steward's window says beside the reason: the lane, the network, the data, the devices, the shift. Pure.

Each is a `Cell`: an icon, a line, a smaller line, and whether somebody should look. `words` are the language's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from models.command import DeviceStatus, Recent, Snapshot
from models.decision import OfflineRule, Reason, Verdict
from models.link import Reach
from models.passage import STANDING, Passage, SignalKind, Use
from models.view import LaneView, Mode, ShownHit
from ui.operator_taps import on_duty
from ui.view import Tap
from ui.words import Words

WORN = 0.9
"""From this share of what its data sheet promises, a device is told as nearly worn out."""

OF_THE_FACE = frozenset(
    {
        Reason.FACE_DECLINED,
        Reason.NO_REFERENCE,
        Reason.MODEL_MISMATCH,
        Reason.NO_FACE,
        Reason.POOR_FACE,
        Reason.NOT_LIVE,
        Reason.FACE_UNCERTAIN,
        Reason.FACE_MISMATCH,
        Reason.DEVICE_FAULT,
    }
)
"""To admit means here: a person compared."""

_GRAVEST_FIRST = (
    SignalKind.FIRE,
    SignalKind.TAMPER,
    SignalKind.JAM,
    SignalKind.HELD_OPEN,
    SignalKind.CABINET,
    SignalKind.STUCK,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing in few words. `look`: somebody should. `odd`: not as most are, to be found by the eye in a list.

    `short` stands in for a line that has no room.
    """

    icon: str
    line: str
    detail: str = ""
    look: bool = False
    odd: bool = False
    short: str = ""


def place(snapshot: Snapshot, words: Words) -> Cell:
    """Which lane this is, of which event, and how it is run when not as usual."""
    view = snapshot.view
    if view.mode is Mode.CONTROLLED:
        return Cell("", view.gate, snapshot.event)
    mode = words(f"mode.{view.mode}")
    until = snapshot.mode_until
    detail = words("operator.until", gate=view.gate, time=clock_time(until)) if until is not None else view.gate
    return Cell("", mode, detail, look=True)


def reach(snapshot: Snapshot, words: Words) -> Cell:
    """Online, the venue only, or alone; and what then holds for tickets nobody can vouch for."""
    if snapshot.reach is None:
        return Cell("no_network", words("reach.none"))
    rule = _offline_rule(snapshot.reach, snapshot.offline_rule, words)
    icon = "no_network" if snapshot.reach is Reach.ALONE else "network"
    return Cell(icon, words(f"reach.{snapshot.reach}"), rule, look=snapshot.reach is not Reach.ONLINE)


def _offline_rule(where: Reach, rule: OfflineRule | None, words: Words) -> str:
    """The rule is in force where nobody answers; elsewhere it need not be read."""
    return words(f"operator.offline_{rule}") if rule is not None and where is Reach.ALONE else ""


def data(snapshot: Snapshot, words: Words) -> Cell:
    """How old the tickets are, and whether the clock that says so can be believed."""
    if snapshot.window is not None:
        line = words("operator.event_by_word", actor=snapshot.window.actor)
        return Cell("clock", line, words("operator.clock_untrusted"), look=True)
    if not snapshot.clock_trusted:
        return Cell("clock", words("operator.clock_untrusted"), words("operator.clock_untrusted_next"), look=True)
    manifest = snapshot.manifest
    if manifest is None:
        return Cell("clock", words("operator.no_data"), look=True)
    age_s = max(0.0, snapshot.at - manifest.issued_at)
    old = snapshot.at > manifest.expires_at or 0 < snapshot.stale_after_s < age_s
    line = words("operator.data_old" if old else "operator.data_age", age=span(age_s, words))
    return Cell("clock", line, words("operator.tickets", count=f"{manifest.tickets:,}"), look=old)


def health(snapshot: Snapshot, words: Words) -> Cell:
    """The devices in one cell: the first that is down and why, else the one nearest its end, else that all is well."""
    down = [device for device in snapshot.devices if not device.up]
    if down:
        more = words("operator.and_more", count=len(down) - 1) if len(down) > 1 else ""
        line = words("operator.device_down", device=device_name(down[0].name, words))
        return Cell("cross", line, more or down[0].why, look=True)
    worn = max((device for device in snapshot.devices if wear(device) >= WORN), key=wear, default=None)
    well = words("operator.devices_well", count=len(snapshot.devices))
    if worn is None:
        return Cell("tick", well)
    percent = f"{wear(worn):.0%}"
    return Cell("warning", well, words("operator.worn", device=device_name(worn.name, words), percent=percent))


def wear(device: DeviceStatus) -> float:
    """The share of its promised life that a device has had; 0 where nobody wrote down a promise."""
    return device.uses / device.rated if device.rated else 0.0


def device(status: DeviceStatus, words: Words) -> Cell:
    """One device in the list: whether it works, why not, how worn it is."""
    name = device_name(status.name, words)
    if not status.up:
        return Cell("cross", words("operator.device_down", device=name), status.why, look=True)
    if status.rated is None:
        return Cell("tick", name)
    used = words("operator.uses", percent=f"{wear(status):.0%}")
    near = wear(status) >= WORN
    return Cell("warning" if near else "tick", name, used, odd=near)


def device_name(name: str, words: Words) -> str:
    """`reader-2` in words; a kind without words keeps its name."""
    kind, _, number = name.rpartition("-")
    if not number.isdigit():
        kind, number = name, ""
    key = f"device.{kind}"
    said = words(key) if words.has(key) else kind
    return f"{said} {number}" if number else said


def shift(snapshot: Snapshot, words: Words) -> Cell:
    """Who is on shift at this lane."""
    person = on_duty(snapshot)
    if person is None:
        need = snapshot.pins
        return Cell("person", words("operator.nobody_on_shift" if need else "operator.no_book"), look=need)
    others = len(snapshot.staff) - 1
    role = words(f"role.{person.role}")
    return Cell("person", person.name, words("operator.role_and_more", role=role, count=others) if others else role)


def today(snapshot: Snapshot, words: Words) -> Cell:
    """How many were let in, are inside, and come a minute."""
    counts = snapshot.counts
    line = words("operator.counts", admitted=f"{counts.get(Verdict.ADMIT, 0):,}", inside=f"{snapshot.inside:,}")
    asked, refused = counts.get(Verdict.REFER, 0), counts.get(Verdict.DENY, 0)
    rate = words("operator.rate", rate=f"{snapshot.per_minute:.0f}", asked=f"{asked:,}", refused=f"{refused:,}")
    return Cell("", line, rate)


def label(tap: Tap, reason: Reason | None, words: Words) -> str:
    """What a button says. To admit is another thing when a face, a document or an answer is in question."""
    special = f"operator.{tap}_{reason}"
    if words.has(special):
        return words(special)
    by_face = reason is None or reason in OF_THE_FACE
    return words(f"tap.{tap}") if tap is not Tap.ADMIT or by_face else words("operator.admit_plain")


def alerts(view: LaneView, words: Words) -> tuple[str, ...]:
    """What stands, the gravest first."""
    standing = sorted(STANDING, key=lambda kind: _rank(kind))
    known = [kind for kind in standing if kind.value in view.alerts]
    unknown = [name for name in view.alerts if name not in {kind.value for kind in STANDING}]
    return tuple(words(f"alert.{kind}") for kind in known) + tuple(unknown)


def _rank(kind: SignalKind) -> int:
    return _GRAVEST_FIRST.index(kind) if kind in _GRAVEST_FIRST else len(_GRAVEST_FIRST)


def more(view: LaneView, words: Words) -> str:
    """What else is to be known of this one: the first use, a list's purpose, what was let pass although not plain."""
    said = []
    if view.first_use is not None and view.reason is Reason.ALREADY_ADMITTED:
        said.append(_first_use(view.first_use, words))
    said += [_hit(hit, words) for hit in view.hits]
    said += [flag for name in view.flags if (flag := _flag(name, words))]
    return " · ".join(dict.fromkeys(said))


def _first_use(use: Use, words: Words) -> str:
    key = "operator.first_use" if use.passage is Passage.PASSED else "operator.first_use_unseen"
    return words(key, time=clock_time(use.at), gate=use.gate)


def _hit(hit: ShownHit, words: Words) -> str:
    return words("operator.hit", purpose=purpose_in_words(hit.purpose, words), owner=hit.owner)


def purpose_in_words(purpose: str, words: Words) -> str:
    """Why somebody is listed; a purpose of a site's own as it is written."""
    return words(f"purpose.{purpose}") if words.has(f"purpose.{purpose}") else purpose


def _flag(name: str, words: Words) -> str:
    """A flag in words; one that a newer gate raised is shown as it is rather than kept quiet."""
    if name.startswith("settled_"):
        return ""  # a person did that a moment ago
    return words(f"operator.flag_{name}") if words.has(f"operator.flag_{name}") else name.replace("_", " ")


def recent(one: Recent, words: Words) -> Cell:
    """One of the last ten: when, who as far as that may be said, where she sits, and how it ended."""
    icon = {Verdict.ADMIT: "tick", Verdict.DENY: "hand", Verdict.REFER: "person"}[one.verdict]
    unfinished = one.passage is Passage.NO_SHOW and one.verdict is Verdict.ADMIT
    end = words("operator.no_show") if unfinished else one.seat
    name = one.masked_name or words("operator.unknown_person")
    return Cell(
        "back" if unfinished else icon,
        f"{clock_time(one.at)} {name}",
        end,
        odd=one.verdict is not Verdict.ADMIT or unfinished,
        short=name,
    )


def clock_time(at: float) -> str:
    """Unix seconds as the venue's clock shows them."""
    return time.strftime("%H:%M", time.localtime(at))


def span(seconds: float, words: Words) -> str:
    """A stretch of time in its largest unit."""
    for key, unit in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit or (unit == 60 and seconds >= unit):
            return words(f"operator.{key}", count=int(seconds // unit))
    return words("operator.seconds", count=int(seconds))
