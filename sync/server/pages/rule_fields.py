"""The rules of an event that an organiser or a hospital changes on the page: how each is asked, what a form says of it.

Not asked here is what only an integrator sets, who has measured it at the site: how strong a card or a code must be,
the bands, `face_tries`, `face_old_after_s`, `pad_doubt` and `watch_distance`; the times of the hardware (`capture_s`,
`lookup_s`, `passage_s`, `pulse_s`, `show_s`, `claim_s`), `utc_offset_s`; and what a profile is made of, `needs_ticket`
and `bound_categories`. The interface takes them all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.decision import CodeNeed, OfflineRule, Policy, Profile, Reason, ReEntryMode
from models.pad import USUAL_ACCEPT, PadChallenge
from models.profiles import MAY_BE_OVERRIDDEN, policy_of
from models.typed import TypedNeed
from models.watch import WatchFallback
from models.wire import to_builtins
from sync.server.problems import Refused

MINUTE_S, HOUR_S, PERCENT = 60.0, 3600.0, 0.01


@dataclass(frozen=True, slots=True)
class YesNo:
    """A box to tick."""

    name: str

    def shown(self, policy: Policy) -> bool:
        """Whether it is ticked."""
        return bool(getattr(policy, self.name))

    def read(self, form: Mapping[str, str]) -> Any:
        """What the form says."""
        return form.get(self.name) == "yes"


@dataclass(frozen=True, slots=True)
class Threshold(YesNo):
    """A box to tick, for a rule that is asked from its `usual` value on; what an integrator has set instead stays."""

    usual: float

    def shown(self, policy: Policy) -> bool:
        """Whether it is asked at all."""
        return getattr(policy, self.name) is not None

    def read(self, form: Mapping[str, str]) -> Any:
        """What the form says; `None`: it isn't asked."""
        return self.usual if form.get(self.name) == "yes" else None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list."""

    name: str
    kinds: type[StrEnum]

    def shown(self, policy: Policy) -> str:
        """What is chosen."""
        return str(getattr(policy, self.name))

    def read(self, form: Mapping[str, str]) -> Any:
        """What the form says; whether it is in the list is asked where every rule is."""
        return form.get(self.name, "")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, asked in a `unit` of so many of the policy's own. `or_none`: left empty, the rule isn't asked."""

    name: str
    unit: str = ""
    size: float = 1.0
    or_none: bool = False
    whole: bool = False

    def shown(self, policy: Policy) -> str:
        """The number as it is typed."""
        value = getattr(policy, self.name)
        return "" if value is None else f"{value / self.size:.10g}"

    def read(self, form: Mapping[str, str]) -> Any:
        """What the form says. Raises `Refused`: 422."""
        typed = form.get(self.name, "").strip()
        if not typed and self.or_none:
            return None
        try:
            number = float(typed) * self.size
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (self.whole and number != int(number)):
            raise Refused(422, "bad_field", f"{self.name}: a number")
        return int(number) if self.whole else number


@dataclass(frozen=True, slots=True)
class Several:
    """Some of a closed list, a box to tick for each: `name.word`."""

    name: str
    ticks: tuple[StrEnum, ...]

    def shown(self, policy: Policy) -> tuple[str, ...]:
        """Which are ticked."""
        return tuple(one.value for one in self.ticks if one in getattr(policy, self.name))

    def read(self, form: Mapping[str, str]) -> Any:
        """What the form says."""
        return [one.value for one in self.ticks if form.get(f"{self.name}.{one.value}") == "yes"]


Field = YesNo | Choice | Amount | Several

GROUPS: Mapping[str, tuple[Field, ...]] = {
    "who": (
        Choice("code_needs", CodeNeed),
        Choice("typed_needs", TypedNeed),
        YesNo("one_per_identity"),
        Amount("bound_before_s", "hours", HOUR_S, or_none=True),
        Amount("work_quota", "tickets", or_none=True, whole=True),
    ),
    "face": (
        YesNo("needs_face"),
        YesNo("document_reference"),
        Amount("face_frames", "pictures", whole=True),
        Amount("face_wider", "percent", PERCENT),
        YesNo("face_cohort"),
        Amount("face_ready_s", "seconds"),
        Threshold("pad_accept", USUAL_ACCEPT),
        Choice("pad_challenge", PadChallenge),
    ),
    "when": (
        Amount("early_s", "minutes", MINUTE_S),
        Choice("reentry", ReEntryMode),
        Amount("reentry_after_s", "minutes", MINUTE_S),
        YesNo("exits"),
        Amount("occupancy_limit", "persons", or_none=True, whole=True),
        Amount("guardian_within_s", "minutes", MINUTE_S),
    ),
    "visits": (
        Amount("companions", "persons", whole=True),
        YesNo("red_path"),
        Amount("frequent_times", "visits", or_none=True, whole=True),
        Amount("frequent_days", "days", whole=True),
    ),
    "net": (
        YesNo("claims"),
        Choice("offline_rule", OfflineRule),
        Amount("stale_after_s", "hours", HOUR_S),
    ),
    "staff": (
        YesNo("show_portrait"),
        Several("overridable", tuple(reason for reason in Reason if reason in MAY_BE_OVERRIDDEN)),
        YesNo("override_by_two"),
        Amount("refer_s", "seconds"),
        Amount("watch_review_s", "seconds"),
        Choice("watch_fallback", WatchFallback),
    ),
}
FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS.values() for field in group)


def changes(policy: Policy, form: Mapping[str, str]) -> dict[str, Any]:
    """The rules that a form wants otherwise than they are. Raises `Refused`: 422."""
    said = {field.name: field.read(form) for field in FIELDS if field.shown(policy) != _shown(field, form)}
    wanted = {name: value for name, value in said.items() if value != getattr(policy, name)}
    if wanted.get("needs_face") and not policy.bands:  # without bands no face would ever be good enough
        wanted["bands"] = to_builtins(policy_of(Profile.CONCERT, policy.event).bands)
    return wanted


def _shown(field: Field, form: Mapping[str, str]) -> str | bool | tuple[str, ...]:
    """As the form came back: an untouched field must not be rounded by having been shown."""
    if isinstance(field, YesNo):
        return bool(field.read(form))
    return tuple(field.read(form)) if isinstance(field, Several) else form.get(field.name, "").strip()
