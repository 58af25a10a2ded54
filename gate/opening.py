"""What a gate opens before anything else: its keys, its ledger, its manifest, and the rules it tightens."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gate.clock import Clock
from gate.config import Config
from gate.listed import SharedList
from gate.stores import Stores
from gate.tighten import Loosening, tighten
from models.decision import Policy
from models.store.keys import load_or_make_signing_key
from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey

_log = logging.getLogger("gate.daemon")


def open_stores(config: Config, clock: Clock) -> Stores:
    """Both databases, with keys that are made where there are none. Raises `StoreError`."""
    folder, keys = config.gate.state_dir, config.secrets
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = load_or_make_signing_key(keys.signing_key)
    device_key = DeviceKey.load(keys.device_key) if keys.device_key.exists() else DeviceKey.make(keys.device_key)
    ledger = Ledger.open(folder / "ledger.db", key, gate=config.gate.name, clock=clock.wall)
    shared = SharedList(folder / "watch.db", device_key, config.gate.name, clock.wall)
    return Stores(ledger, ManifestReader(folder / "manifest.db", device_key), tightening(config), shared)


def tightening(config: Config) -> Callable[[Policy], Policy]:
    """The policy as this device's own configuration tightens it; what would loosen it is told and left out."""

    def tightened(policy: Policy) -> Policy:
        try:
            return tighten(policy, config.policy)
        except Loosening as loosening:
            for problem in loosening.problems:
                _log.error("this device's own rule is not used: %s", problem)
            return loosening.policy

    return tightened
