"""A device's own, stricter rules. The event's policy comes signed in the manifest; a device may only tighten it.

Where a signed policy turns out stricter than a device's word, the signed one stands: `tighten` names each such word and
`Loosening.policy` holds what applies without them, so that a new manifest never stops a lane.
"""

# ruff: noqa: RUF009  # a setting is a dataclass field, made by a function of ours
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from gate.setting import DISTANCES, SWITCH, choice, choices, number, setting, whole
from models.credential import Assurance
from models.decision import CodeNeed, OfflineRule, Policy, Reason, ReEntryMode
from models.face import FaceBands
from models.pad import PadChallenge
from models.typed import TypedNeed
from models.watch import WatchFallback

_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """`[policy]`: stricter rules of this device; what is looser than the event's own is refused.

    `None` asks for nothing. Names, units and senses are `Policy`'s.
    `face_accept` gives a model's greatest admitting distance.
    """

    needs_ticket: bool | None = setting(SWITCH, "true", "only on: a ticket is asked for", None)
    needs_face: bool | None = setting(SWITCH, "true", "only on: a face is compared", None)
    document_reference: bool | None = setting(SWITCH, "false", "only off: a document's portrait as reference", None)
    min_assurance: Assurance | None = setting(choice(Assurance), '"authenticated"', "only higher", None)
    face_accept: Mapping[str, float] | None = setting(DISTANCES, '{ "dlib-resnet-v1-hog5" = 0.38 }', "only lower", None)
    face_tries: int | None = setting(whole(1, 100), "2", "only lower", None)
    face_frames: int | None = setting(whole(1, 8), "3", "only higher: so many frames have to agree", None)
    face_wider: float | None = setting(number(0, 2), "0.5", "only higher: room for doubt at twins, children", None)
    face_ready_s: float | None = setting(number(0, 10), "0", "only lower; 0: no face before a card", None)
    pad_accept: float | None = setting(number(0, 1), "0.8", "only higher: how live a face must look", None)
    pad_doubt: float | None = setting(number(0, 1), "0.4", "only higher: below, a person looks at once", None)
    pad_challenge: PadChallenge | None = setting(
        choice(PadChallenge), '"always"', "only stricter: doubt, never, always; when to turn the head", None
    )
    early_s: float | None = setting(number(0, 30 * _DAY_S), "0", "only lower", None)
    one_per_identity: bool | None = setting(SWITCH, "true", "only on", None)
    bound_before_s: float | None = setting(number(0, 3650 * _DAY_S), "172800", "only higher", None)
    reentry: ReEntryMode | None = setting(choice(ReEntryMode), '"hard"', "only to hard", None)
    reentry_after_s: float | None = setting(number(0, 30 * _DAY_S), "3600", "only higher", None)
    exits: bool | None = setting(SWITCH, "false", "only off", None)
    occupancy_limit: int | None = setting(whole(0, 10_000_000), "4000", "only lower", None)
    guardian_within_s: float | None = setting(number(0, _DAY_S), "60", "only lower", None)
    stale_after_s: float | None = setting(number(0, 365 * _DAY_S), "43200", "only lower", None)
    claims: bool | None = setting(SWITCH, "true", "only on: another gate's use is asked for", None)
    offline_rule: OfflineRule | None = setting(choice(OfflineRule), '"refer"', "only stricter", None)
    capture_s: float | None = setting(number(0.5, 60), "4", "only lower", None)
    passage_s: float | None = setting(number(0.5, 60), "4", "only lower", None)
    refer_s: float | None = setting(number(5, 3600), "60", "only lower", None)
    lookup_s: float | None = setting(number(0.1, 60), "1", "only lower", None)
    watch_review_s: float | None = setting(number(5, 600), "90", "only higher: staff's time to look at a hint", None)
    watch_fallback: WatchFallback | None = setting(
        choice(WatchFallback), '"stay"', "only to stay: nobody goes on unseen", None
    )
    pulse_s: float | None = setting(number(0.05, 10), "0.3", "only lower", None)
    min_code_assurance: Assurance | None = setting(choice(Assurance), '"signed"', "only higher: of ticket codes", None)
    code_needs: CodeNeed | None = setting(
        choice(CodeNeed), '"steward"', "only stricter: what a code needs beside itself", None
    )
    typed_needs: TypedNeed | None = setting(
        choice(TypedNeed), '"document"', "only to document: typed documents open nothing", None
    )
    overridable: tuple[Reason, ...] | None = setting(
        choices(Reason), '["wrong_gate"]', "only fewer: what a supervisor may override", None
    )
    override_by_two: bool | None = setting(SWITCH, "true", "only on: an override needs two supervisors", None)
    show_portrait: bool | None = setting(SWITCH, "false", "only off: staff see the document's portrait", None)


class Loosening(ValueError):
    """The device asked for less than the signed policy does. `problems` names each; `policy` holds without them."""

    def __init__(self, problems: tuple[str, ...], policy: Policy) -> None:
        super().__init__("this device may only tighten the event's policy: " + "; ".join(problems))
        self.problems = problems
        self.policy = policy


@dataclass(frozen=True, slots=True)
class _Way:
    words: str
    keeps: Callable[[Any, Any], bool]  # (signed, wanted): whether wanted is as strict as signed or stricter


