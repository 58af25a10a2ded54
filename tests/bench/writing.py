"""A bench's figures for programs: JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.bench.figures import Section


def write(out: Path, machine: dict[str, Any], done: list[Section], broken: list[str]) -> None:
    """All sections and the machine, into the file `out`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = {"machine": machine, "broken": broken, "sections": {section.name: section.as_dict() for section in done}}
    out.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
