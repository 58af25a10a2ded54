"""One target under atheris: `python -m tests.fuzz sam_frames 60 corpus/`. Fails at a finding, and keeps its input."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["drivers", "models", "gate", "sync"]):
    from tests.fuzz.targets import LONGEST, TARGETS


def main(name: str, seconds: str, corpus: str) -> None:
    """Feed the target until the time is over. What was found stays in `corpus`, the input of a finding beside it."""
    target, folder = TARGETS[name], Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=5", "-rss_limit_mb=1024", "-verbosity=0"]
    where = [f"-artifact_prefix={folder.parent}/", f"-seed={os.environ.get('MENSHEN_FUZZ_SEED', '1')}", corpus]
    atheris.Setup([sys.argv[0], *limits, *where], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