_OFFLINE = (OfflineRule.ADMIT_AND_FLAG, OfflineRule.HOME_GATE_ONLY, OfflineRule.REFER)
_CHALLENGES = (PadChallenge.DOUBT, PadChallenge.NEVER, PadChallenge.ALWAYS)  # by a turned head doubtful faces pass
_CODE_NEEDS = tuple(CodeNeed)  # from lax to strict
_LOWER = _Way("only be lowered", lambda signed, wanted: signed is None or wanted <= signed)
_HIGHER = _Way("only be raised", lambda signed, wanted: signed is None or wanted >= signed)
_ON = _Way("only be switched on", lambda signed, wanted: wanted or not signed)
_OFF = _Way("only be switched off", lambda signed, wanted: signed or not wanted)
_HARD = _Way("only become hard", lambda signed, wanted: wanted in (signed, ReEntryMode.HARD))
_STRICTER = _Way("only become stricter", lambda signed, wanted: _OFFLINE.index(wanted) >= _OFFLINE.index(signed))
_MORE = _Way("only become stricter", lambda signed, wanted: _CODE_NEEDS.index(wanted) >= _CODE_NEEDS.index(signed))
_SURER = _Way("only become stricter", lambda signed, wanted: _CHALLENGES.index(wanted) >= _CHALLENGES.index(signed))
_DOCUMENT = _Way("only become document", lambda signed, wanted: wanted in (signed, TypedNeed.DOCUMENT))
_STAYS = _Way("only become stay", lambda signed, wanted: wanted in (signed, WatchFallback.STAY))
_FEWER = _Way("only name fewer", lambda signed, wanted: set(wanted) <= set(signed))

WAYS: Mapping[str, _Way] = {
    "needs_ticket": _ON,
    "needs_face": _ON,
    "document_reference": _OFF,
    "min_assurance": _HIGHER,
    "face_tries": _LOWER,
    "face_frames": _HIGHER,
    "face_wider": _HIGHER,
    "face_ready_s": _LOWER,
    "pad_accept": _HIGHER,
    "pad_doubt": _HIGHER,
    "pad_challenge": _SURER,
    "early_s": _LOWER,
    "one_per_identity": _ON,
    "bound_before_s": _HIGHER,
    "reentry": _HARD,
    "reentry_after_s": _HIGHER,
    "exits": _OFF,
    "occupancy_limit": _LOWER,
    "guardian_within_s": _LOWER,
    "stale_after_s": _LOWER,
    "claims": _ON,
    "offline_rule": _STRICTER,
    "capture_s": _LOWER,
    "passage_s": _LOWER,
    "refer_s": _LOWER,
    "lookup_s": _LOWER,
    "watch_review_s": _HIGHER,
    "watch_fallback": _STAYS,
    "pulse_s": _LOWER,
    "min_code_assurance": _HIGHER,
    "code_needs": _MORE,
    "typed_needs": _DOCUMENT,
    "overridable": _FEWER,
    "override_by_two": _ON,
    "show_portrait": _OFF,
}


def tighten(policy: Policy, overrides: Overrides) -> Policy:
    """`policy` with the device's stricter words in it. Raises `Loosening`, naming every word that is not stricter."""
    changes: dict[str, Any] = {}
    problems: list[str] = []
    for name, way in WAYS.items():
        signed, wanted = getattr(policy, name), getattr(overrides, name)
        if wanted is None:
            continue
        if way.keeps(signed, wanted):
            changes[name] = wanted
        else:
            problems.append(f"{name} may {way.words} (signed: {signed}, here: {wanted})")
    tightened = _lower_accept(replace(policy, **changes), overrides.face_accept or {}, problems)
    if problems:
        raise Loosening(tuple(problems), tightened)
    return tightened


def _lower_accept(policy: Policy, ceilings: Mapping[str, float], problems: list[str]) -> Policy:
    models = {bands.model_version: bands for bands in policy.bands if not bands.cohort}
    lowered: dict[str, float] = {}
    for model, ceiling in ceilings.items():
        if model not in models:
            known = ", ".join(models) or "none"
            problems.append(f"face_accept names the model {model}, which the policy has no bands for (it has: {known})")
        elif ceiling > models[model].accept:
            signed = models[model].accept
            problems.append(f"face_accept of {model} may only be lowered (signed: {signed}, here: {ceiling})")
        else:
            lowered[model] = ceiling
    return replace(policy, bands=tuple(_lowered(bands, lowered.get(bands.model_version)) for bands in policy.bands))


def _lowered(bands: FaceBands, most: float | None) -> FaceBands:
    """`bands` that admit nobody whose plain distance is beyond `most`, be they for plain distances or normalised."""
    if most is None:
        return bands
    if not bands.cohort:
        return replace(bands, accept=most)
    return replace(bands, ceiling=most if bands.ceiling is None else min(most, bands.ceiling))


def given(overrides: Overrides) -> dict[str, Any]:
    """The words that were given, for the ledger and the technician."""
    values = {declared.name: getattr(overrides, declared.name) for declared in fields(overrides)}
    return {name: value for name, value in values.items() if value is not None}
