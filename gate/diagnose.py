"""The support bundle: one file that tells how a lane fares and nothing of who came. `gatectl diagnose` writes it.

Each part is gathered by itself; one that fails is named and hides none of the others. The last look is the detector's:
what it finds is blanked, and a part in which something is left even then stays out.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gate.check.around import Around
from gate.detector import Hit, blank, scan_bytes, search
from models.wire import to_json

MOST_PART_BYTES = 4 << 20

Parts = Iterator[tuple[str, bytes]]
Gather = Callable[[Around], Parts]


@dataclass(slots=True)
class Bundle:
    """Parts by name; what was blanked in them by kind; what was left out or failed, and why."""

    parts: dict[str, bytes] = field(default_factory=dict)
    blanked: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def report(self) -> dict[str, object]:
        """What the detector did, for `scan.json`: kinds and counts, never what was found."""
        sizes = {name: len(data) for name, data in self.parts.items()}
        return {"parts": sizes, "blanked": self.blanked, "left_out": self.left_out}


def collect(around: Around, gathers: Iterable[tuple[str, Gather]], known: Iterable[bytes] = ()) -> Bundle:
    """Gather everything, and take out what may not leave the lane. `known` are secrets that must be in no part."""
    bundle, secrets = Bundle(), tuple(known)
    for name, gather in gathers:
        try:
            for part, data in gather(around):
                _add(bundle, part, data, secrets)
        except Exception as error:  # whatever it is, the other parts are still to be had; its words may quote a card
            bundle.left_out[name] = f"could not be gathered: {type(error).__name__}"
    return bundle


def _add(bundle: Bundle, name: str, data: bytes, known: tuple[bytes, ...]) -> None:
    if search(name.encode(), known):
        bundle.left_out[f"part {len(bundle.parts) + len(bundle.left_out) + 1}"] = "its name told something"
        return
    data = _tail(data)
    hits = search(data, known)
    clean = blank(data, hits)
    if left := search(clean, known):  # what stood between two hits, and makes one where they are gone
        clean = blank(clean, [_line_of(clean, hit) for hit in left])
    if any(scan_bytes("", clean, known)):
        kinds = sorted({hit.kind.value for hit in hits}) or ["something"]
        bundle.left_out[name] = f"{', '.join(kinds)} could not be blanked"
        return
    bundle.parts[name] = clean
    if hits:
        bundle.blanked[name] = dict(Counter(hit.kind.value for hit in hits))


def _line_of(data: bytes, hit: Hit) -> Hit:
    """The whole line, or lines, in which it is."""
    end = data.find(b"\n", hit.end)
    return Hit(hit.kind, data.rfind(b"\n", 0, hit.start) + 1, end if end >= 0 else len(data))


def _tail(data: bytes) -> bytes:
    """The last of a part that is too long, from the beginning of a line."""
    if len(data) <= MOST_PART_BYTES:
        return data
    return data[-MOST_PART_BYTES:].partition(b"\n")[2]


def write(bundle: Bundle, path: Path, now: float) -> None:
    """The bundle as a `.tar.gz` that its owner alone can read: whole, or not there. Raises `OSError`."""
    fresh = path.with_name(f".{path.name}.new")
    parts = {**bundle.parts, "scan.json": to_json(bundle.report()) + b"\n"}
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as tar:
                for name, data in sorted(parts.items()):
                    info = tarfile.TarInfo(f"menshen-diagnose/{name}")
                    info.size, info.mtime, info.mode = len(data), int(now), 0o600
                    tar.addfile(info, io.BytesIO(data))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
