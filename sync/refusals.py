"""Why a bundle is refused. Each refusal has a code that never changes its meaning, and a sentence that says what to do.

BundleRefused (ValueError)
├── NotABundle       not_a_bundle      another kind of file
├── NewerFormat      newer_format      written for a newer program
├── UnknownIssuer    unknown_issuer    nobody we trust
├── BadSignature     bad_signature     not what its issuer signed
├── PartsChanged     parts_changed     the parts are not those of this header
├── CutShort         cut_short         the file ends too early
├── EndlessData      endless_data      more data than the header declares, or than we ever take
├── Malformed        malformed         signed, and yet nonsense: the issuer's program is at fault
├── OtherEvent       other_event       for another event
├── OtherGate        other_gate        not made for this gate
├── RolledBack       rolled_back       not newer than what is, or was, installed
├── Expired          expired           too old: perhaps somebody holds back the newer ones
├── ClockBehind      clock_behind      issued in this gate's future, so its clock can't be right
├── NotNext          not_next          a delta on top of another manifest than the one installed
└── SuddenlyEmpty    suddenly_empty    fewer than half of the tickets, and the issuer did not say it on purpose
"""

from __future__ import annotations

from typing import ClassVar


class BundleRefused(ValueError):
    """Root of the tree. Nothing was written."""

    code: ClassVar[str] = "refused"


class NotABundle(BundleRefused):
    """Another kind of file."""

    code = "not_a_bundle"


class NewerFormat(BundleRefused):
    """Written for a newer program."""

    code = "newer_format"


class UnknownIssuer(BundleRefused):
    """Nobody we trust."""

    code = "unknown_issuer"


class BadSignature(BundleRefused):
    """Not what its issuer signed."""

    code = "bad_signature"


class PartsChanged(BundleRefused):
    """The parts are not those of this header."""

    code = "parts_changed"


class CutShort(BundleRefused):
    """The file ends too early."""

    code = "cut_short"


class EndlessData(BundleRefused):
    """More data than the header declares, or than we ever take."""

    code = "endless_data"


class Malformed(BundleRefused):
    """Signed, and yet nonsense."""

    code = "malformed"


class OtherEvent(BundleRefused):
    """For another event."""

    code = "other_event"


class OtherGate(BundleRefused):
    """Not made for this gate."""

    code = "other_gate"


class RolledBack(BundleRefused):
    """Not newer than what is, or was, installed."""

    code = "rolled_back"


class Expired(BundleRefused):
    """Too old."""

    code = "expired"


class ClockBehind(BundleRefused):
    """Issued in this gate's future."""

    code = "clock_behind"


class NotNext(BundleRefused):
    """A delta on top of another manifest than the one installed."""

    code = "not_next"


class SuddenlyEmpty(BundleRefused):
    """Fewer than half of the tickets."""

    code = "suddenly_empty"
