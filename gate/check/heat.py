"""How hot the machine is, whether it slows itself down, and whether it gets enough power.

A Raspberry Pi tells power and throttling in one number (`vcgencmd get_throttled`): bits 0 to 3 for now, 16 to 19 for
since the start: under-voltage, capped frequency, throttled, soft temperature limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from gate.check.around import Around, read_text
from gate.check.catalogue import Code, Finding

WARM_C, HOT_C = 75.0, 84.0
_VOLTAGE, _SLOWED = 0x1, 0xE
_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True, slots=True)
class Facts:
    """The hottest zone in degrees Celsius, the Pi's number, and the kernel's own alarm of its supply."""

    hottest_c: float | None = None
    throttled: int = 0
    voltage_alarm: bool = False


def gather(around: Around) -> Facts:
    """Read /sys, and ask vcgencmd where there is one."""
    zones = (read_text(path) for path in (around.root / "sys/class/thermal").glob("thermal_zone*/temp"))
    heats = [int(text) / 1000 for text in zones if text.lstrip("-").isdigit()]
    alarm = any(
        read_text(path / "name") == "rpi_volt" and read_text(path / "in0_lcrit_alarm") == "1"
        for path in (around.root / "sys/class/hwmon").glob("hwmon*")
    )
    return Facts(max(heats, default=None), _throttled(around), alarm)


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if facts.hottest_c is not None and facts.hottest_c >= WARM_C:
        yield Finding(Code.HOT if facts.hottest_c >= HOT_C else Code.WARM, "processor", f"{facts.hottest_c:.0f} °C")
    now, before = facts.throttled & 0xF, facts.throttled >> 16 & 0xF
    told = f"throttled={facts.throttled:#x}"
    if now & _VOLTAGE or facts.voltage_alarm:
        yield Finding(Code.UNDER_VOLTAGE, "power supply", told)
    elif before & _VOLTAGE:
        yield Finding(Code.WAS_UNDER_VOLTAGE, "power supply", told)
    if now & _SLOWED:
        yield Finding(Code.THROTTLED, "processor", told)
    elif before & _SLOWED:
        yield Finding(Code.WAS_THROTTLED, "processor", told)


def _throttled(around: Around) -> int:
    told = (around.run(("vcgencmd", "get_throttled")) or "").strip().removeprefix("throttled=")
    with suppress(ValueError):
        return int(told or around.text(_FIRMWARE), 16)
    return 0
