"""What keeps a manifest from being published: `sync.findings` of the kind that is an error."""

from __future__ import annotations

from collections.abc import Sequence

from models.decision import Policy, Profile
from sync.bundle_build import CannotBuild
from sync.findings import REAL_NAME, Finding, Rule, Severity, findings
from sync.holding import Holding

_SHOWN = 20


class RulesBroken(CannotBuild):
    """Published like this, the manifest would break rules that its profile must keep: all are in `violations`."""

    def __init__(self, broken: Sequence[Finding]) -> None:
        self.findings = tuple(broken)
        self.violations = tuple(finding.words for finding in broken)
        shown = "".join(f"\n  {violation}" for violation in self.violations[:_SHOWN])
        more = len(self.violations) - _SHOWN
        super().__init__(f"{len(broken)} rules are broken{shown}" + (f"\n  and {more} more" if more > 0 else ""))


def refuse_broken_rules(
    holdings: Sequence[Holding], policy: Policy, issued_at: float, rules: Sequence[Rule] = REAL_NAME
) -> None:
    """Raise `RulesBroken` when `policy` is a concert's and the tickets, revoked ones aside, break its rules."""
    if policy.profile is Profile.CONCERT:
        refuse_errors(findings(holdings, policy, issued_at, rules))


def refuse_errors(found: Sequence[Finding]) -> None:
    """Raise `RulesBroken` with those of `found` that are errors, if there are any."""
    if errors := [finding for finding in found if finding.severity is Severity.ERROR]:
        raise RulesBroken(errors)
