"""How `gatectl` ends: its exit codes, and which trouble gives which."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a script may ask for after `gatectl` has ended."""

    DONE = 0
    NOT_RIGHT = 1
    WRONG_USE = 2
    CONFIGURATION = 3
    STORE = 4
    DEVICE = 5
    OUR_FAULT = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.NOT_RIGHT: "it was looked at and is not right: a ledger, a bundle, a table, a rehearsal",
    Exit.WRONG_USE: "the command line asks for what there isn't",
    Exit.CONFIGURATION: "the configuration can't be used; all its problems are told",
    Exit.STORE: "a file, a key or a database can't be used",
    Exit.DEVICE: "a device or its driver is missing, lost or broken",
    Exit.OUR_FAULT: "this program is at fault; please report what it wrote",
    Exit.INTERRUPTED: "interrupted",
}

# By name, so that nothing is imported in order to recognise an error that never came.
_TROUBLES = {
    "gate.config.ConfigError": Exit.CONFIGURATION,
    "models.store.errors.StoreError": Exit.STORE,
    "models.wire.WireError": Exit.STORE,
    "sqlite3.Error": Exit.STORE,
    "drivers.errors.DriverError": Exit.DEVICE,
    "sync.refusals.BundleRefused": Exit.NOT_RIGHT,
    "gate.commands.sync.NotRunning": Exit.NOT_RIGHT,
    "sync.sources.table.SourceRefused": Exit.NOT_RIGHT,
    "sync.bundle_build.CannotBuild": Exit.NOT_RIGHT,
    "gate.calibration.ScoresRefused": Exit.NOT_RIGHT,
    "gate.config_lane.NotALane": Exit.NOT_RIGHT,
    "gate.update_release.UpdateRefused": Exit.NOT_RIGHT,
    "gate.commands._codes.CannotIssue": Exit.NOT_RIGHT,
    "gate.commands.ui.CannotShow": Exit.DEVICE,
    "gate.model_shelf.ModelRefused": Exit.NOT_RIGHT,
    "models.face_card.CardRefused": Exit.NOT_RIGHT,
    "sync.failures.SyncFailed": Exit.NOT_RIGHT,
    "sync.evidence.EvidenceRefused": Exit.NOT_RIGHT,
    "sync.server.upstream_papers.BadCode": Exit.NOT_RIGHT,
    "sync.server.process.CannotServe": Exit.CONFIGURATION,
    "sync.server.problems.Refused": Exit.NOT_RIGHT,
    "gate.daemon.GateFailed": Exit.OUR_FAULT,
}


def exit_for(error: BaseException) -> Exit:
    """The code for a raised error; `OUR_FAULT` for those that nobody foresaw."""
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    for kind in type(error).__mro__:
        if found := _TROUBLES.get(f"{kind.__module__}.{kind.__qualname__}"):
            return found
    return Exit.STORE if isinstance(error, OSError) else Exit.OUR_FAULT


def is_foreseen(error: BaseException) -> bool:
    """Whether the error's own words are enough for a person."""
    return isinstance(error, OSError | KeyboardInterrupt) or any(
        f"{kind.__module__}.{kind.__qualname__}" in _TROUBLES for kind in type(error).__mro__
    )


def table() -> list[tuple[str, str]]:
    """Code and meaning, as `--help` shows them."""
    return [(str(int(code)), meaning) for code, meaning in MEANINGS.items()]
