"""The wizard's test: a synthetic admission in this process, without devices. Then `gatectl check` looks at those."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from gate.clock import Clock
from gate.config import Config
from gate.prove_lane import NoBarrier, Outcome, Trial, TrialLane, nobodys_card, trial_policy
from models.decision import Profile, Verdict
from models.profiles import policy_of
from models.store.errors import StoreError

PREFIX = "setup-trial-"


def admit_nobody(config: Config) -> str:
    """From a card to the end of the passage, on a manifest and a ledger in the state folder that are thrown away.

    Gives what went wrong, or nothing. It proves the program, the disk and the clock, and no device.
    """
    for left in config.gate.state_dir.glob(f"{PREFIX}*"):  # by a test that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(dir=config.gate.state_dir, prefix=PREFIX) as folder:
            outcome = asyncio.run(_admit(config.gate.name, Path(folder) / "trial"))
    except (StoreError, OSError) as error:
        return f"the folder {config.gate.state_dir} does not serve: {error}"
    if outcome.decision is None:
        return "the lane came to no decision"
    said = outcome.decision.decision
    return "" if said.verdict is Verdict.ADMIT and outcome.passage else f"the lane said {said.verdict}: {said.reason}"


async def _admit(gate: str, folder: Path) -> Outcome:
    policy = trial_policy(policy_of(Profile.CARD, ""), face_model="", has_sensor=False)
    return await TrialLane(Trial(gate, folder, nobodys_card(), policy), NoBarrier(), None, Clock()).run()
