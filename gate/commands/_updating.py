"""One update as it is ordered: what stands in its way, the proof by the new version, the services, the record."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from gate.config import ConfigError, load
from gate.update import Machine, Outcome, Wishes, choose, judge, release_keys, update
from gate.update_release import UpdateRefused
from gate.update_shelf import Shelf
from gate.update_stick import place_of
from gate.update_window import look, why_not
from models.store.migrate import newest_version

PROOF_S = 180.0
COME_UP_S = 90.0
LOOK_S = 0.5
_SYSTEMD = Path("/run/systemd/system")


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    source: str
    even_so: str
    wishes: Wishes
    restart: bool
    keys: Path
    home: Path
    config: Path


def carry_out(order: Order) -> Outcome:
    """Update. Raises `UpdateRefused` while nothing has changed."""
    shelf = Shelf(order.home)
    _ask_for_time(order)
    keys = release_keys(order.keys)
    with shelf.locked(), place_of(order.source) as place:
        cleaned = tuple(shelf.clean())
        machine = Machine.this(order.home, {kind: newest_version(kind) for kind in ("ledger", "manifest")})
        release = choose(place, keys, machine.arch)
        judge(release, shelf.current(), machine, order.wishes)
        at_work = order.restart and _SYSTEMD.is_dir()

        def restart() -> None:
            if at_work:
                restart_services()

        def comes_up() -> bool:
            return not at_work or _comes_up(shelf)

        outcome = update(release, shelf, lambda folder: _proof(folder, order.config), restart, comes_up, cleaned)
    _record(order, outcome)
    return outcome


def restart_services() -> None:
    """Have systemd start the lane anew, where there is one."""
    if _SYSTEMD.is_dir():
        subprocess.run(("systemctl", "restart", "gate.target"), check=False)  # noqa: S607 - systemd's own path


def _ask_for_time(order: Order) -> None:
    try:
        state_dir = load(order.config).gate.state_dir if order.config.exists() else None
    except ConfigError:
        state_dir = None  # a lane that can't start has no event
    if (why := why_not(look(state_dir, order.home, time.time()))) and not order.even_so.strip():
        raise UpdateRefused(f'{why}; where it must be, say --even-so "the reason"')


def _proof(folder: Path, config: Path) -> str:
    """Why the version in `folder` can't be relied on; empty where it can."""
    from gate.update_proof import fatal_codes

    known = ",".join(fatal_codes(config)) if config.exists() else ""
    words = (str(folder / "bin/gatectl"), "update", "prove", "--config", str(config), "--but", known)
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PROOF_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"the new version did not prove itself within {PROOF_S:g} s"
    except OSError as error:
        return f"the new version can't be started: {error.strerror}"
    return "" if done.returncode == 0 else (done.stdout or done.stderr).strip()[-500:] or "it proved nothing"


def _comes_up(shelf: Shelf) -> bool:
    """systemd takes the trial away when the gate is ready, or puts the former version back."""
    ends = time.monotonic() + COME_UP_S
    while time.monotonic() < ends:
        if shelf.was_returned():
            return False
        if not shelf.on_trial():
            return True
        threading.Event().wait(LOOK_S)
    return False


def _record(order: Order, outcome: Outcome) -> None:
    """A line of who brought what and why, beside the versions; and to the journal."""
    line = {"at": time.time(), "before": outcome.before, "wanted": outcome.wanted, "now": outcome.now}
    line |= {"why": outcome.why, "even_so": order.even_so, "by": os.environ.get("SUDO_USER", "")}
    with (order.home / "updates.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
