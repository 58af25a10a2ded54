"""From what was counted on a device's wire to what is wrong with it, in words, and where to look first.

`diagnose` is a plain function, so that a table can hold it: no clock, no device. Several things may be wrong at once;
the first finding is the one to mend first, since it may cause the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """What may be wrong, worst first."""

    PORT = "port"
    ECHO = "echo"
    SILENT = "silent"
    SPEED = "speed"
    MODULE = "module"
    LINE = "line"
    PLUG = "plug"
    LATE = "late"
    RADIO = "radio"
    SLOW = "slow"
    IDLE = "idle"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what it is, and the wire or setting to look at next (empty where all is well)."""

    trouble: Trouble
    words: str
    look_at: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """What was counted. `asks`: the host asks and the device answers; `knows`: somebody understands its language.

    `radio` counts cards that were there and failed in the field, `found` those that were found at all.
    """

    asks: bool = True
    knows: bool = True
    opened: bool = True
    wired: bool = True  # a byte stream was opened, so that bytes could be counted
    bytes_in: int = 0
    bytes_out: int = 0
    echoed: int = 0
    questions: int = 0
    unanswered: int = 0
    repeats: int = 0
    frames: int = 0
    bad_checks: int = 0
    noise: int = 0
    found: int = 0
    radio: int = 0
    alarms: int = 0
    remote: int = 0
    local: int = 0
    reconnects: int = 0
    got: int = 0  # cards, signals, pictures or answered polls that the driver gave
    timed_out: int = 0  # times that the driver said so
    longest_gap_s: float = 0.0
    p50_s: float = 0.0  # of the reads that the driver timed
    p95_s: float = 0.0


SLOW_READ_S = 2.5
FEW = 0.02
"""So large a share of damage is a cable's; below it, interference."""


def diagnose(signs: Signs) -> tuple[Finding, ...]:
    """What is wrong, worst first; one finding of `NONE` or `IDLE` where nothing is."""
    found = sorted(filter(None, (rule(signs) for rule in RULES)), key=lambda one: list(Trouble).index(one.trouble))
    return tuple(found) or (_well(signs),)


def decoding(signs: Signs) -> str:
    """Where an ID card's chip is decoded: `local`, in the reader; `remote`, over a network; empty where unknown."""
    if signs.remote:
        return "remote"
    return "local" if signs.local else ""


def _port(s: Signs) -> Finding | None:
    if s.opened or s.wired:
        return None
    look = "what the message says; `gatectl devices list` shows what is plugged in here"
    return Finding(Trouble.PORT, "the device could not be opened at all", look)


def _echo(s: Signs) -> Finding | None:
    if not s.echoed:
        return None
    if not s.frames:
        words = "our own bytes come back and nothing else"
        look = "TX and RX touch each other, or the plug is a loop-back; on RS-485 the device is not on this pair"
        return Finding(Trouble.ECHO, words, look)
    look = "the RS-485 adapter listens while it sends: switch its echo off (receive enable tied to transmit enable)"
    return Finding(Trouble.ECHO, "our own bytes come back before the answers", look)


def _silent(s: Signs) -> Finding | None:
    if s.bytes_in or not s.wired or not s.asks or not s.questions:
        return None
    look = "in this order: the device's power; TX and RX swapped (A and B on RS-485); the right port; the baud rate"
    return Finding(Trouble.SILENT, f"{s.bytes_out} bytes went out and nothing came back", look)


def _speed(s: Signs) -> Finding | None:
    strangers = s.noise if s.asks else 2 * s.noise - s.bytes_in // 2  # a scanner's text may have odd characters
    if not s.knows or not s.bytes_in or s.frames or s.bad_checks or strangers <= 0 or _only_echo(s):
        return None
    look = "the baud rate: try `gatectl devices probe URL KIND --baud probe`; then A and B swapped, or another device"
    return Finding(Trouble.SPEED, f"{s.bytes_in} bytes came, and not one frame among them", look)


def _line(s: Signs) -> Finding | None:
    if not (s.bad_checks or (s.frames and s.noise)):
        return None
    share = s.bad_checks / (s.bad_checks + s.frames)
    words = f"{s.bad_checks} of {s.bad_checks + s.frames} frames damaged, {s.noise} bytes between frames"
    if s.frames and share < FEW and s.noise < s.bytes_in * FEW:
        return Finding(Trouble.LINE, f"{words}: some interference", "the cable's way beside motors and mains; ground")
    look = "the ground wire first, then plug and cable; a shorter or shielded cable; RS-485: the terminating resistors"
    return Finding(Trouble.LINE, words, look)


def _late(s: Signs) -> Finding | None:
    if not s.bytes_in or not s.frames or not (s.unanswered or s.timed_out) or s.bad_checks or s.noise:
        return None
    look = "the device's power supply under load; answer_s= in the URL where a device server or network is in between"
    return Finding(Trouble.LATE, f"{s.unanswered or s.timed_out} questions without an answer, the others good", look)


def _plug(s: Signs) -> Finding | None:
    if not s.reconnects:
        return None
    look = "plug, cable and USB power (a hub of its own); no autosuspend; is the port used by another program?"
    return Finding(Trouble.PLUG, f"the device went away {s.reconnects} times", look)


def _module(s: Signs) -> Finding | None:
    if not s.alarms:
        return None
    return Finding(Trouble.MODULE, "the reader's module says that it is out of order", "its maker: it needs service")


def _radio(s: Signs) -> Finding | None:
    if not s.radio or s.radio * 4 <= s.found:
        return None
    words = f"the line is used well, and {s.radio} looks at a card failed in the reader's field ({s.found} found)"
    look = "metal behind or around the reader, a second reader near it, several cards in one wallet, a weak 5 V supply"
    return Finding(Trouble.RADIO, words, look)


def _slow(s: Signs) -> Finding | None:
    if s.p95_s < SLOW_READ_S:
        return None
    words = f"one read in twenty takes {s.p95_s:.1f} s or more"
    if decoding(s) == "remote":
        return Finding(Trouble.SLOW, f"{words}, and the chip is decoded over a network", "the reader's own network")
    return Finding(Trouble.SLOW, words, "how the card lies: flat and still; the baud rate (115200 where it can)")


def _only_echo(s: Signs) -> bool:
    return s.echoed > 0 and s.bytes_in <= s.bytes_out


def _well(s: Signs) -> Finding:
    if s.wired and not s.asks and not s.bytes_in and not s.got:
        look = "give it something to say (a code, a turn); if it stays so: power, RX wire, the right port"
        return Finding(Trouble.IDLE, "nothing was said, and nobody asked", look)
    if s.frames and not s.got:
        return Finding(Trouble.NONE, "the line is well; nothing was presented")
    return Finding(Trouble.NONE, "nothing wrong was seen")


RULES: tuple[Callable[[Signs], Finding | None], ...] = (
    *(_port, _echo, _silent, _speed, _module, _line, _plug, _late, _radio, _slow),
)
