"""A power supply that lasts through a cut, where the kernel or a sensor names one.

A UPS on USB stands in `/sys/class/power_supply` only where its driver puts it there; a contact of the UPS may be wired
to a further input. Where nothing names one, nobody can tell, and that is what is written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LASTING = ("UPS", "Battery")


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply. `on_mains`: `None` where it does not say. `charge` in per cent, where it says."""

    name: str
    kind: str
    on_mains: bool | None = None
    charge: int | None = None


def supplies(root: Path = Path("/")) -> list[Supply]:
    """What the kernel knows."""
    folder = root / "sys/class/power_supply"
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [_supply(entry) for entry in entries if _text(entry / "type")]


def lasting(found: list[Supply]) -> list[Supply]:
    """Those that go on when the mains are cut."""
    return [one for one in found if one.kind in _LASTING]


def runs_on_battery(found: list[Supply]) -> bool:
    """Whether the mains are away now."""
    return any(one.on_mains is False for one in found)


def _supply(entry: Path) -> Supply:
    online, status, charge = _text(entry / "online"), _text(entry / "status"), _text(entry / "capacity")
    on_mains = online != "0" if online else status != "Discharging" if status else None
    return Supply(entry.name, _text(entry / "type"), on_mains, int(charge) if charge.isdigit() else None)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
