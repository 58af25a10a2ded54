"""Tables of the configuration that stand beside the lane itself: staff, sync process, what is kept and measured."""

# ruff: noqa: RUF009  # a setting is a dataclass field, made by a function of ours
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gate import setting as kinds
from gate.setting import setting

_DAYS = kinds.number(0, 3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """`[staff]`: who works at this lane; with a book a word needs a shift, an override a PIN."""

    book: Path | None = setting(
        kinds.OPTIONAL_PATH, '""', 'as in "/var/lib/menshen/staff.json"; "": none; see gatectl staff', None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """`[sync]`: how `gatectl sync` keeps in step with the centre; where that is, it knows since `gatectl enrol`."""

    socket: Path = setting(
        kinds.ABSOLUTE_PATH, '"/run/menshen/sync.sock"', "a Unix socket", Path("/run/menshen/sync.sock")
    )
    contact_s: float = setting(kinds.number(1, 300), "10.0", "how often it gives a sign of life", 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """`[keep]`: how many days things stay on this device, purpose by purpose; and the ballast."""

    ledger_days: float = setting(
        _DAYS, "7.0", "then lines that the centre holds move into a compressed archive; 0: at once", 7.0
    )
    archive_days: float = setting(
        _DAYS, "0.0", "then an archive whose lines the centre holds is destroyed, by receipt; 0: it stays for ever", 0.0
    )
    manifest_days: float = setting(_DAYS, "3.0", "after its last day the manifest is destroyed, by gatectl sync", 3.0)
    logs_days: float = setting(_DAYS, "14.0", "files in the folder logs; the journal has limits of its own", 14.0)
    tapes_days: float = setting(_DAYS, "1.0", "tapes of the bytes on a wire, which hold what the cards hold", 1.0)
    support_days: float = setting(_DAYS, "7.0", "support bundles in the folder support", 7.0)
    snapshots_days: float = setting(_DAYS, "1.0", "pictures in the folder snapshots; none is made today", 1.0)
    leftovers_days: float = setting(
        _DAYS, "30.0", "wrong PINs of people who left, drafts of files that a power cut left behind", 30.0
    )
    ballast_mb: float = setting(
        kinds.number(0, 4096), "64.0", "space held back for the ledger, given up when the disk is full", 64.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """`[metrics]`: figures for Prometheus, always on a Unix socket, and on an address where one is given."""

    socket: Path | None = setting(
        kinds.OPTIONAL_PATH, '""', "a Unix socket; without a name metrics.sock beside the gate's", None
    )
    address: str = setting(
        kinds.text(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):[1-9][0-9]{0,4}|", 'host:port, or "" for none'),
        '""',
        'where gatectl sync tells them over the network, as in "10.0.0.7:9464"',
        "",
    )
