"""Reads the Prometheus text format, version 0.0.4, and takes nothing that a strict reader would not.

read_exposition(text)["menshen_inside_persons"]    # Read("gauge", {(): 12.0})
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL},)*{_LABEL})\}})? (\S+)")
_TYPES = ("counter", "gauge", "histogram", "summary", "untyped")

Labels = tuple[tuple[str, str], ...]


@dataclass
class Read:
    """One family: its kind, and its samples by suffix and labels."""

    kind: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def value(self, suffix: str = "", **labels: str) -> float:
        """One figure."""
        return self.samples[suffix, tuple(sorted(labels.items()))]


def read_exposition(text: str) -> dict[str, Read]:
    """All families by name. `ValueError` for what is not the format, or says something twice."""
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no line feed")
    found: dict[str, Read] = {}
    told: set[str] = set()
    now = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            now = line.split(" ", 3)[2]
            if now in told or len(line.split(" ", 3)) < 4:
                raise ValueError(f"HELP twice, or empty: {line}")
            told.add(now)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != now or name in found or kind not in _TYPES or not re.fullmatch(_NAME, name):
                raise ValueError(f"TYPE out of place: {line}")
            found[name] = Read(kind)
        else:
            _sample(line, now, found)
    for name, family in found.items():
        _judge(name, family)
    return found


def _sample(line: str, now: str, found: dict[str, Read]) -> None:
    match = _SAMPLE.fullmatch(line)
    if match is None:
        raise ValueError(f"no sample: {line}")
    name, labels, number = match[1], match[2] or "", match.groups()[-1]
    family = found.get(now)
    suffix = name.removeprefix(now)
    allowed = ("_bucket", "_sum", "_count") if family and family.kind == "histogram" else ("",)
    if family is None or not name.startswith(now) or suffix not in allowed:
        raise ValueError(f"a sample outside its family: {line}")
    pairs = [(one[0], _plain(one[1])) for one in re.findall(_LABEL, labels)]
    key = suffix, tuple(sorted(pairs))
    if len({label for label, _ in pairs}) < len(pairs) or key in family.samples:
        raise ValueError(f"twice: {line}")
    family.samples[key] = float(number.replace("Inf", "inf"))


def _judge(name: str, family: Read) -> None:
    if not family.samples:
        raise ValueError(f"{name} has no sample")
    if family.kind == "counter" and not name.endswith("_total"):
        raise ValueError(f"a counter is called …_total, not {name}")
    if family.kind != "histogram":
        return
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (suffix, labels), value in family.samples.items():
        if suffix == "_bucket":
            rest = tuple(pair for pair in labels if pair[0] != "le")
            series.setdefault(rest, []).append((float(dict(labels)["le"].replace("Inf", "inf")), value))
    for labels, buckets in series.items():
        bounds, counts = zip(*sorted(buckets), strict=True)
        if bounds[-1] != float("inf") or list(counts) != sorted(counts):
            raise ValueError(f"{name}: buckets that do not add up")
        if family.samples["_count", labels] != counts[-1] or ("_sum", labels) not in family.samples:
            raise ValueError(f"{name}: the count is not the last bucket's, or there is no sum")


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
